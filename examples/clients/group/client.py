"""Several servers as one: their tools, resources and prompts in one table, each under a name of its own.

uv run python examples/clients/group/client.py
"""

import sys
from pathlib import Path

import anyio

from mcp import ClientSessionGroup, StdioServerParameters
from mcp.types import Implementation

SERVERS = Path(__file__).parents[2]


def parameters(path: str) -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=[str(SERVERS / path)])


def name_of(name: str, server: Implementation) -> str:
    """Two servers may have tools of the same name."""
    return f"{server.name}.{name}".replace(" ", "-")


async def main() -> None:
    async with ClientSessionGroup(component_name_hook=name_of) as group:
        await group.connect_to_server(parameters("servers/echo/server.py"))
        books = await group.connect_to_server(parameters("servers/sqlite_explorer/server.py"))

        print(f"Tools: {sorted(group.tools)}")
        print((await group.call_tool("Echo.echo_tool", {"message": "hello"})).structuredContent)
        print((await group.call_tool("SQLite-Explorer.list_tables", {})).structuredContent)

        await group.disconnect_from_server(books)
        print(f"Tools: {sorted(group.tools)}")


if __name__ == "__main__":
    anyio.run(main)
