"""A client that wants to know when a resource changes.

uv run python examples/snippets/clients/subscription_client.py
"""

import sys
from pathlib import Path
from typing import Any

import anyio
from pydantic import AnyUrl

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

SERVER = Path(__file__).parents[1] / "servers" / "resource_subscriptions.py"
COUNTER = AnyUrl("counter://value")

changed = anyio.Event()


async def on_message(message: Any) -> None:
    """All notifications of the server; also those that lists have changed."""
    if isinstance(message, types.ServerNotification) and isinstance(message.root, types.ResourceUpdatedNotification):
        print(f"{message.root.params.uri} has changed")
        changed.set()


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with (
        stdio_client(parameters) as (read, write),
        ClientSession(read, write, message_handler=on_message) as session,
    ):
        await session.initialize()
        await session.subscribe_resource(COUNTER)
        await session.call_tool("increment")
        await changed.wait()
        print((await session.read_resource(COUNTER)).contents[0])
        await session.unsubscribe_resource(COUNTER)


if __name__ == "__main__":
    anyio.run(main)
