"""Many sessions that come and go, some of them badly: nothing grows, and every gauge is zero at the end."""

from __future__ import annotations

import gc
import json
import random
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from mcp import types
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared._owner import spawn_detached
from mcp.shared.memory import create_connected_server_and_client_session

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
OPENING = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "churn", "version": "0"},
}


def echo_server() -> Server[Any, Any]:
    server: Server[Any, Any] = Server("churn")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [types.Tool(name="echo", inputSchema={"type": "object"})]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        await anyio.sleep(arguments.get("seconds", 0))
        return [types.TextContent(type="text", text=str(arguments.get("text")))]

    return server


def living_objects() -> int:
    """How many objects the garbage collector knows of."""
    gc.collect()
    return len(gc.get_objects())


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_client_open_close_cycles_do_not_grow(no_leaks: Any) -> None:
    server = echo_server()

    async def cycle(number: int) -> None:
        async with create_connected_server_and_client_session(server) as session:
            result = await session.call_tool("echo", {"text": number})
            assert isinstance(result.content[0], types.TextContent) and result.content[0].text == str(number)

    async with no_leaks():
        for number in range(50):
            await cycle(number)
        before = living_objects()
        for number in range(500):
            await cycle(number)
        # Less than one object in two cycles is left.
        assert living_objects() - before < 250


async def post(manager: StreamableHTTPSessionManager, message: Any, *, session: str = "", method: str = "POST") -> Any:
    """One HTTP request to a manager: status, headers, body."""
    headers = {**HEADERS, "host": "testserver", **({"mcp-session-id": session} if session else {})}
    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    body = [] if message is None else [json.dumps(message).encode()]
    answer: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not answer and (body or message is None):
            return {"type": "http.request", "body": body.pop() if body else b"", "more_body": False}
        await anyio.sleep_forever()
        raise AssertionError

    async def send(item: Any) -> None:
        answer.append(item)

    with anyio.fail_after(20):
        await manager.handle_request(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in answer[0]["headers"]}
    return answer[0]["status"], found, b"".join(item.get("body", b"") for item in answer[1:])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_five_thousand_http_sessions(no_leaks: Any) -> None:
    """Each is opened, used and ended; one in three is left in the middle of a call."""
    chance = random.Random(5000)
    manager = StreamableHTTPSessionManager(echo_server())

    async def session(number: int) -> None:
        opening = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": OPENING}
        status, headers, _ = await post(manager, opening)
        assert status == 200
        name = headers["mcp-session-id"]
        arguments = {"text": f"mine {number}", "seconds": 0}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": arguments}}
        if chance.random() < 1 / 3:
            arguments["seconds"] = 60
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(lambda: post(manager, call, session=name))
                    for _ in range(chance.randrange(20)):
                        await anyio.lowlevel.checkpoint()
                    scope.cancel()
        else:
            _, _, body = await post(manager, call, session=name)
            # Nobody reads another's messages.
            assert f'"mine {number}"'.encode() in body
        status, _, _ = await post(manager, None, session=name, method="DELETE")
        assert status == 200

    async with no_leaks():
        async with manager.run():
            before = 0
            for start in range(0, 5000, 50):
                if start == 1000:
                    before = living_objects()
                async with anyio.create_task_group() as tasks:
                    for number in range(start, start + 50):
                        tasks.start_soon(session, number)
            with anyio.fail_after(10):
                while any(manager.statistics()):
                    await anyio.sleep(0.01)
            # Less than one object in two sessions is left.
            assert living_objects() - before < 2000
        assert not any(manager.statistics())


async def test_http_clients_cancelled_at_random_points(no_leaks: Any) -> None:
    """Whole clients through ASGI, with calls that are cancelled; the server keeps nothing of them."""
    chance = random.Random(7)
    manager = StreamableHTTPSessionManager(echo_server())
    answered: list[int] = []

    async def call(session: ClientSession, number: int) -> None:
        with anyio.move_on_after(10 if number % 2 else chance.random() * 0.1):
            result = await session.call_tool("echo", {"text": number, "seconds": chance.random() * 0.05})
            assert isinstance(result.content[0], types.TextContent) and result.content[0].text == str(number)
            answered.append(number)

    async with no_leaks():
        async with manager.run():
            for round_ in range(5):
                client = httpx.AsyncClient(transport=StreamingTransport(manager.handle_request))
                async with (
                    client,
                    streamable_http_client("http://testserver/mcp", http_client=client) as (read, write, _),
                    ClientSession(read, write) as session,
                ):
                    with anyio.fail_after(20):
                        await session.initialize()
                        async with anyio.create_task_group() as tasks:
                            for number in range(20):
                                tasks.start_soon(call, session, 100 * round_ + number)
                        assert (await session.call_tool("echo", {"text": "end"})).content
                    assert not session.statistics().waiting
            with anyio.fail_after(10):
                while any(manager.statistics()):
                    await anyio.sleep(0.01)
    assert answered


class StreamingTransport(httpx.AsyncBaseTransport):
    """Calls an ASGI application for each request; closing the response is a disconnect."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = [await request.aread()]
        writer, reader = anyio.create_memory_object_stream[bytes](1000)
        started, gone = anyio.Event(), anyio.Event()
        head: dict[str, Any] = {}

        async def receive() -> dict[str, Any]:
            if body:
                return {"type": "http.request", "body": body.pop(), "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
                started.set()
            elif not gone.is_set():
                try:
                    await writer.send(message.get("body", b""))
                except anyio.BrokenResourceError:
                    raise OSError("the client has gone") from None
                if not message.get("more_body"):
                    writer.close()

        scope = {
            "type": "http",
            "method": request.method,
            "path": request.url.path,
            "query_string": b"",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
        }

        async def run() -> None:
            with writer:
                await self._app(scope, receive, send)

        spawn_detached(run, "one request")
        try:
            await started.wait()
        except BaseException:
            gone.set()
            reader.close()
            raise
        return httpx.Response(head["status"], headers=head["headers"], stream=_Body(reader, gone), request=request)


class _Body(httpx.AsyncByteStream):
    def __init__(self, reader: Any, gone: anyio.Event) -> None:
        self._reader = reader
        self._gone = gone

    async def __aiter__(self) -> Any:
        async for chunk in self._reader:
            yield chunk

    async def aclose(self) -> None:
        self._gone.set()
        self._reader.close()
