"""The transport object: its arguments, its streams, its idle scope, and what programs do to it."""

import math
from typing import Any

import anyio
import pytest
from anyio.streams.memory import MemoryObjectStreamStatistics

import mcp.types as types
from mcp.server import streamable_http
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.shared.message import ServerMessageMetadata, SessionMessage


@pytest.mark.parametrize("session_id", ["", "a b", "a\n", "é", "\x7f", "a\x00"])
def test_session_ids_are_visible_ascii(session_id: str) -> None:
    """TSV-53"""
    with pytest.raises(ValueError, match=r"^Session ID must only contain visible ASCII characters \(0x21-0x7E\)$"):
        StreamableHTTPServerTransport(session_id)


@pytest.mark.parametrize("session_id", [None, "!", "~", "a" * 1000])
def test_other_session_ids(session_id: str | None) -> None:
    """TSV-53"""
    assert StreamableHTTPServerTransport(session_id).mcp_session_id == session_id


@pytest.mark.parametrize("timeout", [0, -1, math.inf, math.nan])
def test_idle_timeout_is_positive_and_finite(timeout: float) -> None:
    """TSV-53"""
    with pytest.raises(ValueError, match=r"^idle_timeout must be a positive, finite number of seconds$"):
        StreamableHTTPServerTransport("a", idle_timeout=timeout)


def test_names() -> None:
    """TSV-110"""
    assert streamable_http.REQUEST_STREAM_BUFFER_SIZE == 16
    assert streamable_http.GET_STREAM_KEY == "_GET_stream"
    assert streamable_http.SESSION_ID_PATTERN.pattern == "^[\\x21-\\x7E]+$"
    assert streamable_http.EventId is str
    assert streamable_http.StreamId is str
    assert streamable_http.EventMessage(types.JSONRPCMessage.model_validate(_PING)).event_id is None
    assert streamable_http.EventCallback
    transport = StreamableHTTPServerTransport("a", idle_timeout=3)
    assert transport._idle_timeout == 3
    assert transport._request_streams == {}
    assert transport._sse_stream_writers == {}
    assert transport._terminated is False
    assert transport.is_terminated is False
    assert transport.is_json_response_enabled is False


_PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.mark.anyio
async def test_the_pair_of_streams(demo: Any, http: Any) -> None:
    """TSV-54"""
    transport = StreamableHTTPServerTransport("mine")
    async with http.Wire(transport.handle_request).open() as wire:
        async with transport.connect() as streams:
            read_stream, write_stream = streams
            call = wire.start(body=http.initialize())
            item = await read_stream.receive()
            assert isinstance(item, SessionMessage)
            assert item.message.root.method == "initialize"
            assert isinstance(item.metadata, ServerMessageMetadata)
            assert item.metadata.request_context.headers["host"] == "testserver"
            assert list(transport._request_streams) == list(transport._sse_stream_writers) == ["0"]
            answer = types.JSONRPCMessage.model_validate({"jsonrpc": "2.0", "id": 0, "result": {"a": 1}})
            await write_stream.send(SessionMessage(answer))
            await call.until_done()
            assert call.answer["result"] == {"a": 1}
            assert isinstance(read_stream.statistics(), MemoryObjectStreamStatistics)
            assert transport.statistics() == (0, 0, 0)

            ended = anyio.Event()

            async def read_to_the_end() -> None:
                async for _ in read_stream:
                    raise AssertionError
                ended.set()

            wire.tasks.start_soon(read_to_the_end)
            await anyio.wait_all_tasks_blocked()
            await transport.terminate()
            await transport.terminate()
            assert transport.is_terminated
            with anyio.fail_after(http.LIMIT):
                await ended.wait()
            with pytest.raises(anyio.ClosedResourceError):
                await write_stream.send(SessionMessage(answer))
            read_stream.close()
            with pytest.raises(anyio.ClosedResourceError):
                await read_stream.receive()


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_requests_before_connect(http: Any, method: str) -> None:
    """TSV-54"""
    async with http.Wire(StreamableHTTPServerTransport(None).handle_request).open() as wire:
        call = await wire.send(method, http.initialize())
        assert isinstance(call.error, ValueError)
        assert str(call.error) == "No read stream writer available. Ensure connect() is called first."


