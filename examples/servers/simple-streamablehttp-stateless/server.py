"""A low-level server over Streamable HTTP without sessions: each request stands for itself.

uv run python examples/servers/simple-streamablehttp-stateless/server.py [--port PORT] [--json-response]
"""

import argparse
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

import mcp.types as types
from mcp.server.fastmcp.server import StreamableHTTPASGIApp
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

server: Server[Any] = Server("mcp-streamable-http-stateless-demo")


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [
        types.Tool(
            name="start-notification-stream",
            description="Sends a stream of notifications with configurable count and interval",
            inputSchema={
                "type": "object",
                "required": ["interval", "count"],
                "properties": {
                    "interval": {"type": "number", "description": "Seconds between two notifications"},
                    "count": {"type": "integer", "description": "How many", "maximum": 100},
                },
            },
        )
    ]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
    context = server.request_context
    count = arguments["count"]
    for number in range(1, count + 1):
        await context.session.send_log_message(
            level="info", data=f"{number}/{count}", related_request_id=context.request_id
        )
        if number < count:
            await anyio.sleep(arguments["interval"])
    return [types.TextContent(type="text", text=f"Sent {count} notifications")]


def make_app(json_response: bool = False) -> Starlette:
    manager = StreamableHTTPSessionManager(app=server, stateless=True, json_response=json_response)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    return Starlette(routes=[Route("/mcp", endpoint=StreamableHTTPASGIApp(manager))], lifespan=lifespan)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--json-response", action="store_true", help="answer with JSON rather than event streams")
    arguments = parser.parse_args()
    uvicorn.run(make_app(arguments.json_response), host="127.0.0.1", port=arguments.port)
