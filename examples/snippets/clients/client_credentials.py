"""A program without a user logs in with a secret of its own.

uv run python examples/snippets/clients/client_credentials.py URL CLIENT_ID CLIENT_SECRET ISSUER
"""

import sys

import anyio
from oauth_client import InMemoryTokenStorage

from mcp import ClientSession
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


async def main(url: str, client_id: str, client_secret: str, issuer: str) -> None:
    auth = ClientCredentialsOAuthProvider(
        server_url=url,
        storage=InMemoryTokenStorage(),
        client_id=client_id,
        client_secret=client_secret,
        # The secret is sent nowhere else, whatever the MCP server says.
        issuer=issuer,
    )
    async with (
        create_mcp_http_client(auth=auth) as http_client,
        streamable_http_client(url, http_client=http_client) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = await session.list_tools()
        print(f"Tools: {[tool.name for tool in tools.tools]}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    anyio.run(main, *sys.argv[1:])
