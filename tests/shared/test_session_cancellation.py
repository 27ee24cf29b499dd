"""Cancelling requests that are in work, and the responder they run under: SES-28 to SES-38, on both sides."""

import json
from typing import Any

import anyio
import pytest

from mcp import types
from mcp.client.session import ClientSession
from mcp.server.lowlevel import Server
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.shared._codec import parse_message
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.shared.message import SessionMessage
from mcp.shared.session import RequestResponder
from mcp.types import EmptyResult, ErrorData, ServerResult

pytestmark = pytest.mark.anyio

OPTIONS = InitializationOptions(server_name="s", server_version="1", capabilities=types.ServerCapabilities())
CANCELLED = {"error": {"code": 0, "message": "Request cancelled"}}


def cancelled(request_id: Any, **params: Any) -> dict[str, Any]:
    return {"method": "notifications/cancelled", "params": {"requestId": request_id, **params}}


def message(**members: Any) -> SessionMessage:
    return SessionMessage(parse_message(json.dumps({"jsonrpc": "2.0", **members})))


class Working:
    """A server whose tools/list handler does what a test gives it."""

    def __init__(self, work: Any) -> None:
        self.server = Server("s")
        self.started = anyio.Event()
        self.release = anyio.Event()
        self.events: list[str] = []

        @self.server.list_tools()
        async def list_tools() -> list[types.Tool]:
            self.events.append("started")
            self.started.set()
            try:
                await work(self)
            except BaseException as error:
                self.events.append("cancelled" if not isinstance(error, Exception) else repr(error))
                raise
            self.events.append("finished")
            return []


async def wait(working: Working) -> None:
    await working.release.wait()


@pytest.fixture
async def responder(raw_peer: Any) -> Any:
    """A responder of a server session, and the peer that waits for its answer."""
    async with (
        raw_peer() as peer,
        ServerSession(peer.read_stream, peer.write_stream, OPTIONS, stateless=True) as session,
    ):
        await peer.send(id=7, method="tools/list")
        responder: Any = await session.incoming_messages.receive()
        yield responder, session, peer


# The responder


async def test_respond_needs_the_context(responder: Any) -> None:
    """SES-29."""
    request, session, _ = responder
    for call in (request.respond(ServerResult(EmptyResult())), request.cancel()):
        with pytest.raises(RuntimeError, match=r"^RequestResponder must be used as a context manager$"):
            await call
    assert request.in_flight
    assert session._in_flight == {7: request}


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (ServerResult(EmptyResult()), {"result": {}}),
        (EmptyResult(_meta={"a": None}), {"result": {"_meta": {"a": None}}}),
        (ErrorData(code=5, message="m", data=[1]), {"error": {"code": 5, "message": "m", "data": [1]}}),
        (
            ServerResult(types.ListToolsResult(tools=[types.Tool(name="t", inputSchema={"x": None})])),
            {"result": {"tools": [{"name": "t", "inputSchema": {"x": None}}]}},
        ),
    ],
)
async def test_respond(responder: Any, answer: Any, sent: Any) -> None:
    """SES-30, SES-31: None is left out, except in free-form members."""
    request, session, peer = responder
    with request as entered:
        assert entered is request
        await request.respond(answer)
        assert not request.in_flight
        assert not request.cancelled
        with pytest.raises(AssertionError, match=r"^Request already responded to$"):
            await request.respond(answer)
    assert session._in_flight == {}
    assert await peer.receive() == {"id": 7, **sent}


async def test_left_without_an_answer_it_stays_in_flight(responder: Any) -> None:
    """SES-31."""
    request, session, peer = responder
    with pytest.raises(KeyError), request:
        raise KeyError("work")
    assert session._in_flight == {7: request}
    # And can be taken up again.
    with request:
        await request.respond(ServerResult(EmptyResult()))
    assert session._in_flight == {}
    assert (await peer.receive())["id"] == 7


async def test_cancel(responder: Any) -> None:
    """SES-32: stops the work, and answers, also if the work itself calls it."""
    request, session, peer = responder
    with anyio.fail_after(5), request:
        await request.cancel()
        assert request.cancelled
        assert not request.in_flight
        await anyio.sleep_forever()
    assert session._in_flight == {}
    assert await peer.receive() == {"id": 7, **CANCELLED}


