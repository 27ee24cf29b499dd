"""The HTTP client factory and redirects within the origin (contract session.md, SES-55 to SES-59; CL-17)."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable

import anyio
import httpx
import pytest

from mcp.shared import _httpx_utils
from mcp.shared._httpx_utils import (
    MCP_DEFAULT_SSE_READ_TIMEOUT,
    MCP_DEFAULT_TIMEOUT,
    RedirectAwareAuth,
    create_mcp_http_client,
    next_request_within_origin,
    redirect_location,
    redirect_note,
    request_within_origin,
    sse_within_origin,
    stream_within_origin,
    without_secrets,
)

pytestmark = pytest.mark.anyio

Handler = Callable[[httpx.Request], httpx.Response]


def redirect(location: str, status: int = 307) -> httpx.Response:
    return httpx.Response(status, headers={"location": location})


def answer(status: int, location: str | None, method: str = "GET", url: str = "http://a/x") -> httpx.Response:
    headers = {} if location is None else {"location": location}
    return httpx.Response(status, headers=headers, request=httpx.Request(method, url, content=b"body"))


class Server:
    """Redirects along a table of URLs, answers 200 elsewhere, and keeps what it saw."""

    def __init__(self, table: dict[str, tuple[int, str]]) -> None:
        self.table = table
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        found = self.table.get(str(request.url))
        return redirect(found[1], found[0]) if found else httpx.Response(200, text="end")

    def client(self, **options: object) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self), **options)  # type: ignore[arg-type]

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.seen]


async def test_factory_defaults() -> None:
    """SES-55"""
    assert (MCP_DEFAULT_TIMEOUT, MCP_DEFAULT_SSE_READ_TIMEOUT) == (30.0, 300.0)
    async with create_mcp_http_client() as client:
        assert client.timeout == httpx.Timeout(30.0, read=300.0)
        assert client.follow_redirects is False


async def test_factory_arguments() -> None:
    """SES-55"""
    auth = httpx.BasicAuth("u", "p")
    async with create_mcp_http_client(headers={"X": "1"}, timeout=httpx.Timeout(5), auth=auth) as client:
        assert client.headers["x"] == "1"
        assert client.timeout == httpx.Timeout(5)
        assert client.auth is auth


@pytest.mark.parametrize(
    ("method", "status", "followed"),
    [
        *[("POST", status, status in (307, 308)) for status in (301, 302, 303, 307, 308)],
        *[("DELETE", status, status in (301, 307, 308)) for status in (301, 302, 303, 307, 308)],
        *[("GET", status, True) for status in (301, 302, 303, 307, 308)],
        ("GET", 300, False),
        ("GET", 304, False),
        ("GET", 200, False),
    ],
)
async def test_only_redirects_that_keep_the_method_are_followed(method: str, status: int, followed: bool) -> None:
    """SES-56"""
    server = Server({"http://a/x": (status, "/y")})
    async with server.client() as client:
        response = await request_within_origin(client, method, "http://a/x")
    assert response.status_code == (200 if followed else status)
    assert {request.method for request in server.seen} == {method}
    by_hand = next_request_within_origin(answer(status, "/y", method))
    assert (by_hand is not None) == followed


@pytest.mark.parametrize(
    ("source", "location", "followed"),
    [
        ("http://a/x", "/y", True),
        ("http://a/x", "?q=1", True),
        ("http://a/x", "http://a:80/y", True),
        ("http://a:8080/x", "http://a:8080/y", True),
        ("http://a/x", "https://a/y", True),
        ("http://a:80/x", "https://a:443/y", True),
        ("https://a/x", "http://a/y", False),
        ("http://a:8080/x", "https://a/y", False),
        ("http://a/x", "https://a:8443/y", False),
        ("http://a/x", "http://b/y", False),
        ("http://a/x", "//b/y", False),
        ("http://a/x", "http://a:81/y", False),
        ("http://a/x", "http://a.evil/y", False),
        ("http://a/x", "http://u:p@a/y", False),
        ("http://a/x", "ftp://a/y", False),
        ("http://a/x", "http://[bad/y", False),
        ("http://a/x", "http://a:port/y", False),
    ],
)
async def test_only_targets_within_the_origin_are_followed(source: str, location: str, followed: bool) -> None:
    """SES-56"""
    assert (next_request_within_origin(answer(307, location, "POST", source)) is not None) == followed


async def test_redirect_without_location_is_none() -> None:
    assert redirect_location(answer(307, None)) is None
    assert redirect_location(answer(307, "mailto:x@y")) is None
    assert next_request_within_origin(answer(307, None)) is None
    assert next_request_within_origin(httpx.Response(401)) is None  # made by hand, without a request


async def test_a_refused_redirect_is_handed_over_whatever_the_client_would_do() -> None:
    """SES-56"""
    server = Server({"http://a/x": (307, "http://evil/y")})
    async with server.client(follow_redirects=True) as client:
        response = await request_within_origin(client, "POST", "http://a/x", json={}, follow_redirects=True)
    assert response.status_code == 307
    assert server.urls == ["http://a/x"]


async def test_headers_auth_and_body_are_resent_and_the_start_stays() -> None:
    """SES-57"""
    server = Server({"http://a/x": (307, "/y")})
    async with server.client(auth=httpx.BasicAuth("u", "p")) as client:
        for _ in range(2):
            response = await request_within_origin(client, "POST", "http://a/x", content=b"body", headers={"X-A": "1"})
            assert [past.status_code for past in response.history] == [307]
    assert server.urls == ["http://a/x", "http://a/y"] * 2
    for request in server.seen:
        assert request.headers["authorization"].startswith("Basic ")
        assert request.headers["x-a"] == "1"
        assert request.content == b"body"


async def test_auth_of_a_single_request_is_resent() -> None:
    """SES-57"""
    server = Server({"http://a/x": (308, "/y")})
    async with server.client() as client:
        await request_within_origin(client, "POST", "http://a/x", auth=httpx.BasicAuth("u", "p"))
    assert ["authorization" in request.headers for request in server.seen] == [True, True]


async def test_hops_are_limited_by_the_client() -> None:
    """SES-56"""
    server = Server({f"http://a/{n}": (307, f"/{n + 1}") for n in range(9)})
    async with server.client(max_redirects=3) as client:
        response = await request_within_origin(client, "GET", "http://a/0")
    assert response.status_code == 307
    assert server.urls == [f"http://a/{n}" for n in range(4)]


async def test_streaming_response_is_open_inside_and_closed_outside() -> None:
    body = Drip(b"x", parts=3)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=body))
    async with httpx.AsyncClient(transport=transport) as client:
        async with stream_within_origin(client, "GET", "http://a/x") as response:
            assert body.given == 0
            assert await response.aread() == b"xxx"
        assert body.closed


async def test_event_source() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/x":
            return redirect("/events")
        assert request.headers["accept"] == "text/event-stream"
        assert request.headers["cache-control"] == "no-cache"
        assert request.headers["x-a"] == "1"
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text="event: e\ndata: d\n\n")

    async with httpx.AsyncClient(transport=httpx.MockTransport(serve)) as client:
        headers = {"X-A": "1", "cache-control": "no-cache"}
        async with sse_within_origin(client, "http://a/x", headers=headers) as source:
            assert [(event.event, event.data) async for event in source.aiter_sse()] == [("e", "d")]


async def test_texts_name_the_target_without_secrets() -> None:
    """SES-58"""
    response = answer(302, "https://user:pw@b:1/path?token=1#frag", "POST")
    assert redirect_note(response) == " (redirected to https://b:1/path; not followed)"
    assert str(without_secrets(httpx.URL("http://u:p@a/b?c#d"))) == "http://a/b"
    assert redirect_note(httpx.Response(500)) == ""


async def test_by_hand_redirect_keeps_fragment_body_and_headers() -> None:
    """SES-57"""
    original = httpx.Request("POST", "http://a/x#part", content=b"body", headers={"X-A": "1"}, extensions={"e": 1})
    follow_up = next_request_within_origin(httpx.Response(307, headers={"location": "https://a/y"}, request=original))
    assert follow_up is not None
    assert str(follow_up.url) == "https://a/y#part"
    assert follow_up.headers["host"] == "a"
    assert follow_up.headers["x-a"] == "1"
    assert follow_up.content == b"body"
    assert follow_up.extensions == {"e": 1}

    async def stream() -> AsyncIterator[bytes]:
        yield b"once"

    streamed = httpx.Request("POST", "http://a/x", content=stream())
    follow_up = next_request_within_origin(httpx.Response(307, headers={"location": "/y"}, request=streamed))
    assert follow_up is not None
    assert follow_up.stream is streamed.stream


class TwoStepAuth(RedirectAwareAuth):
    """Asks for a key first."""

    def __init__(self) -> None:
        self.key_response: httpx.Response | None = None

    async def _auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        self.key_response = yield httpx.Request("POST", "http://as/key", content=b"please")
        await self.key_response.aread()
        request.headers["X-Key"] = self.key_response.text
        yield request


async def test_requests_of_a_flow_follow_redirects_within_their_origin() -> None:
    """SES-59 CL-17"""
    server = Server({f"http://as/{path}": (307, f"/{n}") for n, path in enumerate(["key", *range(4)])})
    auth = TwoStepAuth()
    async with server.client(auth=auth) as client:
        await client.get("http://a/x")
    assert server.urls == ["http://as/key", *[f"http://as/{n}" for n in range(5)], "http://a/x"]
    assert all(request.content == b"please" for request in server.seen[:-1])
    assert server.seen[-1].headers["x-key"] == "end"


async def test_a_flow_gives_up_after_five_hops() -> None:
    """SES-59 CL-17"""
    server = Server({f"http://as/{path}": (307, f"/{n}") for n, path in enumerate(["key", *range(9)])})
    auth = TwoStepAuth()
    async with server.client(auth=auth) as client:
        await client.get("http://a/x")
    assert server.urls[:-1] == ["http://as/key", *[f"http://as/{n}" for n in range(5)]]
    assert auth.key_response is not None
    assert auth.key_response.status_code == 307


async def test_requests_of_any_other_flow_are_not_redirected() -> None:
    """SES-59: not even where the client would do so for its own requests."""

    class Foreign(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
            response = yield httpx.Request("POST", "http://as/key")
            statuses.append(response.status_code)
            yield request

    statuses: list[int] = []
    server = Server({"http://as/key": (307, "/other")})
    async with server.client(auth=Foreign(), follow_redirects=True) as client:
        await request_within_origin(client, "POST", "http://a/x", content=b"")
    assert statuses == [307]
    assert server.urls == ["http://as/key", "http://a/x"]


async def test_a_flow_does_not_follow_to_another_origin() -> None:
    """SES-59 CL-17"""
    server = Server({"http://as/key": (307, "http://evil/key")})
    auth = TwoStepAuth()
    async with server.client(auth=auth) as client:
        await client.get("http://a/x")
    assert server.urls == ["http://as/key", "http://a/x"]


async def test_redirects_of_the_request_itself_are_not_the_flows_business() -> None:
    """CL-17"""
    server = Server({"http://a/x": (307, "/y")})
    async with server.client(auth=TwoStepAuth()) as client:
        response = await client.get("http://a/x")
    assert response.status_code == 307


async def test_requests_of_a_flow_have_time_limits() -> None:
    server = Server({})
    async with server.client(auth=TwoStepAuth(), timeout=None) as client:
        await client.get("http://a/x")
    key_request, request = server.seen
    assert set(key_request.extensions["timeout"].values()) == {30.0}
    assert set(request.extensions["timeout"].values()) == {None}


class Drip(httpx.AsyncByteStream):
    """A body that ends after some parts, never, or waits for ever after the first."""

    def __init__(self, part: bytes, then_wait: bool = False, parts: int = 1_000_000) -> None:
        self.part, self.then_wait, self.left = part, then_wait, parts
        self.given = 0
        self.closed = False

    def __aiter__(self) -> "Drip":
        return self

    async def __anext__(self) -> bytes:
        if self.given and self.then_wait:
            await anyio.sleep_forever()
        if self.given == self.left:
            raise StopAsyncIteration
        self.given += 1
        return self.part

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("part", "then_wait"), [(b"x" * 300_000, False), (b"x", True)])
async def test_bodies_for_a_flow_are_cut(
    part: bytes, then_wait: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_httpx_utils, "MCP_DEFAULT_TIMEOUT", 0.05 if then_wait else 30.0)
    body = Drip(part, then_wait)

    def serve(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=body) if request.url.host == "as" else httpx.Response(200)

    auth = TwoStepAuth()
    with anyio.fail_after(5):
        async with httpx.AsyncClient(transport=httpx.MockTransport(serve), auth=auth) as client:
            await client.get("http://a/x", headers={})
    assert auth.key_response is not None
    assert len(auth.key_response.content) == (1 if then_wait else 1024 * 1024)
    assert body.closed
    assert "cut" in caplog.text
