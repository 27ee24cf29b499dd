"""How a session begins and ends: SES-1 to SES-6, in whichever task and order."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from mcp import types
from mcp.client.session import ClientSession
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_client_server_memory_streams

pytestmark = pytest.mark.anyio

OPTIONS = InitializationOptions(server_name="s", server_version="1", capabilities=types.ServerCapabilities())


@pytest.fixture(params=["client", "server"])
def new_session(request: pytest.FixtureRequest) -> Any:
    """Makes a session of either side around a peer's streams."""

    def make(peer: Any) -> Any:
        if request.param == "client":
            return ClientSession(peer.read_stream, peer.write_stream)
        return ServerSession(peer.read_stream, peer.write_stream, OPTIONS)

    return make


async def test_a_session_starts_to_read_when_it_is_entered(raw_peer: Any) -> None:
    """SES-1: constructing does nothing on the streams."""
    async with raw_peer() as peer:
        await peer.send(id=1, method="ping")
        session = ClientSession(peer.read_stream, peer.write_stream)
        await anyio.wait_all_tasks_blocked()
        assert peer.read_stream.statistics().current_buffer_used == 1
        async with session:
            assert await peer.receive() == {"id": 1, "result": {}}


async def test_leaving_never_waits_for_outstanding_work(raw_peer: Any) -> None:
    """SES-1: not for handlers inside the loop, not for callbacks, not for answers."""
    started = anyio.Event()
    stopped: list[str] = []

    async def for_ever(name: str) -> Any:
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.append(name)

    async with raw_peer() as peer:
        session = ClientSession(
            peer.read_stream,
            peer.write_stream,
            list_roots_callback=lambda context: for_ever("roots"),
            logging_callback=lambda params: for_ever("log"),
        )
        with anyio.fail_after(5):
            async with session:
                await peer.send(id=1, method="roots/list")
                await started.wait()
                started = anyio.Event()
                await peer.send(method="notifications/message", params={"level": "info", "data": 1})
                await started.wait()
        assert sorted(stopped) == ["log", "roots"]


async def test_the_end_of_the_read_stream_closes_both(raw_peer: Any, new_session: Any) -> None:
    """SES-2."""
    async with raw_peer() as peer:
        async with new_session(peer):
            peer.hang_up()
            with anyio.fail_after(5), pytest.raises(anyio.EndOfStream):
                await peer.receive()
            assert peer.read_stream._closed
            assert peer.write_stream._closed


async def test_pending_requests_fail_when_the_connection_ends(raw_peer: Any, new_session: Any) -> None:
    """SES-3."""
    errors: list[McpError] = []

    async def ping(session: Any) -> None:
        with pytest.raises(McpError) as raised:
            await session.send_ping()
        errors.append(raised.value)

    async with raw_peer() as peer:
        async with new_session(peer) as session, anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ping, session)
            for _ in range(3):
                await peer.receive()
            peer.hang_up()
    assert [(error.error.code, str(error)) for error in errors] == [(-32000, "Connection closed")] * 3


async def test_pending_requests_fail_when_the_session_is_left(raw_peer: Any, new_session: Any) -> None:
    """SES-3: somebody else leaves it."""
    async with raw_peer() as peer, anyio.create_task_group() as tasks:
        failed = anyio.Event()

        async def ping() -> None:
            with pytest.raises(McpError, match=r"^Connection closed$"):
                await session.send_ping()
            failed.set()

        async with new_session(peer) as session:
            tasks.start_soon(ping)
            await peer.receive()
        with anyio.fail_after(5):
            await failed.wait()


