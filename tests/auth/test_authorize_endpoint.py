"""The authorization endpoint (AZ), and what the provider is to do for it (PROV-2, PROV-7)."""

import dataclasses
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from pydantic import AnyUrl
from starlette.datastructures import FormData, QueryParams, UploadFile

from mcp.server.auth.handlers.authorize import best_effort_extract_string
from mcp.server.auth.provider import AuthorizeError, RegistrationError, TokenError, construct_redirect_uri

pytestmark = pytest.mark.anyio

MakeHttp = Callable[..., httpx.AsyncClient]
CB = "https://client.example/cb"
GOOD = {
    "client_id": "c",
    "response_type": "code",
    "code_challenge": "challenge",
    "code_challenge_method": "S256",
    "redirect_uri": CB,
    "state": "st at&e",
    "scope": "read write",
    "resource": "https://mcp.example/mcp",
}


def without(*names: str, **changes: str) -> dict[str, str]:
    return {name: value for name, value in {**GOOD, **changes}.items() if name not in names}


async def authorize(http: httpx.AsyncClient, method: str, query: dict[str, str]) -> httpx.Response:
    answer = await (http.get("/authorize", params=query) if method == "GET" else http.post("/authorize", data=query))
    assert answer.headers["cache-control"] == "no-store"
    return answer


def redirected(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302
    location = answer.headers["location"]
    assert location.startswith(CB + "?")
    return dict(parse_qsl(urlsplit(location).query))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_success(make_http: MakeHttp, provider: Any, method: str) -> None:
    """AZ-1 AZ-2 AZ-7 AZ-10 PROV-2"""
    provider.add_client()
    async with make_http() as http:
        query = redirected(await authorize(http, method, GOOD))
    assert query == {"code": next(iter(provider.codes)), "state": "st at&e"}
    (params,) = provider.params
    assert params.model_dump(mode="json") == {
        "state": "st at&e",
        "scopes": ["read", "write"],
        "code_challenge": "challenge",
        "redirect_uri": CB,
        "redirect_uri_provided_explicitly": True,
        "resource": "https://mcp.example/mcp",
    }


async def test_minimal_request(make_http: MakeHttp, provider: Any) -> None:
    """AZ-1 AZ-3 AZ-8: the method defaults to S256, and the only registered redirect URI is used."""
    provider.add_client(scope=None)
    async with make_http() as http:
        query = redirected(
            await authorize(http, "GET", {"client_id": "c", "response_type": "code", "code_challenge": "x"})
        )
    assert "state" not in query
    (params,) = provider.params
    assert (params.scopes, params.resource, params.redirect_uri_provided_explicitly) == (None, None, False)
    assert str(params.redirect_uri) == CB


@pytest.mark.parametrize("uris", [[CB, "https://client.example/2"], None])
async def test_redirect_uri_left_out_without_a_single_one(
    make_http: MakeHttp, provider: Any, uris: list[str] | None
) -> None:
    """AZ-3"""
    provider.add_client(redirect_uris=uris and [AnyUrl(uri) for uri in uris])
    async with make_http() as http:
        answer = await authorize(http, "GET", without("redirect_uri"))
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_request",
        "error_description": "redirect_uri must be specified when client has multiple registered URIs",
        "state": "st at&e",
    }


@pytest.mark.parametrize(
    ("uri", "good"),
    [
        ("HTTPS://CLIENT.example:443/cb", True),
        ("https://client.example/cb/", False),
        ("https://client.example/cb?x=1", False),
        ("https://client.example:8443/cb", False),
        ("http://client.example/cb", False),
        ("https://evil.example/cb", False),
        ("https://client.example@evil.example/cb", False),
        ("https://client.example.evil.example/cb", False),
        ("javascript:alert(1)", False),
    ],
)
async def test_redirect_uri_must_be_registered(make_http: MakeHttp, provider: Any, uri: str, good: bool) -> None:
    """AZ-4 AZ-5: no open redirect."""
    provider.add_client()
    async with make_http() as http:
        answer = await authorize(http, "GET", without(redirect_uri=uri))
    if good:
        assert "code" in redirected(answer)
        return
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert answer.json()["error_description"] == f"Redirect URI '{AnyUrl(uri)}' not registered for client"


async def test_no_leniency_for_loopback_ports(make_http: MakeHttp, provider: Any) -> None:
    """AZ-4"""
    provider.add_client(redirect_uris=[AnyUrl("http://localhost:3000/cb")])
    async with make_http() as http:
        assert (await authorize(http, "GET", without(redirect_uri="http://localhost:3001/cb"))).status_code == 400


CASES = [
    (without("client_id"), "invalid_request", "client_id: Field required", False),
    (without(client_id="nobody"), "invalid_request", "Client ID 'nobody' not found", False),
    (without("response_type"), "invalid_request", "response_type: Field required", True),
    (without(response_type="token"), "unsupported_response_type", "response_type: Input should be 'code'", True),
    (without("code_challenge"), "invalid_request", "code_challenge: Field required", True),
    (
        without(code_challenge_method="plain"),
        "invalid_request",
        "code_challenge_method: Input should be 'S256'",
        True,
    ),
    (without(scope="read admin"), "invalid_scope", "Client was not registered with scope admin", True),
    (without("response_type", client_id="nobody"), "invalid_request", "response_type: Field required", False),
    (without("response_type", redirect_uri="https://evil.example/"), "invalid_request", "response_type: F", False),
    (without(redirect_uri="not a url"), "invalid_request", "redirect_uri: Input should be a valid URL", False),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("query", "error", "description", "redirect"), CASES)
