"""Descriptions of arguments, for the client's model.

uv run python examples/fastmcp/parameter_descriptions.py
"""

from pydantic import Field

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Parameter Descriptions Server")


@mcp.tool()
def greet_user(
    name: str = Field(description="The name of the person to greet"),
    title: str = Field(description="Optional title like Mr/Ms/Dr", default=""),
    times: int = Field(description="Number of times to repeat the greeting", default=1, ge=1, le=10),
) -> str:
    """Greet a user with optional title and repetition"""
    return "\n".join([f"Hello {title} {name}!" if title else f"Hello {name}!"] * times)


if __name__ == "__main__":
    mcp.run()
