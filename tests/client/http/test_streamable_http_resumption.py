"""Answering streams that end too soon, and resumption by the user."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

import mcp.client.streamable_http as module
import mcp.types as types
from mcp.client.http_errors import HTTPStatusError
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import ConnectionClosedError, McpError, ProtocolError
from mcp.shared.message import ClientMessageMetadata
from mcp.types import JSONRPCError, JSONRPCResponse

pytestmark = pytest.mark.anyio

Answer = Callable[[Any], Awaitable[None]]

LOG = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hello"}}


class Resumed:
    """Answers the GETs that resume a stream, one after the other; other GETs get a 405."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.tokens: list[str] = []
        self.times: list[float] = []

    async def __call__(self, call: Any) -> None:
        token = call.headers.get("last-event-id")
        if token is None:
            await call.reply("405 Method Not Allowed")
            return
        self.tokens.append(token)
        self.times.append(anyio.current_time())
        await self.answers.pop(0)(call)


def begin(tools: Any, *events: bytes) -> Answer:
    """Answer a request with a primed stream that ends without the answer."""

    async def answer(call: Any) -> None:
        await call.events(*(events or (tools.event(id="e1", retry=1),)))

    return answer


def answer_with(tools: Any, request_id: Any = "whatever") -> Answer:
    async def answer(call: Any) -> None:
        await call.events(tools.event(tools.result(request_id, {"content": []}), id="last"))

    return answer


async def refuse(call: Any) -> None:
    await call.reply("503 Service Unavailable")


async def forbid(call: Any) -> None:
    await call.reply("405 Method Not Allowed")


async def html(call: Any) -> None:
    await call.reply("200 OK", b"<p>", content_type="text/html")


async def reset(call: Any) -> None:
    await call.reset()


async def test_a_stream_is_resumed_after_its_last_event(tools: Any, serve: Any) -> None:
    """TCL-39, TCL-41: with Last-Event-ID; the first response there is the answer, whatever its id."""
    get = Resumed(begin(tools, tools.event(LOG, id="e3")), answer_with(tools))
    first = begin(tools, tools.event(id="e1", retry=1), tools.event(LOG, id="e2"), tools.event(LOG))
    logged: list[Any] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        logged.append(params.data)

    async with serve(tools_call=first, GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url, logging_callback=log) as session:
                result = await session.call_tool("x")
    assert result.content == []
    assert get.tokens == ["e2", "e3"]
    assert logged == ["hello"] * 3
    [resumed, _] = [call for call in server.seen("GET") if "last-event-id" in call.headers]
    assert resumed.headers["mcp-session-id"] == "session-1"
    assert resumed.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("how", ["reset", "closed"])
