"""A server with a tool that runs as a task (experimental): the call ends at once, the result is fetched later.

uv run python examples/servers/simple-task/server.py
uv run python examples/clients/simple-task-client/client.py
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

server: Server[Any] = Server("simple-task-server")
server.experimental.enable_tasks()


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [
        types.Tool(
            name="long_running_task",
            description="A task that takes a few steps with status updates",
            inputSchema={"type": "object", "properties": {}},
            execution=types.ToolExecution(taskSupport=types.TASK_REQUIRED),
        )
    ]


async def work(task: ServerTaskContext) -> types.CallToolResult:
    for status in ("Starting work...", "Processing step 1...", "Processing step 2..."):
        await task.update_status(status)
        await anyio.sleep(0.2)
    return types.CallToolResult(content=[types.TextContent(type="text", text="Task completed!")])


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> types.CallToolResult | types.CreateTaskResult:
    context = server.request_context
    # Refuses a call that is not meant as a task.
    context.experimental.validate_task_mode(types.TASK_REQUIRED)
    return await context.experimental.run_task(work)


async def main() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
