"""The names and shapes that programs use beside the two context managers."""

import json
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import MagicMock

import anyio
import httpx
import pytest
from httpx_sse import ServerSentEvent

import mcp.client.streamable_http as module
from mcp.client.session import ClientSession
from mcp.client.streamable_http import (
    RequestContext,
    ResumptionError,
    StreamableHTTPError,
    StreamableHTTPTransport,
    streamable_http_client,
    streamablehttp_client,
)
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import ConnectionClosedError
from mcp.shared.message import ClientMessageMetadata, SessionMessage
from mcp.types import JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

pytestmark = pytest.mark.anyio


class Tolerant(StreamableHTTPTransport):
    """As agent frameworks have it: a failing `notifications/initialized` is no reason to give up."""

    ignored = 0

    async def _handle_post_request(self, ctx: RequestContext) -> None:
        message = ctx.session_message.message
        if not self._is_initialized_notification(message):
            await super()._handle_post_request(ctx)
            return
        try:
            await super()._handle_post_request(ctx)
        except httpx.HTTPError:
            type(self).ignored += 1


@asynccontextmanager
async def rebuilt(url: str, client: httpx.AsyncClient) -> AsyncGenerator[Any, None]:
    """The client as programs build it out of the transport."""
    transport = Tolerant(url)
    to_session, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, from_session = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:

        def start_get_stream() -> None:
            tasks.start_soon(transport.handle_get_stream, client, to_session)

        tasks.start_soon(transport.post_writer, client, from_session, to_session, write, start_get_stream, tasks)
        try:
            yield read, write, transport.get_session_id
        finally:
            if transport.session_id:
                await transport.terminate_session(client)
            tasks.cancel_scope.cancel()
            for stream in (to_session, read, write, from_session):
                await stream.aclose()


async def test_rebuilt_client(tools: Any, serve: Any) -> None:
    """All of it works over memory streams of the caller, failures included."""
    listening = anyio.Event()

    async def get(call: Any) -> None:
        await call.events(end=False)
        listening.set()
        await call.until_gone()

    async def refuse(call: Any) -> None:
        await call.reply("500 Oops")

    Tolerant.ignored = 0
    async with serve(notifications_initialized=refuse, GET=get, tools_call=lambda call: call.reset()) as server:
        with anyio.fail_after(5):
            async with httpx.AsyncClient() as client, rebuilt(server.url, client) as (read, write, session_id):
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    assert session_id() == "session-1"
                    await listening.wait()
                    with pytest.raises(ConnectionClosedError):
                        await session.call_tool("x")
                    await session.send_ping()
    assert Tolerant.ignored == 1
    assert len(server.seen("DELETE")) == 1


async def test_a_token_comes_after_its_message(tools: Any, serve: Any) -> None:
    """TCL-37: whoever keeps it knows that what it stands for was delivered."""
    go, kept = anyio.Event(), anyio.Event()
    still_waiting: list[int] = []

    async def answer(call: Any) -> None:
        await go.wait()
        await call.events(tools.event(tools.result(call.message["id"]), id="a"))

    async def token(value: str) -> None:
        still_waiting.append(read.statistics().tasks_waiting_receive)
        kept.set()

    async with serve(ping=answer) as server, httpx.AsyncClient() as client:
        with anyio.fail_after(5):
            async with rebuilt(server.url, client) as (read, write, _), anyio.create_task_group() as tasks:
                tasks.start_soon(read.receive)
                metadata = ClientMessageMetadata(on_resumption_token_update=token)
                await write.send(tools.request(1, metadata=metadata))
                await anyio.wait_all_tasks_blocked()
                assert read.statistics().tasks_waiting_receive == 1
                go.set()
                await kept.wait()
    assert still_waiting == [0]