async def test_cancel_after_the_answer_does_nothing(responder: Any) -> None:
    """SES-32."""
    request, _, peer = responder
    with request:
        await request.respond(ServerResult(EmptyResult()))
        await request.cancel()
        await anyio.lowlevel.checkpoint()
        assert not request.cancelled
    assert await peer.receive() == {"id": 7, "result": {}}


async def test_responding_on_a_closed_connection(responder: Any) -> None:
    """SES-30."""
    request, session, peer = responder
    peer.hang_up()
    with pytest.raises(anyio.EndOfStream):
        await peer.receive()
    with request, pytest.raises(anyio.ClosedResourceError):
        await request.respond(ServerResult(EmptyResult()))
    assert session._in_flight == {}


# Cancelled by the peer, on a server


async def test_cancelled_while_the_handler_runs(raw_client: Any) -> None:
    """SES-32, SES-33, SES-36."""
    working = Working(wait)
    async with raw_client(working.server) as peer:
        await peer.send(id=1, method="tools/list")
        await working.started.wait()
        await peer.send(**cancelled(1, reason="too slow"))
        assert await peer.receive() == {"id": 1, **CANCELLED}
        await peer.silent()
        # The id is free again.
        assert await peer.ask(1, "ping") == {"result": {}}
    assert working.events == ["started", "cancelled"]


async def test_cancelled_before_the_handler_has_begun(raw_client: Any) -> None:
    """SES-37: it runs to its first await (SES-14 tells why)."""
    working = Working(wait)
    async with raw_client(working.server) as peer:
        # Both may be read before the handler's task has its turn.
        peer.out.send_nowait(message(id=1, method="tools/list"))
        peer.out.send_nowait(message(**cancelled(1)))
        assert await peer.receive() == {"id": 1, **CANCELLED}
        await peer.silent()
    assert working.events == ["started", "cancelled"]


async def test_cancelled_before_the_context_is_entered(responder: Any) -> None:
    """SES-37: nothing is lost, and the answer is sent once."""
    request, session, peer = responder
    await peer.send(**cancelled(7))
    assert await peer.receive() == {"id": 7, **CANCELLED}
    assert request.cancelled
    assert session._in_flight == {}
    steps: list[str] = []
    with request:
        steps.append("first")
        await anyio.lowlevel.checkpoint()
        steps.append("second")
    assert steps == ["first"]
    assert (await peer.ask(8, "no/such"))["error"]["code"] == -32601


async def swallow(working: Working) -> None:
    try:
        await working.release.wait()
    except BaseException:
        working.events.append("swallowed")


async def shielded(working: Working) -> None:
    with anyio.CancelScope(shield=True):
        await working.release.wait()


async def fails_instead(working: Working) -> None:
    try:
        await working.release.wait()
    finally:
        raise KeyError("while leaving")


@pytest.mark.parametrize("work", [swallow, shielded, fails_instead])
async def test_a_handler_that_survives_its_cancellation(raw_client: Any, work: Any) -> None:
    """SES-34: what it then answers is dropped, the session lives on."""
    working = Working(work)
    async with raw_client(working.server) as peer:
        await peer.send(id=1, method="tools/list")
        await working.started.wait()
        await peer.send(**cancelled(1))
        assert await peer.receive() == {"id": 1, **CANCELLED}
        # Its id may be in use again by now.
        await peer.silent()
        working.started = anyio.Event()
        await peer.send(id=1, method="tools/list")
        await working.started.wait()
        working.release.set()
        answer = await peer.receive()
        assert answer["id"] == 1
        assert answer != {"id": 1, **CANCELLED}
        await peer.silent()


async def test_cancelled_while_the_answer_is_written(raw_client: Any) -> None:
    """SES-34, SES-36: the request is answered, so there is nothing to cancel."""
    working = Working(lambda _: anyio.lowlevel.checkpoint())
    async with raw_client(working.server, initialize=False, buffer=0, stateless=True) as peer:
        await peer.send(id=1, method="tools/list")
        await working.started.wait()
        await anyio.wait_all_tasks_blocked()
        await peer.send(**cancelled(1))
        await peer.send(**cancelled(1))
        await anyio.wait_all_tasks_blocked()
        assert await peer.receive() == {"id": 1, "result": {"tools": []}}
        await peer.silent()


