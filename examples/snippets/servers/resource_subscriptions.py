"""Clients subscribe to a resource and are told when it changes.

Subscriptions are a matter of the low-level server: the program remembers who wants to know.
"""

from typing import Any
from weakref import WeakSet

import anyio
from pydantic import AnyUrl

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.session import ServerSession
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("subscriptions")

COUNTER = AnyUrl("counter://value")
count = 0
subscribers: WeakSet[ServerSession] = WeakSet()


@server.list_resources()
async def list_resources() -> list[types.Resource]:
    return [types.Resource(uri=COUNTER, name="counter", mimeType="text/plain")]


@server.read_resource()
async def read_resource(uri: AnyUrl) -> list[ReadResourceContents]:
    if uri != COUNTER:
        raise ValueError(f"Unknown resource: {uri}")
    return [ReadResourceContents(str(count), "text/plain")]


@server.subscribe_resource()
async def subscribe(uri: AnyUrl) -> None:
    if uri != COUNTER:
        raise ValueError(f"Unknown resource: {uri}")
    subscribers.add(server.request_context.session)


@server.unsubscribe_resource()
async def unsubscribe(uri: AnyUrl) -> None:
    subscribers.discard(server.request_context.session)


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [types.Tool(name="increment", description="Count on", inputSchema={"type": "object"})]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
    global count
    count += 1
    for session in list(subscribers):
        await session.send_resource_updated(COUNTER)
    return [types.TextContent(type="text", text=str(count))]


async def main() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
