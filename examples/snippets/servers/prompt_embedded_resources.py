"""A prompt that carries a document with it."""

from pydantic import AnyUrl

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.prompts.base import Message, UserMessage
from mcp.types import EmbeddedResource, TextResourceContents

mcp = FastMCP("Prompt with Resource Example")

STYLE_GUIDE = "guide://style"


@mcp.resource(STYLE_GUIDE)
def style_guide() -> str:
    """How we write."""
    return "Short sentences. Plain words."


@mcp.prompt()
def edit(text: str) -> list[Message]:
    """Ask for an edit in our style."""
    contents = TextResourceContents(uri=AnyUrl(STYLE_GUIDE), mimeType="text/plain", text=style_guide())
    return [
        UserMessage(EmbeddedResource(type="resource", resource=contents)),
        UserMessage(f"Rewrite this in the style above:\n\n{text}"),
    ]


if __name__ == "__main__":
    mcp.run()
