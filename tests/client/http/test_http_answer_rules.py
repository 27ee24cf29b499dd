"""What an HTTP response means, and what a failure is called: tables."""

import json
from typing import Any

import httpx
import pytest

from mcp.client._http_answers import Answer, classify, read_body, same_id
from mcp.client.http_errors import HTTPStatusError, error_in, exchange_failure, redirect_refusal, status_error
from mcp.shared.exceptions import ConnectionClosedError, McpError, ProtocolError
from mcp.types import ErrorData, JSONRPCError, JSONRPCNotification, JSONRPCResponse


@pytest.mark.parametrize(
    ("status", "content_type", "answer"),
    [
        (202, "", Answer.ACCEPTED),
        (202, "application/json", Answer.ACCEPTED),
        (200, "application/json", Answer.JSON),
        (200, "Application/JSON; charset=utf-8", Answer.JSON),
        (200, "application/json-seq", Answer.JSON),
        (201, " application/json", Answer.JSON),
        (200, "text/event-stream", Answer.EVENTS),
        (200, "Text/Event-Stream; charset=utf-8", Answer.EVENTS),
        (200, "text/html", Answer.UNREADABLE),
        (200, "", Answer.UNREADABLE),
        (204, "", Answer.UNREADABLE),
        (404, "application/json", Answer.LOST),
        (301, "", Answer.REDIRECT),
        (308, "", Answer.REDIRECT),
        (400, "application/json", Answer.REFUSED),
        (401, "", Answer.REFUSED),
        (500, "text/event-stream", Answer.REFUSED),
        (503, "", Answer.REFUSED),
    ],
)
def test_kind_of_answer(status: int, content_type: str, answer: Answer) -> None:
    """TCL-32"""
    assert classify(status, content_type) is answer


def test_body_with_one_message() -> None:
    [message] = read_body(b'{"jsonrpc":"2.0","id":1,"result":{}}')
    assert not isinstance(message, McpError)
    assert isinstance(message.root, JSONRPCResponse)


def test_body_with_a_batch() -> None:
    """A server of revision 2025-03-26 may answer with an array."""
    body: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 0.5}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no"}},
        {"jsonrpc": "2.0", "id": 2, "result": []},
    ]
    first, second, third = read_body(json.dumps(body).encode())
    assert not isinstance(first, McpError)
    assert isinstance(first.root, JSONRPCNotification)
    assert not isinstance(second, McpError)
    assert isinstance(second.root, JSONRPCError)
    assert isinstance(third, ProtocolError)


def test_body_with_an_error_without_id() -> None:
    """An error without id is that of the request which it answers."""
    [error] = read_body(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"cannot read that"}}')
    assert isinstance(error, McpError)
    assert not isinstance(error, ProtocolError)
    assert error.error.message == "cannot read that"


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"7", b"\xff", b"[" * 50_000, b'{"jsonrpc":"2.0","id":1}'])
def test_body_that_is_no_message(body: bytes) -> None:
    [error] = read_body(body)
    assert isinstance(error, ProtocolError)


@pytest.mark.parametrize(
    ("received", "sent", "same"),
    [
        (1, 1, True),
        ("1", 1, True),
        (1, "1", True),
        ("a", "a", True),
        (2, 1, False),
        ("01", 1, False),
        ("b", "a", False),
    ],
)
def test_ids_of_answers(received: str | int, sent: str | int, same: bool) -> None:
    assert same_id(received, sent) is same


def response_to(
    url: str, status: int, headers: dict[str, str] | None = None, body: bytes = b"", method: str = "POST"
) -> httpx.Response:
    return httpx.Response(status, headers=headers, content=body, request=httpx.Request(method, url))


ELSEWHERE = "Redirect to {} not followed; use that URL as the endpoint if it is the intended server"
DOWNGRADE = """\
Redirect to {} not followed: it would downgrade this HTTPS endpoint to plain HTTP.
The server is likely behind a TLS-terminating proxy whose forwarded headers it does not trust,
often combined with a trailing-slash difference. Try {} instead, or fix the proxy settings."""


