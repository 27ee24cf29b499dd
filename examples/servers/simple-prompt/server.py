"""A low-level server with one prompt, whose arguments are optional.

uv run python examples/servers/simple-prompt/server.py
"""

from typing import Any

import anyio

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("mcp-simple-prompt")


def message(text: str) -> types.PromptMessage:
    return types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))


@server.list_prompts()
async def list_prompts() -> list[types.Prompt]:
    return [
        types.Prompt(
            name="simple",
            title="Simple Assistant Prompt",
            description="A simple prompt that can take optional context and topic arguments",
            arguments=[
                types.PromptArgument(name="context", description="Additional context to consider", required=False),
                types.PromptArgument(name="topic", description="Specific topic to focus on", required=False),
            ],
        )
    ]


@server.get_prompt()
async def get_prompt(name: str, arguments: dict[str, str] | None) -> types.GetPromptResult:
    if name != "simple":
        raise ValueError(f"Unknown prompt: {name}")
    given = arguments or {}
    messages: list[types.PromptMessage] = []
    if context := given.get("context"):
        messages.append(message(f"Here is some relevant context: {context}"))
    topic = given.get("topic")
    messages.append(message(f"Please help me with {topic}." if topic else "Please help me with whatever I ask."))
    return types.GetPromptResult(messages=messages, description="A simple prompt")


async def main() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
