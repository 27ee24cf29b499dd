"""The client of the older HTTP+SSE pair of endpoints."""

import json
from typing import Any

import anyio
import httpx
import pytest
from httpx_sse import SSEError

import mcp.client.sse as module
from mcp.client.http_errors import HTTPStatusError
from mcp.client.session import ClientSession
from mcp.client.sse import remove_request_params, sse_client
from mcp.shared.exceptions import ConnectionClosedError, McpError, ProtocolError
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCResponse

pytestmark = pytest.mark.anyio

LOG = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hello"}}


class SseServer:
    """A server of the old kind: a stream that tells the endpoint, and answers on it what is posted there."""

    def __init__(
        self, tools: Any, *, endpoint: str = "/messages?session_id=abc", before: tuple[bytes, ...] = ()
    ) -> None:
        self.tools = tools
        self.endpoint = endpoint
        self.before = before
        self.stream: Any = None
        self.posts: list[Any] = []
        self.answers: dict[str, Any] = {}

    async def __call__(self, call: Any) -> None:
        if call.method == "GET":
            self.stream = call
            await call.events(*self.before, b"event: endpoint\ndata: " + self.endpoint.encode() + b"\n\n", end=False)
            await call.until_gone()
            return
        self.posts.append(call)
        if (answer := self.answers.get(call.rpc)) is not None:
            await answer(call)
            return
        await call.accept()
        if "id" in call.message and "method" in call.message:
            await self.send(self.answer_to(call))

    def answer_to(self, call: Any) -> dict[str, Any]:
        value = self.tools.INITIALIZE_RESULT if call.rpc == "initialize" else {"content": [], "tools": []}
        return self.tools.result(call.message["id"], value)

    async def send(self, message: Any) -> None:
        await self.stream.chunk(self.tools.event(message, name="message"))


def test_helpers() -> None:
    """TCL-66, TCL-18"""
    assert remove_request_params("http://a.test:1/b/c?d=e#f") == "http://a.test:1/b/c"
    extract = module._extract_session_id_from_endpoint
    assert extract("/messages?sessionId=1") == "1"
    assert extract("/messages?a=b&session_id=2") == "2"
    assert extract("/messages?session_id=2&sessionId=1") == "1"
    assert extract("/messages?sessionId=&session_id=2") == "2"
    assert extract("/messages") is None


async def test_a_session(tools: Any, serve: Any) -> None:
    """TCL-16, TCL-17, TCL-18, TCL-22, TCL-25"""
    created: list[str] = []
    handler = SseServer(tools)
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url, {"x-own": "mine"}, on_session_created=created.append) as (read, write):
                assert created == ["abc"]
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    await session.call_tool("x")
    get, *posts = server.calls
    assert (get.method, get.path) == ("GET", "/mcp")
    assert get.headers["accept"] == "text/event-stream"
    assert get.headers["cache-control"] == "no-store"
    assert [call.path for call in posts] == ["/messages?session_id=abc"] * 4
    assert [call.rpc for call in posts] == ["initialize", "notifications/initialized", "tools/call", "tools/list"]
    assert {call.headers["accept"] for call in posts} == {"*/*"}
    assert {call.headers["content-type"] for call in posts} == {"application/json"}
    assert {call.headers["x-own"] for call in server.calls} == {"mine"}


async def test_client_of_the_factory(tools: Any, serve: Any) -> None:
    """TCL-15: called with headers, auth and the timeouts; closed at the end."""
    made: list[Any] = []

    def factory(
        headers: dict[str, str] | None = None, timeout: httpx.Timeout | None = None, auth: httpx.Auth | None = None
    ) -> httpx.AsyncClient:
        client = httpx.AsyncClient(headers=headers, timeout=timeout, auth=auth)
        made.append((headers, timeout, auth, client))
        return client

    auth = httpx.BasicAuth("me", "secret")
    async with serve(SseServer(tools)) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url, {"a": "b"}, 3, 7, factory, auth):
                assert not made[0][3].is_closed
    [(headers, timeout, used_auth, client)] = made
    assert (headers, timeout, used_auth) == ({"a": "b"}, httpx.Timeout(3, read=7), auth)
    assert client.is_closed


async def test_no_session_id_no_callback(tools: Any, serve: Any) -> None:
    """TCL-18"""
    created: list[str] = []
    async with serve(SseServer(tools, endpoint="messages")) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url, on_session_created=created.append) as (read, write):
                await write.send(tools.request(1))
                await read.receive()
    assert created == []
    assert server.calls[-1].path == "/messages"


async def test_server_that_cannot_be_reached(tools: Any) -> None:
    """TCL-16 as decided: the leaf, with the URL."""
    url = tools.unused_url()
    with anyio.fail_after(5), pytest.raises(httpx.ConnectError) as caught:
        async with sse_client(url):
            pass
    assert url in str(caught.value)


