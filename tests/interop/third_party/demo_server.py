"""A server on our package, for clients of others: `python demo_server.py [stdio | streamable-http | sse] [port]`."""

from __future__ import annotations

import sys
from typing import Any

from pydantic import BaseModel

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.exceptions import ToolError

transport: Any = sys.argv[1] if len(sys.argv) > 1 else "stdio"
port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
server = FastMCP("Demo", instructions="Adds.", port=port, log_level="ERROR")


class Forecast(BaseModel):
    """Structured output."""

    city: str
    degrees: float


@server.tool()
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
async def forecast(city: str) -> Forecast:
    """Tell the weather."""
    return Forecast(city=city, degrees=21.5)


@server.tool()
async def fail() -> str:
    """Fail."""
    raise ToolError("no such luck")


@server.tool()
async def count(ctx: Context[Any, Any, Any]) -> str:
    """Report progress and log."""
    await ctx.report_progress(1, 2, "half")
    await ctx.info("counting")
    return "counted"


class Name(BaseModel):
    """What is asked for."""

    name: str


@server.tool()
async def greet(ctx: Context[Any, Any, Any]) -> str:
    """Ask who is there."""
    answer = await ctx.elicit("Who is there?", Name)
    return f"Hello, {answer.data.name}!" if answer.action == "accept" else "Bye."


@server.resource("config://theme")
def theme() -> str:
    """A setting."""
    return "dark"


@server.resource("greeting://{name}")
def greeting(name: str) -> str:
    """A template."""
    return f"Hello, {name}!"


@server.prompt()
def question(topic: str) -> str:
    """A prompt."""
    return f"Tell me about {topic}."


if __name__ == "__main__":
    server.run(transport)
