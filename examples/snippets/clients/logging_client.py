"""Log messages and progress of a server, and how severe the messages have to be.

uv run python examples/snippets/clients/logging_client.py
"""

import sys
from pathlib import Path

import anyio

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

SERVER = Path(__file__).parents[1] / "servers" / "tool_progress.py"


async def on_log(params: types.LoggingMessageNotificationParams) -> None:
    print(f"[{params.level}] {params.data}")


async def on_progress(progress: float, total: float | None, message: str | None) -> None:
    print(f"{progress:.0%} {message}")


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with (
        stdio_client(parameters) as (read, write),
        ClientSession(read, write, logging_callback=on_log) as session,
    ):
        await session.initialize()
        await session.set_logging_level("info")
        arguments = {"task_name": "demo", "steps": 2}
        result = await session.call_tool("long_running_task", arguments, progress_callback=on_progress)
        print(result.structuredContent)


if __name__ == "__main__":
    anyio.run(main)
