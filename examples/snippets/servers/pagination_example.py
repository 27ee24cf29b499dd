"""Pages of a long list: the cursor is the server's business, clients only hand it back."""

from typing import Any

import anyio
from pydantic import AnyUrl

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("paginated-server")

ITEMS = [f"Item {number}" for number in range(1, 101)]
PAGE = 10


@server.list_resources()
async def list_resources(request: types.ListResourcesRequest) -> types.ListResourcesResult:
    """A handler that takes the request may return a page."""
    cursor = request.params.cursor if request.params else None
    start = 0 if cursor is None else int(cursor)
    end = start + PAGE
    return types.ListResourcesResult(
        resources=[types.Resource(uri=AnyUrl(f"resource://items/{item}"), name=item) for item in ITEMS[start:end]],
        nextCursor=str(end) if end < len(ITEMS) else None,
    )


async def main() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
