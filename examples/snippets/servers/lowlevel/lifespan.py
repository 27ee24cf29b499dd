"""Lifespan of a low-level server: a database for each connection.

uv run python examples/snippets/servers/lowlevel/lifespan.py
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


@asynccontextmanager
async def server_lifespan(_server: Server[Any]) -> AsyncIterator[dict[str, sqlite3.Connection]]:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE users AS SELECT 'Ada' AS name")
    try:
        yield {"database": database}
    finally:
        database.close()


server: Server[dict[str, sqlite3.Connection]] = Server("example-server", lifespan=server_lifespan)


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [types.Tool(name="query_users", description="All users", inputSchema={"type": "object"})]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
    database = server.request_context.lifespan_context["database"]
    rows = database.execute("SELECT name FROM users").fetchall()
    return [types.TextContent(type="text", text=f"Users: {rows}")]


async def main() -> None:
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
