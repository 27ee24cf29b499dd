"""A low-level server whose tools, resources and prompts come in pages.

uv run python examples/servers/simple-pagination/server.py
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import anyio
from pydantic import AnyUrl

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import McpError

server: Server[Any] = Server("mcp-simple-pagination")

T = TypeVar("T")

TOOLS = [
    types.Tool(name=f"tool_{number}", description=f"Tool {number}", inputSchema={"type": "object"})
    for number in range(1, 26)
]
RESOURCES = [
    types.Resource(uri=AnyUrl(f"file:///path/to/resource_{number}.txt"), name=f"resource_{number}")
    for number in range(1, 31)
]
PROMPTS = [types.Prompt(name=f"prompt_{number}", description=f"Prompt {number}") for number in range(1, 21)]


def page(items: Sequence[T], request: types.PaginatedRequest[Any], size: int) -> tuple[list[T], str | None]:
    """The items of the page asked for, and the cursor of the next one."""
    cursor = request.params.cursor if request.params else None
    try:
        start = int(cursor) if cursor else 0
    except ValueError:
        raise McpError(types.ErrorData(code=types.INVALID_PARAMS, message="Invalid cursor")) from None
    end = start + size
    return list(items[start:end]), str(end) if end < len(items) else None


@server.list_tools()
async def list_tools(request: types.ListToolsRequest) -> types.ListToolsResult:
    tools, cursor = page(TOOLS, request, 5)
    return types.ListToolsResult(tools=tools, nextCursor=cursor)


@server.list_resources()
async def list_resources(request: types.ListResourcesRequest) -> types.ListResourcesResult:
    resources, cursor = page(RESOURCES, request, 10)
    return types.ListResourcesResult(resources=resources, nextCursor=cursor)


@server.list_prompts()
async def list_prompts(request: types.ListPromptsRequest) -> types.ListPromptsResult:
    prompts, cursor = page(PROMPTS, request, 7)
    return types.ListPromptsResult(prompts=prompts, nextCursor=cursor)


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
    return [types.TextContent(type="text", text=f"Called {name} with {arguments}")]


@server.read_resource()
async def read_resource(uri: AnyUrl) -> list[ReadResourceContents]:
    if all(resource.uri != uri for resource in RESOURCES):
        raise ValueError(f"Unknown resource: {uri}")
    return [ReadResourceContents(f"Content of {uri}", "text/plain")]


@server.get_prompt()
async def get_prompt(name: str, arguments: dict[str, str] | None) -> types.GetPromptResult:
    text = types.TextContent(type="text", text=f"This is the prompt {name}")
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=text)])


async def main() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
