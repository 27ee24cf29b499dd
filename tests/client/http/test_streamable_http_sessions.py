"""Sessions that the server has lost, and the end of a session."""

import logging
from typing import Any

import anyio
import httpx
import pytest

import mcp.client.streamable_http as module
from mcp.client.session import ClientSession
from mcp.client.streamable_http import StreamableHTTPTransport, streamable_http_client
from mcp.shared.exceptions import McpError, OutcomeUnknownError, SessionExpiredError
from mcp.types import JSONRPCError, JSONRPCResponse

pytestmark = pytest.mark.anyio

LOG = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hello"}}


class Restarting:
    """A server with sessions, which it loses when it is told to."""

    def __init__(self, tools: Any, *, reopens: Any = None, answers: dict[str, Any] | None = None) -> None:
        self.scripted = tools.Scripted(answers or {})
        self.tools = tools
        self.reopens = reopens
        self.opened = 0
        self.listens = anyio.Event()
        self.called = anyio.Event()
        self.live: str | None = None
        self.listening: list[str | None] = []

    async def __call__(self, call: Any) -> None:
        if call.rpc == "initialize":
            self.opened += 1
            if self.opened > 1:
                assert "mcp-session-id" not in call.headers
                assert "mcp-protocol-version" not in call.headers
                if self.reopens is not None:
                    await self.reopens(call)
                    return
            self.live = f"session-{self.opened}"
            await call.reply_json(
                self.tools.result(call.message["id"], self.tools.INITIALIZE_RESULT), mcp_session_id=self.live
            )
        elif call.method == "DELETE":
            await call.reply("200 OK")
        elif call.headers.get("mcp-session-id") != self.live:
            await call.reply("404 Not Found")
        elif call.method == "GET" and "last-event-id" not in call.headers:
            self.listening.append(self.live)
            self.listens.set()
            await call.events(end=False)
            await call.until_gone()
        else:
            await self.scripted(call)


async def test_a_lost_session_is_opened_anew(tools: Any, serve: Any) -> None:
    """TCL-38 as decided: once, and the request that found it lost never reached a handler: it is repeated."""
    handler = Restarting(tools)
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, session_id):
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    await handler.listens.wait()
                    handler.listens = anyio.Event()
                    handler.live = None
                    await session.call_tool("order")
                    assert session_id() == "session-2"
                    await session.send_ping()
                    await handler.listens.wait()
    assert handler.opened == 2
    again = [call for call in server.calls if call.headers.get("mcp-session-id") == "session-2"]
    assert [call.rpc for call in again if call.method == "POST"] == [
        "notifications/initialized",
        "tools/call",
        "tools/list",
        "ping",
    ]
    first, second = server.seen("initialize")
    assert first.body == second.body
    assert again[0].headers["mcp-protocol-version"] == "2025-11-25"
    # The standalone stream belongs to the new session too.
    assert handler.listening == ["session-1", "session-2"]
    assert again[-1].rpc == "DELETE"


async def test_many_requests_open_one_new_session(tools: Any, serve: Any) -> None:
    """TCL-38: a single flight."""
    handler = Restarting(tools)
    async with serve(handler) as server:
        with anyio.fail_after(10):
            async with tools.session(server.url) as session:
                handler.live = None
                async with anyio.create_task_group() as tasks:
                    for _ in range(10):
                        tasks.start_soon(session.send_ping)
    assert handler.opened == 2


async def test_a_new_session_by_event_stream(tools: Any, serve: Any) -> None:
    logged: list[Any] = []

    async def log(params: Any) -> None:
        logged.append(params.data)

    async def reopen(call: Any) -> None:
        handler.live = "session-2"
        answer = tools.event(tools.result(call.message["id"], tools.INITIALIZE_RESULT))
        await call.events(tools.event(LOG), answer, mcp_session_id="session-2")

    handler = Restarting(tools, reopens=reopen)
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url, logging_callback=log) as session:
                handler.live = None
                await session.send_ping()
    assert logged == ["hello"]


