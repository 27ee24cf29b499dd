"""A server that answers on one host name only; others get 404.

uv run uvicorn --app-dir examples/snippets/servers streamable_http_host_mounting:app
"""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.routing import Host

from mcp.server.fastmcp import FastMCP
from mcp.server.transport_security import TransportSecuritySettings

mcp = FastMCP(
    "MCP Host App",
    json_response=True,
    # Only local names are let in by default.
    transport_security=TransportSecuritySettings(allowed_hosts=["mcp.acme.corp"]),
)


@mcp.tool()
def domain_info() -> str:
    """Where this is served."""
    return "This is served from mcp.acme.corp"


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with mcp.session_manager.run():
        yield


app = Starlette(routes=[Host("mcp.acme.corp", app=mcp.streamable_http_app())], lifespan=lifespan)