async def test_the_transport_says_why_the_connection_ended(raw_peer: Any) -> None:
    """SES-3: more text is allowed after `Connection closed`."""
    async with raw_peer() as peer:
        stream = peer.read_stream

        class Telling:
            def __aiter__(self) -> AsyncIterator[Any]:
                return stream.__aiter__()

            async def __aenter__(self) -> Any:
                return self

            async def __aexit__(self, *_: object) -> None:
                await stream.aclose()

            def close_reason(self) -> str:
                return "exit status 3"

        async with ClientSession(Telling(), peer.write_stream) as session:  # type: ignore[arg-type]
            peer.hang_up()
            with pytest.raises(McpError, match=r"^Connection closed: exit status 3$") as raised:
                await session.send_ping()
            assert raised.value.error.code == -32000


@pytest.mark.parametrize("ended_by", ["peer", "leaving"])
async def test_sending_on_a_closed_session(raw_peer: Any, new_session: Any, ended_by: str) -> None:
    """SES-4: `anyio.ClosedResourceError`, not an `McpError`."""
    async with raw_peer() as peer:
        async with new_session(peer) as session:
            if ended_by == "peer":
                peer.hang_up()
                with pytest.raises(anyio.EndOfStream):
                    await peer.receive()
                await self_check_closed(session)
        await self_check_closed(session)


async def self_check_closed(session: Any) -> None:
    with pytest.raises(anyio.ClosedResourceError):
        await session.send_ping()
    with pytest.raises(anyio.ClosedResourceError):
        await session.send_progress_notification("token", 1.0)


async def test_a_request_whose_writing_is_stuck_ends_with_the_connection(raw_peer: Any, new_session: Any) -> None:
    """SES-3: the peer reads nothing and hangs up."""
    async with raw_peer(buffer=0) as peer:
        async with new_session(peer) as session, anyio.create_task_group() as tasks:

            async def ping() -> None:
                with pytest.raises(McpError, match=r"^Connection closed$"):
                    await session.send_ping()

            async def notify() -> None:
                with pytest.raises(anyio.ClosedResourceError):
                    await session.send_progress_notification("token", 1.0)

            with anyio.fail_after(5):
                tasks.start_soon(ping)
                tasks.start_soon(notify)
                await anyio.wait_all_tasks_blocked()
                peer.hang_up()


async def test_a_stuck_write_into_a_memory_pipe_ends_with_the_connection() -> None:
    """SES-3, over our own streams."""
    async with create_client_server_memory_streams() as ((read, write), (_, to_client)):
        async with ClientSession(read, write) as session, anyio.create_task_group() as tasks:

            async def ping() -> None:
                with pytest.raises(McpError, match=r"^Connection closed$"):
                    await session.send_ping()

            with anyio.fail_after(5):
                for _ in range(3):
                    tasks.start_soon(ping)
                await anyio.wait_all_tasks_blocked()
                await to_client.aclose()


