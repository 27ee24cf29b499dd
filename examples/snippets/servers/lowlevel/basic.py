"""The low-level server: handlers are given requests as they are, and results are yours to make.

uv run python examples/snippets/servers/lowlevel/basic.py
"""

from typing import Any

import anyio

import mcp.types as types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("example-server")


@server.list_prompts()
async def list_prompts() -> list[types.Prompt]:
    argument = types.PromptArgument(name="arg1", description="An argument", required=True)
    return [types.Prompt(name="example-prompt", description="An example", arguments=[argument])]


@server.get_prompt()
async def get_prompt(name: str, arguments: dict[str, str] | None) -> types.GetPromptResult:
    if name != "example-prompt":
        raise ValueError(f"Unknown prompt: {name}")
    text = f"Example prompt with argument: {(arguments or {}).get('arg1')}"
    message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
    return types.GetPromptResult(description="An example", messages=[message])


async def main() -> None:
    async with stdio_server() as (read_stream, write_stream):
        await server.run(
            read_stream,
            write_stream,
            InitializationOptions(
                server_name="example",
                server_version="0.1.0",
                capabilities=server.get_capabilities(NotificationOptions(), experimental_capabilities={}),
            ),
        )


if __name__ == "__main__":
    anyio.run(main)
