"""The server every workload talks to, on any of the packages that api.py knows.

python server.py stdio | http-sse PORT | http-json PORT | http-stateless PORT [--log LEVEL]
python server.py asgi-json PORT     the ASGI application, under `uvicorn.run`
"""

from __future__ import annotations

import sys
from typing import Any

from api import Context, add_tool, new_server, serve
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int
    email: str | None = None
    tags: list[str] = []


PERSON = {"name": "Ada", "age": 36, "email": "ada@example.com", "tags": ["a", "b"]}


def make_server(log_level: str = "ERROR", **settings: Any) -> Any:
    mcp = new_server(log_level, **settings)

    @mcp.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @mcp.tool()
    async def add_async(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @mcp.tool()
    def text(size: int) -> str:
        """Text of a size."""
        return "x" * size

    @mcp.tool()
    def echo(value: str) -> str:
        """The same text."""
        return value

    @mcp.tool()
    def person() -> Person:
        """A person."""
        return Person.model_validate(PERSON)

    @mcp.tool()
    def people() -> list[Person]:
        """A hundred people."""
        return [Person.model_validate(PERSON) for _ in range(100)]

    @mcp.tool()
    async def report(steps: int, ctx: Context) -> int:
        """Report progress."""
        for step in range(steps):
            await ctx.report_progress(step, steps)
        return steps

    @mcp.resource("bench://static")
    def static() -> str:
        """A static resource."""
        return "hello"

    @mcp.resource("bench://items/{name}")
    def item(name: str) -> str:
        """A template."""
        return f"item {name}"

    @mcp.prompt()
    def greet(name: str) -> str:
        """A prompt."""
        return f"Please greet {name}"

    return mcp


def add_tools(mcp: Any, count: int) -> None:
    for index in range(count):

        def tool(a: int, b: str, c: float = 1.0) -> str:
            """A tool with three parameters."""
            return f"{a}{b}{c}"

        add_tool(mcp, tool, f"tool_{index}")


if __name__ == "__main__":
    transport = sys.argv[1]
    level = sys.argv[sys.argv.index("--log") + 1] if "--log" in sys.argv else "ERROR"
    if transport == "stdio":
        serve(make_server(level), "stdio", level)
    else:
        settings = {
            "port": int(sys.argv[2]),
            "json_response": transport != "http-sse",
            "stateless_http": transport == "http-stateless",
        }
        server = make_server(level, **settings)
        if transport == "asgi-json":
            import uvicorn

            uvicorn.run(server.streamable_http_app(), port=settings["port"], log_level="error")
        else:
            serve(server, "streamable-http", level, **settings)
