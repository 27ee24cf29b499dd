"""What can be in a tool result, and how to look at it.

uv run python examples/snippets/clients/parsing_tool_results.py
"""

import base64
import sys
from pathlib import Path

import anyio

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

SERVERS = Path(__file__).parents[1] / "servers"


def show(result: types.CallToolResult) -> None:
    if result.isError:
        print("The tool failed:")
    if result.structuredContent is not None:
        print(f"structured: {result.structuredContent}")
    for block in result.content:
        if isinstance(block, types.TextContent):
            print(f"text: {block.text}")
        elif isinstance(block, types.ImageContent | types.AudioContent):
            print(f"{block.mimeType}: {len(base64.b64decode(block.data))} bytes")
        elif isinstance(block, types.ResourceLink):
            print(f"link to {block.uri}")
        elif isinstance(block.resource, types.TextResourceContents):
            print(f"resource {block.resource.uri}: {block.resource.text!r}")
        else:
            print(f"resource {block.resource.uri}: {len(base64.b64decode(block.resource.blob))} bytes")


async def call(server: str, tool: str, **arguments: object) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVERS / server)])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        show(await session.call_tool(tool, arguments))


async def main() -> None:
    await call("structured_output.py", "get_location", address="10 Downing Street")
    await call("images.py", "described")
    await call("embedded_resource_results.py", "get_report")
    await call("tool_errors.py", "divide", a=1, b=0)


if __name__ == "__main__":
    anyio.run(main)
