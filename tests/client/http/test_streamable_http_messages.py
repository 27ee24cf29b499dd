"""Messages out and in over streamable HTTP: headers, order, answers, redirects."""

import json
import logging
from typing import Any

import anyio
import httpx
import pytest

import mcp.client.streamable_http as module
import mcp.types as types
from mcp.client.http_errors import HTTPStatusError
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import ConnectionClosedError, McpError, ProtocolError
from mcp.shared.message import ClientMessageMetadata
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCResponse

pytestmark = pytest.mark.anyio

LOG = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hello"}}
BOTH = "application/json, text/event-stream"


# Headers and the HTTP client


async def test_headers(tools: Any, serve: Any) -> None:
    """TCL-27: on every request, stronger than the defaults of the client. TCL-28, TCL-29."""
    listening = anyio.Event()

    async def get(call: Any) -> None:
        await call.events(end=False)
        listening.set()
        await call.until_gone()

    async with serve(GET=get) as server, httpx.AsyncClient(headers={"Accept": "x/y", "X-Own": "mine"}) as client:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url, http_client=client) as (read, write, session_id):
                assert session_id() is None
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    assert session_id() == "session-1"
                    await session.send_ping()
                    await listening.wait()
        # The client is given back as it was.
        assert client.headers["Accept"] == "x/y"
        assert not client.is_closed
    own = {"accept": BOTH, "content-type": "application/json", "x-own": "mine"}
    session_headers = {"mcp-session-id": "session-1", "mcp-protocol-version": "2025-11-25"}
    names = {*own, *session_headers, "cache-control", "last-event-id"}
    seen = {call.rpc: {k: v for k, v in call.headers.items() if k in names} for call in server.calls}
    assert seen == {
        "initialize": own,
        "notifications/initialized": own | session_headers,
        "ping": own | session_headers,
        "GET": own | session_headers | {"cache-control": "no-store"},
        "DELETE": own | session_headers,
    }


async def test_version_and_session_out_of_an_event(tools: Any, serve: Any) -> None:
    """TCL-28, TCL-29: the same when `initialize` is answered by a stream."""

    async def initialize(call: Any) -> None:
        value = tools.INITIALIZE_RESULT | {"protocolVersion": "2025-06-18"}
        await call.events(tools.event(tools.result(call.message["id"], value)), mcp_session_id="by event")

    async with serve(initialize=initialize) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.send_ping()
    [ping] = server.seen("ping")
    assert (ping.headers["mcp-session-id"], ping.headers["mcp-protocol-version"]) == ("by event", "2025-06-18")


async def test_session_id_of_other_answers_is_not_taken(tools: Any, serve: Any) -> None:
    """TCL-28"""

    async def ping(call: Any) -> None:
        await call.reply_json(tools.result(call.message["id"]), mcp_session_id="another")

    async with serve(tools.Scripted({"ping": ping}, session_id=None)) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.send_ping()
                await session.send_ping()
    assert all("mcp-session-id" not in call.headers for call in server.calls)
    # TCL-31, TCL-47: without a session there is no standalone stream and nothing to end.
    assert {call.method for call in server.calls} == {"POST"}


