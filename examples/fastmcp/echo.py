"""A tool, a resource, a resource template and a prompt, which all say what they are told.

uv run python examples/fastmcp/echo.py
"""

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Echo Server")


@mcp.tool()
def echo_tool(text: str) -> str:
    """Echo the input text"""
    return text


@mcp.resource("echo://static")
def echo_resource() -> str:
    """Always the same."""
    return "Echo!"


@mcp.resource("echo://{text}")
def echo_template(text: str) -> str:
    """Echo the input text"""
    return f"Echo: {text}"


@mcp.prompt("echo")
def echo_prompt(text: str) -> str:
    """Echo the input text"""
    return text


if __name__ == "__main__":
    mcp.run()
