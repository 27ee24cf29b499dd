"""A low-level server that makes whole results: content, structured content and `_meta`.

uv run python examples/snippets/servers/lowlevel/direct_call_tool_result.py
"""

from typing import Any

import anyio

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("example-server")


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    schema = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
    return [types.Tool(name="advanced_tool", description="With everything", inputSchema=schema)]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=f"Processed: {arguments['message']}")],
        structuredContent={"result": "success", "message": arguments["message"]},
        _meta={"hidden": "data for client applications only"},
    )


async def main() -> None:
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