async def test_own_client_comes_from_the_module_and_is_closed(
    tools: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TCL-26: `create_mcp_http_client` is looked up in the module when the transport opens."""
    made: list[httpx.AsyncClient] = []

    def make() -> httpx.AsyncClient:
        made.append(httpx.AsyncClient())
        return made[-1]

    monkeypatch.setattr(module, "create_mcp_http_client", make)
    async with serve() as server:
        with anyio.fail_after(5):
            async with tools.session(server.url):
                [client] = made
                assert not client.is_closed
    assert client.is_closed


# Order


async def test_requests_are_concurrent(tools: Any, serve: Any) -> None:
    """TCL-30"""
    waiting = 0
    all_there = anyio.Event()

    async def call_tool(call: Any) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 8:
            all_there.set()
        await all_there.wait()
        await call.reply_json(tools.result(call.message["id"], {"content": []}))

    async with serve(tools_call=call_tool) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session, anyio.create_task_group() as tasks:
                for number in range(8):
                    tasks.start_soon(session.call_tool, f"tool-{number}")


async def test_a_notification_holds_back_what_comes_behind(tools: Any, serve: Any) -> None:
    """TCL-30"""
    arrived, release = anyio.Event(), anyio.Event()

    async def notified(call: Any) -> None:
        arrived.set()
        await release.wait()
        await call.accept()

    async with serve(notifications_progress=notified) as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _), anyio.create_task_group() as tasks:
                tasks.start_soon(write.send, tools.notification("notifications/progress", progressToken=1, progress=1))
                await arrived.wait()
                tasks.start_soon(write.send, tools.request(1))
                tasks.start_soon(write.send, tools.notification("notifications/roots/list_changed"))
                await anyio.wait_all_tasks_blocked()
                assert [call.rpc for call in server.calls] == ["notifications/progress"]
                release.set()
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCResponse)
    assert [call.rpc for call in server.calls][:1] == ["notifications/progress"]
    assert len(server.calls) == 3


async def test_a_cancelled_request_is_let_go_and_the_notice_overtakes(tools: Any, serve: Any) -> None:
    """The answer's connection is closed, and the notice is not stuck behind a notification without answer."""
    stalled, gone, noticed, started = anyio.Event(), anyio.Event(), anyio.Event(), anyio.Event()

    async def stall(call: Any) -> None:
        stalled.set()
        await call.until_gone()

    async def call_tool(call: Any) -> None:
        await call.events(b": hello\n\n", end=False)
        started.set()
        await call.until_gone()
        gone.set()

    async def cancelled(call: Any) -> None:
        assert call.message["params"]["requestId"] == 1
        await call.accept()
        noticed.set()

    answers = {"notifications_progress": stall, "tools_call": call_tool, "notifications_cancelled": cancelled}
    async with serve(**answers) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session, anyio.create_task_group() as tasks:

                async def call() -> None:
                    with calling:
                        await session.call_tool("x")

                calling = anyio.CancelScope()
                tasks.start_soon(call)
                await started.wait()
                tasks.start_soon(session.send_progress_notification, 1, 0.5)
                await stalled.wait()
                calling.cancel()
                await noticed.wait()
                await gone.wait()
                tasks.cancel_scope.cancel()


async def test_whoever_still_waits_for_a_cancelled_request_is_told(tools: Any, serve: Any) -> None:
    """A program may cancel by sending the notification itself: the call then ends as the server would have ended it."""
    started = anyio.Event()

    async def stall(call: Any) -> None:
        started.set()
        await call.until_gone()

    async with serve(tools_call=stall) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session, anyio.create_task_group() as tasks:

                async def call() -> None:
                    with pytest.raises(McpError, match="Request cancelled") as caught:
                        await session.call_tool("x")
                    assert caught.value.error.code == 0

                tasks.start_soon(call)
                await started.wait()
                params = types.CancelledNotificationParams(requestId=1, reason="enough")
                await session.send_notification(types.ClientNotification(types.CancelledNotification(params=params)))
    [notice] = server.seen("notifications/cancelled")
    assert notice.message["params"] == {"requestId": 1, "reason": "enough"}


async def test_a_notice_of_cancellation_that_fails_closes_nothing(
    tools: Any, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(call: Any) -> None:
        await call.reply("500 Oops")

    async with serve(notifications_cancelled=refuse) as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                await write.send(tools.notification("notifications/cancelled", requestId=1))
                await write.send(tools.notification("notifications/cancelled"))
                await write.send(tools.request(1))
                assert not isinstance(await read.receive(), Exception)
    assert "Could not tell the server about a cancelled request" in caplog.text


# Answers to notifications and responses


async def test_harmless_answers_to_a_notification(tools: Any, serve: Any) -> None:
    """TCL-32: 404 is ignored, and so is every body."""
    answers = iter(
        [
            lambda call: call.reply("404 Not Found"),
            lambda call: call.reply("200 OK", b"{", content_type="application/json"),
            lambda call: call.reply("204 No Content"),
            lambda call: call.reply("200 OK", b"<p>", content_type="text/html"),
            lambda call: call.events(tools.event(LOG), end=False),
        ]
    )

    async def answer(call: Any) -> None:
        await next(answers)(call)

    async with serve(notifications_progress=answer) as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                for _ in range(5):
                    await write.send(tools.notification("notifications/progress", progressToken=1, progress=1))
                await write.send(tools.request(7))
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCResponse)


@pytest.mark.parametrize("how", ["status", "network"])
async def test_a_notification_that_fails_closes_the_streams(
    tools: Any, serve: Any, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """TCL-32: logged; both streams are closed, what waits fails at once, later sends raise."""
    waiting = anyio.Event()

    async def stall(call: Any) -> None:
        waiting.set()
        await call.until_gone()

    async def fail(call: Any) -> None:
        await (call.reply("500 Oops") if how == "status" else call.reset())

    async with serve(tools_call=stall, notifications_progress=fail) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session, anyio.create_task_group() as tasks:

                async def call() -> None:
                    with pytest.raises(ConnectionClosedError):
                        await session.call_tool("x")

                tasks.start_soon(call)
                await waiting.wait()
                await session.send_progress_notification(1, 0.5)
                with pytest.raises(anyio.ClosedResourceError):
                    await session.send_ping()
    assert "Could not send a message, so the connection is closed" in caplog.text


async def test_a_message_without_json_form_is_refused_and_nothing_else(tools: Any, serve: Any) -> None:
    async with serve() as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                with pytest.raises(ValueError):
                    await write.send(tools.request(1, text="\ud800"))
                await write.send(tools.request(2))
                assert not isinstance(await read.receive(), Exception)


# Answers to requests


async def test_events_around_the_answer(tools: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TCL-36: events without a name, or named `message`; the rest is skipped; nothing after the answer counts."""
    gone = anyio.Event()

    async def answer(call: Any) -> None:
        await call.events(
            b": comment\n\n",
            tools.event(id="0"),
            tools.event(LOG),
            tools.event({"a": 1}, name="other"),
            b"data: {\n\n",
            tools.event(LOG, name="message"),
            tools.event(tools.result(call.message["id"])) + tools.event(LOG),
            end=False,
        )
        await call.until_gone()
        gone.set()

    async with serve(ping=answer) as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                await write.send(tools.request(1))
                items = [await read.receive() for _ in range(4)]
                await gone.wait()
                await write.send(tools.request(2, "tools/list"))
                items.append(await read.receive())
    kinds = [type(item) if isinstance(item, Exception) else type(item.message.root) for item in items]
    assert kinds == [JSONRPCNotification, ProtocolError, JSONRPCNotification, JSONRPCResponse, JSONRPCResponse]
    assert "Unknown SSE event: other" in caplog.text


async def test_an_error_is_an_answer(tools: Any, serve: Any) -> None:
    async def answer(call: Any) -> None:
        error = {"jsonrpc": "2.0", "id": str(call.message["id"]), "error": {"code": -32601, "message": "no"}}
        await call.events(tools.event(error))

    async with serve(ping=answer) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                with pytest.raises(McpError, match="no") as caught:
                    await session.send_ping()
    assert caught.value.error.code == -32601


async def test_the_connection_of_an_event_stream_is_used_again(tools: Any, serve: Any) -> None:
    async def answer(call: Any) -> None:
        await call.events(tools.event(tools.result(call.message["id"])))

    async with serve(tools.Scripted({"ping": answer}, session_id=None)) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                for _ in range(5):
                    await session.send_ping()
    # While one is read to its end, the next request may already have begun on another.
    assert server.connections <= 2


async def test_batch(tools: Any, serve: Any) -> None:
    """A server of revision 2025-03-26 may answer with an array."""

    async def answer(call: Any) -> None:
        await call.reply_json([LOG, tools.result(call.message["id"])])

    async def answer_in_event(call: Any) -> None:
        await call.events(tools.event([LOG, tools.result(call.message["id"])]))

    async with serve(ping=answer, tools_list=answer_in_event) as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                for method in ("ping", "tools/list"):
                    await write.send(tools.request(1, method))
                    items: list[Any] = [await read.receive(), await read.receive()]
                    assert [type(item.message.root) for item in items] == [JSONRPCNotification, JSONRPCResponse]


async def test_requests_of_the_server_in_an_answering_stream(tools: Any, serve: Any) -> None:
    """TCL-45: what the server asks is answered by POST, and its own answer still comes."""
    answered = anyio.Event()

    async def call_tool(call: Any) -> None:
        await call.events(tools.event({"jsonrpc": "2.0", "id": 77, "method": "roots/list"}), end=False)
        await answered.wait()
        await call.chunk(tools.event(tools.result(call.message["id"], {"content": []})))
        await call.end()

    async def response(call: Any) -> None:
        assert call.message == {"jsonrpc": "2.0", "id": 77, "result": {"roots": []}}
        await call.accept()
        answered.set()

    async def roots(context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[])

    async with serve(tools_call=call_tool, response=response) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url, list_roots_callback=roots) as session:
                await session.call_tool("x")


async def test_tokens_for_resumption(tools: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TCL-37: for every event while an id is in effect, priming included, after the message was delivered."""
    order: list[Any] = []
    last = anyio.Event()

    async def token(value: str) -> None:
        order.append(value)
        if value == "b":
            raise LookupError("in the callback")
        if value == "c":
            last.set()

    async def answer(call: Any) -> None:
        await call.events(
            tools.event(LOG),
            tools.event(id="a"),
            tools.event(LOG),
            tools.event(LOG, id="b"),
            tools.event(tools.result(call.message["id"]), id="c"),
        )

    async with serve(ping=answer) as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                await write.send(tools.request(1, metadata=ClientMessageMetadata(on_resumption_token_update=token)))
                for _ in range(4):
                    item = await read.receive()
                    assert not isinstance(item, Exception)
                    order.append(type(item.message.root))
                await last.wait()
    kinds = [JSONRPCNotification, "a", JSONRPCNotification, "a", JSONRPCNotification, "b", JSONRPCResponse, "c"]
    assert sorted(map(str, order)) == sorted(map(str, kinds))
    assert order.index("a") < order.index("b") < order.index("c")
    assert "The callback for resumption tokens failed" in caplog.text


# Redirects


async def test_redirect_within_the_origin_is_followed(tools: Any, serve: Any) -> None:
    """SES-56: 307 for POST; the endpoint stays what it was."""

    async def redirect(call: Any) -> None:
        if call.path == "/mcp":
            await call.reply("307 Temporary Redirect", location="/mcp/")
        else:
            await handler(call)

    handler = tools.Scripted()
    async with serve(redirect) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.send_ping()
    posts = [call.path for call in server.calls if call.method == "POST"]
    assert posts == ["/mcp", "/mcp/"] * 3


async def redirect_elsewhere(call: Any) -> None:
    await call.reply("307 Temporary Redirect", location="http://elsewhere.test/mcp?token=1")


ELSEWHERE = (
    "Redirect to http://elsewhere.test/mcp not followed; use that URL as the endpoint if it is the intended server"
)


async def test_refused_redirect_leaves_the_context(tools: Any, serve: Any) -> None:
    """TCL-32, TCL-32a, TCL-35: seen also by who only looks at raw streams."""
    async with serve(ping=redirect_elsewhere) as server:
        with anyio.fail_after(5), pytest.raises(Exception) as caught:
            async with streamable_http_client(server.url) as (read, write, _):
                await write.send(tools.request(1))
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCError)
                assert item.message.root.error.message == ELSEWHERE
                with pytest.raises(anyio.EndOfStream):
                    await read.receive()
                with pytest.raises(anyio.ClosedResourceError):
                    await write.send(tools.request(2))
    assert hasattr(caught.value, "exceptions")
    leaf = tools.leaf(caught.value)
    assert isinstance(leaf, HTTPStatusError)
    assert str(leaf) == ELSEWHERE
    assert leaf.response.status_code == 307


async def test_refused_redirect_leaves_the_context_although_nobody_reads(tools: Any, serve: Any) -> None:
    redirected = anyio.Event()

    async def redirect(call: Any) -> None:
        await redirect_elsewhere(call)
        redirected.set()

    async with serve(ping=redirect) as server:
        with anyio.fail_after(5), pytest.raises(Exception) as caught:
            async with streamable_http_client(server.url) as (_, write, _):
                await write.send(tools.request(1))
                await redirected.wait()
                await anyio.wait_all_tasks_blocked()
    assert str(tools.leaf(caught.value)) == ELSEWHERE


async def test_refused_redirect_in_a_session(tools: Any, serve: Any) -> None:
    async with serve(initialize=redirect_elsewhere) as server:
        with anyio.fail_after(5), pytest.raises(Exception) as caught:
            async with tools.session(server.url, initialize=False) as session:
                with pytest.raises(HTTPStatusError, match=r"Redirect to http://elsewhere\.test/mcp not followed"):
                    await session.initialize()
    assert isinstance(tools.leaf(caught.value), HTTPStatusError)


async def test_get_of_a_refused_redirect_is_only_logged(
    tools: Any, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """TCL-44"""
    redirected = anyio.Event()

    async def redirect(call: Any) -> None:
        await redirect_elsewhere(call)
        redirected.set()

    async with serve(GET=redirect) as server:
        with anyio.fail_after(5), caplog.at_level(logging.WARNING):
            async with tools.session(server.url) as session:
                await redirected.wait()
                await anyio.wait_all_tasks_blocked()
                await session.send_ping()
    assert f"GET stream not opened: {ELSEWHERE}" in caplog.messages
    assert len(server.seen("GET")) == 1


def test_json_of_the_toolbox(tools: Any) -> None:
    """The scripted events are what they are meant to be."""
    assert tools.event(LOG, id="1", retry=5, name="n").startswith(b"event: n\nid: 1\nretry: 5\ndata: {")
    assert json.loads(tools.event(LOG).removeprefix(b"data: ")) == LOG


async def test_nobody_reads(tools: Any, serve: Any) -> None:
    """Answers without a reader are dropped, and nothing breaks."""
    async with serve() as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                await read.aclose()
                await write.send(tools.request(1))
                while not server.calls:
                    await anyio.wait_all_tasks_blocked()
                await write.send(tools.notification("notifications/cancelled", requestId=1))


async def test_cancelled_requests_give_their_connections_back(tools: Any, serve: Any) -> None:
    """Before the head, in an event stream, and while nobody takes what has come."""
    started = anyio.Event()

    async def call_tool(call: Any) -> None:
        if call.message["params"]["name"] == "events":
            await call.events(tools.event(LOG), end=False)
        started.set()
        await call.until_gone()

    limits = httpx.Limits(max_connections=2)
    async with serve(tools_call=call_tool) as server, httpx.AsyncClient(limits=limits) as client:
        with anyio.fail_after(10):
            async with tools.session(server.url, http_client=client) as session:
                for name in ("head", "events") * 4:
                    started = anyio.Event()
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(session.call_tool, name)
                        await started.wait()
                        tasks.cancel_scope.cancel()
                await session.send_ping()
            async with streamable_http_client(server.url, http_client=client) as (_, write, _):
                for request_id in range(4):
                    started = anyio.Event()
                    await write.send(tools.request(request_id, "tools/call", name="events"))
                    await started.wait()
                    await write.send(tools.notification("notifications/cancelled", requestId=request_id))
            async with tools.session(server.url, http_client=client) as session:
                await session.send_ping()
