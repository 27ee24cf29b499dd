"""A server of ours whose tool takes a few turns of the event loop, and one that tells what its session is busy with."""

from typing import Any

import anyio
import anyio.lowlevel

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

server: Server[Any, Any] = Server("echo")


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [types.Tool(name=name, inputSchema={"type": "object"}) for name in ("echo", "statistics")]


@server.call_tool(validate_input=False)
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
    if name == "statistics":
        with anyio.move_on_after(5):
            while (found := list(server.request_context.session.statistics())) != [0, 1, 0]:
                await anyio.sleep(0.01)
        return [types.TextContent(type="text", text=str(found))]
    for _ in range(arguments["turns"]):
        await anyio.lowlevel.checkpoint()
    return [types.TextContent(type="text", text=str(arguments["number"]))]


async def main() -> None:
    async with stdio_server() as streams:
        await server.run(*streams, server.create_initialization_options())


anyio.run(main)
