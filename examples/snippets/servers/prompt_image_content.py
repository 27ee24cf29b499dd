"""A prompt with a picture in it."""

import base64

from mcp.server.fastmcp import FastMCP, Image
from mcp.server.fastmcp.prompts.base import Message, UserMessage

mcp = FastMCP("Prompt with Image Example")

DOT = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=")


@mcp.prompt()
def describe(language: str = "English") -> list[Message]:
    """Ask for a description of the picture."""
    return [
        UserMessage(Image(data=DOT, format="gif").to_image_content()),
        UserMessage(f"Describe this picture in {language}."),
    ]


if __name__ == "__main__":
    mcp.run()
