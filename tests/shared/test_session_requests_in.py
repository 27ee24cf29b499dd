"""Requests and notifications that come in: SES-23 to SES-27, SES-35, SES-39 to SES-43, and whatever is none."""

import logging
from typing import Any

import anyio
import pytest

from mcp import types
from mcp.client.session import ClientSession
from mcp.server.lowlevel import Server
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.session import RequestResponder
from mcp.types import ClientNotification, ServerNotification

pytestmark = pytest.mark.anyio

OPTIONS = InitializationOptions(server_name="s", server_version="1", capabilities=types.ServerCapabilities())
INVALID = {"error": {"code": -32602, "message": "Invalid request parameters", "data": ""}}
NOT_FOUND = {"error": {"code": -32601, "message": "Method not found"}}


@pytest.fixture
def server() -> Server[Any]:
    return Server("s")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", None),
        ("tools/call", {}),
        ("tools/call", {"name": 1}),
        ("tools/call", {"name": "t", "arguments": []}),
        ("tools/list", {"cursor": 1}),
        ("resources/read", {"uri": "no scheme"}),
        ("logging/setLevel", {"level": "loud"}),
        ("ping", {"_meta": {"progressToken": []}}),
        ("tools/call", {"name": "t", "_meta": 1}),
    ],
)
async def test_wrong_params(
    raw_client: Any, server: Server[Any], method: str, params: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """SES-23: the session continues."""
    async with raw_client(server) as peer:
        assert await peer.ask(7, method, params) == INVALID
        await peer.silent()
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text.split(":")[0] for text in warnings] == ["Failed to validate request"]


@pytest.mark.parametrize("method", ["no/such", "", "sampling/createMessage", "notifications/initialized", "\u2028"])
async def test_unknown_methods(raw_client: Any, server: Server[Any], method: str) -> None:
    """SES-24: also those of the other direction."""
    async with raw_client(server) as peer:
        assert await peer.ask(7, method, {"any": "thing"}) == NOT_FOUND
        await peer.silent()


@pytest.mark.parametrize(("method", "params"), [("tools/list", None), ("no/such", {}), ("completion/complete", {})])
async def test_unknown_methods_on_a_client(raw_peer: Any, method: str, params: Any) -> None:
    """SES-24."""
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream):
        assert await peer.ask("id", method, params) == NOT_FOUND
        await peer.silent()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("sampling/createMessage", None),
        ("sampling/createMessage", {"messages": [], "maxTokens": "many"}),
        ("elicitation/create", {"mode": "other", "message": "m", "requestedSchema": {}}),
    ],
)
async def test_wrong_params_on_a_client(raw_peer: Any, method: str, params: Any) -> None:
    """SES-23."""
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream):
        assert await peer.ask("id", method, params) == INVALID
        await peer.silent()


