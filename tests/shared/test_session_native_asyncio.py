"""Programs that use asyncio itself: native cancellation (SES-14, SES-36), and cancellations that nobody asked for."""

import asyncio
import sys
from typing import Any

import anyio
import pytest

from mcp import types
from mcp.client.session import ClientSession
from mcp.server.lowlevel import Server
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.shared._cancellation import StrayCancellationError, failure
from mcp.shared._owner import OwnedContext
from mcp.shared.memory import create_connected_server_and_client_session

pytestmark = pytest.mark.anyio

STRAY = {"error": {"code": 0, "message": "The handler was cancelled"}}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def await_a_cancelled_task() -> Any:
    """Raises `CancelledError` although nobody cancels the task that runs this."""
    task = asyncio.ensure_future(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel()
    await task


async def test_wait_for_gives_up_on_a_request(raw_peer: Any) -> None:
    """SES-14."""
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(session.send_ping(), 0.02)
        assert (await peer.receive())["method"] == "ping"
        assert (await peer.receive())["params"]["requestId"] == 0
        await peer.send(id=0, result={})
        await peer.silent()


async def test_a_task_that_waits_for_a_request_is_cancelled(raw_peer: Any) -> None:
    """SES-14."""
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        task = asyncio.create_task(session.send_ping())
        await peer.receive()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await peer.receive())["params"]["requestId"] == 0
        assert session._response_streams == {}
        await peer.silent()


async def test_cancelled_with_the_answer_on_its_way(raw_peer: Any) -> None:
    """SES-14: what is answered is not cancelled."""
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        task = asyncio.create_task(session.send_ping())
        await peer.receive()
        session._response_streams[0].settle(types.ErrorData)  # type: ignore[arg-type]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await peer.silent()


async def test_gather_leaves_the_rest(raw_peer: Any) -> None:
    """One of several calls fails, the others go on."""
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        calls = asyncio.gather(*(session.send_ping() for _ in range(3)), return_exceptions=True)
        ids = [(await peer.receive())["id"] for _ in range(3)]
        await peer.send(id=ids[0], error={"code": 1, "message": "x"})
        await peer.send(id=ids[1], result={})
        await peer.send(id=ids[2], result={})
        assert [type(outcome).__name__ for outcome in await calls] == ["McpError", "EmptyResult", "EmptyResult"]


async def test_a_session_in_the_hands_of_several_tasks() -> None:
    """Entered by one task, used by a second, left by a third."""
    server = Server("s")
    connection = create_connected_server_and_client_session(server)
    session = await asyncio.create_task(connection.__aenter__())
    await asyncio.create_task(session.send_ping())
    await asyncio.create_task(connection.__aexit__(None, None, None))


async def test_the_task_that_entered_a_session_is_over(raw_peer: Any) -> None:
    async with raw_peer() as peer:
        session = ClientSession(peer.read_stream, peer.write_stream)
        task = asyncio.create_task(session.__aenter__())
        await task
        await peer.silent()
        await session.__aexit__(None, None, None)


async def test_cancelled_while_leaving() -> None:
    """What is being left is cancelled, and waited for all the same."""
    events: list[str] = []

    class Slow:
        async def __aenter__(self) -> None: ...

        async def __aexit__(self, *_: object) -> None:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                events.append("cancelled")
                await asyncio.sleep(0)
                events.append("left")
                raise

    owned = OwnedContext(lambda: Slow(), "slow")  # type: ignore[arg-type, return-value]
    await owned.__aenter__()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(owned.__aexit__(None, None, None), 0.02)
    assert events[0] == "cancelled"


# Handlers


@pytest.fixture
def server() -> Server[Any]:
    server = Server("s")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return await await_a_cancelled_task()

    @server.call_tool()
    async def call_tool(name: str, arguments: Any) -> Any:
        return await await_a_cancelled_task()

    @server.list_prompts()
    async def list_prompts() -> list[types.Prompt]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        raise AssertionError

    @server.progress_notification()
    async def progress(*_: Any) -> None:
        await await_a_cancelled_task()

    return server


@pytest.mark.parametrize(
    ("method", "params"), [("tools/list", None), ("prompts/list", None), ("tools/call", {"name": "t"})]
)
async def test_a_handler_that_is_cancelled_by_its_own_program(
    raw_client: Any, server: Server[Any], method: str, params: Any
) -> None:
    """LLS-14: its request is answered, and the next one served."""
    async with raw_client(server) as peer:
        assert await peer.ask(1, method, params) == STRAY
        await peer.silent()


