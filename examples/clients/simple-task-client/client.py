"""Calls a tool as a task (experimental), and watches it until it is done.

uv run python examples/clients/simple-task-client/client.py
"""

import sys
import warnings
from pathlib import Path

import anyio

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, TextContent

SERVER = Path(__file__).parents[2] / "servers" / "simple-task" / "server.py"

# Tasks are experimental: using them warns.
warnings.filterwarnings("ignore", message="The experimental tasks API", category=DeprecationWarning)


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tasks = session.experimental

        created = await tasks.call_tool_as_task("long_running_task", ttl=60_000)
        task_id = created.task.taskId
        print("Task created")

        async for status in tasks.poll_task(task_id):
            print(f"{status.status}: {status.statusMessage}")

        result = await tasks.get_task_result(task_id, CallToolResult)
        for block in result.content:
            if isinstance(block, TextContent):
                print(f"Result: {block.text}")


if __name__ == "__main__":
    anyio.run(main)
