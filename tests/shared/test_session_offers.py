"""Messages that a session takes while it waits, in the task that brings them: nobody must be able to tell.

Contract: LLS-24, SES-19, SES-25, SES-27, SES-36, SES-37, SES-39.
"""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

import mcp.server.lowlevel.server
from mcp import types
from mcp.client.session import ClientSession
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp.shared import limits
from mcp.shared._codec import encode_message, parse_message
from mcp.shared._memory_pipe import create_message_pipe
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.shared.message import SessionMessage

pytestmark = pytest.mark.anyio

of_caller: ContextVar[str] = ContextVar("of_caller", default="unset")


def item(**members: Any) -> SessionMessage:
    return SessionMessage(parse_message(json.dumps({"jsonrpc": "2.0", **members})))


def call(number: int, method: str = "tools/list", **params: Any) -> SessionMessage:
    return item(id=number, method=method, params=params)


INITIALIZE = call(
    0,
    "initialize",
    protocolVersion="2025-11-25",
    capabilities={},
    clientInfo={"name": "c", "version": "0"},
)
INITIALIZED = item(method="notifications/initialized")


class Pipes:
    """A server on the pipes that connect sessions in memory; its client writes and reads messages by hand."""

    def __init__(self, send: Any, receive: Any) -> None:
        self.send = send
        self._receive = receive

    async def receive(self) -> dict[str, Any]:
        with anyio.fail_after(5):
            return json.loads(encode_message(await self._receive.receive()))


@asynccontextmanager
async def piped(server: Server[Any], *, initialize: bool = True) -> AsyncGenerator[Pipes, None]:
    to_server, server_read = create_message_pipe()
    server_write, from_server = create_message_pipe()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.run, server_read, server_write, server.create_initialization_options())
        async with to_server, from_server:
            pipes = Pipes(to_server, from_server)
            if initialize:
                await to_server.send(INITIALIZE)
                assert (await pipes.receive())["id"] == 0
                await to_server.send(INITIALIZED)
            # Until the session waits for a message, so that the next one is offered to it.
            await anyio.wait_all_tasks_blocked()
            yield pipes


@pytest.fixture
def server() -> Server[Any]:
    return Server("s")


async def test_a_handler_has_the_context_of_its_session(server: Server[Any]) -> None:
    """LLS-24: not that of the caller, although the two share a process."""
    seen: list[str] = []

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        seen.append(of_caller.get())
        of_caller.set("handler")
        return []

    of_caller.set("server")
    async with create_connected_server_and_client_session(server) as session:
        for _ in range(2):
            of_caller.set("client")
            await session.list_tools()
            assert of_caller.get() == "client"
    assert seen == ["server", "server"]


async def test_a_cancellation_right_behind_its_request(server: Server[Any]) -> None:
    """SES-36, SES-37: the request was taken at once, the notification had to wait."""

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        await anyio.sleep_forever()
        return []

    async with piped(server) as pipes:
        pipes.send.send_nowait(call(1))
        await pipes.send.send(item(method="notifications/cancelled", params={"requestId": 1}))
        answer = await pipes.receive()
        assert (answer["id"], answer["error"]) == (1, {"code": 0, "message": "Request cancelled"})


async def test_the_same_id_twice_in_a_row(server: Server[Any]) -> None:
    """SES-27 as decided: the second is refused."""
    release = anyio.Event()

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        await release.wait()
        return []

    async with piped(server) as pipes:
        pipes.send.send_nowait(call(1))
        await pipes.send.send(call(1))
        assert (await pipes.receive())["error"]["message"] == "Request id already in use"
        release.set()
        assert (await pipes.receive())["result"] == {"tools": []}


@pytest.mark.parametrize(("method", "code"), [("nothing/such", -32601), ("tools/call", -32602)])
async def test_a_request_that_is_refused(server: Server[Any], method: str, code: int) -> None:
    """SES-23, SES-24."""
    async with piped(server) as pipes:
        await pipes.send.send(call(1, method))
        assert (await pipes.receive())["error"]["code"] == code


async def test_before_the_handshake(server: Server[Any]) -> None:
    """SES-25, LLS-49: a request is refused; a ping is not."""
    async with piped(server, initialize=False) as pipes:
        await pipes.send.send(call(1))
        assert (await pipes.receive())["error"]["code"] == -32602
        await anyio.wait_all_tasks_blocked()
        await pipes.send.send(call(2, "ping"))
        assert (await pipes.receive())["result"] == {}


