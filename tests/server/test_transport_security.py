"""Host, origin and content-type checks, and the body limit (contract transports-server.md, TSV-10 to TSV-17)."""

import logging
from typing import Any

import pytest
from starlette.requests import Request

from mcp.server.transport_security import (
    DEFAULT_MAX_REQUEST_BODY_SIZE,
    RequestBodyLimitMiddleware,
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)

pytestmark = pytest.mark.anyio

LOCAL = TransportSecuritySettings(
    allowed_hosts=["127.0.0.1:*", "localhost:*", "[::1]:*", "exact.example", "exact.example:8000"],
    allowed_origins=["http://localhost:*", "https://app.example", "null"],
)


def request(headers: dict[str, str | list[str]], method: str = "GET") -> Request:
    raw = [
        (name.encode(), value.encode())
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return Request({"type": "http", "method": method, "path": "/", "query_string": b"", "headers": raw})


async def verdict(
    settings: TransportSecuritySettings | None, headers: dict[str, str | list[str]], is_post: bool = False
) -> tuple[int, str] | None:
    response = await TransportSecurityMiddleware(settings).validate_request(request(headers), is_post=is_post)
    if response is None:
        return None
    assert "content-type" not in response.headers
    return response.status_code, bytes(response.body).decode()


BAD_HOST = (421, "Invalid Host header")
BAD_ORIGIN = (403, "Invalid Origin header")
BAD_TYPE = (400, "Invalid Content-Type header")


async def test_defaults_protect_and_refuse_every_host() -> None:
    """TSV-10"""
    settings = TransportSecuritySettings()
    assert settings.enable_dns_rebinding_protection
    assert settings.allowed_hosts == settings.allowed_origins == []
    assert await verdict(settings, {"host": "localhost"}) == BAD_HOST


async def test_without_settings_nothing_but_the_content_type_is_checked() -> None:
    """TSV-10 TSV-12"""
    assert not TransportSecurityMiddleware().settings.enable_dns_rebinding_protection
    assert await verdict(None, {"host": "evil.example", "origin": "http://evil.example"}) is None
    assert await verdict(None, {}, is_post=True) == BAD_TYPE


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("localhost:8000", True),
        ("127.0.0.1:1", True),
        ("[::1]:65535", True),
        ("exact.example", True),
        ("exact.example:8000", True),
        # TSV-13: a port is needed, and nothing but a port may follow
        ("localhost", False),
        ("localhost:", False),
        ("localhost:1@evil.example", False),
        ("localhost:evil.example", False),
        ("localhost:80:80", False),
        ("localhost:123456", False),
        ("localhost:8000\n", False),
        ("localhost:8000 ", False),
        ("evil@localhost:80", False),
        ("localhost.evil.example:80", False),
        ("127.0.0.1.evil.com:80", False),
        ("xlocalhost:80", False),
        ("LOCALHOST:80", False),
        ("exact.example:8001", False),
        ("", False),
        (":80", False),
        ("*", False),
        ("localhost:*", True),  # the entry itself is a value like any other
    ],
)
async def test_host(host: str, passes: bool) -> None:
    """TSV-12 TSV-13"""
    assert await verdict(LOCAL, {"host": host}) == (None if passes else BAD_HOST)


async def test_missing_and_repeated_host() -> None:
    """TSV-12"""
    assert await verdict(LOCAL, {}) == BAD_HOST
    assert await verdict(LOCAL, {"host": ["localhost:1", "evil.example"]}) == BAD_HOST


@pytest.mark.parametrize(
    ("origin", "passes"),
    [
        ("http://localhost:3000", True),
        ("https://app.example", True),
        ("null", True),
        ("", True),
        ("http://localhost", False),
        ("https://localhost:3000", False),
        ("http://localhost:3000@evil.example", False),
        ("http://localhost:3000/", False),
        ("https://app.example.evil", False),
        ("https://app.example:443", False),
    ],
)
async def test_origin(origin: str, passes: bool) -> None:
    """TSV-12 TSV-13"""
    assert await verdict(LOCAL, {"host": "localhost:1", "origin": origin}) == (None if passes else BAD_ORIGIN)


async def test_missing_origin_passes_and_every_repeated_one_counts() -> None:
    """TSV-13"""
    assert await verdict(LOCAL, {"host": "localhost:1"}) is None
    twice = {"host": "localhost:1", "origin": ["http://localhost:1", "http://evil.example"]}
    assert await verdict(LOCAL, twice) == BAD_ORIGIN


