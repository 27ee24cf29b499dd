"""A server inside a FastAPI application, at /mcp. FastAPI is not a dependency of this package.

uv run --with fastapi uvicorn --app-dir examples/snippets/servers streamable_http_fastapi:app
"""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Shop", streamable_http_path="/")

STOCK = {"apples": 3, "pears": 5}


@mcp.tool()
def stock(item: str) -> int:
    """How many there are."""
    return STOCK.get(item, 0)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with mcp.session_manager.run():
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/stock/{item}")
def read_stock(item: str) -> dict[str, int]:
    """The same for programs that speak plain HTTP."""
    return {item: stock(item)}


# Last, since a mount takes every path below it.
app.mount("/mcp", mcp.streamable_http_app())
