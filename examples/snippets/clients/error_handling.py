"""What can go wrong with a request, and how a client sees it.

uv run python examples/snippets/clients/error_handling.py
"""

import sys
from pathlib import Path

import anyio
import httpx
from pydantic import AnyUrl

from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

SERVER = Path(__file__).parents[1] / "servers" / "tool_errors.py"


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()

        # A tool that fails gives a result, for the model to read.
        result = await session.call_tool("withdraw", {"amount": 1000})
        print(f"isError={result.isError}: {result.content[0]}")

        # Everything else that a server refuses is an exception.
        try:
            await session.read_resource(AnyUrl("no://such/resource"))
        except McpError as error:
            print(f"{error.error.code}: {error.error.message}")

    # A command that does not work: the error has its last words.
    try:
        parameters = StdioServerParameters(command=sys.executable, args=["-c", "raise SystemExit('no database')"])
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
    except McpError as error:
        print(f"{error.error.code}: {error.error.message}")

    # A server that is not there.
    try:
        async with streamable_http_client("http://127.0.0.1:9/mcp") as (read, write, _):
            async with ClientSession(read, write) as session:
                await session.initialize()
    except httpx.ConnectError as error:
        print(f"Could not connect: {error}")


if __name__ == "__main__":
    anyio.run(main)
