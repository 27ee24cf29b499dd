"""A server on the official 2.x package: python python2_server.py stdio | http PORT."""

import sys

from mcp.server.mcpserver import MCPServer  # type: ignore[import-not-found]

mcp = MCPServer("two")


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@mcp.resource("two://text")
def text() -> str:
    """A text."""
    return "zwei"


@mcp.prompt()
def greet(name: str) -> str:
    """Greet somebody."""
    return f"hi {name}"


if sys.argv[1] == "stdio":
    mcp.run("stdio")
else:
    mcp.run("streamable-http", port=int(sys.argv[2]))