async def test_many_calls_at_once(server: Server[Any]) -> None:
    """More than a server has in work at a time: those who send wait until it reads on, and none is refused."""
    numbers = range(limits.MAX_REQUESTS_IN_FLIGHT * 3 // 2)
    answers: list[Any] = []

    @server.call_tool()
    async def call_tool(name: str, arguments: Any) -> Any:
        return [types.TextContent(type="text", text=name)]

    async with create_connected_server_and_client_session(server) as session:

        async def call_one(number: int) -> None:
            answers.append((await session.call_tool(str(number), {})).content[0])

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for number in numbers:
                    tasks.start_soon(call_one, number)
    assert sorted(int(answer.text) for answer in answers) == list(numbers)


class PatientSession(ServerSession):
    async def _received_request(self, responder: Any) -> None:
        await hook(responder)
        await super()._received_request(responder)


hooked: list[str] = []


async def hook(responder: Any) -> None:
    await anyio.lowlevel.checkpoint()
    hooked.append(responder.request.root.method)


def by_subclass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp.server.lowlevel.server, "ServerSession", PatientSession)


def on_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    original = ServerSession._received_request

    async def received(self: Any, responder: Any) -> None:
        await hook(responder)
        await original(self, responder)

    monkeypatch.setattr(ServerSession, "_received_request", received)


@pytest.mark.parametrize("replace", [by_subclass, on_the_class])
async def test_a_hook_that_waits(
    server: Server[Any], monkeypatch: pytest.MonkeyPatch, replace: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """SES-25: is waited for, before the handler runs and before the next message."""
    replace(monkeypatch)
    hooked.clear()

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        hooked.append("handler")
        return []

    async with create_connected_server_and_client_session(server) as session:
        await session.list_tools()
    assert hooked == ["initialize", "tools/list", "handler"]


async def test_a_result_does_not_overtake(server: Server[Any]) -> None:
    """SES-19, SES-39: a callback that takes its time goes before the result of the request."""
    order: list[str] = []

    @server.call_tool()
    async def call_tool(name: str, arguments: Any) -> Any:
        session = server.request_context.session
        token = server.request_context.meta.progressToken  # type: ignore[union-attr]
        for step in range(3):
            await session.send_progress_notification(token, step)  # type: ignore[arg-type]
        return []

    async def progress(step: float, total: float | None, message: str | None) -> None:
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        order.append(f"progress {step:.0f}")

    async with create_connected_server_and_client_session(server) as session:
        with anyio.fail_after(5):
            await session.call_tool("t", {}, progress_callback=progress)
        order.append("result")
    assert order == ["progress 0", "progress 1", "progress 2", "result"]


async def test_a_callback_that_asks_the_server(server: Server[Any]) -> None:
    """SES-39: what comes while it waits is in its turn all the same."""
    order: list[str] = []

    @server.call_tool()
    async def call_tool(name: str, arguments: Any) -> Any:
        await server.request_context.session.send_log_message("info", name)
        order.append(f"handled {name}")
        return []

    @server.list_prompts()
    async def list_prompts() -> list[types.Prompt]:
        return []

    async def logged(params: types.LoggingMessageNotificationParams) -> None:
        await session.list_prompts()
        order.append(f"logged {params.data}")

    async with create_connected_server_and_client_session(server, logging_callback=logged) as session:
        with anyio.fail_after(5):
            for name in ("a", "b"):
                await session.call_tool(name, {})
                order.append(f"result {name}")
    assert order == ["handled a", "logged a", "result a", "handled b", "logged b", "result b"]


async def test_the_client_of_a_server_that_has_gone(server: Server[Any]) -> None:
    """Nothing is taken for a session that has ended."""

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        await anyio.sleep_forever()
        return []

    async with anyio.create_task_group() as tasks:
        to_server, server_read = create_message_pipe()
        server_write, client_read = create_message_pipe()
        run = anyio.CancelScope()

        async def serve() -> None:
            with run:
                await server.run(server_read, server_write, server.create_initialization_options())

        tasks.start_soon(serve)
        async with ClientSession(client_read, to_server) as session:  # type: ignore[arg-type]
            await session.initialize()
            await anyio.wait_all_tasks_blocked()
            run.cancel()
            with anyio.fail_after(5), pytest.raises((McpError, anyio.BrokenResourceError, anyio.ClosedResourceError)):
                await session.list_tools()
