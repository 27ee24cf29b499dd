"""A server mounted at the root of an application: the endpoint is /mcp.

uv run uvicorn --app-dir examples/snippets/servers streamable_http_basic_mounting:app
"""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.routing import Mount

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("My App", json_response=True)


@mcp.tool()
def hello() -> str:
    """Say hello."""
    return "Hello from MCP!"


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with mcp.session_manager.run():
        yield


app = Starlette(routes=[Mount("/", app=mcp.streamable_http_app())], lifespan=lifespan)
