"""A server that does on the wire exactly what a test tells it, and in-process answers for `httpx.MockTransport`."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest

from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage, JSONRPCNotification, JSONRPCRequest

INITIALIZE_RESULT = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "scripted", "version": "1"},
}


def result(request_id: Any, value: Any = None) -> dict[str, Any]:
    """A JSON-RPC response."""
    return {"jsonrpc": "2.0", "id": request_id, "result": {} if value is None else value}


def event(message: Any = None, *, id: str | None = None, retry: int | None = None, name: str | None = None) -> bytes:
    """A server-sent event with a message, or an empty one."""
    lines = [f"event: {name}"] if name else []
    lines += [f"id: {id}"] if id is not None else []
    lines += [f"retry: {retry}"] if retry is not None else []
    lines.append(f"data: {json.dumps(message)}" if message is not None else "data:")
    return "\n".join([*lines, "", ""]).encode()


@dataclass
class Call:
    """An HTTP request that a raw server received, and the connection to answer it on."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    stream: anyio.abc.SocketStream

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body else {}

    @property
    def rpc(self) -> str:
        """What it is about: the JSON-RPC method, `response`, or the HTTP method of a request without a body."""
        return self.message.get("method", "response") if self.body else self.method

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)

    async def head(self, status: str, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def reply(self, status: str = "200 OK", body: bytes = b"", **headers: str) -> None:
        await self.head(status, content_length=str(len(body)), **headers)
        if body:
            await self.send(body)

    async def reply_json(self, value: Any, **headers: str) -> None:
        await self.reply("200 OK", json.dumps(value).encode(), content_type="application/json", **headers)

    async def accept(self) -> None:
        await self.reply("202 Accepted")

    async def events(self, *events: bytes, end: bool = True, **headers: str) -> None:
        """Begin a stream of events; with `end`, end it too."""
        await self.head("200 OK", content_type="text/event-stream", transfer_encoding="chunked", **headers)
        for data in events:
            await self.chunk(data)
        if end:
            await self.end()

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def reset(self) -> None:
        """Drop the connection the hard way (RST)."""
        raw = self.stream.extra(anyio.abc.SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self.stream.aclose()

    async def until_gone(self) -> None:
        """Wait until the client has closed the connection."""
        try:
            while True:
                await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return


Handler = Callable[[Call], Awaitable[None]]


class RawServer:
    """Calls a handler for each HTTP request, and remembers the requests."""

    def __init__(self, handler: Handler, url: str) -> None:
        self.handler = handler
        self.url = url
        self.calls: list[Call] = []
        self.connections = 0

    def seen(self, rpc: str) -> list[Call]:
        return [call for call in self.calls if call.rpc == rpc]

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        self.connections += 1
        try:
            async with stream:
                buffer = b""
                while True:
                    while b"\r\n\r\n" not in buffer:
                        buffer += await stream.receive()
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    first, *lines = head.decode().split("\r\n")
                    method, path, _ = first.split(" ")
                    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                    length = int(headers.get("content-length", "0"))
                    while len(buffer) < length:
                        buffer += await stream.receive()
                    body, buffer = buffer[:length], buffer[length:]
                    call = Call(method, path, headers, body, stream)
                    self.calls.append(call)
                    await self.handler(call)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return


@dataclass
class Scripted:
    """Answers the handshake and notifications, and everything else as told: a handler by JSON-RPC or HTTP method."""

    answers: dict[str, Handler] = field(default_factory=dict)
    session_id: str | None = "session-1"

    async def __call__(self, call: Call) -> None:
        if (answer := self.answers.get(call.rpc)) is not None:
            await answer(call)
        elif call.rpc == "initialize":
            headers = {"mcp_session_id": self.session_id} if self.session_id else {}
            await call.reply_json(result(call.message["id"], INITIALIZE_RESULT), **headers)
        elif call.rpc == "GET":
            await call.reply("405 Method Not Allowed")
        elif call.rpc == "DELETE":
            await call.reply("200 OK")
        elif "id" in call.message and "method" in call.message:
            await call.reply_json(result(call.message["id"], {"content": [], "tools": []}))
        else:
            await call.accept()


class Toolbox:
    """What the tests of this folder share."""

    Call = Call
    Scripted = Scripted
    RawServer = RawServer
    INITIALIZE_RESULT = INITIALIZE_RESULT
    result = staticmethod(result)
    event = staticmethod(event)

    @staticmethod
    @asynccontextmanager
    async def serve(handler: Handler | None = None, **answers: Handler) -> AsyncGenerator[RawServer, None]:
        """Run a raw server on a port of its own; `answers` are those of `Scripted`, `_` for `/`."""
        handler = handler or Scripted({name.replace("_", "/"): answer for name, answer in answers.items()})
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        server = RawServer(handler, f"http://127.0.0.1:{port}/mcp")
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, server.serve)
            yield server
            tasks.cancel_scope.cancel()

    @staticmethod
    @asynccontextmanager
    async def session(url: str, *, initialize: bool = True, **options: Any) -> AsyncGenerator[ClientSession, None]:
        """A session over streamable HTTP; options are those of `ClientSession`, and `http_client`."""
        http_client = options.pop("http_client", None)
        async with streamable_http_client(url, http_client=http_client) as (read, write, _):
            async with ClientSession(read, write, **options) as session:
                if initialize:
                    await session.initialize()
                yield session

    @staticmethod
    def unused_url() -> str:
        """A URL where nobody listens."""
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"

    @staticmethod
    def request(request_id: str | int, method: str = "ping", metadata: Any = None, **params: Any) -> SessionMessage:
        """A request for a write stream."""
        root = JSONRPCRequest(jsonrpc="2.0", id=request_id, method=method, params=params or None)
        return SessionMessage(JSONRPCMessage(root), metadata)

    @staticmethod
    def notification(method: str, **params: Any) -> SessionMessage:
        """A notification for a write stream."""
        return SessionMessage(JSONRPCMessage(JSONRPCNotification(jsonrpc="2.0", method=method, params=params or None)))

    @staticmethod
    def chunks(*parts: bytes) -> httpx.AsyncByteStream:
        """A body that comes in these chunks."""

        class Parts(httpx.AsyncByteStream):
            async def __aiter__(self) -> AsyncIterator[bytes]:
                for part in parts:
                    yield part

        return Parts()

    @staticmethod
    def leaf(error: BaseException) -> BaseException:
        """The one exception inside nested groups."""
        while (inner := getattr(error, "exceptions", None)) is not None:
            assert len(inner) == 1
            error = inner[0]
        return error


@pytest.fixture
def tools() -> type[Toolbox]:
    return Toolbox


Serve = Callable[..., AbstractAsyncContextManager[RawServer]]


@pytest.fixture
def serve() -> Serve:
    return Toolbox.serve