async def test_the_peer_is_gone_when_a_cancellation_is_confirmed(raw_client: Any) -> None:
    """SES-32: that is nobody's problem."""
    working = Working(wait)
    async with raw_client(working.server) as peer:
        await peer.send(id=1, method="tools/list")
        await working.started.wait()
        await peer.send(**cancelled(1))
        peer.die()
    assert working.events == ["started", "cancelled"]


@pytest.mark.parametrize(
    "notification",
    [
        pytest.param(cancelled(99), id="unknown"),
        pytest.param(cancelled("1"), id="another type"),
        pytest.param({"method": "notifications/cancelled", "params": {}}, id="missing"),
        pytest.param({"method": "notifications/cancelled", "params": {"reason": "r"}}, id="reason only"),
        pytest.param(cancelled(1.5), id="illegal"),
    ],
)
async def test_cancellations_of_nothing(raw_client: Any, notification: Any) -> None:
    """SES-36: are ignored."""
    working = Working(wait)
    async with raw_client(working.server) as peer:
        await peer.send(id=1, method="tools/list")
        await working.started.wait()
        await peer.send(**notification)
        await peer.silent()
        working.release.set()
        assert await peer.receive() == {"id": 1, "result": {"tools": []}}
        # A request that is over is nothing either.
        await peer.send(**cancelled(1))
        await peer.silent()


async def test_cancellation_reaches_no_hook_and_no_handler(raw_peer: Any) -> None:
    """SES-36, SES-38: it is the session's own business, before initialization too."""
    seen: list[Any] = []

    class Watching(ServerSession):
        async def _received_notification(self, notification: Any) -> None:
            seen.append(notification)

        async def _handle_incoming(self, req: Any) -> None:
            seen.append(req)

    async with raw_peer() as peer, Watching(peer.read_stream, peer.write_stream, OPTIONS):
        await peer.send(id=1, method="ping")
        await peer.send(**cancelled(1, reason="r"))
        assert await peer.receive() == {"id": 1, **CANCELLED}
    assert [type(item) for item in seen] == [RequestResponder]
    # The reason is not surfaced.
    assert not hasattr(seen[0], "reason")


async def test_many_cancelled_at_once(raw_client: Any) -> None:
    """SES-32: each is answered exactly once, and no entry stays behind."""
    working = Working(wait)
    async with raw_client(working.server) as peer:
        for number in range(50):
            await peer.send(id=number, method="tools/list")
        for number in range(50):
            await peer.send(**cancelled(number))
        answers = [await peer.receive() for _ in range(50)]
        assert sorted(answer["id"] for answer in answers) == list(range(50))
        assert all(answer["error"] == CANCELLED["error"] for answer in answers)
        await peer.silent()
    assert sorted(working.events) == ["cancelled"] * 50 + ["started"] * 50


# On a client


async def test_a_callback_is_cancelled(raw_peer: Any) -> None:
    """SES-32, CSN-26."""
    events: list[str] = []

    async def roots(context: Any) -> Any:
        events.append("started")
        try:
            await anyio.sleep_forever()
        finally:
            events.append("stopped")

    async with (
        raw_peer() as peer,
        ClientSession(peer.read_stream, peer.write_stream, list_roots_callback=roots) as session,
    ):
        await peer.send(id="r", method="roots/list")
        await peer.silent()
        await peer.send(**cancelled("r"))
        assert await peer.receive() == {"id": "r", **CANCELLED}
        await peer.silent()
        assert session._in_flight == {}
    assert events == ["started", "stopped"]


async def test_a_callback_is_cancelled_before_it_has_begun(raw_peer: Any) -> None:
    """SES-37."""
    events: list[str] = []

    async def roots(context: Any) -> Any:
        events.append("started")
        await anyio.lowlevel.checkpoint()
        events.append("went on")

    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream, list_roots_callback=roots):
        peer.out.send_nowait(message(id="r", method="roots/list"))
        peer.out.send_nowait(message(**cancelled("r")))
        assert await peer.receive() == {"id": "r", **CANCELLED}
        await peer.silent()
    assert events == ["started"]


async def test_both_ends(raw_client: Any) -> None:
    """SES-14, SES-33: our client gives up, our server stops the handler, and both go on."""
    working = Working(wait)
    async with create_connected_server_and_client_session(working.server) as session:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.list_tools)
                await working.started.wait()
                tasks.cancel_scope.cancel()
            await session.send_ping()
            assert working.events == ["started", "cancelled"]
            working.release.set()
            assert await session.list_tools() == types.ListToolsResult(tools=[])
