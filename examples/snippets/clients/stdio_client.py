"""A client that starts its server, and lends it its model.

uv run python examples/snippets/clients/stdio_client.py
"""

import sys
from pathlib import Path
from typing import Any

import anyio

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.context import RequestContext

SERVER = Path(__file__).parents[1] / "servers" / "sampling.py"


async def answer_sampling(
    context: RequestContext[ClientSession, Any], params: types.CreateMessageRequestParams
) -> types.CreateMessageResult:
    """What a real client gives to its model."""
    return types.CreateMessageResult(
        role="assistant",
        content=types.TextContent(type="text", text="Roses are red"),
        model="a-model",
        stopReason="endTurn",
    )


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with stdio_client(parameters) as (read, write):
        async with ClientSession(read, write, sampling_callback=answer_sampling) as session:
            await session.initialize()

            tools = await session.list_tools()
            print(f"Tools: {[tool.name for tool in tools.tools]}")

            result = await session.call_tool("generate_poem", {"topic": "roses"})
            for block in result.content:
                if isinstance(block, types.TextContent):
                    print(f"Poem: {block.text}")


if __name__ == "__main__":
    anyio.run(main)
