"""Streamable HTTP: with sessions, without them, and with plain JSON answers.

uv run python examples/snippets/servers/streamable_config.py
"""

from mcp.server.fastmcp import FastMCP

# Without sessions and with JSON answers: each request stands for itself, so any number of processes can serve them.
mcp = FastMCP("StatelessServer", stateless_http=True, json_response=True)

# Without sessions, answers as an event stream: progress and log messages reach the client.
# mcp = FastMCP("StatelessServer", stateless_http=True)

# With sessions: the server can also ask the client, and send notifications at any time.
# mcp = FastMCP("StatefulServer")


@mcp.tool()
def greet(name: str = "World") -> str:
    """Greet someone."""
    return f"Hello, {name}!"


if __name__ == "__main__":
    mcp.run(transport="streamable-http")