@pytest.mark.anyio
async def test_the_backlog_of_a_session_that_does_not_read(http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """TSV-34: the 202 does not wait for the session, but what comes too fast is held up, and not for ever"""
    transport = StreamableHTTPServerTransport(None)
    async with http.Wire(transport.handle_request).open() as wire:
        async with transport.connect() as (read_stream, _):
            for _ in range(16):
                assert (await wire.send(body=http.INITIALIZED)).status == 202
            held = wire.start(body=http.INITIALIZED)
            await held.until(lambda: held.complete)
            await anyio.wait_all_tasks_blocked()
            assert not held.finished.is_set()
            await read_stream.receive()
            await held.until_done()
            monkeypatch.setattr(streamable_http, "BACKLOG_SECONDS", 0.01)
            await wire.send(body=http.INITIALIZED)
            monkeypatch.setattr(streamable_http, "BACKLOG_SECONDS", 60)
            held = wire.start(body=http.INITIALIZED)
            await anyio.wait_all_tasks_blocked()
        # Leaving lets them go.
        await held.until_done()


@pytest.mark.anyio
async def test_idle_scope(demo: Any, http: Any) -> None:
    """TSV-55"""
    transport = StreamableHTTPServerTransport("mine", idle_timeout=100)
    assert transport.idle_scope is None
    async with http.connect(demo, transport) as wire:
        scope = transport.idle_scope
        assert scope is not None
        assert scope is transport.idle_scope

        def seconds_left() -> float:
            return scope.deadline - anyio.current_time()

        assert 99 < seconds_left() <= 100
        own = await wire.session()
        stream = await wire.start("GET", headers=own).until_started()
        assert scope.deadline == math.inf
        call = wire.start(body=http.call_tool("wait"), headers=own)
        await demo.until_reached("gate")
        stream.disconnect()
        await stream.until_done()
        assert scope.deadline == math.inf
        # The handler goes on, but nobody waits for it.
        call.disconnect()
        await call.until_done()
        assert 99 < seconds_left() <= 100
        assert transport.idle_at == scope.deadline
        scope.cancel()
        assert transport.idle_at == -math.inf
        late = await wire.send(body=http.request("ping"), headers=own)
        assert (late.status, late.json["error"]["message"]) == (404, "Not Found: Session has been terminated")


@pytest.mark.anyio
async def test_a_program_may_enter_the_idle_scope(demo: Any, http: Any) -> None:
    """TSV-55"""
    transport = StreamableHTTPServerTransport("mine", idle_timeout=0.05)
    async with transport.connect() as (read_stream, write_stream):
        with anyio.fail_after(http.LIMIT):
            with transport.idle_scope as scope:
                await demo.run(read_stream, write_stream, demo.create_initialization_options())
        assert scope.cancelled_caught


@pytest.mark.anyio
async def test_no_idle_scope_without_a_timeout(demo: Any, http: Any) -> None:
    """TSV-55"""
    transport = StreamableHTTPServerTransport("mine")
    async with http.connect(demo, transport) as wire:
        await wire.session()
        assert transport.idle_scope is None
        assert transport.idle_at == math.inf


@pytest.mark.anyio
async def test_priming_events_and_close_callbacks(http: Any) -> None:
    """TSV-61 TSV-70 TSV-110"""
    store = http.MemoryStore()
    transport = StreamableHTTPServerTransport("mine", event_store=store, retry_interval=5)
    message = types.JSONRPCMessage.model_validate(_PING)
    request: Any = object()
    assert await transport._mint_priming_event("1", "2025-11-25") == {"id": "1", "data": "", "retry": 5}
    assert await transport._mint_priming_event("1", "2025-06-18") is None
    assert await StreamableHTTPServerTransport("x")._mint_priming_event("1", "2025-11-25") is None
    made = transport._create_session_message(message, request, 1, "2025-11-25")
    assert made.message is message
    assert isinstance(made.metadata, ServerMessageMetadata)
    assert made.metadata.request_context is request
    assert made.metadata.close_sse_stream is not None
    assert made.metadata.close_standalone_sse_stream is not None
    await made.metadata.close_sse_stream()
    await made.metadata.close_standalone_sse_stream()
    old = transport._create_session_message(message, request, 1, "2025-06-18")
    assert isinstance(old.metadata, ServerMessageMetadata)
    assert old.metadata.close_sse_stream is None


@pytest.mark.anyio
async def test_tracing_packages_wrap_connect(demo: Any, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Used in the wild: `connect` is wrapped, yields exactly two streams, and every message passes through them."""
    from contextlib import asynccontextmanager

    passed: list[tuple[str, Any]] = []
    original = StreamableHTTPServerTransport.connect

    class Reader:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        async def __aenter__(self) -> "Reader":
            await self.stream.__aenter__()
            return self

        async def __aexit__(self, *error: Any) -> None:
            await self.stream.__aexit__(*error)

        async def receive(self) -> Any:
            item = await self.stream.receive()
            passed.append(("in", item.message.root))
            return item

        def __aiter__(self) -> "Reader":
            return self

        async def __anext__(self) -> Any:
            try:
                return await self.receive()
            except anyio.EndOfStream:
                raise StopAsyncIteration from None

    class Writer:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        async def __aenter__(self) -> "Writer":
            await self.stream.__aenter__()
            return self

        async def __aexit__(self, *error: Any) -> None:
            await self.stream.__aexit__(*error)

        async def send(self, item: Any) -> None:
            passed.append(("out", item.message.root))
            await self.stream.send(SessionMessage(item.message, item.metadata))

    @asynccontextmanager
    async def wrapped(self: Any) -> Any:
        async with original(self) as (read_stream, write_stream):
            yield Reader(read_stream), Writer(write_stream)

    monkeypatch.setattr(StreamableHTTPServerTransport, "connect", wrapped)
    async with http.serve(demo) as wire:
        own = await wire.session("2025-03-26")
        call = await wire.send(body=http.call_tool("notify"), headers=own)
        assert call.answer["result"]["content"][0]["text"] == "notified"
        # The answer to initialize was looked at, and still said which revision was agreed.
        own["mcp-protocol-version"] = None
        assert (await wire.send(body=[http.request("ping")], headers=own)).status == 200
    kinds = [(way, type(root).__name__, getattr(root, "method", None)) for way, root in passed]
    assert kinds == [
        ("in", "JSONRPCRequest", "initialize"),
        ("out", "JSONRPCResponse", None),
        ("in", "JSONRPCNotification", "notifications/initialized"),
        ("in", "JSONRPCRequest", "tools/call"),
        ("out", "JSONRPCNotification", "notifications/message"),
        ("out", "JSONRPCResponse", None),
        ("in", "JSONRPCRequest", "ping"),
        ("out", "JSONRPCResponse", None),
    ]


@pytest.mark.anyio
async def test_tracing_packages_replace_handle_request(demo: Any, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Used in the wild: `handle_request` is replaced by a wrapper that writes to `scope["state"]`."""
    original = StreamableHTTPServerTransport.handle_request

    async def wrapped(self: Any, scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["span"] = 7
        await original(self, scope, receive, send)

    monkeypatch.setattr(StreamableHTTPServerTransport, "handle_request", wrapped)
    for options in ({}, {"stateless": True}):
        async with http.serve(demo, **options) as wire:
            own = {} if options else await wire.session()
            await wire.send(body=http.call_tool("echo"), headers=own)
            assert demo.seen.pop().request.scope["state"]["span"] == 7
