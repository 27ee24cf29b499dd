"""Other HTTP routes beside the protocol, such as a health check. They need no authentication.

uv run python examples/snippets/servers/custom_route.py
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Custom Route Example")


@mcp.custom_route("/health", methods=["GET"])
async def health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


if __name__ == "__main__":
    mcp.run(transport="streamable-http")
