"""Every answer of TSV-26 over ASGI: status, code, text, headers; and that nothing is left of a refused request."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.transport_security import TransportSecuritySettings

pytestmark = pytest.mark.anyio

VERSIONS = "Supported versions: 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25"
PING = {"jsonrpc": "2.0", "id": 5, "method": "ping"}
BOTH = "application/json, text/event-stream"


def error(code: int, text: str, request_id: Any = "server-error") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": text}}


# method, body, headers changed, status, code, text
ROWS: list[Any] = [
    pytest.param("PUT", PING, {}, 405, -32600, "Method Not Allowed", id="7 PUT"),
    pytest.param("OPTIONS", b"", {}, 405, -32600, "Method Not Allowed", id="7 OPTIONS"),
    pytest.param("HEAD", b"", {}, 405, -32600, "Method Not Allowed", id="7 HEAD"),
    pytest.param("PATCH", b"", {"accept": None}, 405, -32600, "Method Not Allowed", id="7 before 8"),
    pytest.param(
        "POST",
        PING,
        {"accept": None},
        406,
        -32600,
        "Not Acceptable: Client must accept both application/json and text/event-stream",
        id="8 no accept",
    ),
    pytest.param(
        "POST",
        PING,
        {"accept": "*/*"},
        406,
        -32600,
        "Not Acceptable: Client must accept both application/json and text/event-stream",
        id="8 wildcard",
    ),
    pytest.param(
        "POST",
        b"{",
        {"accept": "application/json", "mcp-protocol-version": "x"},
        406,
        -32600,
        "Not Acceptable: Client must accept both application/json and text/event-stream",
        id="8 before 9 to 14",
    ),
    pytest.param(
        "GET",
        b"",
        {"accept": "application/json"},
        406,
        -32600,
        "Not Acceptable: Client must accept text/event-stream",
        id="8''",
    ),
    pytest.param(
        "POST",
        b"{",
        {"content-type": "application/jsonfoo"},
        415,
        -32600,
        "Unsupported Media Type: Content-Type must be application/json",
        id="9",
    ),
    pytest.param("POST", b"{", {"mcp-protocol-version": "x"}, 400, -32700, "Parse error: ", id="10 before 14"),
    pytest.param("POST", b'{"a": "\xff"}', {}, 400, -32700, "Parse error: ", id="10 invalid UTF-8"),
    pytest.param("POST", b"[" * 50_000, {}, 400, -32700, "Parse error: ", id="10 deep"),
    pytest.param("POST", {}, {"mcp-protocol-version": "x"}, 400, -32602, "Validation error: ", id="11 before 14"),
    pytest.param("POST", [PING], {}, 400, -32602, "Validation error: ", id="11 batch"),
    pytest.param("POST", {**PING, "jsonrpc": "1"}, {}, 400, -32602, "Validation error: ", id="11 version"),
    pytest.param(
        "POST",
        PING,
        {"mcp-protocol-version": "1999"},
        400,
        -32600,
        f"Bad Request: Unsupported protocol version: 1999. {VERSIONS}",
        id="14 POST",
    ),
    pytest.param(
        "GET",
        b"",
        {"mcp-protocol-version": ""},
        400,
        -32600,
        f"Bad Request: Unsupported protocol version: . {VERSIONS}",
        id="14 GET, empty",
    ),
]


@pytest.mark.parametrize(("method", "body", "changed", "status", "code", "text"), ROWS)
@pytest.mark.parametrize("opening", [False, True], ids=["in a session", "opening one"])
async def test_refusals(
    demo: Any,
    http: Any,
    method: str,
    body: Any,
    changed: dict[str, str],
    status: int,
    code: int,
    text: str,
    opening: bool,
) -> None:
    """TSV-24 TSV-25 TSV-26 TSV-26a TSV-27 TSV-75"""
    async with http.serve(demo) as wire:
        own = {} if opening else await wire.session()
        sessions = wire.manager.statistics().sessions
        call = await wire.send(method, body, {**own, **changed})
        if opening and text.startswith("Bad Request: Unsupported"):
            text = "Bad Request: Missing session ID"
        assert call.status == status
        assert call.headers["content-type"] == "application/json"
        assert call.headers["content-length"] == str(len(call.body))
        assert call.headers.get("allow") == ("GET, POST, DELETE" if status == 405 else None)
        # TSV-75: the answer names the session even when that is given up with it.
        assert call.session_id is not None
        assert opening or call.session_id == own["mcp-session-id"]
        answer = call.json
        assert answer["error"]["message"].startswith(text)
        assert answer == error(code, answer["error"]["message"])
        assert wire.manager.statistics() == (sessions, 0, 0, 0)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"accept": "application/json"}, 200),
        ({"accept": "APPLICATION/JSON"}, 200),
        ({"accept": "text/event-stream"}, 406),
    ],
)
async def test_json_mode_needs_only_json(demo: Any, http: Any, changed: dict[str, str], status: int) -> None:
    """TSV-26 row 8'"""
    async with http.serve(demo, json_response=True) as wire:
        own = await wire.session()
        call = await wire.send(body=PING, headers={**own, **changed})
        assert call.status == status
        if status == 406:
            assert call.json == error(-32600, "Not Acceptable: Client must accept application/json")


