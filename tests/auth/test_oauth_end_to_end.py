"""Client and servers of this package together: in one process, and over real sockets."""

import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx
import pytest
import uvicorn
from pydantic import AnyHttpUrl, AnyUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from mcp.client.auth import AuthorizationResponse, OAuthClientProvider, OAuthFlowError, OAuthTokenError
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, get_access_token
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AuthorizeError, ProviderTokenVerifier
from mcp.server.auth.routes import (
    build_resource_metadata_url,
    create_auth_routes,
    create_protected_resource_routes,
)
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientMetadata

pytestmark = pytest.mark.anyio


def build_app(provider: Any, base: str) -> Starlette:
    """An MCP server that is its own authorization server."""
    resource = AnyHttpUrl(base + "/mcp")

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        token = get_access_token()
        assert token is not None
        await Request(scope, receive).body()
        await JSONResponse({"client": token.client_id, "scopes": token.scopes})(scope, receive, send)

    options = ClientRegistrationOptions(enabled=True, valid_scopes=["read", "write"], default_scopes=["read"])
    return Starlette(
        routes=[
            *create_auth_routes(provider, AnyHttpUrl(base), None, options, RevocationOptions(enabled=True)),
            *create_protected_resource_routes(resource, [AnyHttpUrl(base)], ["read"]),
            Mount("/mcp", RequireAuthMiddleware(endpoint, ["read"], build_resource_metadata_url(resource))),
        ],
        middleware=[
            Middleware(
                AuthenticationMiddleware,
                backend=BearerAuthBackend(ProviderTokenVerifier(provider), resource_server_url=resource),
            ),
            Middleware(AuthContextMiddleware),
        ],
    )


class Browser:
    """Follows the authorization URL at once."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.landed = ""
        self.visits = 0

    async def open(self, url: str) -> None:
        self.visits += 1
        self.landed = (await self.http.get(url)).headers["location"]

    async def result(self) -> AuthorizationResponse:
        return AuthorizationResponse.from_url(self.landed)


def make_client(base: str, browser: Browser, storage: Any, **metadata: Any) -> OAuthClientProvider:
    described = OAuthClientMetadata(redirect_uris=[AnyUrl("http://localhost:3030/callback")], **metadata)
    return OAuthClientProvider(base + "/mcp", described, storage, browser.open, browser.result, timeout=5)


@asynccontextmanager
async def in_process(provider: Any) -> AsyncIterator[tuple[str, Any]]:
    base = "https://mcp.example"
    app = build_app(provider, base)

    def connect(auth: httpx.Auth | None = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), auth=auth)

    yield base, connect


@asynccontextmanager
async def over_sockets(provider: Any) -> AsyncIterator[tuple[str, Any]]:
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(build_app(provider, base), log_level="error", lifespan="off", timeout_graceful_shutdown=2)
    )
    # uvicorn needs asyncio, whatever the test runs on.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield base, lambda auth=None: httpx.AsyncClient(auth=auth, timeout=5)
    finally:
        server.should_exit = True
        with anyio.fail_after(10):
            await anyio.to_thread.run_sync(thread.join)


@pytest.mark.parametrize("method", [None, "none", "client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("world_of", [in_process, over_sockets])
async def test_everything(provider: Any, make_storage: Any, world_of: Any, method: Any) -> None:
    """CL-1 CL-15 AZ-2 TOK-11 RS-3 PRMD-3: register, authorize, call, refresh, be revoked, authorize again."""
    storage = make_storage()
    async with world_of(provider) as (base, connect), connect() as plain:
        browser = Browser(plain)
        auth = make_client(base, browser, storage, token_endpoint_auth_method=method)
        async with connect(auth) as http:
            # Starlette redirects /mcp to /mcp/ for a mount.
            answer = await http.post(base + "/mcp/", json={}, headers={"mcp-protocol-version": "2025-11-25"})
            assert answer.status_code == 200
            assert answer.json() == {"client": storage.client_info.client_id, "scopes": ["read"]}
            assert browser.visits == 1
            first = storage.tokens
            (issued,) = provider.access.values()
            assert issued.resource == base + "/mcp"

            # expired: refreshed without the user
            auth.context.token_expiry_time = 0
            assert (await http.post(base + "/mcp/")).status_code == 200
            assert storage.tokens.access_token != first.access_token
            assert browser.visits == 1

            # revoked: the user is asked again
            provider.access.clear()
            provider.refresh.clear()
            assert (await http.post(base + "/mcp/")).status_code == 200
            assert browser.visits == 2
            assert storage.client_info.client_id in provider.clients


@pytest.mark.parametrize("world_of", [in_process, over_sockets])
async def test_code_replay(provider: Any, make_storage: Any, world_of: Any) -> None:
    """TOK-6 TOK-13 AUTHZ-9: a code that was used is of no use to anybody else."""
    async with world_of(provider) as (base, connect), connect() as plain:
        browser = Browser(plain)
        storage = make_storage()
        auth = make_client(base, browser, storage)
        async with connect(auth) as http:
            await http.post(base + "/mcp/")
            code = dict(parse_qsl(urlsplit(browser.landed).query))["code"]

            async def replay() -> tuple[str, str | None]:
                state = dict(parse_qsl(urlsplit(browser.landed).query))["state"]
                return code, state

            auth.context.callback_handler = replay
            provider.access.clear()
            provider.refresh.clear()
            with pytest.raises(OAuthTokenError, match="authorization code does not exist") as caught:
                await http.post(base + "/mcp/")
            assert caught.value.error == "invalid_grant"
            assert caught.value.error_description == "authorization code does not exist"


async def test_denied(provider: Any, make_storage: Any) -> None:
    """AZ-6: what the server says reaches the caller."""
    async with in_process(provider) as (base, connect), connect() as plain:
        browser = Browser(plain)
        auth = make_client(base, browser, make_storage())
        open_page = browser.open

        async def deny(url: str) -> None:
            provider.error = AuthorizeError("access_denied", "not today")
            await open_page(url)

        auth.context.redirect_handler = deny
        async with connect(auth) as http:
            with pytest.raises(OAuthFlowError, match=r"^Authorization failed: access_denied: not today$") as caught:
                await http.post(base + "/mcp/")
    assert caught.value.error == "access_denied"
