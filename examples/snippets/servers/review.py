"""Prompts of several messages, and with a picture."""

from mcp.server.fastmcp import FastMCP, Image
from mcp.server.fastmcp.prompts.base import AssistantMessage, Message, UserMessage

mcp = FastMCP("Review")


@mcp.prompt(title="Code review")
def review(code: str, strictness: int = 3) -> list[Message]:
    """Ask for a review."""
    return [
        UserMessage(f"Review this, strictness {strictness}:\n\n{code}"),
        AssistantMessage("Where does it run?"),
    ]


@mcp.prompt()
def describe(path: str) -> list[str | Image]:
    return ["What is this?", Image(path=path)]


if __name__ == "__main__":
    mcp.run()
