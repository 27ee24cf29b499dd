"""Names for people: the title where there is one, else the name.

uv run python examples/snippets/clients/display_utilities.py
"""

import sys
from pathlib import Path

import anyio

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.metadata_utils import get_display_name

SERVER = Path(__file__).parents[1] / "servers" / "basic_prompt.py"


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        for prompt in (await session.list_prompts()).prompts:
            print(f"Prompt: {get_display_name(prompt)} ({prompt.name})")


if __name__ == "__main__":
    anyio.run(main)