class Broken:
    """A read stream that fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def __aenter__(self) -> "Broken":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def __aiter__(self) -> "Broken":
        return self

    async def __anext__(self) -> Any:
        raise self.error


async def test_an_unexpected_error_ends_the_session_and_nothing_else(
    raw_peer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """SES-5: it is logged, and never escapes to the code inside the `async with`."""
    async with raw_peer() as peer:
        async with ClientSession(Broken(RuntimeError("defect")), peer.write_stream) as session:  # type: ignore[arg-type]
            with pytest.raises(anyio.EndOfStream):
                await peer.receive()
            with pytest.raises(anyio.ClosedResourceError):
                await session.send_ping()
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
            "Unhandled exception in receive loop"
        ]


async def test_an_unexpected_error_fails_what_waits(raw_peer: Any) -> None:
    """SES-5: as in SES-3."""

    class BreaksLater(Broken):
        async def __anext__(self) -> Any:
            await asked.wait()
            return await super().__anext__()

    asked = anyio.Event()
    async with raw_peer() as peer:
        broken: Any = BreaksLater(RuntimeError("defect"))
        async with ClientSession(broken, peer.write_stream) as session, anyio.create_task_group() as tasks:

            async def ping() -> None:
                with pytest.raises(McpError, match=r"^Connection closed$") as raised:
                    await session.send_ping()
                assert raised.value.error.code == -32000

            tasks.start_soon(ping)
            await peer.receive()
            asked.set()


async def test_closing_the_read_stream_ends_the_session(raw_peer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """SES-2: the program itself closes it."""
    async with raw_peer() as peer:
        async with ClientSession(Broken(anyio.ClosedResourceError()), peer.write_stream):  # type: ignore[arg-type]
            with pytest.raises(anyio.EndOfStream):
                await peer.receive()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_messages_are_taken_one_at_a_time_in_their_order(raw_peer: Any) -> None:
    """SES-6: what runs inside the loop delays every later message, responses included."""
    seen: list[Any] = []
    release = anyio.Event()

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        if params.data == 0:
            await release.wait()
        seen.append(params.data)

    async with raw_peer() as peer:
        async with ClientSession(peer.read_stream, peer.write_stream, logging_callback=log) as session:
            async with anyio.create_task_group() as tasks:

                async def ping() -> None:
                    await session.send_ping()
                    seen.append("answer")

                tasks.start_soon(ping)
                request = await peer.receive()
                for number in range(3):
                    await peer.send(method="notifications/message", params={"level": "info", "data": number})
                await peer.send(id=request["id"], result={})
                await anyio.wait_all_tasks_blocked()
                assert seen == []
                release.set()
    assert seen == [0, 1, 2, "answer"]


async def test_a_wrapper_that_iterates_with_a_generator(raw_peer: Any) -> None:
    """SES-2: tracing packages wrap the read stream so."""
    finished: list[str] = []

    async with raw_peer() as peer:
        stream = peer.read_stream

        class Tracing:
            async def __aenter__(self) -> Any:
                return self

            async def __aexit__(self, *_: object) -> None:
                await stream.aclose()

            async def __aiter__(self) -> Any:
                try:
                    async for item in stream:
                        yield item
                finally:
                    finished.append("generator")

        async def log(params: Any) -> None:
            await session.send_ping()

        session = ClientSession(Tracing(), peer.write_stream, logging_callback=log)  # type: ignore[arg-type]
        async with session:
            await peer.send(method="notifications/message", params={"level": "info", "data": 1})
            request = await peer.receive()
            await peer.send(id=request["id"], result={})
            await peer.silent()
            await anyio.wait_all_tasks_blocked()
            # The loop that was overtaken has ended its generator.
            assert finished == ["generator"]
    assert finished == ["generator"] * 2


async def test_a_task_of_the_program_that_fails(raw_peer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """SES-5: in the session's own task group, where programs start tasks (SES-68)."""

    async def fails() -> None:
        raise KeyError("mine")

    async with raw_peer() as peer:
        async with ClientSession(peer.read_stream, peer.write_stream) as session:
            session._task_group.start_soon(fails)
            with pytest.raises(anyio.EndOfStream):
                await peer.receive()
            with pytest.raises(anyio.ClosedResourceError):
                await session.send_ping()
    assert caplog.messages == ["A task of the session failed"]


