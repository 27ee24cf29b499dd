"""A tool that makes its whole result itself, with a schema for the structured part.

uv run python examples/fastmcp/direct_call_tool_result_return.py
"""

from typing import Annotated

from pydantic import BaseModel

from mcp.server.fastmcp import FastMCP
from mcp.types import CallToolResult, TextContent

mcp = FastMCP("Echo Server")


class EchoResponse(BaseModel):
    """The structured part."""

    text: str


@mcp.tool()
def echo(text: str) -> Annotated[CallToolResult, EchoResponse]:
    """Echo the input text with structure and metadata"""
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structuredContent={"text": text},
        _meta={"some": "metadata"},
    )


if __name__ == "__main__":
    mcp.run()
