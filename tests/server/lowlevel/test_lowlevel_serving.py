"""How a server serves: LLS-2, LLS-10 to LLS-24, LLS-61 to LLS-63, LLS-68."""

import contextlib
import logging
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.server import request_ctx
from mcp.server.session import ServerSession
from mcp.shared._codec import encode_message, parse_message
from mcp.shared._streams import MessageReceiveStream, MessageSendStream
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.types import ErrorData

pytestmark = pytest.mark.anyio

LOG = {
    "method": "notifications/message",
    "params": {"level": "error", "logger": "mcp.server.exception_handler", "data": "Internal Server Error"},
}


@pytest.fixture
def server() -> Server[Any]:
    return Server("s")


def leaves(error: BaseException) -> list[BaseException]:
    inner = getattr(error, "exceptions", None)
    return [error] if inner is None else [leaf for part in inner for leaf in leaves(part)]


# One connection


async def test_the_lifespan_of_a_connection(raw_client: Any) -> None:
    """LLS-2: entered once for each, called with the server, left after the handlers were cancelled."""
    events: list[Any] = []

    @asynccontextmanager
    async def lifespan(server: Server[Any]) -> AsyncIterator[Any]:
        events.append(server.name)
        try:
            yield {"n": len(events)}
        finally:
            events.append("left")

    server = Server("s", lifespan=lifespan)

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        events.append(server.request_context.lifespan_context)
        try:
            await anyio.sleep_forever()
        finally:
            events.append("cancelled")
        return []

    for _ in range(2):
        async with raw_client(server) as peer:
            await peer.send(id=1, method="tools/list")
            await peer.silent()
    assert events == ["s", {"n": 1}, "cancelled", "left", "s", {"n": 5}, "cancelled", "left"]


async def test_requests_run_side_by_side(raw_client: Any, server: Server[Any]) -> None:
    """LLS-10: the order of responses is that of completion."""
    release = {name: anyio.Event() for name in "abc"}

    @server.call_tool()
    async def call_tool(name: str, arguments: Any) -> Any:
        await release[name].wait()
        return []

    async with raw_client(server) as peer:
        for name in "abc":
            await peer.send(id=name, method="tools/call", params={"name": name})
        for name in "cab":
            release[name].set()
            assert (await peer.receive())["id"] == name


async def test_each_request_is_logged(raw_client: Any, server: Server[Any], caplog: pytest.LogCaptureFixture) -> None:
    """LLS-11."""
    caplog.set_level(logging.INFO, "mcp.server.lowlevel.server")
    async with raw_client(server) as peer:
        await peer.ask(1, "prompts/list")
    assert ("mcp.server.lowlevel.server", logging.INFO, "Processing request of type ListPromptsRequest") in (
        caplog.record_tuples
    )


async def test_a_method_without_a_handler(raw_client: Any, server: Server[Any]) -> None:
    """LLS-12."""
    async with raw_client(server) as peer:
        assert await peer.ask(1, "tools/list") == {"error": {"code": -32601, "message": "Method not found"}}


@pytest.mark.parametrize("raise_exceptions", [False, True])
@pytest.mark.parametrize(
    "error", [ErrorData(code=5, message="m"), ErrorData(code=-32000, message="", data={"a": None})]
)
async def test_an_error_of_the_protocol(
    raw_client: Any, server: Server[Any], error: ErrorData, raise_exceptions: bool
) -> None:
    """LLS-13: is sent unchanged."""

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        raise McpError(error)

    async with raw_client(server, raise_exceptions=raise_exceptions) as peer:
        answer = await peer.ask(1, "tools/list")
        assert ErrorData.model_validate(answer["error"]) == error
        assert ("data" in answer["error"]) == (error.data is not None)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("wrong"), "wrong"),
        (ValueError(), ""),
        (KeyError("k"), "'k'"),
        (anyio.ClosedResourceError(), ""),
        (TimeoutError("late"), "late"),
    ],
)
async def test_any_other_exception(raw_client: Any, server: Server[Any], error: Exception, message: str) -> None:
    """LLS-14: code 0, no data, and the next request is served."""

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        raise error

    async with raw_client(server) as peer:
        assert await peer.ask(1, "tools/list") == {"error": {"code": 0, "message": message}}
        await peer.silent()


