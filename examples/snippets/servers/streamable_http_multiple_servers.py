"""Two servers, at /api and /chat themselves rather than /api/mcp and /chat/mcp.

uv run uvicorn --app-dir examples/snippets/servers streamable_http_multiple_servers:app
"""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.routing import Mount

from mcp.server.fastmcp import FastMCP

api_mcp = FastMCP("API Server", json_response=True)
chat_mcp = FastMCP("Chat Server", json_response=True)


@api_mcp.tool()
def api_status() -> str:
    """How the API is."""
    return "API is running"


@chat_mcp.tool()
def send_message(message: str) -> str:
    """Send a message."""
    return f"Message sent: {message}"


# The endpoint within each mounted application.
api_mcp.settings.streamable_http_path = "/"
chat_mcp.settings.streamable_http_path = "/"


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(api_mcp.session_manager.run())
        await stack.enter_async_context(chat_mcp.session_manager.run())
        yield


app = Starlette(
    routes=[
        Mount("/api", app=api_mcp.streamable_http_app()),
        Mount("/chat", app=chat_mcp.streamable_http_app()),
    ],
    lifespan=lifespan,
)
