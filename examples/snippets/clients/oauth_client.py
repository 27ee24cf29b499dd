"""A client that logs its user in when the server asks for it.

    uv run python examples/servers/simple-auth/legacy_server.py
    uv run python examples/snippets/clients/oauth_client.py [URL]

The user copies the URL of the page they end up on; `examples/clients/simple-auth-client` catches it instead.
"""

import sys

import anyio
from pydantic import AnyUrl

from mcp import ClientSession
from mcp.client.auth import AuthorizationResponse, OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken


class InMemoryTokenStorage(TokenStorage):
    """Keep them in the system's keyring, and the user has to log in only once."""

    tokens: OAuthToken | None = None
    client_info: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client_info

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client_info = client_info


async def handle_redirect(url: str) -> None:
    print(f"Visit: {url}")


async def handle_callback() -> AuthorizationResponse:
    return AuthorizationResponse.from_url(input("Paste the URL you were sent to: "))


async def main(url: str) -> None:
    auth = OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(
            client_name="Example MCP Client",
            redirect_uris=[AnyUrl("http://localhost:3000/callback")],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            token_endpoint_auth_method="none",
        ),
        storage=InMemoryTokenStorage(),
        redirect_handler=handle_redirect,
        callback_handler=handle_callback,
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
    anyio.run(main, sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8002/mcp")
