"""Resources: a fixed one, and a template whose placeholder becomes an argument."""

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Resource Example")


@mcp.resource("file://documents/{name}")
def read_document(name: str) -> str:
    """A document by name."""
    return f"Content of {name}"


@mcp.resource("config://settings", mime_type="application/json")
def get_settings() -> str:
    """The settings of the application."""
    return '{"theme": "dark", "language": "en", "debug": false}'


if __name__ == "__main__":
    mcp.run()