async def other_version(call: Any) -> None:
    value = {"protocolVersion": "2024-11-05", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
    await call.reply_json({"jsonrpc": "2.0", "id": call.message["id"], "result": value}, mcp_session_id="new")


async def refused(call: Any) -> None:
    await call.reply_json({"jsonrpc": "2.0", "id": call.message["id"], "error": {"code": -1, "message": "no"}})


async def no_answer(call: Any) -> None:
    await call.events()


async def stays_lost(call: Any) -> None:
    value = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
    await call.reply_json({"jsonrpc": "2.0", "id": call.message["id"], "result": value}, mcp_session_id="not live")


REOPENINGS = {
    "other version": other_version,
    "refused": refused,
    "no answer": no_answer,
    "stays lost": stays_lost,
    "404": lambda call: call.reply("404 Not Found"),
    "503": lambda call: call.reply("503 Service Unavailable"),
    "202": lambda call: call.accept(),
    "reset": lambda call: call.reset(),
}


@pytest.mark.parametrize("name", REOPENINGS)
async def test_a_session_that_cannot_be_opened_anew(tools: Any, serve: Any, name: str) -> None:
    """TCL-33, TCL-38: the error is that of 1.30, code 32600 and `Session terminated`; nobody waits."""
    handler = Restarting(tools, reopens=REOPENINGS[name])
    errors: list[SessionExpiredError] = []
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                handler.live = None

                async def ping() -> None:
                    with pytest.raises(SessionExpiredError) as caught:
                        await session.send_ping()
                    errors.append(caught.value)

                async with anyio.create_task_group() as tasks:
                    for _ in range(3):
                        tasks.start_soon(ping)
    assert [(error.error.code, error.error.message) for error in errors] == [(32600, "Session terminated")] * 3


async def test_a_new_attempt_for_each_later_request(tools: Any, serve: Any) -> None:
    """A server that is back again gets its chance."""

    async def down(call: Any) -> None:
        await call.reply("503 Service Unavailable")

    handler = Restarting(tools, reopens=down)
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                handler.live = None
                with pytest.raises(SessionExpiredError):
                    await session.send_ping()
                handler.reopens = None
                await session.send_ping()


async def test_a_session_carried_by_hand_fails_at_once(tools: Any, serve: Any) -> None:
    """TCL-33, TCL-38: what this client did not open it does not open anew."""
    handler = Restarting(tools)
    async with serve(handler) as server, httpx.AsyncClient(headers={"mcp-session-id": "old"}) as client:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url, http_client=client) as (read, write, session_id):
                await write.send(tools.request(1))
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCError)
                assert item.message.root.error.code == 32600
                assert session_id() is None
            async with tools.session(server.url, http_client=client, initialize=False) as session:
                for _ in range(2):
                    with pytest.raises(SessionExpiredError, match=r"^Session terminated$"):
                        await session.send_ping()
    assert handler.opened == 0


# Sessions lost while a request was under way


def lost_on_the_way(tools: Any, retry: int = 1) -> Restarting:
    """The first call of a tool gets a primed stream, which ends together with the session."""

    async def list_tools(call: Any) -> None:
        names = {"reads": {"readOnlyHint": True}, "sets": {"idempotentHint": True}, "orders": {}}
        listed = [
            {"name": name, "inputSchema": {"type": "object"}, "annotations": hints} for name, hints in names.items()
        ]
        await call.reply_json(tools.result(call.message["id"], {"tools": listed}))

    async def call_tool(call: Any) -> None:
        if handler.opened == 1:
            handler.live = None
            await call.events(tools.event(id="e1", retry=retry))
            handler.called.set()
        else:
            await call.reply_json(tools.result(call.message["id"], {"content": []}))

    handler = Restarting(tools, answers={"tools/list": list_tools, "tools/call": call_tool})
    return handler


@pytest.mark.parametrize("name", ["reads", "sets"])
async def test_a_repeatable_tool_is_called_again(tools: Any, serve: Any, name: str) -> None:
    """TCL-38"""
    handler = lost_on_the_way(tools)
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.list_tools()
                result = await session.call_tool(name)
    assert result.content == []
    assert (handler.opened, len(server.seen("tools/call"))) == (2, 2)


@pytest.mark.parametrize("name", ["orders", "unknown"])
async def test_the_outcome_of_any_other_tool_is_unknown(tools: Any, serve: Any, name: str) -> None:
    """TCL-38: not repeated, and the error says so; the next request opens the new session."""
    handler = lost_on_the_way(tools)
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.list_tools()
                with pytest.raises(OutcomeUnknownError, match="may or may not have been carried out") as caught:
                    await session.call_tool(name)
                assert isinstance(caught.value, McpError)
                assert len(server.seen("tools/call")) == 1
                await session.send_ping()
    assert handler.opened == 2