async def test_raise_exceptions(raw_client: Any, server: Server[Any]) -> None:
    """LLS-15: out of `run()`, in groups; the connection ends without an answer."""
    error = ValueError("wrong")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        raise error

    with pytest.raises(BaseException) as raised:
        async with raw_client(server, raise_exceptions=True) as peer:
            await peer.send(id=1, method="tools/list")
            with pytest.raises(anyio.EndOfStream):
                await peer.receive()
    assert error in leaves(raised.value)


@pytest.mark.parametrize("returned", [None, 3, "text", [], {"tools": 1}])
async def test_a_handler_that_returns_no_result(raw_client: Any, server: Server[Any], returned: Any) -> None:
    """LLS-16."""

    async def handler(_: Any) -> Any:
        return returned

    server.request_handlers[types.CompleteRequest] = handler

    @server.get_prompt()
    async def get_prompt(name: str, arguments: Any) -> Any:
        return returned

    completion = {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": ""}}
    async with raw_client(server) as peer:
        for number, (method, params) in enumerate(
            (("completion/complete", completion), ("prompts/get", {"name": "p"}))
        ):
            answer = await peer.ask(number, method, params)
            if returned == {"tools": 1}:
                # Any object is a result at least, with unknown members.
                assert answer == {"result": returned}
            else:
                assert answer["error"]["code"] == 0
                assert "validation error" in answer["error"]["message"]
        await peer.silent()


async def test_a_handler_that_returns_a_result_without_its_union(raw_client: Any, server: Server[Any]) -> None:
    """LLS-9: programs that store handlers themselves do so."""

    async def handler(_: Any) -> Any:
        return types.ListToolsResult(tools=[], nextCursor="n")

    server.request_handlers[types.ListToolsRequest] = handler
    async with raw_client(server) as peer:
        assert await peer.ask(1, "tools/list") == {"result": {"tools": [], "nextCursor": "n"}}


# Answers that cannot be sent


def wire(peer: Any) -> Any:
    """The write stream of a transport that encodes, in front of a peer."""
    stream = peer.write_stream

    class Sink:
        async def send(self, item: SessionMessage) -> None:
            encoded = encode_message(item)
            await stream.send(SessionMessage(parse_message(encoded)))

        def close(self) -> None:
            stream.close()

    return MessageSendStream(Sink())


@pytest.mark.parametrize("streams", ["messages", "bytes"])
@pytest.mark.parametrize(
    "result",
    [
        types.CallToolResult(content=[], structuredContent={"a": object()}),
        types.CallToolResult(content=[types.TextContent(type="text", text="\ud800")]),
        types.CallToolResult(content=[], structuredContent={"a": b"\xff"}),
        types.CallToolResult.model_construct(content=[object()]),
    ],
    ids=["object", "surrogate", "bytes", "no content"],
)
async def test_a_result_without_a_json_form(raw_peer: Any, server: Server[Any], result: Any, streams: str) -> None:
    """SES-30: the caller is told, and the next request is served."""

    @server.call_tool()
    async def call_tool(name: str, arguments: Any) -> Any:
        return result

    async with raw_peer() as peer, anyio.create_task_group() as tasks:
        write_stream = wire(peer) if streams == "bytes" else peer.write_stream
        options = server.create_initialization_options()
        tasks.start_soon(lambda: server.run(peer.read_stream, write_stream, options, stateless=True))
        await peer.send(id=1, method="tools/call", params={"name": "t"})
        if streams == "messages" and "surrogate" in repr(result.content).replace("\\ud800", "surrogate"):
            # Nobody has encoded it yet.
            with anyio.fail_after(5):
                item = await peer._in.receive()
            assert item.message.root.id == 1
        else:
            answer = await peer.receive()
            assert (answer["id"], answer["error"]["code"]) == (1, -32603)
            assert answer["error"]["message"].startswith("The result has no JSON form: ")
        await peer.silent()
        peer.hang_up()


@pytest.mark.parametrize(
    "error", [ErrorData(code=7, message="a\ud800b"), ErrorData(code=7, message="a?b", data=object())]
)
async def test_an_error_without_a_json_form(raw_peer: Any, server: Server[Any], error: ErrorData) -> None:
    """LLS-13, LLS-14: code and text arrive, as far as they can be sent."""

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        raise McpError(error)

    async with raw_peer() as peer, anyio.create_task_group() as tasks:
        options = server.create_initialization_options()
        stream = wire(peer)
        tasks.start_soon(lambda: server.run(peer.read_stream, stream, options, stateless=True))
        assert await peer.ask(1, "tools/list") == {"error": {"code": 7, "message": "a?b"}}
        await peer.silent()
        peer.hang_up()


# The end


async def test_answers_after_the_end_are_dropped(raw_client: Any, server: Server[Any]) -> None:
    """LLS-17, LLS-18: `run()` returns normally, after the handlers."""
    events: list[str] = []

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        with contextlib.suppress(BaseException), anyio.CancelScope(shield=True):
            events.append("started")
            while not session_ended.is_set():
                await anyio.lowlevel.checkpoint()
        events.append("answers")
        return []

    session_ended = anyio.Event()
    async with raw_client(server) as peer:
        await peer.send(id=1, method="tools/list")
        await peer.silent()
        peer.hang_up()
        with pytest.raises(anyio.EndOfStream):
            await peer.receive()
        session_ended.set()
    assert events == ["started", "answers"]


async def test_requests_that_were_not_finished_get_no_answer(raw_client: Any, server: Server[Any]) -> None:
    """LLS-18."""
    ended: list[str] = []

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cancelled")
        return []

    async with raw_client(server) as peer:
        for number in range(3):
            await peer.send(id=number, method="tools/list")
        await peer.silent()
        peer.hang_up()
        with pytest.raises(anyio.EndOfStream):
            await peer.receive()
    assert ended == ["cancelled"] * 3


async def test_a_handler_that_asks_the_client_at_the_end(raw_client: Any, server: Server[Any]) -> None:
    """LLS-19: it gets the error first, and what it answers then is dropped."""
    errors: list[str] = []

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        try:
            await server.request_context.session.list_roots()
        except McpError as error:
            errors.append(f"{error.error.code} {error}")
        return []

    async with raw_client(server) as peer:
        await peer.send(id=1, method="tools/list")
        assert (await peer.receive())["method"] == "roots/list"
        peer.hang_up()
        with pytest.raises(anyio.EndOfStream):
            await peer.receive()
    assert errors == ["-32000 Connection closed"]


async def test_a_peer_that_dies(raw_client: Any, server: Server[Any]) -> None:
    """LLS-17, LLS-18: in both directions, with answers on their way."""
    started = anyio.Event()

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        started.set()
        return []

    async with raw_client(server, buffer=0, initialize=False, stateless=True) as peer:
        for number in range(10):
            await peer.send(id=number, method="tools/list")
        await started.wait()
        peer.die()


# Warnings, notifications


async def test_warnings_become_log_lines(
    raw_client: Any, server: Server[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """LLS-20, LLS-33."""
    caplog.set_level(logging.INFO, "mcp.server.lowlevel.server")

    @server.read_resource()
    async def read_resource(uri: Any) -> Any:
        warnings.warn("careful", UserWarning, stacklevel=1)
        return "bare"

    with warnings.catch_warnings(record=True) as others:
        warnings.simplefilter("always")
        async with raw_client(server) as peer:
            warnings.warn("not of a handler", UserWarning, stacklevel=1)
            await peer.ask(1, "resources/read", {"uri": "test://x"})
        warnings.warn("after", UserWarning, stacklevel=1)
    assert "Warning: UserWarning: careful" in caplog.messages
    assert any(text.startswith("Warning: DeprecationWarning: Returning str or bytes") for text in caplog.messages)
    assert [str(warning.message) for warning in others] == ["not of a handler", "after"]


async def test_warnings_with_two_servers(raw_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """LLS-20: whichever ends first."""
    caplog.set_level(logging.INFO, "mcp.server.lowlevel.server")
    one, two = Server("one"), Server("two")
    for server in (one, two):

        @server.list_tools()
        async def list_tools() -> list[types.Tool]:
            warnings.warn("careful", UserWarning, stacklevel=1)
            return []

    with warnings.catch_warnings(record=True) as others:
        warnings.simplefilter("always")
        before = warnings.showwarning
        async with raw_client(one) as first:
            async with raw_client(two) as second:
                await second.ask(1, "tools/list")
            await first.ask(1, "tools/list")
        assert warnings.showwarning is before
    assert others == []
    assert caplog.messages.count("Warning: UserWarning: careful") == 2


async def test_notification_handlers(raw_client: Any, server: Server[Any], caplog: pytest.LogCaptureFixture) -> None:
    """LLS-21, LLS-22: exceptions are logged, the request context is not set; without a handler they are ignored."""
    seen: list[Any] = []

    @server.progress_notification()
    async def progress(token: Any, *_: Any) -> None:
        with pytest.raises(LookupError):
            _ = server.request_context
        seen.append(token)
        raise KeyError("progress")

    async with raw_client(server) as peer:
        await peer.send(method="notifications/roots/list_changed")
        for token in ("a", "b"):
            await peer.send(method="notifications/progress", params={"progressToken": token, "progress": 1})
        await peer.silent()
        await anyio.wait_all_tasks_blocked()
    assert sorted(seen) == ["a", "b"]
    assert caplog.messages.count("Uncaught exception in notification handler") == 2


# The request context


async def test_the_request_context(raw_client: Any, server: Server[Any]) -> None:
    """LLS-22, LLS-23."""
    contexts: list[Any] = []

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        assert request_ctx.get() is server.request_context
        contexts.append(server.request_context)
        return []

    async def close() -> None: ...

    async def close_standalone() -> None: ...

    metadata = ServerMessageMetadata(
        request_context="http request", close_sse_stream=close, close_standalone_sse_stream=close_standalone
    )
    with pytest.raises(LookupError):
        _ = server.request_context
    async with raw_client(server) as peer:
        await peer.send(metadata, id="r", method="tools/list", params={"_meta": {"progressToken": 3, "k": 1}})
        await peer.receive()
        await peer.ask(2, "tools/list")
    first, second = contexts
    assert first.request_id == "r"
    assert first.meta.progressToken == 3
    assert first.meta.model_extra == {"k": 1}
    assert isinstance(first.session, ServerSession)
    assert first.lifespan_context == {}
    assert first.request == "http request"
    assert (first.close_sse_stream, first.close_standalone_sse_stream) == (close, close_standalone)
    assert not first.experimental.is_task
    assert second.request_id == 2
    assert second.session is first.session
    assert (second.meta, second.request) == (None, None)
    assert (second.close_sse_stream, second.close_standalone_sse_stream) == (None, None)
    with pytest.raises(LookupError):
        _ = server.request_context


async def test_tasks_of_a_handler_inherit_its_context(raw_client: Any, server: Server[Any]) -> None:
    """LLS-24: and requests do not see each other's."""
    seen: list[Any] = []
    mark: ContextVar[Any] = ContextVar("mark", default=None)

    async def look() -> None:
        seen.append((server.request_context.request_id, mark.get()))

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        assert mark.get() is None
        mark.set(server.request_context.request_id)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
        return []

    async with raw_client(server) as peer:
        for number in range(2):
            await peer.ask(number, "tools/list")
    assert seen == [(0, 0), (1, 1)]


async def test_handlers_inherit_the_context_of_run(raw_client: Any) -> None:
    """LLS-24: what the lifespan or the caller of `run` has set."""
    of_caller: ContextVar[str] = ContextVar("of_caller", default="unset")
    of_lifespan: ContextVar[str] = ContextVar("of_lifespan", default="unset")
    seen: list[Any] = []

    @asynccontextmanager
    async def lifespan(_: Server[Any]) -> AsyncIterator[None]:
        of_lifespan.set("lifespan")
        yield

    server = Server("s", lifespan=lifespan)

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        seen.append((of_caller.get(), of_lifespan.get()))
        return []

    of_caller.set("caller")
    async with raw_client(server) as peer:
        await peer.ask(1, "tools/list")
    assert seen == [("caller", "lifespan")]


# Exceptions of the transport


async def test_an_exception_on_the_read_stream(
    raw_client: Any, server: Server[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """LLS-61: before initialization too, and without the logging capability; the session continues."""
    async with raw_client(server, initialize=False) as peer:
        await peer.out.send(ValueError("of the transport"))
        assert await peer.receive() == LOG
        await peer.send(id=77, result={})
        assert await peer.receive() == LOG
        await peer.silent()
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert errors[0] == "Received exception from stream: of the transport"
    assert errors[1].startswith("Received exception from stream: Received response with an unknown request ID")


async def test_an_exception_on_the_read_stream_is_raised(raw_client: Any, server: Server[Any]) -> None:
    """LLS-61, with `raise_exceptions`."""
    error = ValueError("of the transport")
    with pytest.raises(BaseException) as raised:
        async with raw_client(server, raise_exceptions=True) as peer:
            await peer.out.send(error)
            assert await peer.receive() == LOG
            with pytest.raises(anyio.EndOfStream):
                await peer.receive()
    assert error in leaves(raised.value)


async def test_garbage_as_the_last_line(raw_peer: Any, server: Server[Any]) -> None:
    """LLS-62: `run()` returns normally."""
    async with raw_peer() as peer:
        await peer.out.send(ValueError("garbage"))
        peer.die()
        with anyio.fail_after(5):
            await server.run(peer.read_stream, peer.write_stream, server.create_initialization_options())


async def test_late_answers_are_no_event(raw_client: Any, server: Server[Any]) -> None:
    """LLS-63."""

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        with anyio.move_on_after(0.01):
            await server.request_context.session.list_roots()
        return []

    async with raw_client(server) as peer:
        await peer.send(id=1, method="tools/list")
        asked = await peer.receive()
        assert asked["method"] == "roots/list"
        assert (await peer.receive())["method"] == "notifications/cancelled"
        assert (await peer.receive())["id"] == 1
        await peer.send(id=asked["id"], result={"roots": []})
        await peer.silent()


# Many connections


async def test_one_server_serves_many(server: Server[Any]) -> None:
    """LLS-68: one after the other, and at once; each with its own session."""
    sessions: set[int] = set()
    all_there = anyio.Event()

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        sessions.add(id(server.request_context.session))
        if len(sessions) == 5:
            all_there.set()
        await all_there.wait()
        return []

    async def use() -> None:
        async with create_connected_server_and_client_session(server) as session:
            assert await session.list_tools() == types.ListToolsResult(tools=[])

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(use)
        await use()


async def test_no_message_is_lost_on_the_way_in(raw_peer: Any, server: Server[Any]) -> None:
    """LLS-68: what came before `run` is served."""
    async with raw_peer() as peer, anyio.create_task_group() as tasks:
        for number in range(20):
            await peer.send(id=number, method="ping")
        tasks.start_soon(
            lambda: server.run(peer.read_stream, peer.write_stream, server.create_initialization_options())
        )
        ids = [(await peer.receive())["id"] for _ in range(20)]
        assert sorted(ids) == list(range(20))
        peer.hang_up()


class Source:
    """A transport whose messages wait already."""

    def __init__(self, messages: list[Any]) -> None:
        self.messages = messages

    async def receive(self) -> Any:
        if not self.messages:
            raise anyio.EndOfStream
        return self.messages.pop(0)

    def close(self) -> None: ...

    def close_reason(self) -> str | None:
        return None


async def test_everything_is_there_at_once_and_then_the_end(server: Server[Any]) -> None:
    """LLS-18: nothing is owed any more, and nothing hangs."""
    messages = [SessionMessage(parse_message('{"jsonrpc":"2.0","id":1,"method":"ping"}')) for _ in range(3)]
    send, receive = anyio.create_memory_object_stream[SessionMessage](10)
    read_stream: Any = MessageReceiveStream(Source([*messages, ValueError("garbage")]))
    with anyio.fail_after(5), send, receive:
        await server.run(read_stream, send, server.create_initialization_options())
