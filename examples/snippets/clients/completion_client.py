"""Completion of what the user types.

uv run python examples/snippets/clients/completion_client.py
"""

import sys
from pathlib import Path

import anyio

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import PromptReference, ResourceTemplateReference

SERVER = Path(__file__).parents[1] / "servers" / "completion.py"


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()

        template = (await session.list_resource_templates()).resourceTemplates[0]
        result = await session.complete(
            ref=ResourceTemplateReference(type="ref/resource", uri=template.uriTemplate),
            argument={"name": "repo", "value": ""},
            context_arguments={"owner": "modelcontextprotocol"},
        )
        print(f"Repositories: {result.completion.values}")

        result = await session.complete(
            ref=PromptReference(type="ref/prompt", name="review_code"),
            argument={"name": "language", "value": "py"},
        )
        print(f"Languages that begin with py: {result.completion.values}")


if __name__ == "__main__":
    anyio.run(main)
