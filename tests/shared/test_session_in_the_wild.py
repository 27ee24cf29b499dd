"""What real packages do with sessions and servers, each in the way that it does it (api/used-in-the-wild.md, 3 to 6).

Also SES-68, LLS-9, LLS-69.
"""

import contextlib
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import anyio
import pytest

import mcp.server.lowlevel.server
import mcp.server.session
from mcp import types
from mcp.client.session import ClientSession
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.server import request_ctx
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_client_server_memory_streams, create_connected_server_and_client_session
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.shared.session import BaseSession, RequestResponder

pytestmark = pytest.mark.anyio

OPTIONS = InitializationOptions(server_name="s", server_version="1", capabilities=types.ServerCapabilities())
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}


@pytest.fixture
def server() -> Server[Any]:
    server = Server("s")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [types.Tool(name="echo", inputSchema={"type": "object"})]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> Any:
        return [types.TextContent(type="text", text=str(arguments))]

    return server


@contextlib.contextmanager
def replaced(owner: Any, name: str, value: Any) -> Any:
    """Put something in the place of an attribute, as tracing packages do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, value)
        yield


# fastmcp


class MiddlewareSession(ServerSession):
    """A session that watches `initialize`, with `respond` replaced on the responder."""

    def __init__(self, owner: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.owner = owner
        self.watched: list[Any] = []

    async def _received_request(self, responder: RequestResponder[types.ClientRequest, types.ServerResult]) -> Any:
        if not isinstance(responder.request.root, types.InitializeRequest):
            return await super()._received_request(responder)
        respond = responder.respond

        async def watching(response: Any) -> None:
            self.watched.append(response)
            await respond(response)

        responder.respond = watching  # type: ignore[method-assign]
        assert not responder._completed
        if responder.request.root.params.clientInfo.name == "bad":
            with responder:
                return await responder.respond(types.ErrorData(code=-32000, message="Not you"))
        await super()._received_request(responder)
        assert responder._completed
        return None


class OwnRun(Server[Any]):
    """A server with a run loop of its own over `session.incoming_messages`."""

    session: MiddlewareSession

    async def run(
        self,
        read_stream: Any,
        write_stream: Any,
        initialization_options: Any,
        raise_exceptions: bool = False,
        stateless: bool = False,
    ) -> None:
        async with AsyncExitStack() as stack:
            lifespan_context = await stack.enter_async_context(self.lifespan(self))
            self.session = await stack.enter_async_context(
                MiddlewareSession(self, read_stream, write_stream, initialization_options, stateless=stateless)
            )
            async with anyio.create_task_group() as tasks:
                async for message in self.session.incoming_messages:
                    tasks.start_soon(self._handle_message, message, self.session, lifespan_context, raise_exceptions)


async def test_a_run_loop_of_its_own(raw_client: Any) -> None:
    """fastmcp: over `session.incoming_messages`, with `_handle_message` for each."""
    server = OwnRun("s")
    closed: list[str] = []

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        session = server.request_context.session
        assert session is server.session

        async def close() -> None:
            closed.append("session")

        session._exit_stack.push_async_callback(close)
        return []

    async with raw_client(server, initialize=False) as peer:
        bad = {**INITIALIZE, "clientInfo": {"name": "bad", "version": "1"}}
        assert await peer.ask(0, "initialize", bad) == {"error": {"code": -32000, "message": "Not you"}}
        assert server.session._client_params is None
        await peer.initialize()
        assert server.session._client_params is not None
        assert await peer.ask(1, "tools/list") == {"result": {"tools": []}}
        await peer.send_text("{")
        assert (await peer.receive())["method"] == "notifications/message"
        await peer.silent()
        assert [type(response) for response in server.session.watched] == [types.ErrorData, types.ServerResult]
    assert closed == ["session"]


async def test_streams_of_a_session(raw_peer: Any) -> None:
    """fastmcp and adk: the very streams that were given, and whether they are open."""
    async with raw_peer() as peer:
        session = ClientSession(peer.read_stream, peer.write_stream)
        assert session._read_stream is peer.read_stream
        assert session._write_stream is peer.write_stream
        async with session:
            assert session._write_stream.statistics().open_send_streams == 1
            assert session._read_stream.statistics().open_send_streams == 1
            assert not session._read_stream._closed
            assert not session._write_stream._closed
            peer.hang_up()
            with pytest.raises(anyio.EndOfStream):
                await peer.receive()
            assert session._read_stream._closed
            assert session._write_stream._closed
            assert session._read_stream.statistics().open_send_streams == 0


async def test_streams_of_our_own() -> None:
    """fastmcp and adk, over the in-memory transport."""
    async with create_client_server_memory_streams() as ((read, write), (peer_read, peer_write)):
        async with ClientSession(read, write) as session:
            assert not session._read_stream._closed
            assert session._write_stream.statistics().open_send_streams == 1
            assert session._read_stream.statistics().open_send_streams == 1
            await peer_write.aclose()
            with pytest.raises(anyio.EndOfStream), anyio.fail_after(5):
                await peer_read.receive()
            assert session._read_stream.statistics().open_send_streams == 0
        assert session._read_stream._closed
        assert session._write_stream._closed


# Tracing: opentelemetry, openinference, strands


class Proxy:
    """Stands in front of something, in the manner of wrapt."""

    def __init__(self, wrapped: Any, seen: list[Any]) -> None:
        self.__wrapped__ = wrapped
        self.seen = seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    async def __aenter__(self) -> Any:
        return await self.__wrapped__.__aenter__()

    async def __aexit__(self, *exc: Any) -> Any:
        return await self.__wrapped__.__aexit__(*exc)


class TracingReader(Proxy):
    async def __aiter__(self) -> Any:
        async for item in self.__wrapped__:
            root = item.message.root if isinstance(item, SessionMessage) else item
            if isinstance(root, types.JSONRPCRequest):
                assert root.params is None or isinstance(root.params, dict)
                self.seen.append(root.method)
            yield item


class TracingWriter(Proxy):
    async def send(self, item: Any) -> Any:
        root = item.message.root
        if isinstance(root, types.JSONRPCRequest):
            # The trace travels in _meta.
            params = root.params = root.params or {}
            params.setdefault("_meta", {})["traceparent"] = "00-1"
        self.seen.append(type(root).__name__)
        return await self.__wrapped__.send(item)


async def test_tracing_of_the_streams_of_a_server(raw_peer: Any, server: Server[Any]) -> None:
    """Every message passes through the streams that a transport has yielded."""
    read: list[Any] = []
    written: list[Any] = []
    async with raw_peer() as peer, anyio.create_task_group() as tasks:
        streams: Any = (TracingReader(peer.read_stream, read), TracingWriter(peer.write_stream, written))
        tasks.start_soon(server.run, *streams, server.create_initialization_options())
        await peer.initialize()
        await peer.ask(1, "tools/call", {"name": "echo", "arguments": {"a": 1}})
        await peer.ask(2, "no/such")
        await peer.send_text("{")
        await peer.receive()
        peer.hang_up()
    assert read == ["initialize", "tools/call", "no/such"]
    assert written == ["JSONRPCResponse", "JSONRPCResponse", "JSONRPCError", "JSONRPCNotification"]


async def test_tracing_of_the_streams_of_a_client(raw_peer: Any) -> None:
    """The trace that is put into a request arrives."""
    read: list[Any] = []
    written: list[Any] = []
    async with raw_peer() as peer:
        streams: Any = (TracingReader(peer.read_stream, read), TracingWriter(peer.write_stream, written))
        async with ClientSession(*streams) as session, anyio.create_task_group() as tasks:
            tasks.start_soon(session.send_ping)
            request = await peer.receive()
            assert request["params"] == {"_meta": {"traceparent": "00-1"}}
            await peer.send(id=request["id"], result={})
            await peer.silent()
    assert read == ["ping"]
    assert written == ["JSONRPCRequest", "JSONRPCResponse"]


async def test_tracing_of_our_own_streams(server: Server[Any]) -> None:
    """Both ends in one process, with proxies around all four streams."""
    seen: list[Any] = []
    async with create_client_server_memory_streams() as (client, served), anyio.create_task_group() as tasks:
        wrapped: Any = [(TracingReader(read, seen), TracingWriter(write, seen)) for read, write in (client, served)]
        tasks.start_soon(server.run, *wrapped[1], server.create_initialization_options())
        async with ClientSession(*wrapped[0]) as session:
            await session.initialize()
            result = await session.call_tool("echo", {"a": 1})
            assert result.content == [types.TextContent(type="text", text="{'a': 1}")]
        tasks.cancel_scope.cancel()
    assert seen.count("tools/call") == 1
    assert seen.count("JSONRPCResponse") == 3


current_trace: ContextVar[str] = ContextVar("current_trace", default="none")


class SavingWriter(Proxy):
    async def send(self, item: Any) -> Any:
        return await self.__wrapped__.send((item, current_trace.get(), self.seen))


class AttachingReader(Proxy):
    async def __aiter__(self) -> Any:
        async for item, trace, seen in self.__wrapped__:
            seen.append(trace)
            token = current_trace.set("of the message")
            try:
                yield item
            finally:
                current_trace.reset(token)


async def test_tracing_of_incoming_messages(raw_client: Any, server: Server[Any]) -> None:
    """opentelemetry: `ServerSession.__init__` is wrapped, and both ends of the incoming stream replaced right after."""
    seen: list[Any] = []
    original = ServerSession.__init__

    def wrapped(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self._incoming_message_stream_writer = SavingWriter(self._incoming_message_stream_writer, seen)
        self._incoming_message_stream_reader = AttachingReader(self._incoming_message_stream_reader, seen)

    traces: list[str] = []

    @server.call_tool()
    async def call_tool(name: str, arguments: Any) -> Any:
        traces.append(current_trace.get())
        return []

    with replaced(mcp.server.session.ServerSession, "__init__", wrapped):
        async with raw_client(server) as peer:
            await peer.ask(1, "tools/call", {"name": "echo"})
            await peer.silent()
    assert seen == ["none"] * 3
    # The handler's task was started where the trace was attached.
    assert traces == ["of the message"]


async def test_calls_of_every_session_are_wrapped(raw_peer: Any) -> None:
    """opentelemetry and logfire: `BaseSession.send_request` and `send_notification` on the class, as called by all
    methods; the first positional argument is the union."""
    seen: list[Any] = []
    send_request, send_notification = BaseSession.send_request, BaseSession.send_notification

    async def tracing_request(self: Any, request: Any, *arguments: Any, **named: Any) -> Any:
        assert isinstance(request, types.ClientRequest)
        seen.append((request.root.method, request.root.params.meta if request.root.params is not None else None))
        if request.root.params is None:
            request.root.params = types.RequestParams()
        request.root.params.meta = types.RequestParams.Meta.model_validate({"traceparent": "00-1"})
        return await send_request(self, request, *arguments, **named)

    async def tracing_notification(self: Any, notification: Any, *arguments: Any, **named: Any) -> Any:
        assert isinstance(notification, types.ClientNotification)
        seen.append(notification.root.method)
        return await send_notification(self, notification, *arguments, **named)

    with (
        replaced(BaseSession, "send_request", tracing_request),
        replaced(BaseSession, "send_notification", tracing_notification),
    ):
        async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.initialize)
                params = await peer.accept()
                assert params["_meta"] == {"traceparent": "00-1"}
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.send_ping)
                request = await peer.receive()
                assert request["params"] == {"_meta": {"traceparent": "00-1"}}
                await peer.send(id=request["id"], result={})
    assert seen == [("initialize", None), "notifications/initialized", ("ping", None)]


async def test_logfire_on_the_server(raw_client: Any, server: Server[Any]) -> None:
    """`Server._handle_request(message, request, ...)` replaced on the class."""
    seen: list[Any] = []
    original = Server._handle_request

    async def tracing(self: Any, message: Any, request: Any, *arguments: Any, **named: Any) -> Any:
        assert isinstance(message, RequestResponder)
        assert message.request.root is request
        seen.append((message.request_id, request.method))
        return await original(self, message, request, *arguments, **named)

    with replaced(Server, "_handle_request", tracing):
        async with raw_client(server) as peer:
            assert "result" in await peer.ask(1, "tools/list")
    assert seen == [(1, "tools/list")]


async def test_logfire_on_the_client(raw_peer: Any) -> None:
    """`ClientSession._received_request` and `_received_notification` replaced on the class."""
    seen: list[Any] = []
    received_request, received_notification = ClientSession._received_request, ClientSession._received_notification

    async def tracing_request(self: Any, responder: Any) -> None:
        seen.append(responder.request.root.method)
        await received_request(self, responder)

    async def tracing_notification(self: Any, notification: Any) -> None:
        seen.append(notification.root.method)
        await received_notification(self, notification)

    with (
        replaced(ClientSession, "_received_request", tracing_request),
        replaced(ClientSession, "_received_notification", tracing_notification),
    ):
        async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream):
            await peer.send(method="notifications/message", params={"level": "info", "data": 1})
            await peer.silent()
    assert seen == ["notifications/message", "ping"]


async def test_newrelic(server: Server[Any]) -> None:
    """`ClientSession.call_tool` wrapped on the class."""
    seen: list[Any] = []
    original = ClientSession.call_tool

    async def tracing(self: Any, *arguments: Any, **named: Any) -> Any:
        seen.append(arguments)
        return await original(self, *arguments, **named)

    with replaced(ClientSession, "call_tool", tracing):
        async with create_connected_server_and_client_session(server) as session:
            await session.call_tool("echo", {"a": 1})
    assert seen == [("echo", {"a": 1})]


async def test_sentry(raw_client: Any) -> None:
    """`Server.call_tool`, `get_prompt` and `read_resource` replaced: the handlers they pass on are wrappers that take
    their arguments by position, and `request_ctx.get()` works inside."""
    seen: list[Any] = []

    def wrapping(original: Any) -> Any:
        def decorator_factory(self: Any, **options: Any) -> Any:
            register = original(self, **options)

            def decorator(function: Any) -> Any:
                async def handler(*arguments: Any) -> Any:
                    seen.append((request_ctx.get().request_id, arguments))
                    return await function(*arguments)

                return register(handler)

            return decorator

        return decorator_factory

    with contextlib.ExitStack() as stack:
        for name in ("call_tool", "get_prompt", "read_resource"):
            stack.enter_context(replaced(Server, name, wrapping(getattr(Server, name))))
        server: Server[Any] = Server("s")

        @server.call_tool(validate_input=False)
        async def call_tool(name: str, arguments: dict[str, Any]) -> Any:
            return []

        @server.get_prompt()
        async def get_prompt(name: str, arguments: Any) -> Any:
            return types.GetPromptResult(messages=[])

        @server.read_resource()
        async def read_resource(uri: Any) -> Any:
            return []

        async with raw_client(server) as peer:
            assert "result" in await peer.ask(1, "tools/call", {"name": "t", "arguments": {"a": 1}})
            assert "result" in await peer.ask(2, "prompts/get", {"name": "p"})
            assert "result" in await peer.ask(3, "resources/read", {"uri": "test://x"})
    assert [(number, *map(str, arguments)) for number, arguments in seen] == [
        (1, "t", "{'a': 1}"),
        (2, "p", "None"),
        (3, "test://x"),
    ]


# mcp-use


async def test_the_session_class_of_a_server(raw_client: Any, server: Server[Any]) -> None:
    """mcp-use: `ServerSession` in `mcp.server.lowlevel.server` reassigned before any server runs."""
    made: list[Any] = []

    class Mine(ServerSession):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

        async def _received_request(self, responder: Any) -> None:
            await super()._received_request(responder)

    with (
        replaced(mcp.server.session, "ServerSession", Mine),
        replaced(mcp.server.lowlevel.server, "ServerSession", Mine),
    ):
        async with raw_client(server) as peer:
            await peer.silent()
    assert [type(session) for session in made] == [Mine]


async def test_a_session_class_that_does_more_on_entering(raw_client: Any, server: Server[Any]) -> None:
    """mcp-use, mcp-agent: no message is lost meanwhile."""

    class Slow(ServerSession):
        async def __aenter__(self) -> Any:
            entered = await super().__aenter__()
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            return entered

    with replaced(mcp.server.lowlevel.server, "ServerSession", Slow):
        async with raw_client(server, initialize=False, stateless=True) as peer:
            for number in range(5):
                await peer.send(id=number, method="ping")
            assert sorted([(await peer.receive())["id"] for _ in range(5)]) == list(range(5))


# mcp-agent, fast-agent


class AgentSession(ClientSession):
    """A client session whose every way in and out is overridden with a call of `super()`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.calls: list[Any] = []
        super().__init__(*arguments, **options)

    async def send_request(
        self,
        request: Any,
        result_type: Any,
        request_read_timeout_seconds: Any = None,
        metadata: Any = None,
        progress_callback: Any = None,
    ) -> Any:
        self.calls.append(("request", request.root.method))
        return await super().send_request(
            request, result_type, request_read_timeout_seconds, metadata, progress_callback
        )

    async def send_notification(self, notification: Any, related_request_id: Any = None) -> None:
        self.calls.append(("notification", notification.root.method))
        await super().send_notification(notification, related_request_id)

    async def _send_response(self, request_id: Any, response: Any) -> None:
        self.calls.append(("response", request_id, type(response).__name__))
        await super()._send_response(request_id, response)

    async def _received_notification(self, notification: Any) -> None:
        self.calls.append(("received", notification.root.method))
        await super()._received_notification(notification)

    async def send_progress_notification(
        self, progress_token: Any, progress: float, total: Any = None, message: Any = None
    ) -> None:
        self.calls.append(("progress", progress_token))
        await super().send_progress_notification(progress_token, progress, total, message)


