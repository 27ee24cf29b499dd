"""Runs tasks that ask back (experimental): the questions come while the client waits for the result.

uv run python examples/clients/simple-task-interactive-client/client.py
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import anyio

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.context import RequestContext

SERVER = Path(__file__).parents[2] / "servers" / "simple-task-interactive" / "server.py"

# Tasks are experimental: using them warns.
warnings.filterwarnings("ignore", message="The experimental tasks API", category=DeprecationWarning)


async def ask_user(
    context: RequestContext[ClientSession, Any], params: types.ElicitRequestParams
) -> types.ElicitResult:
    """A real client shows a form."""
    print(f"Asked: {params.message}")
    return types.ElicitResult(action="accept", content={"confirm": True})


async def ask_model(
    context: RequestContext[ClientSession, Any], params: types.CreateMessageRequestParams
) -> types.CreateMessageResult:
    """A real client asks its model."""
    haiku = "Cherry blossoms fall\nSoftly on the quiet pond\nSpring whispers goodbye"
    return types.CreateMessageResult(
        role="assistant", content=types.TextContent(type="text", text=haiku), model="mock-haiku-model"
    )


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with (
        stdio_client(parameters) as (read, write),
        ClientSession(read, write, elicitation_callback=ask_user, sampling_callback=ask_model) as session,
    ):
        await session.initialize()
        tasks = session.experimental
        for name, arguments in (
            ("confirm_delete", {"filename": "important.txt"}),
            ("write_haiku", {"topic": "autumn leaves"}),
        ):
            created = await tasks.call_tool_as_task(name, arguments)
            result = await tasks.get_task_result(created.task.taskId, types.CallToolResult)
            for block in result.content:
                if isinstance(block, types.TextContent):
                    print(f"{name}: {block.text}")


if __name__ == "__main__":
    anyio.run(main)