async def test_an_override_that_forgets_the_answer(tools: Any, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request ends all the same."""

    async def forget(self: Any, ctx: RequestContext) -> None:
        return

    monkeypatch.setattr(Tolerant, "_handle_post_request", forget)
    with anyio.fail_after(5):
        async with httpx.AsyncClient() as client, rebuilt("http://a.test/mcp", client) as (read, write, _):
            async with ClientSession(read, write) as session:
                with pytest.raises(ConnectionClosedError, match="ended without an answer"):
                    await session.send_ping()


async def test_rebuilt_client_opens_a_lost_session_anew(tools: Any, serve: Any) -> None:
    listening: list[Any] = []
    again = anyio.Event()
    live = "session-1"

    async def handler(call: Any) -> None:
        if call.rpc == "initialize":
            await call.reply_json(tools.result(call.message["id"], tools.INITIALIZE_RESULT), mcp_session_id=live)
        elif call.method == "DELETE":
            await call.reply("200 OK")
        elif call.headers["mcp-session-id"] != live:
            await call.reply("404 Not Found")
        elif call.method == "GET":
            listening.append(call.headers["mcp-session-id"])
            await call.events(end=False)
            if len(listening) == 2:
                again.set()
            await call.until_gone()
        else:
            await tools.Scripted()(call)

    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with httpx.AsyncClient() as client, rebuilt(server.url, client) as (read, write, session_id):
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    while not listening:
                        await anyio.wait_all_tasks_blocked()
                    live = "session-2"
                    await session.send_ping()
                    await again.wait()
                    assert session_id() == "session-2"
    assert listening == ["session-1", "session-2"]


async def test_refused_redirect_ends_the_tasks_of_a_rebuilt_client(tools: Any, serve: Any) -> None:
    """TCL-32"""

    async def redirect(call: Any) -> None:
        await call.reply("308 Permanent Redirect", location="http://elsewhere.test/")

    async with serve(ping=redirect) as server:
        with anyio.fail_after(5), pytest.raises(Exception) as caught:
            async with httpx.AsyncClient() as client, rebuilt(server.url, client) as (read, write, _):
                await write.send(tools.request(1))
                await read.receive()
                await anyio.sleep_forever()
    assert isinstance(tools.leaf(caught.value), httpx.HTTPStatusError)


async def test_post_writer_ends_with_its_stream(tools: Any, serve: Any) -> None:
    """When the session closes its write stream, the read stream ends too."""
    async with serve() as server:
        with anyio.fail_after(5):
            async with httpx.AsyncClient() as client, rebuilt(server.url, client) as (read, write, _):
                await write.aclose()
                with pytest.raises(anyio.EndOfStream):
                    await read.receive()


async def test_a_failing_notification_closes_the_streams_of_a_rebuilt_client(tools: Any, serve: Any) -> None:
    """TCL-32"""

    async def refuse(call: Any) -> None:
        await call.reply("500 Oops")

    async with serve(notifications_progress=refuse) as server:
        with anyio.fail_after(5):
            async with httpx.AsyncClient() as client, rebuilt(server.url, client) as (read, write, _):
                await write.send(tools.notification("notifications/progress", progressToken=1, progress=1))
                with pytest.raises(anyio.EndOfStream):
                    await read.receive()
                with pytest.raises(anyio.ClosedResourceError):
                    await write.send(tools.request(1))


def test_headers_of_a_transport() -> None:
    """TCL-66, TCL-27"""
    transport = StreamableHTTPTransport("http://a.test/mcp")
    plain = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    assert transport._prepare_headers() == plain
    transport.session_id = "s"
    transport.protocol_version = "2025-06-18"
    assert transport._prepare_headers() == plain | {"mcp-session-id": "s", "mcp-protocol-version": "2025-06-18"}


@pytest.mark.parametrize(
    ("data", "name", "delivered", "is_response"),
    [
        ("", "message", None, False),
        ('{"jsonrpc":"2.0","id":1,"result":{}}', "message", JSONRPCResponse, True),
        ('{"jsonrpc":"2.0","method":"notifications/x"}', "message", JSONRPCNotification, False),
        ('{"jsonrpc":"2.0","method":"notifications/x"}', "other", None, False),
        ("{", "message", Exception, False),
        ('{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}', "message", Exception, False),
    ],
)
async def test_single_events(data: str, name: str, delivered: Any, is_response: bool) -> None:
    """TCL-66, TCL-36: also for events as the SSE library makes them."""
    transport = StreamableHTTPTransport("http://a.test/mcp")
    writer, reader = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    with writer, reader:
        event: Any = ServerSentEvent(event=name, data=data)
        assert await transport._handle_sse_event(event, writer) is is_response
        if delivered is None:
            assert reader.statistics().current_buffer_used == 0
        else:
            item = reader.receive_nowait()
            assert isinstance(item if isinstance(item, Exception) else item.message.root, delivered)


def test_kinds_of_messages() -> None:
    transport = StreamableHTTPTransport("http://a.test/mcp")
    initialize = JSONRPCMessage(JSONRPCRequest(jsonrpc="2.0", id=1, method="initialize"))
    initialized = JSONRPCMessage(JSONRPCNotification(jsonrpc="2.0", method="notifications/initialized"))
    assert transport._is_initialization_request(initialize)
    assert not transport._is_initialization_request(initialized)
    assert transport._is_initialized_notification(initialized)
    assert not transport._is_initialized_notification(initialize)


async def test_a_context_made_by_hand(tools: Any, serve: Any) -> None:
    writer, reader = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    async with serve() as server, httpx.AsyncClient() as client:
        transport = StreamableHTTPTransport(server.url)
        with writer, reader, anyio.fail_after(5):
            await transport._handle_post_request(RequestContext(client, None, tools.request(3), None, writer))
            item = reader.receive_nowait()
            assert not isinstance(item, Exception)
            assert isinstance(item.message.root, JSONRPCResponse)
            for metadata in (None, ClientMessageMetadata(resumption_token="")):
                with pytest.raises(ResumptionError):
                    await transport._handle_resumption_request(
                        RequestContext(client, None, tools.request(3), metadata, writer)
                    )


async def test_something_in_the_shape_of_a_context(tools: Any, serve: Any) -> None:
    """openai-agents tests its subclass with a mock that has the attributes and more."""
    writer, reader = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    async with serve() as server, httpx.AsyncClient() as client:
        with writer, reader, anyio.fail_after(5):
            context = MagicMock(client=client, session_message=tools.request(3), read_stream_writer=writer)
            await StreamableHTTPTransport(server.url)._handle_post_request(context)
            item = reader.receive_nowait()
            assert not isinstance(item, Exception)
            assert isinstance(item.message.root, JSONRPCResponse)


def test_deprecated_parameters() -> None:
    """TCL-49: each one that is given, even as None; their values are ignored."""
    make: Any = StreamableHTTPTransport
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make("http://a.test/mcp")
        make("http://a.test/mcp", {"a": "b"}, sse_read_timeout=None)
        make("http://a.test/mcp", timeout=1, auth=None)
    advice = "are deprecated and will be ignored. Configure these on the httpx.AsyncClient instead."
    assert [str(warning.message) for warning in caught] == [
        f"Parameters headers, sse_read_timeout {advice}",
        f"Parameters timeout, auth {advice}",
    ]
    assert all(warning.category is DeprecationWarning for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)


def test_exceptions_and_constants() -> None:
    """TCL-50, TCL-39, TCL-40"""
    assert issubclass(ResumptionError, StreamableHTTPError)
    assert issubclass(StreamableHTTPError, Exception)
    assert (module.DEFAULT_RECONNECTION_DELAY_MS, module.MAX_RECONNECTION_ATTEMPTS) == (1000, 2)
    assert module.create_mcp_http_client is create_mcp_http_client


@pytest.mark.parametrize("as_delta", [False, True])
async def test_deprecated_client(tools: Any, serve: Any, as_delta: bool) -> None:
    """TCL-48: warns when called; numbers of seconds or timedeltas; the client is made by the factory and closed."""
    made: list[Any] = []

    def factory(
        headers: dict[str, str] | None = None, timeout: httpx.Timeout | None = None, auth: httpx.Auth | None = None
    ) -> httpx.AsyncClient:
        made.append((timeout, auth, httpx.AsyncClient(headers=headers, timeout=timeout, auth=auth)))
        return made[-1][2]

    auth = httpx.BasicAuth("me", "secret")
    times: Any = (timedelta(seconds=3), timedelta(seconds=7)) if as_delta else (3, 7)
    async with serve() as server:
        with pytest.warns(DeprecationWarning, match=r"^Use `streamable_http_client` instead\.$") as caught:
            manager = streamablehttp_client(
                server.url, {"x-own": "mine"}, *times, httpx_client_factory=factory, auth=auth
            )
        assert [warning.filename for warning in caught] == [__file__]
        assert made == []
        with anyio.fail_after(5):
            async with manager as (read, write, session_id), ClientSession(read, write) as session:
                await session.initialize()
                assert session_id() == "session-1"
    [(timeout, used_auth, client)] = made
    assert timeout == httpx.Timeout(3, read=7)
    assert used_auth is auth
    assert client.is_closed
    assert all(call.headers["x-own"] == "mine" and "authorization" in call.headers for call in server.calls)
    assert len(server.seen("DELETE")) == 1


async def test_tracing_packages_see_every_message(tools: Any, serve: Any) -> None:
    """Wrappers around the streams see requests, with their params as a dict, and every answer."""
    seen: list[Any] = []

    class Reader:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        async def __aenter__(self) -> Any:
            await self.inner.__aenter__()
            return self

        async def __aexit__(self, *args: Any) -> Any:
            return await self.inner.__aexit__(*args)

        async def __aiter__(self) -> AsyncGenerator[Any, None]:
            async for item in self.inner:
                seen.append(item.message.root)
                yield item

    class Writer:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        async def __aenter__(self) -> Any:
            await self.inner.__aenter__()
            return self

        async def __aexit__(self, *args: Any) -> Any:
            return await self.inner.__aexit__(*args)

        async def send(self, item: Any) -> None:
            seen.append(item.message.root)
            await self.inner.send(item)

    async with serve() as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                reader: Any = Reader(read)
                writer: Any = Writer(write)
                async with ClientSession(reader, writer) as session:
                    await session.initialize()
                    await session.call_tool("x", {"a": 1})
    kinds = [type(root) for root in seen]
    assert kinds[:5] == [JSONRPCRequest, JSONRPCResponse, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse]
    assert seen[3].params == {"name": "x", "arguments": {"a": 1}}
    assert json.loads(server.seen("tools/call")[0].body)["params"] == seen[3].params