async def test_an_agent_session(raw_peer: Any) -> None:
    """mcp-agent, fast-agent."""
    async with raw_peer() as peer, AgentSession(peer.read_stream, peer.write_stream) as session:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.initialize)
            await peer.accept()
        await peer.silent()
        await peer.send(id=5, method="roots/list")
        await peer.receive()
        await peer.send(method="notifications/tools/list_changed")
        await session.send_progress_notification("t", 1)
        await peer.receive()
        await peer.silent()
    assert [call for call in session.calls if call[0] != "received"] == [
        ("request", "initialize"),
        ("notification", "notifications/initialized"),
        ("response", "still there?", "ClientResult"),
        ("response", 5, "ErrorData"),
        ("progress", "t"),
        ("notification", "notifications/progress"),
        ("response", "still there?", "ClientResult"),
    ]
    assert session.calls.count(("received", "notifications/tools/list_changed")) == 1


async def test_a_relay_that_is_no_real_session() -> None:
    """mcp-agent: a `ServerSession` whose sending methods go elsewhere; nothing else is ever called."""

    class Relay(ServerSession):
        def __init__(self) -> None:
            self.sent: list[Any] = []

        async def send_notification(self, notification: Any, related_request_id: Any = None) -> None:
            self.sent.append(notification.root.method)

        async def send_request(self, request: Any, result_type: Any, *_: Any, **__: Any) -> Any:
            self.sent.append(request.root.method)
            return result_type.model_validate({"roots": []})

    relay = Relay()
    assert isinstance(relay, ServerSession)
    await relay.send_log_message("info", 1)
    await relay.send_tool_list_changed()
    assert await relay.list_roots() == types.ListRootsResult(roots=[])
    assert relay.sent == ["notifications/message", "notifications/tools/list_changed", "roots/list"]


