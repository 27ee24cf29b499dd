"""Routes and metadata documents (ROUTE, META, PRMD)."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mcp.server.auth.routes import (
    build_metadata,
    build_resource_metadata_url,
    cors_middleware,
    create_auth_routes,
    create_protected_resource_routes,
    validate_issuer_url,
)
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions

pytestmark = pytest.mark.anyio

MakeHttp = Callable[..., httpx.AsyncClient]
METADATA = "/.well-known/oauth-authorization-server"
ORIGIN = {"origin": "https://browser.example"}


def test_routes_in_order(provider: Any) -> None:
    """ROUTE-1"""
    issuer = AnyHttpUrl("https://auth.example.com")
    plain = create_auth_routes(provider, issuer)
    assert [route.path for route in plain] == [METADATA, "/authorize", "/token"]
    full = create_auth_routes(
        provider,
        issuer,
        client_registration_options=ClientRegistrationOptions(enabled=True),
        revocation_options=RevocationOptions(enabled=True),
    )
    assert [route.path for route in full] == [METADATA, "/authorize", "/token", "/register", "/revoke"]


async def test_issuer_with_path(make_http: MakeHttp) -> None:
    """ROUTE-2 META-2"""
    async with make_http(AnyHttpUrl("https://auth.example.com/tenant/")) as http:
        documents = [(await http.get(path)).json() for path in (METADATA, METADATA + "/tenant")]
    assert documents[0] == documents[1]
    assert documents[0]["issuer"] == "https://auth.example.com/tenant/"
    assert documents[0]["authorization_endpoint"] == "https://auth.example.com/tenant/authorize"
    assert documents[0]["token_endpoint"] == "https://auth.example.com/tenant/token"


@pytest.mark.parametrize(
    "url",
    [
        "https://auth.example.com",
        "https://auth.example.com/path",
        "http://localhost:9000",
        "http://127.0.0.1:9000",
        "http://127.8.9.1",
        "http://[::1]:9000",
    ],
)
def test_good_issuers(url: str) -> None:
    """ROUTE-3 ROUTE-4"""
    validate_issuer_url(AnyHttpUrl(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://auth.example.com",
        "http://127.0.0.1.evil.com",
        "http://localhost.evil.com",
        "http://127.evil.com",
        "http://[::2]",
        "http://[2001:db8::1]",
        "http://10.0.0.1",
    ],
)
def test_plain_http_issuers_are_refused(url: str, provider: Any) -> None:
    """ROUTE-3 ROUTE-4"""
    for check in (validate_issuer_url, lambda issuer: create_auth_routes(provider, issuer)):
        with pytest.raises(ValueError, match=r"^Issuer URL must be HTTPS$"):
            check(AnyHttpUrl(url))


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://a.example/#x", "Issuer URL must not have a fragment"),
        ("https://a.example/#", "Issuer URL must not have a fragment"),
        ("https://a.example/?x=1", "Issuer URL must not have a query string"),
    ],
)
def test_issuer_with_fragment_or_query(url: str, text: str) -> None:
    """ROUTE-5"""
    with pytest.raises(ValueError, match=f"^{text}$"):
        validate_issuer_url(AnyHttpUrl(url))


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (METADATA, {"GET", "HEAD", "OPTIONS"}),
        ("/authorize", {"GET", "HEAD", "POST"}),
        ("/token", {"POST", "OPTIONS"}),
        ("/register", {"POST", "OPTIONS"}),
        ("/revoke", {"POST", "OPTIONS"}),
    ],
)
async def test_methods(make_http: MakeHttp, path: str, allowed: set[str]) -> None:
    """ROUTE-6"""
    async with make_http() as http:
        for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"):
            status = (await http.request(method, path)).status_code
            assert (status != 405) == (method in allowed), method


@pytest.mark.parametrize(
    ("path", "method"), [(METADATA, "GET"), ("/token", "POST"), ("/register", "POST"), ("/revoke", "POST")]
)
async def test_cors(make_http: MakeHttp, path: str, method: str) -> None:
    """ROUTE-7 ROUTE-8"""
    async with make_http() as http:
        answer = await http.request(method, path, headers=ORIGIN)
        assert answer.headers["access-control-allow-origin"] == "*"
        asked = {**ORIGIN, "access-control-request-method": method}
        for header in ("mcp-protocol-version", "content-type", "authorization"):
            preflight = await http.options(path, headers={**asked, "access-control-request-headers": header})
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == "*"
            assert preflight.headers["access-control-allow-methods"] == f"{method}, OPTIONS"
        refused = await http.options(path, headers={**asked, "access-control-request-headers": "x-other"})
        assert (refused.status_code, refused.text) == (400, "Disallowed CORS headers")


async def test_authorize_has_no_cors(make_http: MakeHttp) -> None:
    """ROUTE-7"""
    async with make_http() as http:
        preflight = await http.options("/authorize", headers={**ORIGIN, "access-control-request-method": "GET"})
        assert preflight.status_code == 405
        assert "access-control-allow-origin" not in (await http.get("/authorize", headers=ORIGIN)).headers


async def test_options_without_cors_headers_reaches_the_handler(make_http: MakeHttp) -> None:
    """ROUTE-9"""
    async with make_http() as http:
        assert (await http.options("/token")).status_code == 401


class Chunks(httpx.AsyncByteStream):
    """Five mebibytes of unannounced length."""

    def __init__(self) -> None:
        self.left = 5

    def __aiter__(self) -> "Chunks":
        return self

    async def __anext__(self) -> bytes:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return b"x" * 1024 * 1024


@pytest.mark.parametrize("path", ["/authorize", "/token", "/register", "/revoke"])
async def test_oversized_bodies_are_refused(make_http: MakeHttp, path: str) -> None:
    """ROUTE-10"""
    url = f"https://auth.example.com{path}"
    async with make_http() as http:
        for body in ({"content": b"x" * (4 * 1024 * 1024 + 1)}, {"stream": Chunks()}):
            answer = await http.send(httpx.Request("POST", url, headers=ORIGIN, **body))  # type: ignore[arg-type]
            assert (answer.status_code, answer.text) == (413, "Request body too large")
            assert ("access-control-allow-origin" in answer.headers) == (path != "/authorize")


async def test_cors_middleware_takes_any_handler() -> None:
    def handler(request: Request) -> Response:
        return PlainTextResponse("hello")

    app = cors_middleware(handler, ["GET"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        assert (await http.get("/", headers=ORIGIN)).headers["access-control-allow-origin"] == "*"


async def test_metadata_document(make_http: MakeHttp) -> None:
    """META-1 META-2 META-3 META-4"""
    async with make_http(valid_scopes=["a", "b"]) as http:
        answer = await http.get(METADATA)
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.json() == {
        "issuer": "https://auth.example.com/",
        "authorization_endpoint": "https://auth.example.com/authorize",
        "token_endpoint": "https://auth.example.com/token",
        "registration_endpoint": "https://auth.example.com/register",
        "scopes_supported": ["a", "b"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "revocation_endpoint": "https://auth.example.com/revoke",
        "revocation_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
    }


def test_metadata_of_a_smaller_server() -> None:
    """META-1"""
    metadata = build_metadata(
        AnyHttpUrl("https://auth.example.com/"),
        AnyHttpUrl("https://docs.example.com/x"),
        ClientRegistrationOptions(),
        RevocationOptions(),
    )
    assert metadata.registration_endpoint is None
    assert metadata.revocation_endpoint is None
    assert metadata.revocation_endpoint_auth_methods_supported is None
    assert str(metadata.service_documentation) == "https://docs.example.com/x"


@pytest.mark.parametrize(
    ("resource", "metadata"),
    [
        ("https://e.com/mcp", "https://e.com/.well-known/oauth-protected-resource/mcp"),
        ("https://e.com", "https://e.com/.well-known/oauth-protected-resource"),
        ("https://e.com/", "https://e.com/.well-known/oauth-protected-resource"),
        ("https://e.com/mcp/", "https://e.com/.well-known/oauth-protected-resource/mcp/"),
        ("https://e.com/mcp?x=1#y", "https://e.com/.well-known/oauth-protected-resource/mcp"),
        ("http://e.com:8001/a/b", "http://e.com:8001/.well-known/oauth-protected-resource/a/b"),
    ],
)
def test_protected_resource_metadata_url(resource: str, metadata: str) -> None:
    """PRMD-1"""
    assert str(build_resource_metadata_url(AnyHttpUrl(resource))) == metadata


async def test_protected_resource_metadata() -> None:
    """PRMD-2 PRMD-3 PRMD-4"""
    routes = create_protected_resource_routes(
        resource_url=AnyHttpUrl("https://e.com/mcp"),
        authorization_servers=[AnyHttpUrl("https://auth.example.com")],
        scopes_supported=["a"],
        resource_name="Name",
        resource_documentation=AnyHttpUrl("https://docs.example.com"),
    )
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="https://e.com") as http:
        answer = await http.get("/.well-known/oauth-protected-resource/mcp", headers=ORIGIN)
        assert (await http.get("/.well-known/oauth-protected-resource")).status_code == 404
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json() == {
        "resource": "https://e.com/mcp",
        "authorization_servers": ["https://auth.example.com/"],
        "scopes_supported": ["a"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Name",
        "resource_documentation": "https://docs.example.com/",
    }


async def test_protected_resource_at_the_root_without_optional_members() -> None:
    """PRMD-1 PRMD-3 PRMD-4"""
    routes = create_protected_resource_routes(AnyHttpUrl("https://e.com"), [AnyHttpUrl("https://auth.example.com/t")])
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="https://e.com") as http:
        assert (await http.get("/.well-known/oauth-protected-resource")).json() == {
            "resource": "https://e.com/",
            "authorization_servers": ["https://auth.example.com/t"],
            "bearer_methods_supported": ["header"],
        }
