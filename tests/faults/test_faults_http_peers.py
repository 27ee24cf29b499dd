"""HTTP clients against servers that speak raw bytes and misbehave: each request ends in time, in one way."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.abc
import pytest

from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared import limits
from mcp.shared.exceptions import McpError, RequestTimeoutError

pytestmark = pytest.mark.anyio

EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, ConnectionError)


def json_response(value: Any, *headers: str) -> bytes:
    body = json.dumps(value).encode()
    head = ["HTTP/1.1 200 OK", "content-type: application/json", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def event(value: Any, **fields: str) -> bytes:
    lines = [f"{name}: {content}" for name, content in fields.items()]
    return "\n".join([*lines, f"data: {json.dumps(value)}", "", ""]).encode()


def result(request: dict[str, Any], text: str = "fine") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "result": {"content": [{"type": "text", "text": text}]}}


NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}


class Server:
    """Answers as it should, up to a call of the tool `fault`.

    Args:
        behaviour: what it does then.
    """

    def __init__(self, behaviour: str) -> None:
        self.behaviour = behaviour
        self.faults = 0

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            try:
                while True:
                    head, body = await self.read(stream)
                    await self.answer(stream, head, json.loads(body) if body else {})
            except GONE:
                return

    async def read(self, stream: anyio.abc.SocketStream) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await stream.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while lengths and len(body) < int(lengths[0].partition(b":")[2]):
            body += await stream.receive()
        return head, body

    async def answer(self, stream: anyio.abc.SocketStream, head: bytes, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "initialize":
            opened = {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "peer", "version": "0"},
            }
            reply = {"jsonrpc": "2.0", "id": message["id"], "result": opened}
            await stream.send(json_response(reply, "mcp-session-id: s"))
        elif method == "tools/list":
            await stream.send(json_response({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": []}}))
        elif method == "tools/call" and message["params"]["name"] == "fault":
            self.faults += 1
            await self.misbehave(stream, message)
        elif method == "tools/call":
            await stream.send(json_response(result(message)))
        elif head.startswith(b"GET"):
            await stream.send(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n")
        else:
            await stream.send(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")

    async def misbehave(self, stream: anyio.abc.SocketStream, request: dict[str, Any]) -> None:
        name = self.behaviour
        whole = json_response(result(request))
        if name == "silent":
            await anyio.sleep_forever()
        elif name == "closes":
            await stream.aclose()
        elif name == "resets":
            reset(stream)
            await stream.aclose()
        elif name == "half a head":
            await stream.send(b"HTTP/1.1 200 O")
            await anyio.sleep_forever()
        elif name == "half a head, closes":
            await stream.send(b"HTTP/1.1 200 O")
            await stream.aclose()
        elif name == "half a body":
            await stream.send(whole[:-5])
            await anyio.sleep_forever()
        elif name == "half a body, closes":
            await stream.send(whole[:-5])
            await stream.aclose()
        elif name == "half an event":
            await stream.send(EVENTS + event(result(request))[:-9])
            await anyio.sleep_forever()
        elif name == "half an event, resets":
            await stream.send(EVENTS + event(result(request))[:-9])
            reset(stream)
            await stream.aclose()
        elif name == "empty stream":
            await stream.send(EVENTS)
            await stream.aclose()
        elif name == "open stream":
            await stream.send(EVENTS)
            await anyio.sleep_forever()
        elif name == "half-open":
            await stream.send(EVENTS)
            await stream.send_eof()
            await anyio.sleep_forever()
        elif name == "rubbish":
            await stream.send(bytes(range(256)) * 10)
            await stream.aclose()
        elif name == "rubbish body":
            await stream.send(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\n{]\xff\x00"
            )
        elif name == "rubbish events":
            await stream.send(EVENTS + b"\x00\xff\xfe\r\r\ndata: {]\n\ndata\n\nid: 7\n" + b"data: [[[\n\n")
            await stream.aclose()
        elif name == "wrong chunks":
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
            await stream.send(head + b"zz\r\n")
            await stream.aclose()
        elif name == "wrong encoding":
            await stream.send(json_response(result(request), "content-encoding: gzip"))
        elif name == "wrong id":
            await stream.send(json_response(result({"id": 12345})))
        elif name == "wrong id in a stream":
            await stream.send(EVENTS + event(result({"id": 12345})))
            await stream.aclose()
        elif name == "202":
            await stream.send(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
        elif name == "html":
            await stream.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi")
        elif name == "500":
            await stream.send(b"HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops")
        elif name == "500, endless":
            await stream.send(b"HTTP/1.1 500 Oops\r\n\r\n")
            while True:
                await stream.send(b"x" * 65536)
        elif name == "floods for ever":
            await stream.send(EVENTS)
            while True:
                await stream.send(event(NOTE) * 100)
        elif name == "one event for ever":
            await stream.send(EVENTS + b"data: ")
            while True:
                await stream.send(b"x" * 65536)
        elif name == "floods, answers":
            await stream.send(EVENTS + event(NOTE) * 1000 + event(result(request)))
            await stream.aclose()
        elif name == "twice":
            await stream.send(EVENTS + event(result(request)) * 2)
            await stream.aclose()
        elif name == "drips":
            for byte in EVENTS + event(result(request, "é")):
                await stream.send(bytes([byte]))
        elif name == "drips comments for ever":
            await stream.send(EVENTS)
            while True:
                await stream.send(b": still there\n\n")
                await anyio.sleep(0.02)
        else:
            raise AssertionError(name)


def reset(stream: anyio.abc.SocketStream) -> None:
    """Have the socket send a reset when it is closed."""
    raw: socket.socket = stream.extra(anyio.abc.SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@asynccontextmanager
async def listening(server: Server) -> AsyncGenerator[str, None]:
    """Yield the URL of a server."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, server.serve)
            yield f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}/mcp"
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def connected(behaviour: str) -> AsyncGenerator[tuple[ClientSession, Server], None]:
    server = Server(behaviour)
    async with (
        listening(server) as url,
        streamable_http_client(url) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        with anyio.fail_after(20):
            await session.initialize()
        yield session, server


SILENT = [
    "silent",
    "half a head",
    "half a body",
    "half an event",
    "open stream",
    "floods for ever",
    "one event for ever",
    "drips comments for ever",
]
LOST = [
    "closes",
    "resets",
    "half a head, closes",
    "half a body, closes",
    "half an event, resets",
    "empty stream",
    "half-open",
    "rubbish",
    "rubbish body",
    "rubbish events",
    "wrong chunks",
    "wrong encoding",
    "wrong id",
    "wrong id in a stream",
    "202",
    "html",
    "500",
    "500, endless",
]


# SES-13
@pytest.mark.parametrize("behaviour", SILENT)
async def test_no_answer_is_a_timeout(
    behaviour: str, ends: Any, no_leaks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A quick machine gets to the limit sooner than to the timeout.
    monkeypatch.setattr(limits, "MAX_EVENT_SIZE", 1 << 40)
    async with no_leaks():
        async with connected(behaviour) as (session, _):
            ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout))
            assert isinstance(ending.error, RequestTimeoutError)
            again = await ends(lambda timeout: session.call_tool("good", read_timeout_seconds=timeout), 10)
            assert again.answer.content[0].text == "fine"
            assert not any(session.statistics())