# llama-index


async def test_a_client_without_a_constructor() -> None:
    """llama-index: every public method overridden, `super().__init__` never called."""

    class Basic(ClientSession):
        def __init__(self, url: str) -> None:
            self.url = url

        async def call_tool(self, name: str, *_: Any, **__: Any) -> Any:
            return f"{name} at {self.url}"

        async def list_tools(self, *_: Any, **__: Any) -> Any:
            return []

    client = Basic("u")
    assert isinstance(client, ClientSession)
    assert await client.call_tool("t") == "t at u"
    assert await client.list_tools() == []


# posthog, fastmcp, mcp-proxy: handlers


async def test_handlers_are_wrapped_and_put_back(raw_client: Any, server: Server[Any]) -> None:
    """posthog, fastmcp, mcp-proxy: `request_handlers[RequestType]`."""
    seen: list[Any] = []
    original = server.request_handlers[types.CallToolRequest]

    async def wrapped(request: types.CallToolRequest) -> types.ServerResult:
        result = await original(request)
        assert isinstance(result.root, types.CallToolResult)
        seen.append((request.params.name, result.root.isError))
        return result

    server.request_handlers[types.CallToolRequest] = wrapped
    async with raw_client(server) as peer:
        assert "result" in await peer.ask(1, "tools/call", {"name": "echo"})
    assert seen == [("echo", False)]


