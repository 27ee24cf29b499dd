"""A client on the official 2.x package: python python2_client.py stdio COMMAND ARGS… | http URL. Prints what it saw."""

import json
import sys
from typing import Any

import anyio

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client


async def use(read: Any, write: Any) -> None:
    async with ClientSession(read, write) as session:
        server: Any = await session.initialize()
        tools = await session.list_tools()
        result: Any = await session.call_tool("add", {"a": 1, "b": 2})
        resource: Any = await session.read_resource("config://app")
        prompt: Any = await session.get_prompt("greet_user", {"name": "Bob"})
        seen = [
            server.server_info.name,
            [tool.name for tool in tools.tools],
            result.structured_content,
            resource.contents[0].text.split()[0],
            prompt.messages[0].content.text.split()[-1],
        ]
        print(json.dumps(seen))


async def main() -> None:
    if sys.argv[1] == "stdio":
        async with stdio_client(StdioServerParameters(command=sys.argv[2], args=sys.argv[3:])) as (read, write):
            await use(read, write)
    else:
        async with streamable_http_client(sys.argv[2]) as streams:
            await use(*streams[:2])


anyio.run(main)
