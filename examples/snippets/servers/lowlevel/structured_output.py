"""Structured output of a low-level server: a dict, which is checked against the output schema.

uv run python examples/snippets/servers/lowlevel/structured_output.py
"""

from typing import Any

import anyio

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("example-server")


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [
        types.Tool(
            name="get_weather",
            description="The weather in a city",
            inputSchema={
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
            outputSchema={
                "type": "object",
                "properties": {"temperature": {"type": "number"}, "city": {"type": "string"}},
                "required": ["temperature", "city"],
            },
        )
    ]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    # Arguments have been checked against the input schema.
    return {"temperature": 22.5, "city": arguments["city"]}


async def main() -> None:
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