async def test_the_request_context_is_set_from_outside(server: Server[Any]) -> None:
    """Tests of several packages: a hand-made `RequestContext`, and a handler called directly."""
    session: Any = object()
    context = RequestContext(request_id=1, meta=None, session=session, lifespan_context={"k": 1}, request="r")
    seen: list[Any] = []

    @server.call_tool()
    async def call_tool(name: str, arguments: Any) -> Any:
        seen.append(server.request_context)
        return []

    token = request_ctx.set(context)
    try:
        request = types.CallToolRequest(params=types.CallToolRequestParams(name="echo"))
        await server.request_handlers[types.CallToolRequest](request)
    finally:
        request_ctx.reset(token)
    assert seen == [context]
    with pytest.raises(LookupError):
        request_ctx.get()
    assert replace(context, request_id=2).request_id == 2


async def test_a_context_is_copied(raw_client: Any, server: Server[Any]) -> None:
    """`dataclasses.replace` works on what handlers get, too."""
    copies: list[Any] = []

    @server.list_prompts()
    async def list_prompts() -> list[types.Prompt]:
        copies.append(replace(server.request_context, request_id="copy"))
        return []

    async with raw_client(server) as peer:
        await peer.send(ServerMessageMetadata(request_context="http"), id=1, method="prompts/list")
        await peer.receive()
    assert (copies[0].request_id, copies[0].request) == ("copy", "http")
    assert isinstance(copies[0], RequestContext)