@pytest.mark.parametrize("error", [RuntimeError("hook"), anyio.ClosedResourceError()])
async def test_a_hook_that_raises(raw_peer: Any, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """SES-25: is reported like wrong params."""

    class Failing(ServerSession):
        async def _received_request(self, responder: Any) -> None:
            if isinstance(responder.request.root, types.PingRequest):
                raise error
            await super()._received_request(responder)

    async with raw_peer() as peer, Failing(peer.read_stream, peer.write_stream, OPTIONS) as session:
        assert await peer.ask(7, "ping") == INVALID
        assert await peer.ask(8, "no/such") == NOT_FOUND
        assert session._in_flight == {}
    assert any(text.startswith("Failed to validate request: ") for text in caplog.messages)


async def test_a_hook_that_raises_after_it_has_answered(raw_peer: Any) -> None:
    """SES-25: one answer is enough."""

    class Failing(ServerSession):
        async def _received_request(self, responder: Any) -> None:
            with responder:
                await responder.respond(types.ServerResult(types.EmptyResult()))
            raise RuntimeError("too late")

    async with raw_peer() as peer, Failing(peer.read_stream, peer.write_stream, OPTIONS):
        assert await peer.ask(7, "ping") == {"result": {}}
        await peer.silent()


async def test_what_the_hook_leaves_goes_to_the_handler(raw_peer: Any) -> None:
    """SES-26, SES-28."""
    metadata = ServerMessageMetadata(request_context="http")
    async with (
        raw_peer() as peer,
        ServerSession(peer.read_stream, peer.write_stream, OPTIONS, stateless=True) as session,
    ):
        await peer.send(
            metadata, id="a", method="tools/call", params={"name": "t", "_meta": {"progressToken": 3, "k": "v"}}
        )
        await peer.send(id=1, method="tools/list")
        messages = session.incoming_messages
        called: Any = await messages.receive()
        listed: Any = await messages.receive()
        assert isinstance(called, RequestResponder)
        assert called.request_id == "a"
        assert isinstance(called.request, types.ClientRequest)
        assert isinstance(called.request.root, types.CallToolRequest)
        assert called.request_meta is called.request.root.params.meta
        assert called.request_meta is not None
        assert called.request_meta.progressToken == 3
        assert called.message_metadata is metadata
        assert called.in_flight
        assert not called.cancelled
        assert listed.request_meta is None
        assert listed.message_metadata is None
        assert set(session._in_flight) == {"a", 1}
        # Typed requests keep the members of their envelope (TYP-8).
        assert called.request.root.model_extra == {"jsonrpc": "2.0", "id": "a"}


@pytest.mark.parametrize(("first", "second"), [(1, 1), ("a", "a")])
async def test_an_id_in_use_is_refused(raw_client: Any, server: Server[Any], first: Any, second: Any) -> None:
    """SES-27, by the decision that the second is refused: the first is untouched, and the id is free again after."""
    release = anyio.Event()

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        await release.wait()
        return []

    async with raw_client(server) as peer:
        await peer.send(id=first, method="tools/list")
        assert await peer.ask(second, "ping") == {"error": {"code": -32600, "message": "Request id already in use"}}
        release.set()
        assert await peer.receive() == {"id": first, "result": {"tools": []}}
        assert await peer.ask(second, "ping") == {"result": {}}


async def test_ids_are_compared_with_their_type(raw_client: Any, server: Server[Any]) -> None:
    """SES-27."""
    release = anyio.Event()

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        await release.wait()
        return []

    async with raw_client(server) as peer:
        await peer.send(id=1, method="tools/list")
        assert await peer.ask("1", "ping") == {"result": {}}
        release.set()
        assert await peer.receive() == {"id": 1, "result": {"tools": []}}


async def test_a_quick_peer_uses_an_id_again(raw_peer: Any, server: Server[Any]) -> None:
    """SES-27: the id is free before the answer is out."""
    async with raw_peer() as peer, anyio.create_task_group() as tasks:
        stream = peer.write_stream

        class Slow:
            async def __aenter__(self) -> Any:
                return self

            async def __aexit__(self, *_: object) -> None:
                await stream.aclose()

            async def send(self, item: Any) -> None:
                await stream.send(item)
                await anyio.wait_all_tasks_blocked()

        streams: Any = (peer.read_stream, Slow())
        tasks.start_soon(lambda: server.run(*streams, server.create_initialization_options(), stateless=True))
        for _ in range(3):
            assert await peer.ask(1, "ping") == {"result": {}}
        peer.hang_up()


# What is no message


@pytest.mark.parametrize("request_id", ["null", "1.0", "true", "[1]", "{}", "1e3"])
async def test_illegal_ids(raw_client: Any, server: Server[Any], request_id: str) -> None:
    """TYP-37, by decision: -32600 with id null; it never turns into a notification."""
    notified: list[Any] = []

    @server.progress_notification()
    async def progress(*report: Any) -> None:
        notified.append(report)

    async with raw_client(server) as peer:
        await peer.send_text(
            f'{{"jsonrpc":"2.0","id":{request_id},"method":"notifications/progress",'
            '"params":{"progressToken":1,"progress":1}}'
        )
        # LLS-61: the log message comes too.
        answers = sorted([await peer.receive(), await peer.receive()], key=str)
        assert {"id": None, "error": {"code": -32600, "message": "Invalid Request"}} in answers
        assert [answer.get("method") for answer in answers if "id" not in answer] == ["notifications/message"]
        await peer.silent()
    assert notified == []


async def test_a_request_that_is_no_valid_message(raw_client: Any, server: Server[Any]) -> None:
    """TSV-8: whoever waits for an answer gets one, if the id can be read."""
    async with raw_client(server) as peer:
        await peer.send_text('{"jsonrpc":"2.0","id":5,"method":"ping","params":[]}')
        answers = sorted([await peer.receive(), await peer.receive()], key=str)
        assert {"id": 5, "error": {"code": -32600, "message": "Invalid Request"}} in answers
        await peer.silent()


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", "{}", '{"jsonrpc":"2.0","method":1}', "\ufeff{}", b"\xff", "[" * 50_000 + "]" * 50_000]
)
async def test_exceptions_of_the_transport(raw_peer: Any, text: Any) -> None:
    """SES-40: they go to the handler of messages; the peer is not told."""
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    error = ValueError("of the transport")
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream, message_handler=take):
        await peer.send_text(text)
        await peer.out.send(error)
        await peer.silent()
    assert len(seen) == 2
    assert isinstance(seen[0], Exception)
    assert seen[1] is error


