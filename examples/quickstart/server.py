"""A first server: one tool, two resources, one prompt.

    uv run python examples/quickstart/server.py [--transport stdio|streamable-http|sse] [--port PORT]

Over HTTP it serves http://127.0.0.1:PORT/mcp (Streamable HTTP) or http://127.0.0.1:PORT/sse.
"""

import argparse

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Demo")


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@mcp.resource("config://app")
def config() -> str:
    """The application's configuration."""
    return "theme = dark\nlanguage = en\n"


@mcp.resource("greeting://{name}")
def greeting(name: str) -> str:
    """A personal greeting."""
    return f"Hello, {name}!"


@mcp.prompt()
def greet_user(name: str, style: str = "friendly") -> str:
    """Ask for a greeting in a style: friendly, formal or casual."""
    styles = {
        "friendly": "Please write a warm, friendly greeting",
        "formal": "Please write a formal, professional greeting",
        "casual": "Please write a casual, relaxed greeting",
    }
    return f"{styles.get(style, styles['friendly'])} for someone named {name}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=["stdio", "streamable-http", "sse"], default="stdio")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    mcp.settings.port = arguments.port
    mcp.run(arguments.transport)


if __name__ == "__main__":
    main()
