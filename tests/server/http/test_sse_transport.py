"""The older HTTP+SSE transport over ASGI."""

import re
from typing import Any
from uuid import UUID

import anyio
import pytest

import mcp.types as types
from mcp.server._http import heartbeat
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.message import SessionMessage

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [("/messages/", "/messages/"), ("messages/", "/messages/"), ("", "/"), ("/", "/"), ("/a/b c", "/a/b c")],
)
def test_endpoints(endpoint: str, expected: str) -> None:
    """TSV-18 TSV-110"""
    assert SseServerTransport(endpoint)._endpoint == expected


@pytest.mark.parametrize("endpoint", ["http://x/m", "//x/m", "/m?a=1", "/m#a", "ftp://x"])
def test_endpoints_are_relative_paths(endpoint: str) -> None:
    """TSV-18"""
    with pytest.raises(ValueError) as caught:
        SseServerTransport(endpoint)
    assert str(caught.value) == (
        f"Given endpoint: {endpoint} is not a relative path (e.g., '/messages/'), "
        "expecting a relative path (e.g., '/messages/')."
    )


def test_the_body_limit_is_positive() -> None:
    """TSV-16"""
    with pytest.raises(ValueError, match="max_request_body_size must be a positive number of bytes"):
        SseServerTransport("/", max_request_body_size=0)


class App:
    """GET opens a connection and runs a server on it; POST goes to the message endpoint."""

    def __init__(self, server: Any, **options: Any) -> None:
        self.sse = SseServerTransport("/messages/", **options)
        self.server = server
        self.ended = anyio.Event()
        self.stop = anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/sse":
            await self.sse.handle_post_message(scope, receive, send)
            return
        async with self.sse.connect_sse(scope, receive, send) as (read_stream, write_stream):
            async with anyio.create_task_group() as tasks:

                async def run() -> None:
                    await self.server.run(read_stream, write_stream, self.server.create_initialization_options())
                    self.ended.set()
                    tasks.cancel_scope.cancel()

                tasks.start_soon(run)
                await self.stop.wait()
                tasks.cancel_scope.cancel()


async def opened(wire: Any, **options: Any) -> tuple[Any, str]:
    """Open a connection; returns the call and the URL to post to."""
    stream = wire.start("GET", path="/sse", **options)
    (endpoint,) = await stream.until_events(1)
    assert endpoint.event == "endpoint"
    return stream, endpoint.data


async def test_a_conversation(demo: Any, http: Any) -> None:
    """TSV-20 TSV-21 TSV-22 TSV-23, LLS-23"""
    app = App(demo)
    async with http.Wire(app).open() as wire:
        stream, url = await opened(wire, headers={"accept": None, "content-type": None})
        assert stream.status == 200
        assert stream.headers == {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
            "connection": "keep-alive",
        }
        assert re.fullmatch("/messages/\\?session_id=[0-9a-f]{32}", url)
        (session_id,) = app.sse._read_stream_writers
        assert isinstance(session_id, UUID)
        assert session_id.hex == url.partition("=")[2]
        for count, body in enumerate([http.initialize(), http.call_tool("echo", text="\u2028\U0001f980\r")], 2):
            posted = await wire.send(body=body, path=url)
            assert (posted.status, posted.body) == (202, b"Accepted")
            assert "content-type" not in posted.headers
            event = (await stream.until_events(count))[-1]
            assert event.event == "message"
        assert event.json["result"]["content"][0]["text"] == "\u2028\U0001f980\r"
        assert len(stream.text.splitlines()) == 3 * 3
        assert (await demo.seen[0].request.json())["method"] == "tools/call"

        stream.disconnect()
        with anyio.fail_after(http.LIMIT):
            await app.ended.wait()
        await stream.until_done()
        assert app.sse._read_stream_writers == app.sse._session_owners == {}
        late = await wire.send(body=http.request("ping"), path=url)
        assert (late.status, late.body) == (404, b"Could not find session")


@pytest.mark.parametrize(
    ("root_path", "endpoint", "expected"),
    [
        ("", "/m", "/m"),
        ("/mount", "/m/", "/mount/m/"),
        ("/mount/", "m", "/mount/m"),
        ("/mo unt", "/ü", "/mo%20unt/%C3%BC"),
    ],
)
async def test_the_endpoint_event(demo: Any, http: Any, root_path: str, endpoint: str, expected: str) -> None:
    """TSV-20"""
    app = App(demo)
    app.sse = SseServerTransport(endpoint)
    async with http.Wire(app).open() as wire:
        _, url = await opened(wire, root_path=root_path)
        assert url.partition("?")[0] == expected


