"""A client of a server that speaks the older HTTP+SSE transport.

uv run mcp run --transport sse examples/snippets/servers/basic_tool.py
uv run python examples/snippets/clients/sse_client.py [URL]
"""

import sys

import anyio

from mcp import ClientSession
from mcp.client.sse import sse_client


async def main(url: str) -> None:
    async with sse_client(url) as (read_stream, write_stream):
        async with ClientSession(read_stream, write_stream) as session:
            await session.initialize()
            tools = await session.list_tools()
            print(f"Tools: {[tool.name for tool in tools.tools]}")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000/sse")
