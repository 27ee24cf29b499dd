"""Bodies of POST requests, as tables. No event loop."""

import json
from typing import Any

import pytest

from mcp.server._http.checks import Refusal
from mcp.server._http.posted import Posted, read_posted, version_of
from mcp.shared.exceptions import McpError
from mcp.types import JSONRPCNotification, JSONRPCRequest

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def posted(value: Any) -> Posted:
    brought = read_posted(value if isinstance(value, bytes) else json.dumps(value).encode())
    assert isinstance(brought, Posted)
    return brought


def refused(value: Any) -> Refusal:
    brought = read_posted(value if isinstance(value, bytes) else json.dumps(value).encode())
    assert isinstance(brought, Refusal)
    return brought


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_encodings(encoding: str) -> None:
    """TSV-32"""
    text = json.dumps({**PING, "params": {"x": "\u2028\u0085 \U0001f980"}}, ensure_ascii=False)
    (item,) = posted(text.encode(encoding)).items
    assert not isinstance(item, McpError)
    root = item.root
    assert isinstance(root, JSONRPCRequest)
    assert root.params == {"x": "\u2028\u0085 \U0001f980"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nope",
        b'{"a": "\xff"}',
        b"\xff\xfe\x00",
        b"\x00\x00\x00{",
        b"[" * 50_000,
        b"[" * 50_000 + b"]" * 50_000,
        b'{"a":' * 50_000,
    ],
    ids=["empty", "cut", "word", "not-utf8", "not-utf16", "not-utf32", "deep-open", "deep", "deep-object"],
)
def test_what_is_no_json(body: bytes) -> None:
    """TSV-26 row 10, TSV-32"""
    refusal = refused(body)
    assert (refusal.status, refusal.code) == (400, -32700)
    assert refusal.message.startswith("Parse error: ")


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        1,
        None,
        "text",
        {"jsonrpc": "2.0"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": 2},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": 3},
        {"jsonrpc": "2.0", "id": 1, "result": 3},
        [{"jsonrpc": "2.0"}],
    ],
)
def test_what_is_no_message(value: Any) -> None:
    """TSV-26 row 11, TSV-27"""
    refusal = refused(value)
    assert (refusal.status, refusal.code) == (400, -32602)
    assert refusal.message.startswith("Validation error: ")
    assert not refusal.id_known_bad


@pytest.mark.parametrize("request_id", [None, 1.5, True, False, [], {}])
def test_illegal_request_ids(request_id: Any) -> None:
    """TSV-26: the decision on illegal ids; none of them makes a notification of a request."""
    refusal = refused({"jsonrpc": "2.0", "id": request_id, "method": "ping"})
    assert (refusal.status, refusal.code, refusal.id_known_bad) == (400, -32600, True)


def test_kinds_of_messages() -> None:
    assert posted(PING).requests == [JSONRPCRequest(jsonrpc="2.0", id=1, method="ping")]
    notification = posted({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert notification.requests == []
    assert posted({"jsonrpc": "2.0", "id": 1, "result": {}}).requests == []
    assert posted({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}}).requests == []


def test_an_error_without_an_id_is_an_exception() -> None:
    (item,) = posted({"jsonrpc": "2.0", "id": None, "error": {"code": 7, "message": "what?"}}).items
    assert isinstance(item, McpError)
    assert item.error.code == 7


def test_initialize() -> None:
    """TSV-61"""
    initialize = posted({**PING, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}).initialize
    assert initialize is not None
    assert version_of(initialize) == "2025-11-25"
    assert posted(PING).initialize is None
    for params in (None, {}, {"protocolVersion": 3}):
        assert version_of(JSONRPCRequest(jsonrpc="2.0", id=1, method="initialize", params=params)) is None


def test_a_batch() -> None:
    brought = posted([PING, {"jsonrpc": "2.0", "method": "x"}, {**PING, "id": "1"}])
    assert brought.batch
    assert [request.id for request in brought.requests] == [1, "1"]
    assert not isinstance(brought.items[1], McpError)
    assert isinstance(brought.items[1].root, JSONRPCNotification)


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        ([{**PING, "method": "initialize"}, PING], "Invalid Request: initialize must not be part of a batch"),
        ([PING, PING], "Request id already in use"),
    ],
)
def test_refused_batches(batch: list[Any], text: str) -> None:
    refusal = refused(batch)
    assert (refusal.status, refusal.code, refusal.message) == (400, -32600, text)