async def test_what_programs_look_at(raw_client: Any, server: Server[Any]) -> None:
    """SES-68."""
    looked: list[Any] = []

    @server.list_prompts()
    async def list_prompts() -> list[types.Prompt]:
        session = server.request_context.session
        looked.append((dict(session._in_flight), session._client_params, session._request_id))
        session._task_group.start_soon(session.send_tool_list_changed)
        return []

    async with raw_client(server) as peer:
        await peer.send(id="x", method="prompts/list")
        messages = sorted([await peer.receive(), await peer.receive()], key=str)
        assert {"method": "notifications/tools/list_changed"} in messages
    (in_flight, client_params, request_id) = looked[0]
    assert list(in_flight) == ["x"]
    assert isinstance(in_flight["x"], RequestResponder)
    assert client_params.clientInfo.name == "raw"
    assert request_id == 0


async def test_handling_a_message_directly(raw_peer: Any, server: Server[Any]) -> None:
    """SES-68: `server._handle_message(message, session, lifespan_context, raise_exceptions=False)`."""
    async with raw_peer() as peer, ServerSession(peer.read_stream, peer.write_stream, OPTIONS) as session:
        await peer.initialize()
        initialized = await session.incoming_messages.receive()
        await server._handle_message(initialized, session, {})
        await peer.send(id=1, method="tools/list")
        await server._handle_message(await session.incoming_messages.receive(), session, {}, raise_exceptions=False)
        assert (await peer.receive())["result"]["tools"][0]["name"] == "echo"
        with pytest.raises(LookupError):
            request_ctx.get()
        with pytest.raises(KeyError):
            await server._handle_message(KeyError("e"), session, {}, True)
        assert (await peer.receive())["method"] == "notifications/message"


async def test_clients_of_a_mock_are_satisfied(raw_peer: Any) -> None:
    """Tests of several packages replace methods on an instance or by path."""
    from unittest.mock import AsyncMock, patch

    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        with patch("mcp.client.session.ClientSession.initialize", AsyncMock(return_value="mocked")):
            assert await session.initialize() == "mocked"  # type: ignore[comparison-overlap]
        session.list_tools = AsyncMock(side_effect=McpError(types.ErrorData(code=1, message="m")))  # type: ignore[method-assign]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.call_tool, "t")
            request = await peer.receive()
            await peer.send(id=request["id"], result={"content": []})
        session.list_tools.assert_awaited_once_with()


def test_loggers_by_name() -> None:
    """mcp-use and mcp-atlassian set levels; fastmcp filters."""
    assert mcp.server.lowlevel.server.logger.name == "mcp.server.lowlevel.server"