async def test_the_peer_cancels_a_handler_that_awaits_a_task(raw_client: Any) -> None:
    """SES-36: that is a cancellation which was asked for."""
    server = Server("s")
    started = asyncio.Event()
    inner: list[asyncio.Task[Any]] = []

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        inner.append(asyncio.create_task(asyncio.sleep(10)))
        started.set()
        await inner[0]
        raise AssertionError

    async with raw_client(server) as peer:
        await peer.send(id=1, method="tools/list")
        await started.wait()
        await peer.send(method="notifications/cancelled", params={"requestId": 1})
        assert await peer.receive() == {"id": 1, "error": {"code": 0, "message": "Request cancelled"}}
        await peer.silent()
    assert inner[0].cancelled()


async def test_raise_exceptions_spares_it(raw_client: Any, server: Server[Any]) -> None:
    """LLS-15 is about exceptions."""
    async with raw_client(server, raise_exceptions=True) as peer:
        assert await peer.ask(1, "tools/list") == STRAY
        await peer.silent()


async def test_a_notification_handler(raw_client: Any, server: Server[Any], caplog: pytest.LogCaptureFixture) -> None:
    """LLS-21."""
    async with raw_client(server) as peer:
        await peer.send(method="notifications/progress", params={"progressToken": 1, "progress": 1})
        await peer.silent()
    assert "Uncaught exception in notification handler" in caplog.messages


async def test_callbacks_of_a_client(raw_peer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """SES-21, SES-39, CSN-24, CSN-27: none of them ends the session."""

    async def stray(*_: Any) -> Any:
        await await_a_cancelled_task()

    async with raw_peer() as peer:
        session = ClientSession(
            peer.read_stream,
            peer.write_stream,
            list_roots_callback=stray,
            logging_callback=stray,
            message_handler=stray,
        )
        async with session:
            assert await peer.ask(1, "roots/list") == STRAY
            await peer.send(method="notifications/message", params={"level": "info", "data": 1})
            await peer.send(method="notifications/tools/list_changed")
            await peer.send_text("{")
            ping = types.ClientRequest(types.PingRequest())
            call = asyncio.create_task(session.send_request(ping, types.EmptyResult, progress_callback=stray))
            request = await peer.receive()
            await peer.send(method="notifications/progress", params={"progressToken": request["id"], "progress": 1})
            await peer.send(id=request["id"], result={})
            await call
            await peer.silent()
    assert "Progress callback raised an exception: The handler was cancelled" in caplog.messages


async def test_a_hook_of_a_server(raw_peer: Any) -> None:
    """SES-25."""

    class Stray(ServerSession):
        async def _received_request(self, responder: Any) -> None:
            await await_a_cancelled_task()

    options = InitializationOptions(server_name="s", server_version="1", capabilities=types.ServerCapabilities())
    async with raw_peer() as peer, Stray(peer.read_stream, peer.write_stream, options):
        assert (await peer.ask(1, "ping"))["error"]["code"] == -32602
        assert (await peer.ask(2, "no/such"))["error"]["code"] == -32601


async def test_telling_them_apart() -> None:
    with pytest.raises(asyncio.CancelledError) as raised:
        await await_a_cancelled_task()
    found = failure(raised.value)
    assert isinstance(found, StrayCancellationError)
    assert found.__cause__ is raised.value
    with pytest.raises(SystemExit):
        failure(SystemExit(3))
    asked_for: list[BaseException] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await asyncio.sleep(10)
        except BaseException as error:
            asked_for.append(error)
            failure(error)
        raise AssertionError
    assert len(asked_for) == 1
    error = KeyError()
    assert failure(error) is error


async def test_running_ends_when_its_task_is_cancelled(raw_peer: Any, server: Server[Any]) -> None:
    """LLS-18: by asyncio's own means; handlers end with it."""
    ended: list[str] = []

    @server.list_resources()
    async def list_resources() -> list[types.Resource]:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("handler")
        return []

    async with raw_peer() as peer:
        run = asyncio.create_task(
            server.run(peer.read_stream, peer.write_stream, server.create_initialization_options(), stateless=True)
        )
        await peer.send(id=1, method="resources/list")
        await peer.silent()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(run, 5)
    assert ended == ["handler"]


async def test_asyncio_run_ends_with_a_session_still_open() -> None:
    """A program that forgets to leave, or is interrupted."""
    code = """
import asyncio, anyio
from mcp.client.session import ClientSession

async def main():
    send, read = anyio.create_memory_object_stream(1)
    write, receive = anyio.create_memory_object_stream(1)
    await ClientSession(read, write).__aenter__()

asyncio.run(main())
print("over")
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert (out, err, process.returncode) == (b"over\n", b"", 0)
