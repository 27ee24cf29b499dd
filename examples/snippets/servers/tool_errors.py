"""How tools fail: the model gets the text of the exception, and may try again with better arguments."""

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.types import CallToolResult, TextContent

mcp = FastMCP("Tool Errors Example")


@mcp.tool()
def divide(a: float, b: float) -> float:
    """Divide; any exception becomes a result with `isError`."""
    return a / b


@mcp.tool()
def withdraw(amount: int) -> str:
    """A ToolError is meant for clients: its text is shown even with `mask_error_details=True`."""
    if amount > 100:
        raise ToolError("No more than 100 a day")
    return f"Here you are: {amount}"


@mcp.tool()
def lookup(key: str) -> CallToolResult:
    """A result of one's own: no prefix, and any content."""
    return CallToolResult(content=[TextContent(type="text", text=f"No entry {key!r}")], isError=True)


if __name__ == "__main__":
    mcp.run()
