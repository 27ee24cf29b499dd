"""A handler inside the receive loop that sends a request on its own session (the loop is handed over), and the order
of everything else meanwhile: SES-6, SES-22, SES-39, CSN-26."""

from typing import Any

import anyio
import pytest

from mcp import types
from mcp.client.session import ClientSession
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.types import ClientRequest, EmptyResult, PingRequest

pytestmark = pytest.mark.anyio

PING = ClientRequest(PingRequest())


def log_message(data: Any) -> dict[str, Any]:
    return {"method": "notifications/message", "params": {"level": "info", "data": data}}


def progress_of(token: Any, amount: float) -> dict[str, Any]:
    return {"method": "notifications/progress", "params": {"progressToken": token, "progress": amount}}


class Recorder:
    """A client session whose logging callback may do things with the session, and what happened in which order."""

    def __init__(self, peer: Any, **handlers: Any) -> None:
        self.events: list[Any] = []
        self.acts = handlers
        self.session = ClientSession(
            peer.read_stream, peer.write_stream, logging_callback=self.log, message_handler=self.take
        )

    async def log(self, params: types.LoggingMessageNotificationParams) -> None:
        self.events.append(params.data)
        act = self.acts.get(params.data)
        if act is not None:
            await act(self.session)
            self.events.append(f"{params.data} done")

    async def take(self, message: Any) -> None:
        if isinstance(message, Exception):
            self.events.append(type(message).__name__)


async def ping(session: ClientSession) -> None:
    await session.send_ping()


@pytest.mark.parametrize("kind", ["logging callback", "message handler", "progress callback", "for an exception"])
async def test_a_handler_that_sends_a_request(raw_peer: Any, kind: str) -> None:
    """CSN-26: it gets its answer."""
    answers: list[Any] = []

    async def handler(*_: Any) -> None:
        if not answers:
            answers.append(await session.send_ping())

    async def handle_messages(message: Any) -> None:
        if (kind == "message handler") or (kind == "for an exception" and isinstance(message, Exception)):
            await handler()

    async with raw_peer() as peer:
        session = ClientSession(
            peer.read_stream,
            peer.write_stream,
            logging_callback=handler if kind == "logging callback" else None,
            message_handler=handle_messages,
        )
        async with session, anyio.create_task_group() as tasks:
            if kind == "progress callback":
                tasks.start_soon(session.send_request, PING, EmptyResult, None, None, handler)
                await peer.receive()
                await peer.send(**progress_of(0, 1))
            elif kind == "for an exception":
                await peer.send_text("{")
            else:
                await peer.send(**log_message("x"))
            request = await peer.receive()
            assert request["method"] == "ping"
            await peer.send(id=request["id"], result={"n": 1})
            if kind == "progress callback":
                await peer.send(id=0, result={})
            await peer.silent()
    assert [answer.model_extra for answer in answers] == [{"n": 1}]


async def test_later_notifications_wait_for_the_handler(raw_peer: Any) -> None:
    """SES-39: and come in their order, also those that come while the first of them are delivered."""
    async with raw_peer() as peer:
        recorder = Recorder(peer, a=ping, c=ping)
        async with recorder.session:
            for data in "abcd":
                await peer.send(**log_message(data))
            await peer.send_text("{")
            first = await peer.receive()
            await peer.silent()
            assert recorder.events == ["a"]
            await peer.send(id=first["id"], result={})
            second = await peer.receive()
            await peer.send(**log_message("e"))
            await peer.silent()
            assert recorder.events == ["a", "a done", "b", "c"]
            await peer.send(id=second["id"], result={})
            await peer.silent()
            await peer.send(**log_message("f"))
            await peer.silent()
    assert recorder.events == ["a", "a done", "b", "c", "c done", "d", "ProtocolError", "e", "f"]