async def test_deep_nesting_is_an_error_of_that_message_alone(raw_client: Any, server: Server[Any]) -> None:
    """SES-40: 50,000 levels, in a request with a readable id."""
    deep = "[" * 50_000 + "]" * 50_000
    async with raw_client(server) as peer:
        await peer.send_text(f'{{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{{"name":"t","x":{deep}}}}}')
        assert (await peer.receive())["method"] == "notifications/message"
        await peer.silent()


# Notifications


@pytest.mark.parametrize(
    "notification",
    [
        {"method": "no/such"},
        {"method": "notifications/message"},
        {"method": "notifications/message", "params": {"level": "loud", "data": 1}},
        {"method": "notifications/progress", "params": {"progressToken": 1.5, "progress": 1}},
        {"method": "notifications/roots/list_changed"},
        {"method": "ping"},
    ],
)
async def test_invalid_notifications_are_dropped(
    raw_peer: Any, notification: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """SES-35: logged, and nothing is sent."""
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream, message_handler=take):
        await peer.send(**notification)
        await peer.silent()
    assert seen == []
    assert [text.split(":")[0] for text in caplog.messages] == ["Failed to validate notification"]


@pytest.mark.parametrize("where", ["hook", "handler"])
@pytest.mark.parametrize("error", [KeyError("mine"), anyio.ClosedResourceError(), anyio.EndOfStream()])
async def test_an_exception_stops_only_that_notification(
    raw_peer: Any, where: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """SES-39."""
    seen: list[Any] = []

    class Failing(ClientSession):
        async def _received_notification(self, notification: Any) -> None:
            await super()._received_notification(notification)
            if where == "hook" and notification.root.params.data == "bad":
                raise error

        async def _handle_incoming(self, req: Any) -> None:
            if where == "handler" and req.root.params.data == "bad":
                raise error
            await super()._handle_incoming(req)

    async def take(message: Any) -> None:
        seen.append(message.root.params.data)

    async with raw_peer() as peer, Failing(peer.read_stream, peer.write_stream, message_handler=take):
        for data in ("bad", "good"):
            await peer.send(method="notifications/message", params={"level": "info", "data": data})
        await peer.silent()
    assert seen == ["good"]
    if isinstance(error, KeyError):
        assert caplog.messages == ["Failed to validate notification: 'mine'"]


async def test_a_handler_of_messages_that_raises_for_an_exception(
    raw_peer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """SES-40, CSN-24: it never ends the session."""
    errors = [KeyError("handler"), anyio.ClosedResourceError()]

    async def fails(message: Any) -> None:
        raise errors.pop(0)

    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream, message_handler=fails):
        await peer.send_text("{")
        await peer.send(id="7", result={})
        await peer.silent()
    assert errors == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "The handler of incoming messages failed"
    ]


async def test_a_request_that_nobody_takes_is_answered(raw_peer: Any) -> None:
    """SES-26: the reader of the incoming messages has gone."""
    async with raw_peer() as peer, ServerSession(peer.read_stream, peer.write_stream, OPTIONS) as session:
        session.incoming_messages.close()
        assert await peer.ask(7, "ping") == {"error": {"code": -32603, "message": "The request could not be handled"}}
        assert session._in_flight == {}


# Limits, and what the session is busy with


