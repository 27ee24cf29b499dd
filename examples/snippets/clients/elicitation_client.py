"""A client that fills in the forms a server sends.

uv run python examples/snippets/clients/elicitation_client.py
"""

import sys
from pathlib import Path
from typing import Any

import anyio

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.context import RequestContext

SERVER = Path(__file__).parents[1] / "servers" / "elicitation.py"


async def fill_in(context: RequestContext[ClientSession, Any], params: types.ElicitRequestParams) -> types.ElicitResult:
    """A real client shows a form made of the schema, and lets the user accept, decline or cancel."""
    if not isinstance(params, types.ElicitRequestFormParams):
        return types.ElicitResult(action="decline")
    print(f"Asked: {params.message}")
    print(f"Fields: {list(params.requestedSchema['properties'])}")
    return types.ElicitResult(action="accept", content={"checkAlternative": True, "alternativeDate": "2024-12-27"})


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with (
        stdio_client(parameters) as (read, write),
        ClientSession(read, write, elicitation_callback=fill_in) as session,
    ):
        await session.initialize()
        arguments = {"date": "2024-12-25", "time": "19:00", "party_size": 2}
        result = await session.call_tool("book_table", arguments)
        print(result.structuredContent)


if __name__ == "__main__":
    anyio.run(main)