async def test_requests_are_served_meanwhile(raw_peer: Any) -> None:
    async with raw_peer() as peer:
        recorder = Recorder(peer, a=ping)
        async with recorder.session:
            await peer.send(**log_message("a"))
            request = await peer.receive()
            assert await peer.ask(9, "no/such") == {"error": {"code": -32601, "message": "Method not found"}}
            assert await peer.ask(9, "roots/list") == {"error": {"code": -32600, "message": "List roots not supported"}}
            await peer.send(id=request["id"], result={})
            await peer.silent()
            assert recorder.events == ["a", "a done"]


async def test_responses_to_others_come_through(raw_peer: Any) -> None:
    """Nobody waits longer than the order of messages demands."""
    async with raw_peer() as peer:
        recorder = Recorder(peer, a=ping)
        async with recorder.session as session, anyio.create_task_group() as tasks:
            answered = anyio.Event()

            async def other() -> None:
                await session.send_ping()
                answered.set()

            tasks.start_soon(other)
            before = await peer.receive()
            await peer.send(**log_message("a"))
            inner = await peer.receive()
            await peer.send(id=before["id"], result={})
            with anyio.fail_after(5):
                await answered.wait()
            assert recorder.events == ["a"]
            await peer.send(id=inner["id"], result={})


async def test_progress_still_comes_before_its_response(raw_peer: Any) -> None:
    """CSN-26: of a request that was sent before the handler began."""
    async with raw_peer() as peer:
        recorder = Recorder(peer, a=ping)
        async with recorder.session as session, anyio.create_task_group() as tasks:

            async def report(amount: float, *_: Any) -> None:
                recorder.events.append(amount)

            async def call() -> None:
                await session.send_request(PING, EmptyResult, progress_callback=report)
                recorder.events.append("answer")

            tasks.start_soon(call)
            outer = await peer.receive()
            await peer.send(**log_message("a"))
            inner = await peer.receive()
            await peer.send(**progress_of(outer["id"], 1.0))
            await peer.send(**progress_of(outer["id"], 2.0))
            await peer.send(id=outer["id"], result={})
            # A second answer has to wait behind the first, or it would take its place.
            await peer.send(id=outer["id"], result={})
            await peer.silent()
            assert recorder.events == ["a"]
            await peer.send(id=inner["id"], result={})
            await peer.silent()
    assert [event for event in recorder.events if event != "answer"] == ["a", "a done", 1.0, 2.0, "RuntimeError"]
    assert recorder.events.index("answer") > recorder.events.index(2.0)


async def test_progress_of_what_the_handler_waits_for(raw_peer: Any) -> None:
    """It comes while the handler waits, and its callback may send requests too."""
    async with raw_peer() as peer:
        reports: list[float] = []

        async def report(amount: float, *_: Any) -> None:
            reports.append(amount)
            if amount == 1.0:
                await recorder.session.send_ping()

        async def act(session: ClientSession) -> None:
            await session.send_request(PING, EmptyResult, progress_callback=report)

        recorder = Recorder(peer, a=act)
        async with recorder.session:
            await peer.send(**log_message("a"))
            await peer.send(**log_message("b"))
            inner = await peer.receive()
            await peer.send(**progress_of(inner["id"], 1.0))
            innermost = await peer.receive()
            await peer.send(**progress_of(inner["id"], 2.0))
            await peer.silent()
            assert reports == [1.0, 2.0]
            await peer.send(id=innermost["id"], result={})
            await peer.silent()
            assert recorder.events == ["a"]
            await peer.send(id=inner["id"], result={})
            await peer.silent()
            assert recorder.events == ["a", "a done", "b"]


async def test_a_slow_handler_that_sends_nothing_keeps_the_order(raw_peer: Any) -> None:
    """SES-6: somebody else's request does not make the loop overtake it."""
    release = anyio.Event()

    async def wait(session: ClientSession) -> None:
        await release.wait()

    async with raw_peer() as peer:
        recorder = Recorder(peer, a=wait)
        async with recorder.session as session, anyio.create_task_group() as tasks:
            await peer.send(**log_message("a"))
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(session.send_ping)
            request = await peer.receive()
            await peer.send(**log_message("b"))
            await peer.send(id=request["id"], result={})
            await anyio.wait_all_tasks_blocked()
            assert recorder.events == ["a"]
            assert session._response_streams
            release.set()
    assert recorder.events == ["a", "a done", "b"]