OPENINGS: dict[str, tuple[Any, type[Exception], str]] = {
    "401": (lambda c: c.reply("401 Unauthorized"), HTTPStatusError, "401 Unauthorized' for url"),
    "500": (lambda c: c.reply("500 Oops"), HTTPStatusError, "500 Oops"),
    "redirect": (lambda c: c.reply("302 Found", location="http://elsewhere.test/"), HTTPStatusError, "not followed"),
    "HTML": (lambda c: c.reply("200 OK", b"<p>", content_type="text/html"), SSEError, "'text/html'"),
    "no type": (lambda c: c.reply("200 OK"), SSEError, "got ''"),
    "no endpoint": (lambda c: c.events(b"data: {}\n\n"), RuntimeError, "ended before it named an endpoint"),
    "reset": (lambda c: reset_in_the_stream(c), httpx.TransportError, ""),
}


async def reset_in_the_stream(call: Any) -> None:
    await call.events(b"data", end=False)
    await call.reset()


@pytest.mark.parametrize("name", OPENINGS)
async def test_openings_that_fail(tools: Any, serve: Any, name: str) -> None:
    """TCL-16, TCL-20: in an exception group."""
    answer, kind, text = OPENINGS[name]
    async with serve(answer) as server:
        with anyio.fail_after(5), pytest.raises(Exception) as caught:
            async with sse_client(server.url):
                pass
    leaf = tools.leaf(caught.value)
    assert isinstance(leaf, kind)
    assert text in str(leaf)
    if name != "reset":
        assert leaf is not caught.value


@pytest.mark.parametrize("endpoint", ["http://elsewhere.test/messages", "https://127.0.0.1/messages", "//evil.test/m"])
async def test_endpoint_on_another_origin(tools: Any, serve: Any, endpoint: str) -> None:
    """TCL-19: refused, and nobody hangs."""
    async with serve(SseServer(tools, endpoint=endpoint)) as server:
        with anyio.fail_after(5), pytest.raises(ValueError, match="Endpoint origin does not match connection origin: "):
            async with sse_client(server.url):
                pass
    assert len(server.calls) == 1


async def test_messages_before_the_endpoint(tools: Any, serve: Any) -> None:
    """TCL-20: kept."""
    before = (tools.event(LOG), b": comment\n\n", tools.event(LOG, name="message"))
    async with serve(SseServer(tools, before=before)) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, _):
                for _ in range(2):
                    item = await read.receive()
                    assert not isinstance(item, Exception)
                    assert isinstance(item.message.root, JSONRPCNotification)


