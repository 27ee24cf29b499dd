"""The client that the official conformance suite judges: one scenario a run, named in MCP_CONFORMANCE_SCENARIO.

MCP_CONFORMANCE_SCENARIO=tools_call uv run python examples/clients/conformance/client.py URL
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlparse

import anyio
import httpx
from pydantic import AnyUrl

import mcp.types as types
from mcp import ClientSession
from mcp.client.auth import AuthorizationResponse, OAuthClientProvider, TokenStorage
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import McpError

REDIRECT_URI = "http://localhost:3000/callback"
CLIENT_METADATA_URL = "https://conformance-test.local/client-metadata.json"


@asynccontextmanager
async def connected(url: str, auth: httpx.Auth | None = None, **callbacks: Any) -> AsyncIterator[ClientSession]:
    async with (
        create_mcp_http_client(auth=auth) as http_client,
        streamable_http_client(url, http_client=http_client) as (read, write, _),
        ClientSession(
            read, write, client_info=types.Implementation(name="conformance-client", version="1.0"), **callbacks
        ) as session,
    ):
        await session.initialize()
        yield session


async def initialize(url: str, context: dict[str, Any]) -> None:
    async with connected(url) as session:
        await session.list_tools()


async def tools_call(url: str, context: dict[str, Any]) -> None:
    async with connected(url) as session:
        await session.list_tools()
        await session.call_tool("add_numbers", {"a": 5, "b": 3})


async def accept_defaults(
    context: RequestContext[ClientSession, Any], params: types.ElicitRequestParams
) -> types.ElicitResult:
    assert isinstance(params, types.ElicitRequestFormParams)
    properties = params.requestedSchema["properties"]
    content = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return types.ElicitResult(action="accept", content=content)


async def elicitation_defaults(url: str, context: dict[str, Any]) -> None:
    async with connected(url, elicitation_callback=accept_defaults) as session:
        await session.list_tools()
        await session.call_tool("test_client_elicitation_defaults", {})


async def sse_retry(url: str, context: dict[str, Any]) -> None:
    async with connected(url) as session:
        await session.list_tools()
        await session.call_tool("test_reconnection", {})


async def schema_preservation(url: str, context: dict[str, Any]) -> None:
    async with connected(url) as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        await session.call_tool("json_schema_echo", {"schema": tools["json_schema_2020_12_tool"].inputSchema})


# Authorization


class MemoryStorage(TokenStorage):
    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self._client = client
        self._tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


class Browser:
    """Follows the authorization URL as a user's browser would, as far as the redirect back to the client."""

    def __init__(self) -> None:
        self._location = ""

    async def visit(self, url: str) -> None:
        async with httpx.AsyncClient() as client:
            response = await client.get(url, follow_redirects=False)
        self._location = response.headers["location"]

    async def answer(self) -> AuthorizationResponse:
        return AuthorizationResponse.from_url(self._location)


def oauth(url: str, storage: TokenStorage) -> OAuthClientProvider:
    browser = Browser()
    return OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(
            client_name="conformance-client",
            redirect_uris=[AnyUrl(REDIRECT_URI)],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
        ),
        storage=storage,
        redirect_handler=browser.visit,
        callback_handler=browser.answer,
        client_metadata_url=CLIENT_METADATA_URL,
    )


async def use_first_tool(url: str, auth: httpx.Auth) -> None:
    async with connected(url, auth) as session:
        tools = (await session.list_tools()).tools
        if tools:
            try:
                await session.call_tool(tools[0].name, {})
            except McpError as error:
                print(f"The tool failed: {error}", file=sys.stderr)


async def authorize(url: str, context: dict[str, Any]) -> None:
    await use_first_tool(url, oauth(url, MemoryStorage()))


async def pre_registered(url: str, context: dict[str, Any]) -> None:
    client = OAuthClientInformationFull(
        client_id=context["client_id"],
        client_secret=context["client_secret"],
        redirect_uris=[AnyUrl(REDIRECT_URI)],
    )
    await use_first_tool(url, oauth(url, MemoryStorage(client)))


async def client_credentials_basic(url: str, context: dict[str, Any]) -> None:
    issuer = await advertised_issuer(url)
    provider = ClientCredentialsOAuthProvider(
        url, MemoryStorage(), context["client_id"], context["client_secret"], issuer=issuer
    )
    await use_first_tool(url, provider)


async def client_credentials_jwt(url: str, context: dict[str, Any]) -> None:
    assertion = SignedJWTParameters(
        issuer=context["client_id"],
        subject=context["client_id"],
        signing_key=context["private_key_pem"],
        signing_algorithm=context.get("signing_algorithm", "ES256"),
    )
    provider = PrivateKeyJWTOAuthProvider(
        url,
        MemoryStorage(),
        context["client_id"],
        assertion.create_assertion_provider(),
        issuer=await advertised_issuer(url),
    )
    await use_first_tool(url, provider)


async def advertised_issuer(url: str) -> str:
    """The authorization server that the server names; a real program is configured with the one it trusts."""
    parts = urlparse(url)
    async with httpx.AsyncClient() as client:
        for path in (parts.path, ""):
            response = await client.get(f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{path}")
            if response.status_code == 200:
                return response.json()["authorization_servers"][0]
    return f"{parts.scheme}://{parts.netloc}"


SCENARIOS = {
    "initialize": initialize,
    "tools_call": tools_call,
    "elicitation-sep1034-client-defaults": elicitation_defaults,
    "sse-retry": sse_retry,
    "json-schema-2020-12-preservation": schema_preservation,
    "json-schema-ref-no-deref": initialize,
    "auth/pre-registration": pre_registered,
    "auth/client-credentials-basic": client_credentials_basic,
    "auth/client-credentials-jwt": client_credentials_jwt,
}


def main() -> int:
    name = os.environ.get("MCP_CONFORMANCE_SCENARIO", "initialize")
    scenario = SCENARIOS.get(name, authorize if name.startswith("auth/") else None)
    if scenario is None:
        print(f"unknown scenario {name}", file=sys.stderr)
        return 2
    anyio.run(scenario, sys.argv[-1], json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
