"""A low-level server with an output schema: text for people, structured content for programs.

uv run python examples/servers/structured-output-lowlevel/server.py
"""

import json
import random
from typing import Any

import anyio

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("structured-output-lowlevel-example")


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [
        types.Tool(
            name="get_weather",
            description="Get weather information (simulated)",
            inputSchema={
                "type": "object",
                "properties": {"city": {"type": "string", "description": "City name"}},
                "required": ["city"],
            },
            outputSchema={
                "type": "object",
                "properties": {
                    "temperature": {"type": "number"},
                    "conditions": {"type": "string"},
                    "humidity": {"type": "integer", "minimum": 0, "maximum": 100},
                },
                "required": ["temperature", "conditions", "humidity"],
            },
        )
    ]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> tuple[list[types.ContentBlock], dict[str, Any]]:
    weather = {
        "temperature": round(random.uniform(0, 35), 1),
        "conditions": random.choice(["sunny", "cloudy", "rainy"]),
        "humidity": random.randint(30, 90),
    }
    # Both parts; a dict alone becomes JSON text as well.
    text = f"{arguments['city']}: {json.dumps(weather)}"
    return [types.TextContent(type="text", text=text)], weather


async def main() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