async def test_a_stream_that_breaks_is_resumed(tools: Any, serve: Any, how: str) -> None:
    """TCL-39"""

    async def broken(call: Any) -> None:
        await call.events(tools.event(id="e1", retry=1), b'data: {"jsonrpc"', end=False)
        await (call.reset() if how == "reset" else call.stream.aclose())

    get = Resumed(answer_with(tools))
    async with serve(tools_call=broken, GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.call_tool("x")
    # With a reset the first event may be lost together with the connection: then there is nothing to resume.
    assert get.tokens == ["e1"]


async def test_the_delay_is_what_the_server_wants(tools: Any, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """TCL-39: `retry` of the last event that carried one, else the default of the module."""
    began: list[float] = []

    async def first(call: Any) -> None:
        began.append(anyio.current_time())
        retry = 150 if call.message["params"]["name"] == "retry" else None
        await call.events(tools.event(id="e1", retry=retry), tools.event(id="e2"))

    monkeypatch.setattr(module, "DEFAULT_RECONNECTION_DELAY_MS", 80)
    get = Resumed(answer_with(tools), answer_with(tools))
    async with serve(tools_call=first, GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.call_tool("retry")
                await session.call_tool("default")
    assert get.times[0] - began[0] >= 0.149
    assert get.times[1] - began[1] >= 0.079


@pytest.mark.parametrize("failure", [refuse, html, reset])
async def test_two_failed_attempts_are_enough(tools: Any, serve: Any, failure: Answer) -> None:
    """TCL-40, TCL-34"""
    get = Resumed(failure, failure)
    async with serve(tools_call=begin(tools), GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                with pytest.raises(ConnectionClosedError):
                    await session.call_tool("x")
                await session.send_ping()
    assert get.tokens == ["e1", "e1"]


async def test_a_stream_that_opens_resets_the_count(tools: Any, serve: Any) -> None:
    """TCL-40: a server that keeps closing politely may be polled."""
    polite = begin(tools)
    get = Resumed(refuse, polite, refuse, polite, polite, polite, refuse, answer_with(tools))
    async with serve(tools_call=begin(tools), GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.call_tool("x")
    assert len(get.tokens) == 8


async def test_a_server_that_forgot_the_request_is_not_polled_for_ever(
    tools: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams without a single event, one after the other: no answer is to be expected any more."""
    monkeypatch.setattr(module, "MAX_FRUITLESS_POLLS", 3)

    async def nothing(call: Any) -> None:
        await call.events()

    get = Resumed(nothing, begin(tools), nothing, nothing, nothing)
    async with serve(tools_call=begin(tools), GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                with pytest.raises(ConnectionClosedError, match="ended the stream without an answer"):
                    await session.call_tool("x")
    assert len(get.tokens) == 5


async def test_no_second_attempt_where_it_is_hopeless(tools: Any, serve: Any) -> None:
    """TCL-40: a server that knows no resumption says so once."""
    get = Resumed(forbid)
    async with serve(tools_call=begin(tools), GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                with pytest.raises(ConnectionClosedError, match="status 405"):
                    await session.call_tool("x")


async def test_version_out_of_a_resumed_stream(tools: Any, serve: Any) -> None:
    """TCL-29: also when the result of `initialize` comes through a reconnection."""

    async def resumed(call: Any) -> None:
        await call.events(tools.event(tools.result("x", tools.INITIALIZE_RESULT), id="e2"))

    async def initialize(call: Any) -> None:
        await call.events(tools.event(id="e1", retry=1), mcp_session_id="session-9")

    get = Resumed(resumed)
    async with serve(initialize=initialize, GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.send_ping()
    [ping] = server.seen("ping")
    assert ping.headers["mcp-protocol-version"] == "2025-11-25"
    assert ping.headers["mcp-session-id"] == "session-9"


async def test_a_cancelled_request_is_resumed_no_more(tools: Any, serve: Any) -> None:
    polled = anyio.Event()

    async def poll(call: Any) -> None:
        polled.set()
        await call.events(end=False)
        await call.until_gone()
        gone.set()

    gone = anyio.Event()
    get = Resumed(poll)
    async with serve(tools_call=begin(tools), GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session, anyio.create_task_group() as tasks:
                tasks.start_soon(session.call_tool, "x")
                await polled.wait()
                tasks.cancel_scope.cancel()
            await gone.wait()
    assert len(server.seen("notifications/cancelled")) == 1
    assert get.tokens == ["e1"]


# By the user


async def resume(session: ClientSession, token: str, **metadata: Any) -> Any:
    request = types.ClientRequest(types.CallToolRequest(params=types.CallToolRequestParams(name="x")))
    return await session.send_request(
        request, types.CallToolResult, metadata=ClientMessageMetadata(resumption_token=token, **metadata)
    )


async def test_resumption_by_the_user(tools: Any, serve: Any) -> None:
    """TCL-46: no POST, a GET with the token; the first response is the answer. TCL-41, TCL-37."""
    tokens: list[str] = []

    async def token(value: str) -> None:
        tokens.append(value)

    get = Resumed(answer_with(tools, 99))
    async with serve(GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                result = await resume(session, "mine", on_resumption_token_update=token)
    assert result.content == []
    assert get.tokens == ["mine"]
    assert tokens == ["last"]
    assert server.seen("tools/call") == []


async def test_resumption_by_the_user_goes_on(tools: Any, serve: Any) -> None:
    """TCL-46, TCL-39"""

    async def broken(call: Any) -> None:
        await call.events(tools.event(LOG, id="e5", retry=1), end=False)
        await call.stream.aclose()

    get = Resumed(begin(tools), broken, answer_with(tools))
    async with serve(GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await resume(session, "mine")
    assert get.tokens == ["mine", "e1", "e5"]


async def test_resumption_by_the_user_without_further_ids(tools: Any, serve: Any) -> None:
    """TCL-46: the token is where it stands until an event says otherwise."""
    get = Resumed(begin(tools, tools.event(LOG, retry=1)), answer_with(tools))
    async with serve(GET=get) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await resume(session, "mine")
    assert get.tokens == ["mine", "mine"]


async def nothing_at_all(call: Any) -> None:
    await call.events()


FAILED_RESUMPTIONS: dict[str, tuple[Answer, type[Exception], int]] = {
    "400": (lambda call: call.reply("400 Bad Request"), HTTPStatusError, -32603),
    "404": (lambda call: call.reply("404 Not Found"), HTTPStatusError, 32600),
    "503": (refuse, HTTPStatusError, -32603),
    "HTML": (html, ProtocolError, -32603),
    "nothing": (nothing_at_all, ConnectionClosedError, -32000),
    "reset": (reset, ConnectionClosedError, -32000),
}


@pytest.mark.parametrize("name", FAILED_RESUMPTIONS)
async def test_resumption_by_the_user_that_fails(tools: Any, serve: Any, name: str) -> None:
    """TCL-46, TCL-35: fails that request; the session lives on, and leaving it is quiet."""
    failure, kind, code = FAILED_RESUMPTIONS[name]
    async with serve(GET=Resumed(failure)) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                with pytest.raises(kind) as caught:
                    await resume(session, "mine")
                assert isinstance(caught.value, McpError)
                assert caught.value.error.code == code
                await session.send_ping()


async def test_resumption_that_fails_leaves_the_context_where_nobody_raises_it(tools: Any, serve: Any) -> None:
    """TCL-46, TCL-35: who reads the raw stream gets an error response, and the exception when leaving."""
    async with serve(GET=Resumed(refuse)) as server:
        with anyio.fail_after(5), pytest.raises(Exception) as caught:
            async with streamable_http_client(server.url) as (read, write, _):
                await write.send(tools.request(5, metadata=ClientMessageMetadata(resumption_token="mine")))
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCError)
                assert item.message.root.id == 5
                await write.send(tools.request(6))
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCResponse)
    assert hasattr(caught.value, "exceptions")
    leaf = tools.leaf(caught.value)
    assert isinstance(leaf, HTTPStatusError)
    assert leaf.response.status_code == 503


async def test_redirect_of_a_resumption(tools: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TCL-46, TCL-32a"""

    async def redirect(call: Any) -> None:
        await call.reply("302 Found", location="http://elsewhere.test/")

    async with serve(GET=Resumed(redirect)) as server:
        with anyio.fail_after(5), caplog.at_level(logging.WARNING), pytest.raises(Exception) as caught:
            async with streamable_http_client(server.url) as (read, write, _):
                await write.send(tools.request(5, metadata=ClientMessageMetadata(resumption_token="mine")))
                await read.receive()
    assert str(tools.leaf(caught.value)).startswith("Redirect to http://elsewhere.test/ not followed")
