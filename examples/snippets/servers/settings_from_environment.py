"""Settings: an argument, else FASTMCP_* in the environment, else the file .env, else the default.

FASTMCP_PORT=9000 uv run python examples/snippets/servers/settings_from_environment.py
"""

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Settings Example", host="127.0.0.1")


@mcp.tool()
def where() -> str:
    """Where the server listens."""
    return f"{mcp.settings.host}:{mcp.settings.port}"


if __name__ == "__main__":
    mcp.run(transport="streamable-http")
