"""Icons of the server and of all it offers, for user interfaces."""

import base64

from mcp.server.fastmcp import FastMCP, Icon

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#c00"/></svg>'
ICON = Icon(src="data:image/svg+xml;base64," + base64.b64encode(SVG).decode(), mimeType="image/svg+xml", sizes=["any"])

mcp = FastMCP("Icons Example", website_url="https://example.com", icons=[ICON])


@mcp.tool(icons=[ICON])
def tool() -> str:
    """A tool with an icon."""
    return "tool"


@mcp.resource("demo://resource", icons=[ICON])
def resource() -> str:
    """A resource with an icon."""
    return "resource"


@mcp.prompt(icons=[ICON])
def prompt() -> str:
    """A prompt with an icon."""
    return "prompt"


if __name__ == "__main__":
    mcp.run()
