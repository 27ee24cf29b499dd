"""The smallest server there is.

uv run python examples/fastmcp/simple_echo.py
"""

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Echo Server")


@mcp.tool()
def echo(text: str) -> str:
    """Echo the input text"""
    return text


if __name__ == "__main__":
    mcp.run()
