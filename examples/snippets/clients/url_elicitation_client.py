"""A client that sends its user to a page when a server asks for it.

uv run python examples/snippets/clients/url_elicitation_client.py
"""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio

import mcp.types as types
from mcp import ClientSession, McpError, StdioServerParameters, UrlElicitationRequiredError
from mcp.client.stdio import stdio_client
from mcp.shared.context import RequestContext

SERVER = Path(__file__).parents[1] / "servers" / "elicitation.py"


def ask_user(message: str, url: str) -> bool:
    """A real client shows host and URL, waits for the user's consent, and then opens the browser."""
    print(f"{message}\n  {urlsplit(url).hostname}: {url}")
    return True


async def visit(context: RequestContext[ClientSession, Any], params: types.ElicitRequestParams) -> types.ElicitResult:
    if not isinstance(params, types.ElicitRequestURLParams):
        return types.ElicitResult(action="decline")
    return types.ElicitResult(action="accept" if ask_user(params.message, params.url) else "decline")


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with (
        stdio_client(parameters) as (read, write),
        ClientSession(read, write, elicitation_callback=visit) as session,
    ):
        await session.initialize()

        result = await session.call_tool("secure_payment", {"amount": 9.5})
        print(result.structuredContent)

        # Some servers refuse the call instead, until the page has been visited.
        try:
            await session.call_tool("connect_service", {"service_name": "github"})
        except McpError as error:
            if error.error.code != types.URL_ELICITATION_REQUIRED:
                raise
            for params in UrlElicitationRequiredError.from_error(error.error).elicitations:
                ask_user(params.message, params.url)


if __name__ == "__main__":
    anyio.run(main)
