"""Headers, timeouts and authentication of an HTTP connection: they are those of an httpx client.

uv run python examples/snippets/servers/oauth_server.py
uv run python examples/snippets/clients/streamable_options.py [URL]
"""

import sys

import anyio
import httpx

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main(url: str) -> None:
    async with httpx.AsyncClient(
        headers={"Authorization": "Bearer secret"},
        # A read timeout shorter than the silence of a slow tool would break its stream.
        timeout=httpx.Timeout(10, read=300),
    ) as http_client:
        async with streamable_http_client(url, http_client=http_client) as (read, write, _):
            async with ClientSession(read, write) as session:
                await session.initialize()
                print((await session.call_tool("whoami")).structuredContent)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/mcp")
