"""Any script anywhere: descriptions, arguments, results, URIs.

uv run python examples/fastmcp/unicode_example.py
"""

from urllib.parse import unquote

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("¡Hola, 世界! 👋")


@mcp.tool(description="🌟 A tool that uses various Unicode characters: á é í ó ú ñ 漢字 🎉")
def hello_unicode(name: str = "世界", greeting: str = "¡Hola") -> str:
    """A greeting in any script."""
    return f"{greeting}, {name}! 👋"


@mcp.resource("unicode://{word}")
def word(word: str) -> str:
    """Clients percent-encode what is not ASCII, so decode it."""
    return f"🎉 {unquote(word)}"


@mcp.prompt()
def 挨拶(name: str) -> str:
    """Names of prompts are free; those of tools should be ASCII."""
    return f"{name}さんに挨拶してください。"


if __name__ == "__main__":
    mcp.run()
