"""The files on the desktop as a resource, and a tool.

uv run python examples/fastmcp/desktop.py
"""

from pathlib import Path

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Demo")


@mcp.resource("dir://desktop")
def desktop() -> list[str]:
    """List the files in the user's desktop"""
    folder = Path.home() / "Desktop"
    return [str(path) for path in sorted(folder.iterdir())] if folder.is_dir() else []


@mcp.tool()
def sum(a: int, b: int) -> int:
    """Add two numbers"""
    return a + b


if __name__ == "__main__":
    mcp.run()
