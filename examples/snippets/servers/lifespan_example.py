"""Lifespan: what a connection needs is set up before its first request and put away after its last."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.session import ServerSession


@dataclass
class AppContext:
    """What tools find in the context."""

    database: sqlite3.Connection


@asynccontextmanager
async def app_lifespan(server: FastMCP) -> AsyncIterator[AppContext]:
    """Open the database, and close it at the end."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE users (name TEXT)")
    database.executemany("INSERT INTO users VALUES (?)", [("Ada",), ("Grace",)])
    try:
        yield AppContext(database)
    finally:
        database.close()


mcp = FastMCP("My App", lifespan=app_lifespan)


@mcp.tool()
def query_users(ctx: Context[ServerSession, AppContext]) -> list[str]:
    """The names of all users."""
    database = ctx.request_context.lifespan_context.database
    return [name for (name,) in database.execute("SELECT name FROM users ORDER BY name")]


if __name__ == "__main__":
    mcp.run()
