"""Icons on the server, its tools, resources and prompts, from a file as a data URI.

uv run python examples/fastmcp/icons_demo.py
"""

import base64
from pathlib import Path

from mcp.server.fastmcp import FastMCP, Icon

PICTURE = (Path(__file__).parent / "mcp.svg").read_bytes()
ICON = Icon(
    src="data:image/svg+xml;base64," + base64.b64encode(PICTURE).decode(),
    mimeType="image/svg+xml",
    sizes=["any"],
)

mcp = FastMCP("Icons Demo Server", website_url="https://modelcontextprotocol.io", icons=[ICON])


@mcp.tool(icons=[ICON])
def demo_tool(message: str) -> str:
    """A demo tool with an icon."""
    return message


@mcp.resource("demo://readme", icons=[ICON])
def readme_resource() -> str:
    """A demo resource with an icon"""
    return "This resource has an icon"


@mcp.prompt("prompt_with_icon", icons=[ICON])
def prompt_with_icon(text: str) -> str:
    """A demo prompt with an icon"""
    return text


@mcp.tool(icons=[ICON, Icon(src=ICON.src, mimeType="image/svg+xml", sizes=["16x16", "32x32"])])
def multi_icon_tool(action: str) -> str:
    """A tool with icons for several sizes."""
    return action


if __name__ == "__main__":
    mcp.run()
