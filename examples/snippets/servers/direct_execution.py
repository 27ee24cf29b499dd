"""A server that runs when its file is run, on stdio or as `mcp.run(transport=...)` says.

uv run python examples/snippets/servers/direct_execution.py
uv run mcp run examples/snippets/servers/direct_execution.py
"""

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("My App")


@mcp.tool()
def hello(name: str = "World") -> str:
    """Say hello."""
    return f"Hello, {name}!"


def main() -> None:
    """Where scripts of a package can point to."""
    mcp.run()


if __name__ == "__main__":
    main()