@pytest.mark.parametrize(
    ("content_type", "passes"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/plain", False),
        ("", False),
        (None, False),
    ],
)
async def test_content_type_of_posts(content_type: str | None, passes: bool) -> None:
    """TSV-12: the content type comes first, before Host."""
    headers: dict[str, str | list[str]] = {} if content_type is None else {"content-type": content_type}
    assert await verdict(LOCAL, headers, is_post=True) == (BAD_HOST if passes else BAD_TYPE)
    assert await verdict(LOCAL, {**headers, "host": "localhost:1"}) is None


async def test_lists_changed_after_construction_count() -> None:
    settings = TransportSecuritySettings(allowed_hosts=["a"])
    middleware = TransportSecurityMiddleware(settings)
    assert middleware.check_headers([(b"host", b"b:1")]) == BAD_HOST
    settings.allowed_hosts.append("b:*")
    assert middleware.check_headers([(b"host", b"b:1")]) is None
    middleware.settings = TransportSecuritySettings(allowed_hosts=["c"])
    assert middleware.check_headers([(b"host", b"b:1")]) == BAD_HOST


async def test_refusals_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """TSV-14"""
    with caplog.at_level(logging.WARNING, logger="mcp.server.transport_security"):
        await verdict(LOCAL, {"host": "evil.example"})
        await verdict(LOCAL, {"host": "localhost:1", "origin": "http://evil.example"})
    assert [record.getMessage() for record in caplog.records] == [
        "Invalid Host header: evil.example",
        "Invalid Origin header: http://evil.example",
    ]


class Exchange:
    """Drives an ASGI application by hand."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.messages = messages
        self.sent: list[Any] = []
        self.bodies: list[bytes] = []
        self.after: list[Any] = []

    async def receive(self) -> Any:
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        assert message["type"] == "http.request"
        assert message["more_body"] is False
        self.bodies.append(message["body"])
        if self.messages:
            self.after.append(await receive())

    async def run(self, limit: int, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        scope = {"type": "http", "method": "POST", "headers": headers or []}
        await RequestBodyLimitMiddleware(self.app, limit)(scope, self.receive, self.send)

    @property
    def refused(self) -> bool:
        if not self.sent:
            return False
        start, body = self.sent
        assert start["status"] == 413
        assert start["headers"] == [(b"content-length", b"22")]
        assert body["body"] == b"Request body too large"
        return True


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_default_limit() -> None:
    """TSV-15"""
    assert DEFAULT_MAX_REQUEST_BODY_SIZE == 4 * 1024 * 1024


async def test_declared_length_over_the_limit_is_refused_unread() -> None:
    """TSV-15"""
    exchange = Exchange([part(b"x" * 11)])
    await exchange.run(10, [(b"content-length", b"11")])
    assert exchange.refused
    assert len(exchange.messages) == 1


async def test_streamed_body_over_the_limit_is_refused() -> None:
    """TSV-15"""
    exchange = Exchange([part(b"12345", True), part(b"123456", True), part(b"7")])
    await exchange.run(10, [(b"content-length", b"3")])
    assert exchange.refused
    assert len(exchange.messages) == 1
    assert not exchange.bodies


@pytest.mark.parametrize("length", [b"10", b"nonsense", b""])
async def test_exactly_the_limit_passes_in_one_piece(length: bytes) -> None:
    """TSV-15 TSV-17"""
    exchange = Exchange([part(b"12345", True), part(b"67890"), {"type": "http.disconnect"}])
    await exchange.run(10, [(b"accept", b"*/*"), (b"content-length", length)])
    assert exchange.bodies == [b"1234567890"]
    assert exchange.after == [{"type": "http.disconnect"}]
    assert not exchange.refused


async def test_a_client_that_goes_away_ends_it_quietly() -> None:
    """TSV-17; there is an answer all the same, without which starlette's `BaseHTTPMiddleware` raises."""
    exchange = Exchange([part(b"1", True), {"type": "http.disconnect"}])
    await exchange.run(10)
    assert not exchange.bodies
    assert [message.get("status") for message in exchange.sent] == [408, None]


async def test_other_scopes_pass_untouched() -> None:
    """TSV-17"""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    exchange = Exchange([])
    scope = {"type": "lifespan"}
    await RequestBodyLimitMiddleware(app, 1)(scope, exchange.receive, exchange.send)
    assert seen == [(scope, exchange.receive, exchange.send)]


@pytest.mark.parametrize("limit", [0, -1])
def test_limits_must_be_positive(limit: int) -> None:
    """TSV-16"""
    with pytest.raises(ValueError, match=r"^max_request_body_size must be a positive number of bytes$"):
        RequestBodyLimitMiddleware(Exchange([]).app, limit)