# TCL-35: that request fails, at once, and the session lives on.
# After an undecodable body httpx leaves generators behind, which trio warns about.
@pytest.mark.filterwarnings("ignore:Async generator .(httpx|httpcore|starlette|anyio):ResourceWarning")
@pytest.mark.parametrize("behaviour", LOST)
async def test_an_answer_that_cannot_come_fails_its_request_at_once(behaviour: str, ends: Any, no_leaks: Any) -> None:
    async with no_leaks():
        async with connected(behaviour) as (session, server):
            ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout), 20)
            assert isinstance(ending.error, McpError) and not isinstance(ending.error, RequestTimeoutError)
            # One resumption is tried where an event had an id; the delay before it is a second.
            assert ending.seconds < 8
            assert server.faults == 1
            again = await ends(lambda timeout: session.call_tool("good", read_timeout_seconds=timeout), 10)
            assert again.answer.content[0].text == "fine"
            assert not any(session.statistics())


@pytest.mark.parametrize("behaviour", ["floods, answers", "twice", "drips"])
async def test_the_answer_is_found_among_the_noise(behaviour: str, ends: Any, no_leaks: Any) -> None:
    async with no_leaks():
        async with connected(behaviour) as (session, _):
            ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout), 15)
            assert ending.answer.content[0].text in ("fine", "é")
            assert not any(session.statistics())


async def test_an_event_beyond_the_limit(ends: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_EVENT_SIZE", 1_000_000)
    async with connected("one event for ever") as (session, _):
        ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout), 15)
        assert isinstance(ending.error, McpError) and "more than 1000000 bytes" in str(ending.error)
        again = await ends(lambda timeout: session.call_tool("good", read_timeout_seconds=timeout), 10)
        assert again.answer.content[0].text == "fine"


class SseServer(Server):
    """The same over the older transport: what it answers goes into the event stream."""

    events: anyio.abc.SocketStream

    async def answer(self, stream: anyio.abc.SocketStream, head: bytes, message: dict[str, Any]) -> None:
        if head.startswith(b"GET"):
            self.events = stream
            await stream.send(EVENTS + b"event: endpoint\ndata: /post\n\n")
            await anyio.sleep_forever()
        await stream.send(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
        method = message.get("method")
        if method == "tools/call" and message["params"]["name"] == "fault":
            await self.misbehave(self.events, message)
        elif method in ("initialize", "tools/call", "tools/list"):
            value: dict[str, Any] = {"content": [], "tools": []}
            if method == "initialize":
                value = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "", "version": ""}}
            await self.events.send(event({"jsonrpc": "2.0", "id": message["id"], "result": value}))

    async def misbehave(self, stream: anyio.abc.SocketStream, request: dict[str, Any]) -> None:
        if self.behaviour == "reset":
            reset(stream)
            await stream.aclose()
        elif self.behaviour == "rubbish":
            await stream.send(b"data: {]\n\ndata: []\n\n\xff\xfe\n\n")
        elif self.behaviour == "wrong id":
            await stream.send(event(result({"id": 999})))


@pytest.mark.parametrize("behaviour", ["reset", "rubbish", "wrong id", "silent"])
async def test_the_older_transport(behaviour: str, ends: Any, no_leaks: Any) -> None:
    server = SseServer(behaviour)
    async with no_leaks(), listening(server) as url:
        async with sse_client(url) as streams, ClientSession(*streams) as session:
            with anyio.fail_after(10):
                await session.initialize()
            ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout), 1)
            assert isinstance(ending.error, McpError)
            assert isinstance(ending.error, RequestTimeoutError) == (behaviour != "reset")
