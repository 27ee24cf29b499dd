"""Says what it is told: as a tool, a resource template and a prompt.

uv run python examples/servers/echo/server.py [--transport stdio|sse|streamable-http] [--port PORT]
"""

import argparse

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Echo")


@mcp.tool()
def echo_tool(message: str) -> str:
    """Echo a message as a tool."""
    return f"Tool echo: {message}"


@mcp.resource("echo://{message}")
def echo_resource(message: str) -> str:
    """Echo a message as a resource."""
    return f"Resource echo: {message}"


@mcp.prompt()
def echo_prompt(message: str) -> str:
    """Create an echo prompt."""
    return f"Please process this message: {message}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=["stdio", "sse", "streamable-http"], default="stdio")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    mcp.settings.port = arguments.port
    mcp.run(arguments.transport)


if __name__ == "__main__":
    main()
