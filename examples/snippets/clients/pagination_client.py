"""All pages of a list.

uv run python examples/snippets/clients/pagination_client.py
"""

import sys
from pathlib import Path

import anyio

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import PaginatedRequestParams, Resource

SERVER = Path(__file__).parents[1] / "servers" / "pagination_example.py"


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()

        resources: list[Resource] = []
        cursor: str | None = None
        while True:
            page = await session.list_resources(params=PaginatedRequestParams(cursor=cursor))
            resources += page.resources
            cursor = page.nextCursor
            if cursor is None:
                break
        print(f"{len(resources)} resources, the last is {resources[-1].name}")


if __name__ == "__main__":
    anyio.run(main)