async def test_errors(
    make_http: MakeHttp,
    provider: Any,
    method: str,
    query: dict[str, str],
    error: str,
    description: str,
    redirect: bool,
) -> None:
    """AZ-5 AZ-6 AZ-7"""
    provider.add_client()
    async with make_http() as http:
        answer = await authorize(http, method, query)
    if redirect:
        found = redirected(answer)
    else:
        assert answer.status_code == 400
        found = answer.json()
    assert found["error"] == error
    assert found["error_description"].startswith(description)
    assert found["state"] == "st at&e"
    assert not provider.params


async def test_errors_go_to_the_only_registered_uri_and_keep_its_query(make_http: MakeHttp, provider: Any) -> None:
    """AZ-5 AZ-11"""
    provider.add_client(redirect_uris=[AnyUrl(CB + "?keep=1")])
    async with make_http() as http:
        query = redirected(await authorize(http, "GET", without("redirect_uri", "state", response_type="x")))
    assert query["keep"] == "1"
    assert query["error"] == "unsupported_response_type"
    assert "state" not in query


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AuthorizeError("access_denied", "no"), {"error": "access_denied", "error_description": "no"}),
        (AuthorizeError("temporarily_unavailable"), {"error": "temporarily_unavailable"}),
        (
            RuntimeError("secret detail"),
            {"error": "server_error", "error_description": "An unexpected error occurred"},
        ),
    ],
)
async def test_provider_errors(make_http: MakeHttp, provider: Any, error: Exception, expected: dict[str, str]) -> None:
    """AZ-6"""
    provider.add_client()
    provider.error = error
    async with make_http() as http:
        assert redirected(await authorize(http, "GET", without("state"))) == expected


async def test_failing_client_lookup_is_answered_directly(make_http: MakeHttp, provider: Any) -> None:
    """AZ-5 AZ-6"""

    async def fail(client_id: str) -> None:
        raise RuntimeError

    provider.get_client = fail
    async with make_http() as http:
        answer = await authorize(http, "GET", GOOD)
    assert (answer.status_code, answer.json()["error"]) == (400, "server_error")


@pytest.mark.parametrize(("scope", "scopes"), [("", None), ("  ", None), ("read  write", ["read", "write"])])
async def test_empty_scope_and_whitespace(
    make_http: MakeHttp, provider: Any, scope: str, scopes: list[str] | None
) -> None:
    """AZ-8 AZ-9"""
    provider.add_client()
    async with make_http() as http:
        redirected(await authorize(http, "GET", without(scope=scope)))
    assert provider.params[0].scopes == scopes


# Older releases of starlette leave the body's generator to the garbage collector, which trio remarks on.
@pytest.mark.filterwarnings("ignore:Async generator 'starlette.requests.Request.stream':ResourceWarning")
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=x", b"nonsense"),
        ("multipart/form-data", b""),
        ("application/x-www-form-urlencoded", b"\xff=\xff&%ff=%ff"),
        ("text/plain", b"client_id=c"),
    ],
)
async def test_malformed_form_counts_as_empty(make_http: MakeHttp, content_type: str, body: bytes) -> None:
    """AZ-6"""
    async with make_http() as http:
        answer = await http.post("/authorize", content=body, headers={"content-type": content_type})
        assert (await http.post("/token", content=body, headers={"content-type": content_type})).status_code == 401
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "client_id: Field required" in answer.json()["error_description"]


def test_best_effort_extraction() -> None:
    upload = UploadFile(file=None)  # type: ignore[arg-type]
    assert best_effort_extract_string("a", None) is None
    assert best_effort_extract_string("a", QueryParams("a=1")) == "1"
    assert best_effort_extract_string("b", QueryParams("a=1")) is None
    assert best_effort_extract_string("a", FormData([("a", upload)])) is None


@pytest.mark.parametrize(
    ("base", "params", "expected"),
    [
        ("https://c/cb", {"code": "x", "state": None}, "https://c/cb?code=x"),
        ("https://c/cb?keep=1&blank=&twice=a&twice=b", {"q": "1"}, "https://c/cb?keep=1&twice=a&twice=b&q=1"),
        ("https://c/cb#frag", {"d": "a b&c"}, "https://c/cb?d=a+b%26c#frag"),
        ("app:/cb", {"code": "ü"}, "app:/cb?code=%C3%BC"),
    ],
)
def test_construct_redirect_uri(base: str, params: dict[str, str | None], expected: str) -> None:
    """AZ-11"""
    assert construct_redirect_uri(base, **params) == expected
    assert parse_qs(urlsplit(expected).query)


@pytest.mark.parametrize("kind", [RegistrationError, AuthorizeError, TokenError])
def test_provider_errors_are_frozen_yet_can_be_raised_anywhere(kind: type) -> None:
    """PROV-7"""

    @contextmanager
    def transaction():
        yield

    with pytest.raises(kind) as caught, transaction():
        raise kind("invalid_request", "text")
    assert (caught.value.error, caught.value.error_description) == ("invalid_request", "text")
    assert kind("x").error_description is None
    assert kind("x") == kind("x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        caught.value.error = "other"