async def test_only_http(demo: Any) -> None:
    """TSV-19"""
    sse: Any = SseServerTransport("/")
    with pytest.raises(ValueError, match=r"^connect_sse can only handle HTTP requests$"):
        async with sse.connect_sse({"type": "websocket"}, None, None):
            raise AssertionError


SETTINGS = TransportSecuritySettings(allowed_hosts=["good"], allowed_origins=["http://good"])


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({"host": "evil"}, 421, b"Invalid Host header"),
        ({"host": None}, 421, b"Invalid Host header"),
        ({"host": "good", "origin": "http://evil"}, 403, b"Invalid Origin header"),
    ],
)
async def test_refused_connections(
    demo: Any, http: Any, headers: dict[str, str | None], status: int, text: bytes
) -> None:
    """TSV-12 TSV-19: for the stream and for posts"""
    app = App(demo, security_settings=SETTINGS)
    async with http.Wire(app).open() as wire:
        call = await wire.send("GET", path="/sse", headers=headers)
        assert (call.status, call.body) == (status, text)
        assert isinstance(call.error, ValueError)
        assert str(call.error) == "Request validation failed"
        posted = await wire.send(path="/messages/", headers=headers)
        assert (posted.status, posted.body) == (status, text)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "text"),
    [
        # In the order of the checks: each request fails all later ones too.
        ("GET", "/m", {"content-type": None}, b" " * 200, 405, b""),
        ("PUT", "/m?session_id=x", {}, b"", 405, b""),
        ("POST", "/m", {"content-type": None}, b" " * 200, 413, b"Request body too large"),
        ("POST", "/m", {"content-type": "text/plain"}, b"", 400, b"Invalid Content-Type header"),
        ("POST", "/m", {}, b"", 400, b"session_id is required"),
        ("POST", "/m?session_id=", {}, b"", 400, b"session_id is required"),
        ("POST", "/m?session_id=x", {}, b"", 400, b"Invalid session ID"),
        ("POST", "/m?session_id=0be640de8272449bb20b8665c48ea594", {}, b"", 404, b"Could not find session"),
        ("POST", "/m?session_id=0be640de-8272-449b-b20b-8665c48ea594", {}, b"", 404, b"Could not find session"),
    ],
)
async def test_refused_posts(
    demo: Any, http: Any, method: str, path: str, headers: Any, body: bytes, status: int, text: bytes
) -> None:
    """TSV-15 TSV-23"""
    app = App(demo, max_request_body_size=100)
    async with http.Wire(app).open() as wire:
        call = await wire.send(method, body, headers, path=path)
        assert (call.status, call.body) == (status, text)
        assert "content-type" not in call.headers
        assert call.headers.get("allow") == ("POST" if status == 405 else None)


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"a": "\xff"}', b"[" * 50_000])
async def test_posts_that_are_no_message(demo: Any, http: Any, body: bytes) -> None:
    """TSV-23, LLS-61"""
    async with http.Wire(App(demo)).open() as wire:
        stream, url = await opened(wire)
        call = await wire.send(body=body, path=url)
        assert (call.status, call.body) == (400, b"Could not parse message")
        await stream.until(lambda: "mcp.server.exception_handler" in stream.text)
        assert (await wire.send(body=http.initialize(), path=url)).status == 202
        await stream.until(lambda: "protocolVersion" in stream.text)


async def test_an_error_without_an_id(demo: Any, http: Any) -> None:
    """TSV-23: is a message of the client all the same"""
    async with http.Wire(App(demo)).open() as wire:
        _, url = await opened(wire)
        body = {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}}
        assert (await wire.send(body=body, path=url)).status == 202


async def test_a_post_whose_client_vanishes(demo: Any, http: Any) -> None:
    """TSV-23"""
    app = App(demo)
    async with http.Wire(app).open() as wire:
        _, url = await opened(wire)
        call = wire.start(chunks=[b"{"], cut=True, path=url)
        call.disconnect()
        await call.until_done()
        assert call.error is None
        # Middleware may insist on an answer; the client has none to see.
        assert (call.status, call.body) == (408, b"")


async def test_each_connection_has_its_lifespan(demo: Any, http: Any) -> None:
    """LLS-2"""
    async with http.Wire(App(demo)).open() as wire:
        for lives in (1, 2):
            stream, url = await opened(wire)
            await wire.send(body=http.initialize(), path=url)
            await stream.until_events(2)
            assert (demo.lives, demo.living) == (lives, 1)
            stream.disconnect()
            await stream.until_done()
            assert demo.living == 0


async def test_dashed_session_ids(demo: Any, http: Any) -> None:
    """TSV-23"""
    async with http.Wire(App(demo)).open() as wire:
        _, url = await opened(wire)
        path, _, session_id = url.partition("=")
        assert (await wire.send(body=http.initialize(), path=f"{path}={UUID(hex=session_id)}")).status == 202