async def test_a_task_of_the_handler_counts_as_the_handler(raw_peer: Any) -> None:
    """A handler that asks twice at once and waits for both."""

    async def both(session: ClientSession) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.send_ping)
            tasks.start_soon(session.send_ping)

    async with raw_peer() as peer:
        recorder = Recorder(peer, a=both)
        async with recorder.session:
            await peer.send(**log_message("a"))
            await peer.send(**log_message("b"))
            for _ in range(2):
                request = await peer.receive()
                await peer.send(id=request["id"], result={})
            await peer.silent()
    assert recorder.events == ["a", "a done", "b"]


async def test_the_connection_ends_while_a_handler_waits(raw_peer: Any) -> None:
    """SES-3: the handler is told, a response that had come counts, and what had come before is delivered."""
    async with raw_peer() as peer:
        outcomes: list[Any] = []

        async def act(session: ClientSession) -> None:
            try:
                await session.send_ping()
            except Exception as error:
                outcomes.append(str(error))

        recorder = Recorder(peer, a=act)
        async with recorder.session as session, anyio.create_task_group() as tasks:

            async def report(*_: Any) -> None: ...

            async def outer() -> None:
                outcomes.append(await session.send_request(PING, EmptyResult, progress_callback=report))

            tasks.start_soon(outer)
            request = await peer.receive()
            await peer.send(**log_message("a"))
            await peer.receive()
            await peer.send(**progress_of(request["id"], 1.0))
            await peer.send(id=request["id"], result={"n": 1})
            await peer.send(**log_message("b"))
            peer.hang_up()
            with anyio.fail_after(5), pytest.raises(anyio.EndOfStream):
                await peer.receive()
            await anyio.wait_all_tasks_blocked()
            assert recorder.events == ["a", "a done", "b"]
    assert sorted(outcomes, key=str) == ["Connection closed", EmptyResult.model_validate({"n": 1})]


async def test_leaving_while_a_handler_waits(raw_peer: Any) -> None:
    """SES-1."""
    async with raw_peer() as peer:
        recorder = Recorder(peer, a=ping)
        with anyio.fail_after(5):
            async with recorder.session:
                await peer.send(**log_message("a"))
                await peer.receive()
    assert recorder.events == ["a"]


async def test_a_server_hook_that_asks_the_client(raw_peer: Any) -> None:
    """A session class of a program that asks for the roots as soon as the client is ready."""
    roots: list[Any] = []

    class Curious(ServerSession):
        async def _received_notification(self, notification: types.ClientNotification) -> None:
            await super()._received_notification(notification)
            if isinstance(notification.root, types.InitializedNotification):
                roots.append(await self.list_roots())

    options = InitializationOptions(server_name="s", server_version="1", capabilities=types.ServerCapabilities())
    async with raw_peer() as peer, Curious(peer.read_stream, peer.write_stream, options) as session:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.incoming_messages.receive)
            await peer.initialize(roots={})
            request = await peer.receive()
            assert request["method"] == "roots/list"
            await peer.send(id=request["id"], result={"roots": [{"uri": "file:///"}]})
    assert [str(root.uri) for root in roots[0].roots] == ["file:///"]


async def test_handlers_after_a_hand_over_have_a_context_of_their_own(raw_peer: Any) -> None:
    """A context variable that one handler sets is not seen by the next."""
    from contextvars import ContextVar

    mark: ContextVar[str] = ContextVar("mark", default="none")
    seen: list[str] = []

    async def act(session: ClientSession) -> None:
        seen.append(mark.get())
        mark.set("mine")
        await session.send_ping()

    async with raw_peer() as peer:
        recorder = Recorder(peer, a=act)
        async with recorder.session:
            await peer.send(**log_message("a"))
            request = await peer.receive()
            await peer.send(id=request["id"], result={})
            await peer.silent()
            await peer.send(**log_message("a"))
            request = await peer.receive()
            await peer.send(id=request["id"], result={})
            await peer.silent()
    assert seen == ["none", "none"]