async def test_too_many_requests_at_once(raw_client: Any, server: Server[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """LLS-10 has an end: one too many is refused, and there is room again when one is done."""
    monkeypatch.setattr("mcp.shared.limits.MAX_REQUESTS_IN_FLIGHT", 2)
    release = anyio.Event()

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        await release.wait()
        return []

    async with raw_client(server) as peer:
        for number in range(2):
            await peer.send(id=number, method="tools/list")
        assert await peer.ask(2, "ping") == {"error": {"code": -32603, "message": "Too many requests in flight"}}
        release.set()
        assert sorted([(await peer.receive())["id"], (await peer.receive())["id"]]) == [0, 1]
        await peer.silent()


async def test_a_peer_that_only_writes(
    raw_peer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors that it does not take are not kept without end."""
    monkeypatch.setattr("mcp.shared.limits.MAX_REQUESTS_IN_FLIGHT", 2)
    async with raw_peer(buffer=0) as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        for number in range(6):
            await peer.send(id=number, method="no/such")
        await anyio.wait_all_tasks_blocked()
        assert session.statistics() == (0, 0, 4)
        assert caplog.messages == ["Dropped an error for a peer that does not read"] * 2
        assert sorted([(await peer.receive())["id"] for _ in range(4)]) == [0, 1, 2, 3]
        await peer.silent()
        assert session.statistics() == (0, 0, 0)


async def test_statistics(raw_peer: Any) -> None:
    """All zero when nothing is left."""
    release = anyio.Event()

    async def roots(context: Any) -> Any:
        await release.wait()
        return types.ListRootsResult(roots=[])

    async with (
        raw_peer() as peer,
        ClientSession(peer.read_stream, peer.write_stream, list_roots_callback=roots) as session,
    ):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.send_ping)
            ping = await peer.receive()
            await peer.send(id=1, method="roots/list")
            await peer.silent()
            assert session.statistics() == (1, 1, 0)
            release.set()
            await peer.receive()
            await peer.send(id=ping["id"], result={})
        assert session.statistics() == (0, 0, 0)


async def test_unknown_members_are_kept(raw_client: Any, server: Server[Any]) -> None:
    """TYP-8: of the envelope too."""
    seen: list[Any] = []

    async def handler(request: Any) -> Any:
        seen.append(request.model_extra)
        return types.EmptyResult()

    server.request_handlers[types.ListToolsRequest] = handler
    async with raw_client(server) as peer:
        await peer.send(id=1, method="tools/list", more={"a": None}, result=3)
        assert await peer.receive() == {"id": 1, "result": {}}
    assert seen == [{"jsonrpc": "2.0", "id": 1, "more": {"a": None}, "result": 3}]


# Notifications out


@pytest.mark.parametrize("related", [None, 0, "", 7, "a"])
async def test_the_request_a_notification_belongs_to(raw_peer: Any, related: Any) -> None:
    """SES-41, SES-42: 0 and "" are ids."""
    async with raw_peer() as peer, ServerSession(peer.read_stream, peer.write_stream, OPTIONS) as session:
        notification = ServerNotification(types.ToolListChangedNotification())
        await session.send_notification(notification, related_request_id=related)
        await peer.receive()
        expected = None if related is None else ServerMessageMetadata(related_request_id=related)
        assert peer.items[0].metadata == expected


async def test_absent_params_are_omitted(raw_peer: Any) -> None:
    """SES-43."""
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        await session.send_notification(ClientNotification(types.RootsListChangedNotification()))
        assert await peer.receive() == {"method": "notifications/roots/list_changed"}
        params = types.ProgressNotificationParams(progressToken="t", progress=1)
        await session.send_notification(ClientNotification(types.ProgressNotification(params=params)))
        assert await peer.receive() == {
            "method": "notifications/progress",
            "params": {"progressToken": "t", "progress": 1.0},
        }


async def test_two_peers_that_wait_for_each_other_to_read(raw_peer: Any) -> None:
    """Errors are not written by the loop itself: a peer may send many bad requests before it reads an answer."""
    async with raw_peer(buffer=0) as peer, ClientSession(peer.read_stream, peer.write_stream):
        for number in range(100):
            await peer.send(id=number, method="no/such")
        with anyio.fail_after(5):
            while peer.read_stream.statistics().current_buffer_used:
                await anyio.wait_all_tasks_blocked()
        answered = [(await peer.receive())["id"] for _ in range(100)]
        assert sorted(answered) == list(range(100))
