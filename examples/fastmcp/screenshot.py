"""A tool that shows the screen.

    uv run --with pillow python examples/fastmcp/screenshot.py

Without Pillow or a screen it says so.
"""

import io

from mcp.server.fastmcp import FastMCP, Image
from mcp.server.fastmcp.exceptions import ToolError

mcp = FastMCP("Screenshot Demo", dependencies=["pillow"])


@mcp.tool()
def take_screenshot() -> Image:
    """The screen as a picture, small enough for a model to look at."""
    try:
        from PIL import ImageGrab

        picture = ImageGrab.grab()
    except (ImportError, OSError) as error:
        raise ToolError(f"No screenshot: {error}") from error
    picture.thumbnail((1280, 1280))
    file = io.BytesIO()
    picture.convert("RGB").save(file, format="JPEG", quality=60)
    return Image(data=file.getvalue(), format="jpeg")


if __name__ == "__main__":
    mcp.run()
