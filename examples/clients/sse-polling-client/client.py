"""A client of a server that hangs up on long calls. There is nothing to do: the transport comes back by itself.

uv run python examples/servers/sse-polling-demo/server.py
uv run python examples/clients/sse-polling-client/client.py [URL]
"""

import sys

import anyio

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import LoggingMessageNotificationParams


async def on_log(params: LoggingMessageNotificationParams) -> None:
    print(params.data)


async def main(url: str) -> None:
    async with (
        streamable_http_client(url) as (read, write, _),
        ClientSession(read, write, logging_callback=on_log) as session,
    ):
        await session.initialize()
        result = await session.call_tool("process_batch", {"items": 7, "checkpoint_every": 3})
        print(result.structuredContent)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000/mcp")
