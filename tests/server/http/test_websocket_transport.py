"""The WebSocket transport over ASGI."""

import json
from typing import Any

import anyio
import pytest

from mcp.server.transport_security import TransportSecuritySettings
from mcp.server.websocket import websocket_server
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage

pytestmark = pytest.mark.anyio

WARNING = "The WebSocket server transport is deprecated and will be removed in mcp 2.0."


class Socket:
    """The client's end of an ASGI WebSocket."""

    def __init__(self, **headers: str) -> None:
        self.scope: Any = {
            "type": "websocket",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        self.sent: list[Any] = []
        self._in, self._out = anyio.create_memory_object_stream[Any](100)
        self._in.send_nowait({"type": "websocket.connect"})
        self._answers, self.answers = anyio.create_memory_object_stream[Any](100)
        self.broken: Exception | None = None

    def put(self, **event: Any) -> None:
        self._in.send_nowait(event)

    def text(self, text: str) -> None:
        self.put(type="websocket.receive", text=text)

    async def receive(self) -> Any:
        return await self._out.receive()

    async def send(self, message: Any) -> None:
        if self.broken is not None:
            raise self.broken
        self.sent.append(message)
        if message["type"] == "websocket.send":
            await self._answers.send(json.loads(message["text"]))

    async def answer(self) -> Any:
        with anyio.fail_after(5):
            return await self.answers.receive()

    def close(self) -> None:
        for stream in (self._in, self._out, self._answers, self.answers):
            stream.close()


@pytest.fixture
def socket() -> Any:
    made = Socket(host="good")
    yield made
    made.close()


async def serve(server: Any, socket: Socket, **options: Any) -> None:
    with pytest.deprecated_call(match=WARNING):
        connection = websocket_server(socket.scope, socket.receive, socket.send, **options)
    async with connection as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


async def test_a_conversation(demo: Any, http: Any, socket: Socket) -> None:
    """TSV-80 TSV-81, LLS-61"""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, demo, socket)
        socket.text(json.dumps(http.initialize()))
        assert (await socket.answer())["id"] == 0
        assert socket.sent[0] == {"type": "websocket.accept", "subprotocol": "mcp", "headers": []}
        socket.text("{")
        assert (await socket.answer())["params"]["logger"] == "mcp.server.exception_handler"
        frame = json.dumps(http.call_tool("echo", text="\u2028é"), ensure_ascii=False).encode()
        socket.put(type="websocket.receive", bytes=frame)
        assert (await socket.answer())["result"]["content"][0]["text"] == "\u2028é"
        socket.put(type="websocket.disconnect", code=1000)
    # The client has closed it.
    assert socket.sent[-1]["type"] == "websocket.send"
    assert demo.living == 0


async def test_the_server_hangs_up(socket: Socket) -> None:
    """TSV-81"""
    with pytest.deprecated_call():
        connection = websocket_server(socket.scope, socket.receive, socket.send)
    async with connection as (read_stream, write_stream):
        read_stream.close()
        await write_stream.aclose()
    assert socket.sent[-1] == {"type": "websocket.close", "code": 1000, "reason": ""}


@pytest.mark.parametrize("error", [OSError(), RuntimeError("closed")])
async def test_a_client_that_is_gone(socket: Socket, error: Exception) -> None:
    """TSV-81"""
    with pytest.deprecated_call():
        connection = websocket_server(socket.scope, socket.receive, socket.send)
    async with connection as (read_stream, write_stream):
        socket.broken = error
        message = SessionMessage(JSONRPCMessage.model_validate({"jsonrpc": "2.0", "method": "x"}))
        if isinstance(error, OSError):
            for _ in range(2):
                with pytest.raises(anyio.BrokenResourceError):
                    await write_stream.send(message)
            with pytest.raises(anyio.EndOfStream):
                await read_stream.receive()


@pytest.mark.parametrize(
    "headers", [{"host": "evil"}, {}, {"host": "good", "origin": "http://evil"}, {"host": "good:1@evil"}]
)
async def test_refused_handshakes(headers: dict[str, str]) -> None:
    """TSV-82"""
    socket = Socket(**headers)
    settings = TransportSecuritySettings(allowed_hosts=["good", "good:*"], allowed_origins=["http://good"])
    with pytest.deprecated_call():
        connection = websocket_server(socket.scope, socket.receive, socket.send, settings)
    with pytest.raises(ValueError, match=r"^Request validation failed$"):
        async with connection:
            raise AssertionError
    assert [message["type"] for message in socket.sent] == ["websocket.close"]
    socket.close()


async def test_allowed_handshakes(socket: Socket) -> None:
    """TSV-82"""
    settings = TransportSecuritySettings(allowed_hosts=["good"])
    with pytest.deprecated_call():
        connection = websocket_server(socket.scope, socket.receive, socket.send, security_settings=settings)
    async with connection:
        assert socket.sent[0]["type"] == "websocket.accept"
