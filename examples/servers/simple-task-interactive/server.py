"""A task that asks the user, and the client's model, while it runs (experimental).

uv run python examples/servers/simple-task-interactive/server.py
uv run python examples/clients/simple-task-interactive-client/client.py
"""

import warnings
from typing import Any

import anyio

import mcp.types as types
from mcp.server.experimental.task_context import ServerTaskContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

# Tasks are experimental: using them warns.
warnings.filterwarnings("ignore", message="The experimental tasks API", category=DeprecationWarning)

server: Server[Any] = Server("simple-task-interactive")
server.experimental.enable_tasks()


def tool(name: str, description: str, argument: str) -> types.Tool:
    return types.Tool(
        name=name,
        description=description,
        inputSchema={"type": "object", "properties": {argument: {"type": "string"}}},
        execution=types.ToolExecution(taskSupport=types.TASK_REQUIRED),
    )


def text(content: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=content)])


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [
        tool("confirm_delete", "Asks for confirmation before deleting (demonstrates elicitation)", "filename"),
        tool("write_haiku", "Asks the model to write a haiku (demonstrates sampling)", "topic"),
    ]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> types.CallToolResult | types.CreateTaskResult:
    context = server.request_context
    context.experimental.validate_task_mode(types.TASK_REQUIRED)

    async def confirm_delete(task: ServerTaskContext) -> types.CallToolResult:
        filename = arguments.get("filename", "unknown.txt")
        answer = await task.elicit(
            message=f"Are you sure you want to delete '{filename}'?",
            requestedSchema={"type": "object", "properties": {"confirm": {"type": "boolean"}}, "required": ["confirm"]},
        )
        if answer.action == "accept" and answer.content and answer.content.get("confirm"):
            return text(f"Deleted '{filename}'")
        return text("Deletion cancelled")

    async def write_haiku(task: ServerTaskContext) -> types.CallToolResult:
        question = types.TextContent(type="text", text=f"Write a haiku about {arguments.get('topic', 'nature')}")
        answer = await task.create_message(
            messages=[types.SamplingMessage(role="user", content=question)], max_tokens=50
        )
        return text(answer.content.text if isinstance(answer.content, types.TextContent) else "No haiku")

    return await context.experimental.run_task(confirm_delete if name == "confirm_delete" else write_haiku)


async def main() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
