"""Streams without queues, and the in-memory helpers: SES-48, SES-49, and what programs look at on streams."""

import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest

import mcp.shared.memory
from mcp import types
from mcp.client.session import ClientSession
from mcp.server.lowlevel import Server
from mcp.shared._memory_pipe import create_message_pipe
from mcp.shared._streams import MessageReceiveStream, MessageSendStream
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_client_server_memory_streams, create_connected_server_and_client_session
from mcp.shared.message import ResultMessage, SessionMessage

pytestmark = pytest.mark.anyio


def message(number: int = 0) -> SessionMessage:
    return SessionMessage(types.JSONRPCMessage(types.JSONRPCResponse(jsonrpc="2.0", id=number, result={})))


# The streams of a transport


class Transport:
    """A transport that remembers what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def receive(self) -> SessionMessage | Exception:
        self.calls.append("receive")
        if len(self.calls) > 2:
            raise anyio.EndOfStream
        return message(1)

    async def send(self, item: SessionMessage) -> None:
        self.calls.append(item)

    def close(self) -> None:
        self.calls.append("close")

    def close_reason(self) -> str | None:
        return "why"


async def test_the_read_stream_is_the_transport() -> None:
    """Iteration, `receive` and the context manager all reach the transport at once."""
    transport = Transport()
    async with MessageReceiveStream(transport) as stream:
        assert [item async for item in stream] == [message(1), message(1)]
        assert stream.close_reason() == "why"
        assert not stream._closed
        assert stream.statistics().open_receive_streams == 1
        assert stream.statistics().open_send_streams == 0
    assert stream._closed
    assert transport.calls == ["receive"] * 3 + ["close"]
    with pytest.raises(anyio.ClosedResourceError):
        await stream.receive()


async def test_the_write_stream_is_the_transport() -> None:
    transport = Transport()
    item = message()
    async with MessageSendStream(transport) as stream:
        await stream.send(item)
        assert stream.statistics().open_send_streams == 1
    assert transport.calls == [item, "close"]
    with pytest.raises(anyio.ClosedResourceError):
        await stream.send(item)


@pytest.mark.parametrize("stream_type", [MessageReceiveStream, MessageSendStream])
async def test_clones(stream_type: Any) -> None:
    """The transport is closed with the last of its handles, and once."""
    transport = Transport()
    stream = stream_type(transport)
    with stream.clone() as clone:
        statistics = clone.statistics()
        assert (statistics.open_receive_streams, statistics.open_send_streams) in ((2, 1), (1, 2))
        stream.close()
        await stream.aclose()
        assert stream._closed
        assert transport.calls == []
        with pytest.raises(anyio.ClosedResourceError):
            stream.clone()
    assert transport.calls == ["close"]


# The pipe


async def test_a_pipe_keeps_the_order() -> None:
    send, receive = create_message_pipe()
    got: list[Any] = []
    async with anyio.create_task_group() as tasks:

        async def read() -> None:
            async with receive:
                got.extend([item async for item in receive])

        tasks.start_soon(read)
        async with send:
            for number in range(100):
                await send.send(message(number))
    assert [item.message.root.id for item in got] == list(range(100))


async def test_a_pipe_without_waiting() -> None:
    """SES-48: one message may wait."""
    send, receive = create_message_pipe()
    with send, receive:
        with pytest.raises(anyio.WouldBlock):
            receive.receive_nowait()
        send.send_nowait(message(1))
        with pytest.raises(anyio.WouldBlock):
            send.send_nowait(message(2))
        assert receive.receive_nowait() == message(1)
        error = KeyError()
        await send.send(error)  # type: ignore[arg-type]
        assert await receive.receive() is error
    with pytest.raises(anyio.ClosedResourceError):
        send.send_nowait(message())
    with pytest.raises(anyio.ClosedResourceError):
        receive.receive_nowait()


async def test_the_ends_of_a_pipe() -> None:
    """What was sent is received, then the end; and nobody writes to nobody."""
    send, receive = create_message_pipe()
    await send.send(message(1))
    send.close()
    assert await receive.receive() == message(1)
    for _ in range(2):
        with pytest.raises(anyio.EndOfStream):
            await receive.receive()
    receive.close()

    send, receive = create_message_pipe()
    receive.close()
    with pytest.raises(anyio.BrokenResourceError):
        await send.send(message())
    send.close()


@pytest.mark.parametrize(
    ("who", "closes", "error"),
    [
        ("sender", "receiver", anyio.BrokenResourceError),
        ("sender", "sender", anyio.ClosedResourceError),
        ("receiver", "sender", anyio.EndOfStream),
        ("receiver", "receiver", anyio.ClosedResourceError),
    ],
)
async def test_whoever_waits_on_a_pipe_is_woken(who: str, closes: str, error: type[Exception]) -> None:
    send, receive = create_message_pipe()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:

            async def wait() -> None:
                with pytest.raises(error):
                    if who == "sender":
                        await send.send(message(1))
                        await send.send(message(2))
                    else:
                        await receive.receive()

            tasks.start_soon(wait)
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            (send if closes == "sender" else receive).close()
    send.close()
    receive.close()


async def test_a_cancelled_receiver_loses_nothing() -> None:
    send, receive = create_message_pipe()
    got: list[Any] = []

    async def read() -> None:
        got.append(await receive.receive())

    with send, receive:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            send.send_nowait(message(1))
            tasks.cancel_scope.cancel()
        with anyio.fail_after(5):
            while len(got) < 1:
                await read()
    assert got == [message(1)]


async def test_several_wait_on_one_pipe() -> None:
    send, receive = create_message_pipe()
    got: list[int] = []
    with send, receive:
        async with anyio.create_task_group() as tasks:

            async def read() -> None:
                item: Any = await receive.receive()
                got.append(item.message.root.id)

            for number in range(10):
                tasks.start_soon(read)
                tasks.start_soon(send.send, message(number))
    assert sorted(got) == list(range(10))


async def test_a_pipe_is_fair() -> None:
    """A sender and a receiver that never wait for each other leave others their turn."""
    send, receive = create_message_pipe()
    turns: list[int] = []

    async def other() -> None:
        for turn in range(3):
            turns.append(turn)
            await anyio.lowlevel.checkpoint()

    with send, receive:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            for number in range(200):
                await send.send(message(number))
                await receive.receive()
            assert turns == [0, 1, 2]


async def test_waiting_senders_are_served_in_their_order_and_leave_others_a_turn() -> None:
    send, receive = create_message_pipe()
    turns: list[int] = []

    async def other() -> None:
        for turn in range(3):
            turns.append(turn)
            await anyio.lowlevel.checkpoint()

    with send, receive, anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(send.send, message(number))
                await anyio.wait_all_tasks_blocked()
            tasks.start_soon(other)
            got: list[Any] = [await receive.receive() for _ in range(100)]
            assert turns == [0, 1, 2]
    assert [item.message.root.id for item in got] == list(range(100))


async def test_a_sender_that_stops_waiting_sends_nothing() -> None:
    send, receive = create_message_pipe()
    with send, receive, anyio.fail_after(5):
        await send.send(message(1))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send.send, message(2))
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert await receive.receive() == message(1)
        with pytest.raises(anyio.WouldBlock):
            receive.receive_nowait()


async def test_a_result_without_a_json_form_fails_at_the_sender() -> None:
    send, receive = create_message_pipe()
    with send, receive:
        result = types.CallToolResult(content=[], structuredContent={"a": object()})
        with pytest.raises(ValueError, match="serialize"):
            await send.send(ResultMessage(request_id=1, result=result))
        with pytest.raises(anyio.WouldBlock):
            receive.receive_nowait()


# The helpers


async def test_memory_streams() -> None:
    """SES-48: two connected pairs, closed on leaving."""
    async with create_client_server_memory_streams() as (client, server):
        for (_, write), (read, _) in ((client, server), (server, client)):
            await write.send(message(1))
            assert await read.receive() == message(1)
    for read, write in (client, server):
        with pytest.raises(anyio.ClosedResourceError):
            await read.receive()
        with pytest.raises(anyio.ClosedResourceError):
            await write.send(message())


@pytest.fixture
def server() -> Server[Any]:
    server = Server("helper")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        raise KeyError("of the handler")

    return server


async def test_a_connected_session(server: Server[Any]) -> None:
    """SES-49: initialized when it is yielded."""
    logged: list[Any] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        logged.append(params.data)

    async def roots(context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[])

    @server.list_prompts()
    async def list_prompts() -> list[types.Prompt]:
        session = server.request_context.session
        await session.send_log_message("info", session.client_params.clientInfo.name)
        assert await session.list_roots() == types.ListRootsResult(roots=[])
        return []

    async with create_connected_server_and_client_session(
        server,
        logging_callback=log,
        list_roots_callback=roots,
        client_info=types.Implementation(name="me", version="1"),
    ) as session:
        assert isinstance(session, ClientSession)
        capabilities = session.get_server_capabilities()
        assert capabilities is not None
        assert capabilities.tools is not None
        await session.list_prompts()
        with pytest.raises(McpError, match="of the handler"):
            await session.list_tools()
    assert logged == ["me"]
    with pytest.raises(anyio.ClosedResourceError):
        await session.send_ping()


async def test_the_session_of_a_server_is_not_left_to_the_collector(server: Server[Any]) -> None:
    """It is gone as soon as nobody knows it any more. (That of the client is in the traceback of its cancellation.)"""
    sessions: list[Any] = []

    @server.list_prompts()
    async def list_prompts() -> list[types.Prompt]:
        sessions.append(weakref.ref(server.request_context.session))
        return []

    async def converse() -> None:
        async with create_connected_server_and_client_session(server) as session:
            await session.list_prompts()

    await converse()
    gc.collect()
    gc.disable()
    try:
        await converse()
        await anyio.wait_all_tasks_blocked()
        assert sessions[-1]() is None
    finally:
        gc.enable()


async def test_a_facade_is_served_by_what_it_wraps(server: Server[Any]) -> None:
    """SES-49: `FastMCP` keeps its low-level server in `_mcp_server`."""

    class Facade:
        _mcp_server = server

    async with create_connected_server_and_client_session(Facade()) as session:  # type: ignore[arg-type]
        await session.send_ping()


async def test_exceptions_of_the_server_surface(server: Server[Any]) -> None:
    """SES-49, LLS-15: in groups, and whoever waits is interrupted."""
    with anyio.fail_after(5), pytest.raises(BaseException) as raised:
        async with create_connected_server_and_client_session(server, raise_exceptions=True) as session:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.list_tools)
                await anyio.sleep_forever()
    errors: list[BaseException] = [raised.value]
    leaves: list[str] = []
    while errors:
        error = errors.pop()
        inner = getattr(error, "exceptions", None)
        if inner is None:
            leaves.append(repr(error))
        else:
            errors.extend(inner)
    assert "KeyError('of the handler')" in leaves


async def test_the_connected_session_may_be_left_elsewhere(server: Server[Any]) -> None:
    """SES-49."""
    stack = AsyncExitStack()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stack.enter_async_context, create_connected_server_and_client_session(server))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stack.aclose)


async def test_a_server_that_does_not_come_to_its_end_is_cancelled() -> None:
    """SES-49."""
    ended: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Server[Any]) -> AsyncIterator[None]:
        try:
            yield
        finally:
            try:
                await anyio.sleep_forever()
            finally:
                ended.append("cancelled")

    with anyio.fail_after(5):
        async with create_connected_server_and_client_session(Server("s", lifespan=lifespan)) as session:
            await session.send_ping()
    assert ended == ["cancelled"]


async def test_the_streams_are_made_by_name(server: Server[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """SES-68: tests replace `mcp.shared.memory.create_client_server_memory_streams`."""
    made: list[Any] = []
    original = create_client_server_memory_streams

    def make() -> Any:
        made.append(original())
        return made[-1]

    monkeypatch.setattr(mcp.shared.memory, "create_client_server_memory_streams", make)
    async with create_connected_server_and_client_session(server) as session:
        await session.send_ping()
    assert len(made) == 1


async def test_a_server_that_cannot_start() -> None:
    """SES-49: an error of the lifespan is told, and nothing hangs."""

    @asynccontextmanager
    async def lifespan(_: Server[Any]) -> AsyncIterator[Any]:
        raise KeyError("no database")
        yield

    server = Server("s", lifespan=lifespan)
    with anyio.fail_after(5), pytest.raises(BaseException) as raised:
        async with create_connected_server_and_client_session(server):
            raise AssertionError
    assert "no database" in repr(getattr(raised.value, "exceptions", raised.value))