async def test_a_connection_belongs_to_who_opened_it(demo: Any, http: Any) -> None:
    """TSV-23 TSV-52"""
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
    from mcp.server.auth.provider import AccessToken

    def user(name: str) -> AuthenticatedUser:
        return AuthenticatedUser(AccessToken(token="t", client_id=name, scopes=[]))

    async with http.Wire(App(demo)).open() as wire:
        _, url = await opened(wire, user=user("alice"))
        for stranger in (user("bob"), None):
            call = await wire.send(body=http.initialize(), path=url, user=stranger)
            assert (call.status, call.body) == (404, b"Could not find session")
        assert (await wire.send(body=http.initialize(), path=url, user=user("alice"))).status == 202


async def test_entries_may_be_taken_out(demo: Any, http: Any) -> None:
    """Used in the wild: `_read_stream_writers` maps UUIDs to send streams; without its entry a session is unknown"""
    app = App(demo)
    async with http.Wire(app).open() as wire:
        stream, url = await opened(wire)
        session_id = UUID(hex=url.partition("=")[2])
        writer = app.sse._read_stream_writers[session_id]
        message = types.JSONRPCMessage.model_validate(http.initialize())
        await writer.send(SessionMessage(message))
        assert (await stream.until_events(2))[-1].json["id"] == 0
        app.sse._read_stream_writers.pop(session_id)
        assert (await wire.send(body=http.request("ping"), path=url)).status == 404
        assert not stream.complete
        stream.disconnect()
        await stream.until_done()


async def test_the_server_ends_the_connection(demo: Any, http: Any) -> None:
    """TSV-22: what was sent before still arrives"""
    app = App(demo)
    async with http.Wire(app).open() as wire:
        stream, url = await opened(wire)
        await wire.send(body=http.initialize(), path=url)
        await stream.until_events(2)
        app.stop.set()
        await stream.until_done()
        assert stream.complete
        assert stream.error is None
        assert app.sse._read_stream_writers == {}


async def test_posts_to_a_session_that_is_ending(http: Any) -> None:
    """TSV-23: 404, or 202 for what was accepted before; never an error"""
    sse = SseServerTransport("/m")
    posts: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/sse":
            await sse.handle_post_message(scope, receive, send)
            return
        async with sse.connect_sse(scope, receive, send) as (read_stream, write_stream):
            url = f"/m?session_id={next(iter(sse._read_stream_writers)).hex}"
            waiting = wire.start(body=http.initialize(), path=url)
            # Nobody reads, so it is answered first and handed over later.
            await waiting.until(lambda: waiting.complete)
            assert not waiting.finished.is_set()
            assert waiting.status == 202
            read_stream.close()
            await waiting.until_done()
            late = await wire.send(body=http.initialize(), path=url)
            assert late.status == 404
            posts.extend([waiting, late])
            await write_stream.aclose()

    async with http.Wire(app).open() as wire:
        stream = await wire.start("GET", path="/sse").until_done()
        assert stream.error is None
        assert [post.error for post in posts] == [None, None]


async def test_the_write_stream_after_the_client_has_left(http: Any) -> None:
    """TSV-22"""
    sse = SseServerTransport("/m")
    outcome: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async with sse.connect_sse(scope, receive, send) as (read_stream, write_stream):
            with pytest.raises(anyio.EndOfStream):
                await read_stream.receive()
            with pytest.raises(anyio.BrokenResourceError):
                await write_stream.send(SessionMessage(types.JSONRPCMessage.model_validate(http.INITIALIZED)))
            outcome.append("ended")

    async with http.Wire(app).open() as wire:
        stream = await wire.start("GET", path="/sse").until_started()
        stream.disconnect()
        await stream.until_done()
        assert (outcome, stream.error) == (["ended"], None)


async def test_pings(demo: Any, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """TSV-21"""
    monkeypatch.setattr(heartbeat, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "PING_SECONDS", 0.02)
    async with http.Wire(App(demo)).open() as wire:
        stream, _ = await opened(wire)
        await stream.until(lambda: stream.body.count(b": ping - ") >= 2)


async def test_a_slow_reader_holds_up_its_session(demo: Any, http: Any) -> None:
    """TSV-56: the buffer of a connection is bounded"""
    async with http.Wire(App(demo)).open() as wire:
        stream, url = await opened(wire)
        await wire.send(body=http.initialize(), path=url)
        await stream.until_events(2)
        stream.may_send = anyio.Event()
        await wire.send(body=http.call_tool("notify", count=40), path=url)
        await demo.until_reached("notified 15")
        await anyio.wait_all_tasks_blocked()
        assert not demo.reach("notified 39").is_set()
        stream.may_send.set()
        await stream.until_events(2 + 40 + 1)
