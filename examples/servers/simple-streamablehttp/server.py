"""A low-level server over Streamable HTTP, with sessions and an event store: broken streams can be resumed.

    uv run python examples/servers/simple-streamablehttp/server.py [--port PORT] [--json-response]

It sends notifications on an interval: those of a request on the request's stream, one at the end on the GET stream.
"""

import argparse
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anyio
import uvicorn
from event_store import InMemoryEventStore
from pydantic import AnyUrl
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

import mcp.types as types
from mcp.server.fastmcp.server import StreamableHTTPASGIApp
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

server: Server[Any] = Server("mcp-streamable-http-demo")


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [
        types.Tool(
            name="start-notification-stream",
            description="Sends a stream of notifications with configurable count and interval",
            inputSchema={
                "type": "object",
                "required": ["interval", "count", "caller"],
                "properties": {
                    "interval": {"type": "number", "description": "Seconds between two notifications"},
                    "count": {"type": "integer", "description": "How many", "maximum": 100},
                    "caller": {"type": "string", "description": "Who calls, to be named in the notifications"},
                },
            },
        )
    ]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
    context = server.request_context
    count, caller = arguments["count"], arguments["caller"]
    for number in range(1, count + 1):
        await context.session.send_log_message(
            level="info",
            data=f"Event {number}/{count}. Use Last-Event-ID={number} for resumability.",
            logger="notification_stream",
            # The stream of this request; without it, the GET stream.
            related_request_id=context.request_id,
        )
        if number < count:
            await anyio.sleep(arguments["interval"])

    # Not part of any request: goes to the GET stream of the session.
    await context.session.send_resource_updated(uri=AnyUrl("http:///test_resource"))
    return [types.TextContent(type="text", text=f"Sent {count} notifications for {caller}")]


def make_app(json_response: bool = False) -> CORSMiddleware:
    manager = StreamableHTTPSessionManager(
        app=server, event_store=InMemoryEventStore(), json_response=json_response, retry_interval=1000
    )

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    return CORSMiddleware(
        Starlette(routes=[Route("/mcp", endpoint=StreamableHTTPASGIApp(manager))], lifespan=lifespan),
        allow_origins=["*"],
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        # Clients in browsers need it.
        expose_headers=["Mcp-Session-Id"],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--json-response", action="store_true", help="answer with JSON rather than event streams")
    arguments = parser.parse_args()
    uvicorn.run(make_app(arguments.json_response), host="127.0.0.1", port=arguments.port)
