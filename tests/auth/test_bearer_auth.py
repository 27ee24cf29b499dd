"""Bearer authentication and scope checks (RS), and token verification (PROV-1, PROV-9)."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from mcp.server.auth.middleware import auth_context, bearer_auth
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, auth_context_var, get_access_token
from mcp.server.auth.middleware.bearer_auth import (
    AuthenticatedUser,
    BearerAuthBackend,
    RequireAuthMiddleware,
    authorization_context,
)
from mcp.server.auth.provider import AccessToken, ProviderTokenVerifier
from mcp.server.auth.routes import create_auth_routes

pytestmark = pytest.mark.anyio

RESOURCE = AnyHttpUrl("https://mcp.example/mcp")


class Verifier:
    """Knows some tokens and keeps what it was asked."""

    def __init__(self, **tokens: AccessToken) -> None:
        self.tokens = tokens
        self.asked: list[str] = []

    async def verify_token(self, token: str) -> AccessToken | None:
        self.asked.append(token)
        if token == "crash":
            raise RuntimeError("verifier is down")
        return self.tokens.get(token)


def access(**fields: Any) -> AccessToken:
    return AccessToken(**{"token": "good", "client_id": "c", "scopes": ["read", "write"], **fields})


def connection(authorization: str | None) -> HTTPConnection:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    return HTTPConnection({"type": "http", "headers": headers})


async def authenticate(
    authorization: str | None, token: AccessToken | None = None, resource: AnyHttpUrl | None = None
) -> AuthenticatedUser | None:
    verifier = Verifier(good=token or access())
    result = await BearerAuthBackend(verifier, resource_server_url=resource).authenticate(connection(authorization))
    if result is None:
        return None
    credentials, user = result
    assert credentials.scopes == user.scopes
    return user


@pytest.mark.parametrize("header", ["Bearer good", "bearer good", "BEARER good", "Bearer   good  "])
async def test_good_headers(header: str) -> None:
    """RS-1"""
    user = await authenticate(header)
    assert user is not None
    assert user.access_token.token == "good"


@pytest.mark.parametrize(
    "header", [None, "", "good", "Basic good", "Bearer", "Bearer ", "Bearer  ", "Bearergood", "Bearer bad"]
)
async def test_bad_headers(header: str | None) -> None:
    """RS-1 RS-2"""
    assert await authenticate(header) is None


async def test_an_empty_token_is_not_handed_to_the_verifier() -> None:
    """RS-1"""
    verifier = Verifier()
    for header in ("Bearer ", "Bearer", "Basic x"):
        assert await BearerAuthBackend(verifier).authenticate(connection(header)) is None
    assert verifier.asked == []


@pytest.mark.parametrize(("expires", "good"), [(None, True), (60, True), (-1, False)])
async def test_expiry(expires: int | None, good: bool) -> None:
    """RS-2"""
    token = access(expires_at=None if expires is None else int(time.time()) + expires)
    assert (await authenticate("Bearer good", token) is not None) == good


@pytest.mark.parametrize(
    ("resource", "good"),
    [
        ("https://mcp.example/mcp", True),
        ("https://mcp.example/mcp/", True),
        ("https://MCP.example:443/mcp", True),
        ("HTTPS://mcp.example/mcp", True),
        (None, False),
        ("", False),
        ("mcp", False),
        ("https://mcp.example", False),
        ("https://mcp.example/mcp//", False),
        ("https://mcp.example/MCP", False),
        ("https://mcp.example:8443/mcp", False),
        ("https://mcp.example:bad/mcp", False),
        ("https://[bad/mcp", False),
        ("http://mcp.example/mcp", False),
        ("https://mcp.example.evil/mcp", False),
        ("https://u@mcp.example/mcp", False),
        ("https://mcp.example/mcp?x=1", False),
        ("https://mcp.example/mcp#x", False),
    ],
)
async def test_wrong_audience(resource: str | None, good: bool, caplog: pytest.LogCaptureFixture) -> None:
    """RS-3 R26-158"""
    assert (await authenticate("Bearer good", access(resource=resource), RESOURCE) is not None) == good
    assert bool(caplog.records) != good
    assert await authenticate("Bearer good", access(resource=resource)) is not None


@pytest.fixture
def make_app() -> Callable[..., httpx.AsyncClient]:
    def make(
        verifier: Verifier, required: list[str] | None = None, metadata: AnyHttpUrl | None = None
    ) -> httpx.AsyncClient:
        async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            if request.query_params.get("crash"):
                raise RuntimeError
            token = get_access_token()
            await JSONResponse({"token": token and token.token, "user": request.user.display_name})(
                scope, receive, send
            )

        async def open_endpoint(request: Request) -> Response:
            token = get_access_token()
            return JSONResponse({"token": token and token.token})

        app = Starlette(
            routes=[
                Route("/open", open_endpoint),
                Mount("/mcp", RequireAuthMiddleware(endpoint, required or [], metadata)),
            ],
            middleware=[
                Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(verifier)),
                Middleware(AuthContextMiddleware),
            ],
        )
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="https://mcp.example"
        )

    return make


GOOD = {"authorization": "Bearer good"}


async def test_unauthenticated(make_app: Callable[..., httpx.AsyncClient]) -> None:
    """RS-4 RS-6 RS-8 RS-9"""
    async with make_app(Verifier()) as http:
        for method in ("GET", "POST", "DELETE", "OPTIONS", "HEAD"):
            answer = await http.request(method, "/mcp/", headers={"origin": "https://browser.example"})
            assert answer.status_code == 401
            assert "access-control-allow-origin" not in answer.headers
        answer = await http.post("/mcp/", headers={"authorization": "Bearer bad"})
    assert answer.json() == {"error": "invalid_token", "error_description": "Authentication required"}
    assert answer.headers["content-type"] == "application/json"
    assert (
        answer.headers["www-authenticate"]
        == 'Bearer error="invalid_token", error_description="Authentication required"'
    )


async def test_challenge_names_metadata_and_scopes(make_app: Callable[..., httpx.AsyncClient]) -> None:
    """RS-5 RS-6 RS-7 R26-157"""
    metadata = AnyHttpUrl("https://mcp.example/.well-known/oauth-protected-resource/mcp")
    async with make_app(Verifier(good=access()), ["read", "admin", "other"], metadata) as http:
        without, with_token = await http.get("/mcp/"), await http.get("/mcp/", headers=GOOD)
    assert without.status_code == 401
    assert without.headers["www-authenticate"].endswith(f', resource_metadata="{metadata}", scope="read admin other"')
    assert with_token.status_code == 403
    assert with_token.json() == {"error": "insufficient_scope", "error_description": "Required scope: admin"}
    assert with_token.headers["www-authenticate"] == (
        'Bearer error="insufficient_scope", error_description="Required scope: admin", '
        f'resource_metadata="{metadata}", scope="read admin other"'
    )


async def test_quotes_in_the_challenge_are_escaped(make_app: Callable[..., httpx.AsyncClient]) -> None:
    """RS-6"""
    async with make_app(Verifier(good=access()), ['a"b\\c']) as http:
        answer = await http.get("/mcp/", headers=GOOD)
    assert answer.headers["www-authenticate"].endswith(r'scope="a\"b\\c"')


@pytest.mark.parametrize(
    ("required", "status"),
    [([], 200), (["read"], 200), (["read", "write"], 200), (["admin"], 403), (["read", "x"], 403)],
)
async def test_required_scopes(make_app: Callable[..., httpx.AsyncClient], required: list[str], status: int) -> None:
    """RS-5 RS-13"""
    async with make_app(Verifier(good=access()), required) as http:
        assert (await http.get("/mcp/", headers=GOOD)).status_code == status


async def test_verifier_errors_are_server_errors(make_app: Callable[..., httpx.AsyncClient]) -> None:
    """RS-2"""
    async with make_app(Verifier()) as http:
        assert (await http.get("/mcp/", headers={"authorization": "Bearer crash"})).status_code == 500


async def test_access_token_of_the_request(make_app: Callable[..., httpx.AsyncClient]) -> None:
    """RS-10 RS-11"""
    assert get_access_token() is None
    async with make_app(Verifier(good=access())) as http:
        assert (await http.get("/mcp/", headers=GOOD)).json() == {"token": "good", "user": "c"}
        assert (await http.get("/open", headers=GOOD)).json() == {"token": "good"}
        assert (await http.get("/open")).json() == {"token": None}
    assert get_access_token() is None


async def test_the_context_variable_is_reset_after_exceptions() -> None:
    """RS-10"""
    seen: list[AccessToken | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(get_access_token())
        raise RuntimeError

    user = AuthenticatedUser(access())
    with pytest.raises(RuntimeError):
        await AuthContextMiddleware(app)({"type": "http", "user": user}, None, None)  # type: ignore[arg-type]
    assert seen == [user.access_token]
    assert auth_context_var.get() is None


async def test_scopes_without_credentials_are_not_enough() -> None:
    """RS-5"""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "user": AuthenticatedUser(access())}
    await RequireAuthMiddleware(None, ["read"])(scope, None, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 403


async def test_the_error_can_be_overridden() -> None:
    """RS-4; fastmcp overrides it."""
    calls: list[tuple[int, str, str]] = []

    class Quiet(RequireAuthMiddleware):
        async def _send_auth_error(self, send: Send, status_code: int, error: str, description: str) -> None:
            calls.append((status_code, error, description))

    await Quiet(None, [])({"type": "http"}, None, None)  # type: ignore[arg-type]
    assert calls == [(401, "invalid_token", "Authentication required")]


def test_authenticated_user() -> None:
    """RS-11"""
    token = access()
    user = AuthenticatedUser(token)
    assert (user.display_name, user.username, user.is_authenticated) == ("c", "c", True)
    assert user.access_token is token
    assert user.scopes == ["read", "write"]
    assert auth_context.AuthenticatedUser is bearer_auth.AuthenticatedUser


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"client_id": "c", "issuer": None, "subject": None}),
        (
            {"subject": "u", "claims": {"iss": "https://as", "x": 1}},
            {"client_id": "c", "issuer": "https://as", "subject": "u"},
        ),
    ],
)
def test_authorization_context(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """RS-12: what a session compares; that a stranger gets 404 is TSV-52."""
    assert authorization_context(AuthenticatedUser(access(**fields))) == expected


async def test_provider_token_verifier(provider: Any) -> None:
    """PROV-9"""
    verifier = ProviderTokenVerifier(provider)
    assert await verifier.verify_token("t") is None
    provider.access["t"] = access(token="t")
    assert await verifier.verify_token("t") is provider.access["t"]


async def test_a_provider_without_registration(provider: Any) -> None:
    """PROV-1: with registration off, a provider may leave both methods unimplemented."""

    async def unimplemented(*args: object) -> None:
        raise NotImplementedError

    provider.register_client = provider.get_client = unimplemented
    app = Starlette(routes=create_auth_routes(provider, AnyHttpUrl("https://auth.example")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://auth.example") as http:
        assert (await http.post("/register", json={})).status_code == 404
        assert (await http.post("/revoke", data={})).status_code == 404
        assert (await http.get("/.well-known/oauth-authorization-server")).status_code == 200
