"""A client that tells the server in which folders to work.

uv run python examples/snippets/clients/roots_example.py
"""

import sys
from pathlib import Path
from typing import Any

import anyio
from pydantic import FileUrl

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.context import RequestContext

SERVER = Path(__file__).parents[1] / "servers" / "roots.py"

folders = [Path.cwd()]


async def list_roots(context: RequestContext[ClientSession, Any]) -> types.ListRootsResult:
    roots = [types.Root(uri=FileUrl(folder.as_uri()), name=folder.name) for folder in folders]
    return types.ListRootsResult(roots=roots)


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with (
        stdio_client(parameters) as (read, write),
        ClientSession(read, write, list_roots_callback=list_roots) as session,
    ):
        await session.initialize()
        print((await session.call_tool("where_to_work")).structuredContent)

        folders.append(Path.cwd().parent)
        await session.send_roots_list_changed()
        print((await session.call_tool("where_to_work")).structuredContent)


if __name__ == "__main__":
    anyio.run(main)