@pytest.mark.parametrize(
    ("url", "location", "text"),
    [
        ("http://a.test/mcp", "http://b.test/mcp", ELSEWHERE.format("http://b.test/mcp")),
        ("http://a.test/mcp", "http://u:p@b.test/mcp?key=1#f", ELSEWHERE.format("http://b.test/mcp")),
        ("http://a.test/mcp", "https://a.test:8443/", ELSEWHERE.format("https://a.test:8443/")),
        ("https://a.test/mcp", "https://b.test/", ELSEWHERE.format("https://b.test/")),
        ("https://a.test/mcp", "http://a.test/mcp/", DOWNGRADE.format("http://a.test/mcp/", "https://a.test/mcp/")),
        ("https://a.test/mcp", "http://b.test/?token=1", DOWNGRADE.format("http://b.test/", "https://b.test/")),
    ],
)
def test_text_of_a_refused_redirect(url: str, location: str, text: str) -> None:
    """TCL-32a, SES-58"""
    response = response_to(url, 307, {"location": location})
    assert redirect_refusal(response) == text
    error = status_error(response, b"")
    assert str(error) == text
    assert error.error.message == text


def test_redirect_without_a_target() -> None:
    response = response_to("http://a.test/mcp", 302)
    assert redirect_refusal(response) is None
    assert str(status_error(response, b"")) == "Redirect response '302 Found' for url 'http://a.test/mcp'"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "Client error '401 Unauthorized' for url 'http://a.test/mcp'"),
        (503, "Server error '503 Service Unavailable' for url 'http://a.test/mcp'"),
        (499, "Client error '499' for url 'http://a.test/mcp'"),
        (799, "Answer '799' for url 'http://a.test/mcp'"),
    ],
)
def test_status_error_names_status_and_url(status: int, text: str) -> None:
    """TCL-35: an `McpError` and an `httpx.HTTPStatusError` in one, with the response."""
    error = status_error(response_to("http://me:secret@a.test/mcp?token=1", status), b"hello")
    assert isinstance(error, HTTPStatusError)
    assert isinstance(error, McpError)
    assert isinstance(error, httpx.HTTPStatusError)
    assert str(error) == text
    assert error.error == ErrorData(code=-32603, message=text)
    assert error.response.status_code == status
    assert error.response.text == "hello"
    assert error.request.url == "http://me:secret@a.test/mcp?token=1"


def test_status_error_takes_over_the_json_rpc_error_of_the_body() -> None:
    body = b' {"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Bad Request","data":{"a":1}}}'
    error = status_error(response_to("http://a.test/mcp", 400, {"content-encoding": "gzip", "x-a": "b"}), body)
    assert str(error) == "Client error '400 Bad Request' for url 'http://a.test/mcp': Bad Request"
    assert error.error.code == -32600
    assert error.error.data == {"a": 1}
    assert error.response.json()["id"] == "server-error"
    assert error.response.headers["x-a"] == "b"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{", b"{}", b'{"error":"unauthorized"}', b'{"error":{"code":1}}']
)
def test_bodies_without_a_json_rpc_error(body: bytes) -> None:
    assert error_in(body) is None


def test_failures_of_an_exchange() -> None:
    """TCL-51: unreachable is no `McpError`; a connection that breaks is one."""
    url = "http://me:secret@a.test/mcp?token=1"
    shown = "http://a.test/mcp"

    error = exchange_failure(httpx.ConnectError("All connection attempts failed"), url, reached=False)
    assert type(error) is httpx.ConnectError
    assert str(error) == f"All connection attempts failed ({shown})"
    assert isinstance(exchange_failure(httpx.ConnectTimeout(""), url, reached=False), httpx.ConnectTimeout)

    error = exchange_failure(httpx.ConnectError("gone"), url, reached=True)
    assert isinstance(error, ConnectionClosedError)
    assert error.error.code == -32000
    assert str(error) == f"Connection closed: gone ({shown})"

    error = exchange_failure(httpx.ReadError(""), url, reached=False)
    assert isinstance(error, ConnectionClosedError)
    assert str(error) == f"Connection closed: ReadError ({shown})"

    error = exchange_failure(httpx.ReadTimeout(""), url, reached=False)
    assert isinstance(error, ConnectionClosedError)
    assert "did not answer within the timeout of the HTTP client" in str(error)

    own = ProtocolError(-32603, "x")
    assert exchange_failure(own, url, reached=True) is own
    foreign = LookupError("of an auth flow")
    assert exchange_failure(foreign, url, reached=True) is foreign
