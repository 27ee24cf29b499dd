"""A low-level server with one tool, which fetches a page.

uv run python examples/servers/simple-tool/server.py [--transport stdio|sse] [--port PORT]
"""

import argparse
from typing import Any

import anyio
import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("mcp-website-fetcher")


async def fetch_website(url: str) -> list[types.ContentBlock]:
    headers = {"User-Agent": "MCP test server"}
    async with httpx.AsyncClient(follow_redirects=True, headers=headers, timeout=20) as client:
        response = await client.get(url)
        response.raise_for_status()
        return [types.TextContent(type="text", text=response.text)]


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [
        types.Tool(
            name="fetch",
            title="Website Fetcher",
            description="Fetches a website and returns its content",
            inputSchema={
                "type": "object",
                "required": ["url"],
                "properties": {"url": {"type": "string", "description": "URL to fetch"}},
            },
            annotations=types.ToolAnnotations(readOnlyHint=True, openWorldHint=True),
        )
    ]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
    if name != "fetch":
        raise ValueError(f"Unknown tool: {name}")
    return await fetch_website(arguments["url"])


async def serve_stdio() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


class SseEndpoint:
    """An ASGI application: each connection is a session."""

    def __init__(self, transport: SseServerTransport) -> None:
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._transport.connect_sse(scope, receive, send) as (read, write):
            await server.run(read, write, server.create_initialization_options())


def serve_sse(port: int) -> None:
    transport = SseServerTransport("/messages/")
    routes = [
        Route("/sse", endpoint=SseEndpoint(transport)),
        Mount("/messages/", app=transport.handle_post_message),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=["stdio", "sse"], default="stdio")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    if arguments.transport == "sse":
        serve_sse(arguments.port)
    else:
        anyio.run(serve_stdio)


if __name__ == "__main__":
    main()
