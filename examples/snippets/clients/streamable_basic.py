"""A client of a Streamable HTTP server.

uv run python examples/snippets/servers/fastmcp_quickstart.py
uv run python examples/snippets/clients/streamable_basic.py [URL]
"""

import sys

import anyio

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main(url: str) -> None:
    async with streamable_http_client(url) as (read_stream, write_stream, get_session_id):
        async with ClientSession(read_stream, write_stream) as session:
            await session.initialize()
            print(f"Session: {get_session_id()}")
            tools = await session.list_tools()
            print(f"Tools: {[tool.name for tool in tools.tools]}")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000/mcp")
