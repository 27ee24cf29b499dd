"""An authorization server kept in memory, and a world of servers for the client side."""

import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from pydantic import AnyHttpUrl, AnyUrl
from starlette.applications import Starlette

from mcp.client.auth import AuthorizationResponse
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

ISSUER = AnyHttpUrl("https://auth.example.com")


class MemoryProvider(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Grants everything at once."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.params: list[AuthorizationParams] = []
        self.revoked: list[AccessToken | RefreshToken] = []
        self.lookups: list[str] = []
        self.refreshed_scopes: list[list[str]] = []
        self.error: Exception | None = None

    def fail(self) -> None:
        if self.error is not None:
            raise self.error

    def add_client(self, client_id: str = "c", **fields: Any) -> OAuthClientInformationFull:
        fields = {
            "client_secret": "s3cret",
            "token_endpoint_auth_method": "client_secret_post",
            "redirect_uris": [AnyUrl("https://client.example/cb")],
            "scope": "read write",
            **fields,
        }
        client = OAuthClientInformationFull(client_id=client_id, **fields)
        self.clients[client_id] = client
        return client

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.fail()
        assert client_info.client_id is not None
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        self.fail()
        self.params.append(params)
        code = AuthorizationCode(
            code=secrets.token_urlsafe(20),
            scopes=params.scopes or [],
            expires_at=time.time() + 300,
            client_id=client.client_id or "",
            **params.model_dump(include={"code_challenge", "redirect_uri", "resource"}),
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            subject="user",
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    def issue(self, client: OAuthClientInformationFull, scopes: list[str], resource: str | None) -> OAuthToken:
        held = {"client_id": client.client_id or "", "scopes": scopes, "resource": resource, "subject": "user"}
        access = AccessToken(token=secrets.token_urlsafe(20), expires_at=int(time.time()) + 3600, **held)  # type: ignore[arg-type]
        refresh = RefreshToken(token=secrets.token_urlsafe(20), **held)  # type: ignore[arg-type]
        self.access[access.token] = access
        self.refresh[refresh.token] = refresh
        return OAuthToken(
            access_token=access.token, expires_in=3600, scope=" ".join(scopes), refresh_token=refresh.token
        )

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        self.fail()
        del self.codes[authorization_code.code]
        return self.issue(client, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        self.lookups.append("refresh_token")
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        self.fail()
        self.refreshed_scopes.append(scopes)
        del self.refresh[refresh_token.token]
        return self.issue(client, scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        self.lookups.append("access_token")
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.revoked.append(token)


@pytest.fixture
def provider() -> MemoryProvider:
    return MemoryProvider()


@pytest.fixture
def make_http(provider: MemoryProvider) -> Callable[..., httpx.AsyncClient]:
    """Makes a client of an authorization server in this process."""

    def make(
        issuer: AnyHttpUrl = ISSUER, *, raise_app_exceptions: bool = True, **registration: Any
    ) -> httpx.AsyncClient:
        options = ClientRegistrationOptions(enabled=True, **registration)
        routes = create_auth_routes(provider, issuer, None, options, RevocationOptions(enabled=True))
        transport = httpx.ASGITransport(Starlette(routes=routes), raise_app_exceptions=raise_app_exceptions)
        return httpx.AsyncClient(transport=transport, base_url="https://auth.example.com")

    return make


class MemoryStorage:
    """Token storage that counts its reads."""

    def __init__(self, tokens: OAuthToken | None = None, client_info: OAuthClientInformationFull | None = None) -> None:
        self.tokens = tokens
        self.client_info = client_info
        self.reads = 0

    async def get_tokens(self) -> OAuthToken | None:
        self.reads += 1
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client_info

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client_info = client_info


Responder = Callable[[httpx.Request], Awaitable[httpx.Response] | httpx.Response]


class World:
    """An MCP server, an authorization server, and whatever else a test puts at some URL.

    Answers are looked up by "METHOD URL"; what is not there is a 404. Every request is kept.
    """

    server_url = "https://mcp.example/mcp"
    prm_url = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
    prm_root_url = "https://mcp.example/.well-known/oauth-protected-resource"
    issuer = "https://as.example"
    asm_url = "https://as.example/.well-known/oauth-authorization-server"

    def __init__(self) -> None:
        self.seen: list[httpx.Request] = []
        self.good_tokens: set[str] = set()
        self.challenge = "Bearer"
        self.refusal = 401
        self.answers: dict[str, httpx.Response | dict[str, Any] | Responder] = {}
        self.token_answers: list[httpx.Response | dict[str, Any]] = []
        self.opened: list[dict[str, str]] = []
        self.callback: Callable[[dict[str, str]], Awaitable[tuple[str, str | None]] | tuple[str, str | None]] = (
            lambda query: ("the-code", query["state"])
        )
        self.answers[f"POST {self.server_url}"] = self.serve_mcp
        self.answers[f"GET {self.prm_url}"] = {"resource": self.server_url, "authorization_servers": [self.issuer]}
        self.answers[f"GET {self.asm_url}"] = self.metadata()
        self.answers["POST https://as.example/register"] = self.serve_registration
        self.answers["POST https://as.example/token"] = self.serve_token

    def metadata(self, issuer: str | None = None, **changes: Any) -> dict[str, Any]:
        issuer = issuer or self.issuer
        base = issuer.rstrip("/")
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "registration_endpoint": f"{base}/register",
            "code_challenge_methods_supported": ["S256"],
            **changes,
        }

    def serve_mcp(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.good_tokens:
            return httpx.Response(200, json={"ok": True})
        return httpx.Response(self.refusal, headers={"www-authenticate": self.challenge})

    def serve_registration(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            201, json={"redirect_uris": None, **json.loads(request.content), "client_id": "registered"}
        )

    def serve_token(self, request: httpx.Request) -> httpx.Response:
        answer = self.token_answers.pop(0) if self.token_answers else {"token_type": "Bearer"}
        if isinstance(answer, httpx.Response):
            return answer
        token = answer.setdefault("access_token", f"token-{len(self.seen)}")
        self.good_tokens.add(token)
        return httpx.Response(200, json=answer)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        # A request may be sent again with other headers.
        self.seen.append(httpx.Request(request.method, request.url, headers=request.headers, content=request.content))
        answer = self.answers.get(f"{request.method} {request.url}")
        if callable(answer):
            answer = answer(request)
            if not isinstance(answer, httpx.Response):
                answer = await answer
        if answer is None:
            return httpx.Response(404)
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return httpx.Response(200, json=answer)

    async def open_browser(self, url: str) -> None:
        self.opened.append(dict(parse_qsl(urlsplit(url).query)))
        self.opened_url = url

    async def wait_for_callback(self) -> tuple[str, str | None]:
        result = self.callback(self.opened[-1])
        return result if isinstance(result, tuple) else await result

    def arguments(self, **changes: Any) -> dict[str, Any]:
        """Arguments for an `OAuthClientProvider`."""
        return {
            "server_url": self.server_url,
            "client_metadata": OAuthClientMetadata(redirect_uris=[AnyUrl("http://localhost:3030/callback")]),
            "storage": MemoryStorage(),
            "redirect_handler": self.open_browser,
            "callback_handler": self.wait_for_callback,
            **changes,
        }

    def http(self, auth: httpx.Auth, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self), auth=auth, **options)

    async def call(self, auth: httpx.Auth, version: str | None = "2025-11-25", **options: Any) -> httpx.Response:
        """Send one authenticated request to the MCP server."""
        headers = {"mcp-protocol-version": version} if version else {}
        async with self.http(auth, **options) as client:
            return await client.post(self.server_url, json={}, headers=headers)

    @property
    def log(self) -> list[str]:
        """All requests as "METHOD URL"."""
        return [f"{request.method} {request.url}" for request in self.seen]

    def forms(self, url: str = "https://as.example/token") -> list[dict[str, str]]:
        """The forms posted to a URL."""
        return [
            dict(parse_qsl(request.content.decode(), keep_blank_values=True))
            for request in self.seen
            if request.method == "POST" and str(request.url) == url
        ]

    def secrets_sent_to(self, host: str) -> list[str]:
        """Whatever of codes, verifiers, tokens and secrets reached a host."""
        marks = ("the-code", "s3cret", "refresh-", "token-", "code_verifier", "client_secret", "assertion")
        texts = [
            request.content.decode() + request.headers.get("authorization", "") + str(request.url)
            for request in self.seen
            if request.url.host == host
        ]
        return [mark for mark in marks if any(mark in text for text in texts)]

    def rich(self, query: dict[str, str], **fields: Any) -> AuthorizationResponse:
        return AuthorizationResponse("the-code", query["state"], **fields)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def make_storage() -> type[MemoryStorage]:
    return MemoryStorage
