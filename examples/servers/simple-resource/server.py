"""A low-level server with a few text resources.

uv run python examples/servers/simple-resource/server.py
"""

from typing import Any

import anyio
from pydantic import AnyUrl

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("mcp-simple-resource")

RESOURCES = {
    "greeting": ("Welcome Message", "Hello! This is a sample text resource."),
    "help": ("Help Documentation", "This server provides a few sample text resources for testing."),
    "about": ("About This Server", "This is the simple-resource MCP server implementation."),
}


def uri(name: str) -> AnyUrl:
    return AnyUrl(f"file:///{name}.txt")


@server.list_resources()
async def list_resources() -> list[types.Resource]:
    return [
        types.Resource(uri=uri(name), name=name, title=title, mimeType="text/plain", size=len(text.encode()))
        for name, (title, text) in RESOURCES.items()
    ]


@server.read_resource()
async def read_resource(wanted: AnyUrl) -> list[ReadResourceContents]:
    for name, (_, text) in RESOURCES.items():
        if uri(name) == wanted:
            return [ReadResourceContents(text, "text/plain")]
    raise ValueError(f"Unknown resource: {wanted}")


async def main() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