@pytest.mark.parametrize("request_id", [None, 1.5, True, [1], {"a": 1}])
async def test_illegal_ids_are_answered_with_the_id_null(demo: Any, http: Any, request_id: Any) -> None:
    """TSV-26, decision on illegal ids"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        call = await wire.send(body={**PING, "id": request_id}, headers=own)
        assert call.status == 400
        assert call.json == error(-32600, call.json["error"]["message"], None)
        assert (await wire.send(body=PING, headers=own)).answer["result"] == {}


async def test_body_limit(demo: Any, http: Any) -> None:
    """TSV-15 TSV-17 TSV-26 row 1, TSV-76: before a session exists, for every method, declared or streamed."""
    async with http.serve(demo, max_request_body_size=100) as wire:
        exact = http.initialize()
        padded = str(exact).encode() + b" " * 100
        for method in ("POST", "GET", "DELETE", "PUT"):
            declared = await wire.send(method, b"", {"content-length": "101", "mcp-session-id": "unknown"})
            streamed = await wire.send(method, chunks=[padded[:60], padded[60:]])
            for call in (declared, streamed):
                assert (call.status, call.body) == (413, b"Request body too large")
                assert call.session_id is None
        assert (demo.runs, demo.lives) == (0, 0)
        # Exactly the limit passes; an unparsable length says nothing.
        body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
        call = await wire.send(body=body + b" " * (100 - len(body)), headers={"content-length": "many"})
        assert call.json == error(-32600, "Bad Request: Missing session ID")


async def test_the_limit_holds_for_both_faces_of_the_manager(demo: Any, http: Any) -> None:
    """TSV-15"""
    async with http.serve(demo, max_request_body_size=10) as wire:
        async with http.Wire(wire.manager.asgi_app).open() as other:
            assert (await other.send(body=b" " * 11)).status == 413
        assert (await wire.send(body=b" " * 11)).status == 413


@pytest.mark.parametrize("session_id", ["unknown", "", "0" * 32])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PUT"])
async def test_unknown_sessions(demo: Any, http: Any, method: str, session_id: str) -> None:
    """TSV-26 row 2: before the content type and everything else; TSV-31 for initialize"""
    async with http.serve(demo) as wire:
        headers = {"mcp-session-id": session_id, "content-type": "text/plain", "accept": None}
        call = await wire.send(method, http.initialize(), headers)
        assert call.status == 404
        assert call.json == error(-32600, "Session not found")
        assert call.session_id is None
        assert demo.runs == 0


async def test_too_many_sessions(demo: Any, http: Any) -> None:
    """TSV-26 row 4, TSV-72: before the content type"""
    async with http.serve(demo, max_sessions=1) as wire:
        own = await wire.session()
        call = await wire.send(body=http.initialize(), headers={"content-type": "text/plain"})
        assert call.status == 503
        assert call.json == error(-32603, "Too many open sessions")
        assert (await wire.send(body=PING, headers=own)).status == 200
        assert (await wire.send("DELETE", headers=own)).status == 200
        assert (await wire.initialize()).status == 200


SETTINGS = TransportSecuritySettings(allowed_hosts=["good:*", "good"], allowed_origins=["http://good"])


@pytest.mark.parametrize(
    ("changed", "status", "text"),
    [
        ({"content-type": None}, 400, b"Invalid Content-Type header"),
        ({"content-type": "text/plain"}, 400, b"Invalid Content-Type header"),
        ({"content-type": "text/plain", "host": "evil"}, 400, b"Invalid Content-Type header"),
        ({"host": "evil"}, 421, b"Invalid Host header"),
        ({"host": None}, 421, b"Invalid Host header"),
        ({"host": "good:1@evil"}, 421, b"Invalid Host header"),
        ({"host": "evil", "origin": "http://evil"}, 421, b"Invalid Host header"),
        ({"origin": "http://evil"}, 403, b"Invalid Origin header"),
        ({"origin": "null", "accept": None}, 403, b"Invalid Origin header"),
    ],
)
@pytest.mark.parametrize("opening", [False, True])
async def test_security_checks(
    demo: Any, http: Any, changed: dict[str, str | None], status: int, text: bytes, opening: bool
) -> None:
    """TSV-12 TSV-13 TSV-26 row 5"""
    async with http.serve(demo, {"host": "good:80"}, security_settings=SETTINGS) as wire:
        own = {} if opening else await wire.session()
        call = await wire.send(body=b"{", headers={**own, **changed})
        assert (call.status, call.body) == (status, text)
        assert "content-type" not in call.headers
        assert (await wire.send("PUT", headers={**own, "content-type": None})).status == 405
        assert (await wire.session())["mcp-session-id"]


async def test_no_settings_mean_no_protection(demo: Any, http: Any) -> None:
    """TSV-10 TSV-12: the content type is checked all the same"""
    async with http.serve(demo, {"host": "evil", "origin": "http://evil"}) as wire:
        own = await wire.session()
        assert (await wire.send(body=PING, headers={**own, "content-type": "text/plain"})).status == 400


async def test_default_settings_refuse_every_host(demo: Any, http: Any) -> None:
    """TSV-10"""
    async with http.serve(demo, security_settings=TransportSecuritySettings()) as wire:
        assert (await wire.initialize()).status == 421


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_missing_session(demo: Any, http: Any, method: str) -> None:
    """TSV-26 row 12, TSV-26a"""
    async with http.serve(demo) as wire:
        call = await wire.send(method, PING, {"mcp-protocol-version": "x"})
        assert call.status == 400
        assert call.json == error(-32600, "Bad Request: Missing session ID")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_another_session_on_a_transport(demo: Any, http: Any, method: str) -> None:
    """TSV-26 row 13"""
    async with http.connect(demo, StreamableHTTPServerTransport("mine")) as wire:
        call = await wire.send(method, PING, {"mcp-session-id": "yours", "mcp-protocol-version": "x"})
        assert call.status == 404
        assert call.json == error(-32600, "Not Found: Invalid or expired session ID")
        assert call.session_id == "mine"


async def test_no_termination_without_a_session(demo: Any, http: Any) -> None:
    """TSV-26 row 15, TSV-26a: before the version check"""
    async with http.connect(demo, StreamableHTTPServerTransport(None)) as wire:
        call = await wire.send("DELETE", headers={"mcp-protocol-version": "x"})
        assert call.status == 405
        assert call.json == error(-32600, "Method Not Allowed: Session termination not supported")
        assert call.session_id is None


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PUT"])
async def test_terminated_transport(demo: Any, http: Any, method: str) -> None:
    """TSV-26 row 6: before the method, after the security checks"""
    transport = StreamableHTTPServerTransport("mine")
    async with http.connect(demo, transport) as wire:
        await transport.terminate()
        call = await wire.send(method, PING, {"accept": None})
        assert call.status == 404
        assert call.json == error(-32600, "Not Found: Session has been terminated")
        assert call.session_id == "mine"
        assert (await wire.send("POST", PING, {"content-type": None})).status == 400


@pytest.mark.parametrize("changed", [{}, {"mcp-protocol-version": "x"}, {"mcp-protocol-version": ""}])
async def test_initialize_needs_neither_session_nor_version(demo: Any, http: Any, changed: dict[str, str]) -> None:
    """TSV-30"""
    async with http.serve(demo) as wire:
        assert (await wire.initialize(headers=changed)).status == 200


async def test_the_version_need_not_be_the_negotiated_one(demo: Any, http: Any) -> None:
    """TSV-30"""
    async with http.serve(demo) as wire:
        own = await wire.session("2025-11-25")
        for version in ("2024-11-05", "2025-06-18", None):
            assert (await wire.send(body=PING, headers={**own, "mcp-protocol-version": version})).status == 200


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_content_types_that_pass(demo: Any, http: Any, content_type: str) -> None:
    """TSV-29"""
    async with http.serve(demo, {"content-type": content_type}) as wire:
        own = await wire.session()
        assert (await wire.send(body=PING, headers=own)).status == 200


async def test_a_client_that_vanishes_in_its_body(demo: Any, http: Any) -> None:
    """TSV-76: no answer, no error, no session"""
    transport = StreamableHTTPServerTransport("mine")
    async with http.serve(demo) as wire, http.connect(http.Demo(), transport) as bare:
        for client in (wire, bare):
            call = client.start(chunks=[b"{"], cut=True)
            call.disconnect()
            await call.until_done()
            assert call.error is None
            # Middleware may insist on an answer; the client has none to see.
            assert not call.messages or (call.status, call.body) == (408, b"")
        assert transport.statistics() == (0, 0, 0)
        assert wire.manager.statistics() == (0, 0, 0, 0)
        assert demo.runs == 0


async def test_a_slow_opening_request_blocks_nobody(demo: Any, http: Any) -> None:
    """TSV-76"""
    async with http.serve(demo) as wire:
        release = anyio.Event()

        async def slow_receive() -> dict[str, Any]:
            await release.wait()
            return {"type": "http.disconnect"}

        slow: Callable[..., Any] = wire.manager.handle_request
        call = wire.start(body=PING)
        wire.tasks.start_soon(slow, call.scope, slow_receive, call.send)
        assert (await wire.session())["mcp-session-id"]
        assert wire.manager.statistics().sessions == 1
        release.set()


async def test_websocket_scopes_are_turned_away(demo: Any, http: Any) -> None:
    async with http.serve(demo) as wire:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await wire.manager.handle_request({"type": "websocket", "headers": []}, receive, send)
        assert [message["type"] for message in sent] == ["websocket.close"]