async def test_events_of_all_kinds(tools: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TCL-21"""
    handler = SseServer(tools)
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, write):
                for data in (
                    b"data:\n\n: comment\n\n",
                    tools.event({"a": 1}, name="other"),
                    b"event: endpoint\ndata: http://elsewhere.test/\n\n",
                    b"data: {\n\n",
                    tools.event(LOG),
                ):
                    await handler.stream.chunk(data)
                assert isinstance(await read.receive(), ProtocolError)
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCNotification)
                await write.send(tools.request(1))
                await read.receive()
    assert "Unknown SSE event: other" in caplog.text
    assert server.calls[-1].path == "/messages?session_id=abc"


async def test_one_post_at_a_time(tools: Any, serve: Any) -> None:
    """TCL-22"""
    arrived, release = anyio.Event(), anyio.Event()
    handler = SseServer(tools)

    async def slow(call: Any) -> None:
        arrived.set()
        await release.wait()
        await call.accept()

    handler.answers["tools/call"] = slow
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, write), anyio.create_task_group() as tasks:
                tasks.start_soon(write.send, tools.request(1, "tools/call"))
                await arrived.wait()
                tasks.start_soon(write.send, tools.request(2, "ping"))
                await anyio.wait_all_tasks_blocked()
                assert [call.rpc for call in handler.posts] == ["tools/call"]
                # A notice of cancellation overtakes.
                await write.send(tools.notification("notifications/cancelled", requestId=1))
                assert [call.rpc for call in handler.posts] == ["tools/call", "notifications/cancelled"]
                release.set()
                await read.receive()


@pytest.mark.parametrize("how", ["status", "network"])
async def test_a_post_that_fails(tools: Any, serve: Any, how: str) -> None:
    """TCL-23: its request fails at once (-32000), what is under way goes on, later sends raise."""
    handler = SseServer(tools)

    async def accept(call: Any) -> None:
        await call.accept()

    async def fail(call: Any) -> None:
        await (call.reply("503 Busy") if how == "status" else call.reset())

    handler.answers = {"tools/call": accept, "ping": fail}
    results: list[Any] = []
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, write), ClientSession(read, write) as session:
                await session.initialize()
                async with anyio.create_task_group() as tasks:

                    async def call_tool() -> None:
                        results.append(await session.call_tool("x"))

                    tasks.start_soon(call_tool)
                    while len(handler.posts) < 3:
                        await anyio.wait_all_tasks_blocked()
                    with pytest.raises(McpError) as caught:
                        await session.send_ping()
                    assert caught.value.error.code == -32000
                    if how == "status":
                        assert isinstance(caught.value, HTTPStatusError)
                        assert "503 Busy" in str(caught.value)
                    with pytest.raises(anyio.ClosedResourceError):
                        await session.send_ping()
                    await handler.send(handler.answer_to(handler.posts[2]))
    assert [result.content for result in results] == [[]]


async def test_a_notice_of_cancellation_that_fails_closes_nothing(tools: Any, serve: Any) -> None:
    handler = SseServer(tools)
    handler.answers = {"notifications/cancelled": lambda call: call.reply("500 Oops")}
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, write):
                await write.send(tools.notification("notifications/cancelled", requestId=1))
                await write.send(tools.request(2))
                await read.receive()


async def test_a_failed_post_and_nobody_reads(tools: Any, serve: Any) -> None:
    handler = SseServer(tools)
    handler.answers = {"ping": lambda call: call.reply("500 Oops")}
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, write):
                await read.aclose()
                await write.send(tools.request(2))
                with pytest.raises(anyio.ClosedResourceError):
                    await write.send(tools.request(3))
                await handler.send(LOG)


@pytest.mark.parametrize("how", ["end", "reset"])
async def test_the_stream_ends(tools: Any, serve: Any, how: str) -> None:
    """TCL-24: no reconnection; what waits fails with -32000; an error is delivered first."""
    handler = SseServer(tools)

    async def end(call: Any) -> None:
        await call.accept()
        await (handler.stream.end() if how == "end" else handler.stream.reset())
        await handler.stream.stream.aclose()

    handler.answers = {"ping": end}
    delivered: list[Any] = []

    async def keep(item: Any) -> None:
        delivered.append(item)

    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, write):
                async with ClientSession(read, write, message_handler=keep) as session:
                    await session.initialize()
                    with pytest.raises(ConnectionClosedError) as caught:
                        await session.send_ping()
                    assert caught.value.error.code == -32000
    assert [isinstance(item, httpx.HTTPError) for item in delivered] == ([] if how == "end" else [True])
    assert len([call for call in server.calls if call.method == "GET"]) == 1


async def test_streams_after_the_end(tools: Any, serve: Any) -> None:
    """TCL-25: everything is closed, and no DELETE is sent."""
    async with serve(SseServer(tools)) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, write):
                await write.send(tools.request(1))
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCResponse)
            with pytest.raises(anyio.ClosedResourceError):
                await write.send(tools.request(2))
            with pytest.raises(anyio.ClosedResourceError):
                await read.receive()
    assert {call.method for call in server.calls} == {"GET", "POST"}


async def test_leaving_while_posts_are_under_way(tools: Any, serve: Any) -> None:
    """TCL-25"""
    arrived = anyio.Event()
    handler = SseServer(tools)

    async def stall(call: Any) -> None:
        arrived.set()
        await call.until_gone()

    handler.answers = {"tools/call": stall}
    outcomes: list[str] = []
    async with serve(handler) as server:
        with anyio.fail_after(3):
            async with anyio.create_task_group() as tasks:
                async with sse_client(server.url) as (_, write):

                    async def send(request_id: int) -> None:
                        try:
                            await write.send(tools.request(request_id, "tools/call"))
                        except anyio.ClosedResourceError:
                            outcomes.append("closed")

                    tasks.start_soon(send, 1)
                    await arrived.wait()
                    tasks.start_soon(send, 2)
                    await anyio.wait_all_tasks_blocked()
    assert outcomes == ["closed"]


async def test_json_that_cannot_be(tools: Any, serve: Any) -> None:
    async with serve(SseServer(tools)) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, write):
                with pytest.raises(ValueError):
                    await write.send(tools.request(1, text="\ud800"))
                await write.send(tools.request(2))
                await read.receive()


async def test_error_answers(tools: Any, serve: Any) -> None:
    handler = SseServer(tools)

    async def refuse(call: Any) -> None:
        await call.accept()
        await handler.send({"jsonrpc": "2.0", "id": call.message["id"], "error": {"code": 5, "message": "no"}})

    handler.answers = {"ping": refuse}
    async with serve(handler) as server:
        with anyio.fail_after(5):
            async with sse_client(server.url) as (read, write):
                await write.send(tools.request(1))
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCError)
    assert json.loads(handler.posts[0].body)["method"] == "ping"