@pytest.mark.parametrize("hangs_up", [True, False])
async def test_a_peer_that_takes_nothing_any_more(
    raw_peer: Any, hangs_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SES-3: the end of the connection says why; a request does not wait for it in vain."""
    monkeypatch.setattr("mcp.shared.session.END_GRACE", 5 if hangs_up else 0.05)
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        peer._in.close()
        async with anyio.create_task_group() as tasks:

            async def ping() -> None:
                with pytest.raises(McpError, match=r"^Connection closed") as raised:
                    await session.send_ping()
                assert raised.value.error.code == -32000
                assert (str(raised.value) == "Connection closed") is hangs_up

            tasks.start_soon(ping)
            if hangs_up:
                await anyio.wait_all_tasks_blocked()
                peer.hang_up()


# Which task enters, which leaves


async def test_entered_in_one_task_and_left_in_another(raw_peer: Any, new_session: Any) -> None:
    async with raw_peer() as peer:
        session = new_session(peer)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.__aenter__)
        assert (await peer.ask(1, "no/such"))["error"]["code"] == -32601
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.__aexit__, None, None, None)
        with pytest.raises(anyio.EndOfStream):
            await peer.receive()


async def test_left_in_the_order_of_entering(raw_peer: Any) -> None:
    """Not the reverse order, which scopes of the caller's task would demand."""
    async with raw_peer() as first_peer, raw_peer() as second_peer:
        first = ClientSession(first_peer.read_stream, first_peer.write_stream)
        second = ClientSession(second_peer.read_stream, second_peer.write_stream)
        await first.__aenter__()
        await second.__aenter__()
        await first.__aexit__(None, None, None)
        await second_peer.silent()
        await second.__aexit__(None, None, None)


async def test_an_exit_stack_that_another_task_closes(raw_peer: Any) -> None:
    async with raw_peer() as peer:
        stack = AsyncExitStack()
        session = await stack.enter_async_context(ClientSession(peer.read_stream, peer.write_stream))
        with anyio.move_on_after(10):
            await peer.silent()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stack.aclose)
        with pytest.raises(anyio.ClosedResourceError):
            await session.send_ping()


@pytest.fixture
async def session_of_a_fixture(raw_peer: Any) -> Any:
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        yield peer, session


async def test_in_a_fixture(session_of_a_fixture: Any) -> None:
    peer, session = session_of_a_fixture
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.send_ping)
        request = await peer.receive()
        await peer.send(id=request["id"], result={})


async def test_left_by_one_of_its_own_callbacks(raw_peer: Any) -> None:
    """The callback is part of what leaving ends: it does not wait for itself."""
    async with raw_peer() as peer:
        stack = AsyncExitStack()
        after: list[str] = []

        async def log(params: Any) -> None:
            await stack.aclose()
            after.append("left")
            await anyio.sleep_forever()

        await stack.enter_async_context(ClientSession(peer.read_stream, peer.write_stream, logging_callback=log))
        await peer.send(method="notifications/message", params={"level": "info", "data": 1})
        with pytest.raises(anyio.EndOfStream):
            await peer.receive()
        assert after == ["left"]


async def test_cancelled_before_it_was_entered(raw_peer: Any, new_session: Any) -> None:
    async with raw_peer() as peer:
        with anyio.CancelScope() as scope:
            scope.cancel()
            async with new_session(peer):
                await anyio.sleep_forever()
        assert scope.cancelled_caught


async def test_cancelled_while_it_is_in_use(raw_peer: Any, new_session: Any) -> None:
    async with raw_peer() as peer:
        with anyio.fail_after(5), anyio.CancelScope() as scope:
            async with new_session(peer) as session:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(session.send_ping)
                    await peer.receive()
                    scope.cancel()
        assert scope.cancelled_caught
        with pytest.raises(anyio.ClosedResourceError):
            await session.send_ping()


async def test_an_exception_inside_is_not_changed(raw_peer: Any, new_session: Any) -> None:
    async with raw_peer() as peer:
        with pytest.raises(KeyError, match="mine"):
            async with new_session(peer):
                raise KeyError("mine")


async def test_what_a_program_put_on_the_exit_stack_is_called_on_leaving(raw_peer: Any) -> None:
    """SES-1, and used in the wild (fastmcp): `_exit_stack.push_async_callback`."""
    called: list[str] = []
    async with raw_peer() as peer:
        session = ClientSession(peer.read_stream, peer.write_stream)

        async def fails() -> None:
            called.append("fails")
            raise KeyError("callback")

        with pytest.raises(KeyError, match="callback"):
            async with session:
                session._exit_stack.push_async_callback(fails)
                await peer.silent()
        with pytest.raises(anyio.ClosedResourceError):
            await session.send_ping()
    assert called == ["fails"]
