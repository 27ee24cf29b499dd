"""A server for clients that run in a browser.

uv run uvicorn --app-dir examples/snippets/servers streamable_http_cors:app
"""

from starlette.middleware.cors import CORSMiddleware

from mcp.server.fastmcp import FastMCP
from mcp.server.transport_security import TransportSecuritySettings

ORIGIN = "https://app.example.com"

mcp = FastMCP(
    "Browser Example",
    transport_security=TransportSecuritySettings(
        allowed_hosts=["127.0.0.1:*", "localhost:*"],
        allowed_origins=[ORIGIN],
    ),
)


@mcp.tool()
def hello() -> str:
    """Say hello."""
    return "Hello, browser!"


app = CORSMiddleware(
    mcp.streamable_http_app(),
    allow_origins=[ORIGIN],
    allow_methods=["GET", "POST", "DELETE"],
    allow_headers=["*"],
    # Browsers hide this header from programs otherwise, and the session is lost.
    expose_headers=["Mcp-Session-Id"],
)