async def test_a_stream_is_not_resumed_in_another_session(tools: Any, serve: Any) -> None:
    """A second request has opened a new session before the first one resumes: its event id means nothing there."""
    handler = lost_on_the_way(tools, retry=100)

    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session, anyio.create_task_group() as tasks:
                await session.list_tools()

                async def call() -> None:
                    with pytest.raises(OutcomeUnknownError):
                        await session.call_tool("orders")

                tasks.start_soon(call)
                await handler.called.wait()
                await session.send_ping()
    assert handler.opened == 2
    assert all("last-event-id" not in call.headers for call in server.seen("GET"))


async def test_a_reopening_that_is_cancelled_is_taken_over(tools: Any, serve: Any) -> None:
    stalled = anyio.Event()

    async def stall(call: Any) -> None:
        stalled.set()
        handler.reopens = None
        await call.until_gone()

    handler = Restarting(tools, reopens=stall)
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session, anyio.create_task_group() as tasks:
                handler.live = None

                async def cancelled() -> None:
                    with scope:
                        await session.send_ping()

                scope = anyio.CancelScope()
                tasks.start_soon(cancelled)
                await stalled.wait()
                tasks.start_soon(session.send_ping)
                await anyio.wait_all_tasks_blocked()
                scope.cancel()


# The end


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("200 OK", None),
        ("204 No Content", None),
        ("405 Method Not Allowed", "DEBUG"),
        ("404 Not Found", "WARNING"),
        ("500 Oops", "WARNING"),
    ],
)
async def test_the_session_is_ended(
    tools: Any, serve: Any, status: str, level: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """TCL-47"""

    async def delete(call: Any) -> None:
        await call.reply(status)

    async with serve(DELETE=delete) as server:
        with anyio.fail_after(5), caplog.at_level(logging.DEBUG, "mcp.client.streamable_http"):
            async with tools.session(server.url):
                pass
    assert len(server.seen("DELETE")) == 1
    records = [r for r in caplog.records if "end sessions" in r.message or "termination failed" in r.message]
    assert [record.levelname for record in records] == ([level] if level else [])
    if level == "WARNING":
        assert records[0].message == f"Session termination failed: {status[:3]}"


async def test_the_session_is_left_alone_on_demand(tools: Any, serve: Any) -> None:
    """TCL-47"""
    async with serve() as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url, terminate_on_close=False) as (read, write, _):
                async with ClientSession(read, write) as session:
                    await session.initialize()
    assert server.seen("DELETE") == []


async def test_a_delete_that_fails_is_logged(tools: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TCL-47: never raises."""

    async def delete(call: Any) -> None:
        await call.reset()

    async with serve(DELETE=delete) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url):
                pass
    assert "Session termination failed: " in caplog.text


async def test_a_delete_without_answer_ends_soon(tools: Any, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """TCL-47"""
    monkeypatch.setattr(module, "TERMINATION_TIMEOUT", 0.1)

    async def delete(call: Any) -> None:
        await call.until_gone()

    async with serve(DELETE=delete) as server:
        with anyio.fail_after(2):
            async with tools.session(server.url):
                pass


async def test_leaving_cancels_what_is_under_way(tools: Any, serve: Any) -> None:
    """TCL-47: DELETE, then everything is cancelled, promptly."""
    started, gone = anyio.Event(), anyio.Event()

    async def stall(call: Any) -> None:
        started.set()
        await call.until_gone()
        gone.set()

    async with serve(tools_call=stall) as server:
        with anyio.fail_after(2):
            async with streamable_http_client(server.url) as (_, write, _):
                await write.send(tools.request(1, "tools/call"))
                await started.wait()
            await gone.wait()


async def test_a_terminated_session_is_not_opened_anew(tools: Any, serve: Any) -> None:
    """TCL-47: `terminate_session` means it."""
    handler = Restarting(tools)
    async with serve(handler) as server, httpx.AsyncClient() as client:
        transport = StreamableHTTPTransport(server.url)
        await transport.terminate_session(client)
        assert server.calls == []

        to_session, read = anyio.create_memory_object_stream[Any](0)
        write, from_session = anyio.create_memory_object_stream[Any](0)
        with anyio.fail_after(5):
            async with to_session, read, write, from_session, anyio.create_task_group() as tasks:
                tasks.start_soon(transport.post_writer, client, from_session, to_session, write, lambda: None, tasks)
                await write.send(tools.request(0, "initialize"))
                item = await read.receive()
                assert isinstance(item.message.root, JSONRPCResponse)
                assert transport.get_session_id() == transport.session_id == "session-1"
                await transport.terminate_session(client)
                handler.live = None
                await write.send(tools.request(1))
                item = await read.receive()
                assert item.message.root.error.code == 32600
                write.close()
    assert handler.opened == 1
