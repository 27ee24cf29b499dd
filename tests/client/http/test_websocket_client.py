"""The WebSocket client."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from mcp.client.session import ClientSession
from mcp.client.websocket import websocket_client
from mcp.shared.exceptions import ConnectionClosedError, ProtocolError
from mcp.types import JSONRPCResponse

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:The WebSocket client transport is deprecated:DeprecationWarning"),
]


@pytest.fixture
def anyio_backend() -> str:
    """The library knows no other event loop."""
    return "asyncio"


@asynccontextmanager
async def running(handler: Any, **options: Any) -> AsyncGenerator[str, None]:
    async with serve(handler, "127.0.0.1", 0, max_size=None, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


def answering(tools: Any, frames: list[str], answers: dict[str, Any] | None = None) -> Any:
    async def handler(connection: ServerConnection) -> None:
        async for frame in connection:
            assert isinstance(frame, str)
            frames.append(frame)
            message = json.loads(frame)
            answer = (answers or {}).get(message.get("method"))
            if answer is not None:
                await answer(connection, message)
            elif "id" in message:
                value = tools.INITIALIZE_RESULT if message["method"] == "initialize" else {"content": [], "tools": []}
                await connection.send(json.dumps(tools.result(message["id"], value)))

    return handler


async def test_a_session(tools: Any) -> None:
    """TCL-60: subprotocol `mcp`, one message a text frame, ASCII only."""
    frames: list[str] = []
    subprotocols: list[str | None] = []
    answer = answering(tools, frames)

    async def handler(connection: ServerConnection) -> None:
        subprotocols.append(connection.subprotocol)
        await answer(connection)

    async with running(handler, subprotocols=["mcp"]) as url:
        with anyio.fail_after(5):
            async with websocket_client(url) as (read, write), ClientSession(read, write) as session:
                await session.initialize()
                await session.call_tool("x", {"text": "é\u2028漢😀\x7f"})
    assert subprotocols == ["mcp"]
    assert all(frame.isascii() for frame in frames)
    assert json.loads(frames[2])["params"]["arguments"] == {"text": "é\u2028漢😀\x7f"}
    assert "\\ud83d\\ude00" in frames[2]


def test_deprecation() -> None:
    """TCL-60: warns when called."""
    with pytest.warns(DeprecationWarning, match=r"^The WebSocket client transport is deprecated and will be"):
        websocket_client("ws://127.0.0.1:1/ws")


async def test_bad_frames_are_delivered_as_exceptions(tools: Any) -> None:
    """TCL-60"""

    async def ping(connection: ServerConnection, message: Any) -> None:
        await connection.send("{")
        await connection.send(b'{"jsonrpc":"2.0","id":1,"result":{}}')

    async with running(answering(tools, [], {"ping": ping})) as url:
        with anyio.fail_after(5):
            async with websocket_client(url) as (read, write):
                await write.send(tools.request(1))
                assert isinstance(await read.receive(), ProtocolError)
                item = await read.receive()
                assert not isinstance(item, Exception)
                assert isinstance(item.message.root, JSONRPCResponse)


async def test_large_messages(tools: Any) -> None:
    """No limit below 64 MiB; the library's own would be 1 MiB."""

    async def call_tool(connection: ServerConnection, message: Any) -> None:
        content = [{"type": "text", "text": message["params"]["arguments"]["text"]}]
        await connection.send(json.dumps(tools.result(message["id"], {"content": content})))

    text = "x" * 5_000_000
    async with running(answering(tools, [], {"tools/call": call_tool})) as url:
        with anyio.fail_after(20):
            async with websocket_client(url) as (read, write), ClientSession(read, write) as session:
                await session.initialize()
                result = await session.call_tool("x", {"text": text})
    assert result.content[0].text == text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("code", "reason", "text"),
    [
        (1000, "", "Connection closed"),
        (1011, "oops", "Connection closed: WebSocket closed with code 1011 oops"),
        (1001, "", "Connection closed: WebSocket closed with code 1001"),
    ],
)
async def test_the_server_closes(tools: Any, code: int, reason: str, text: str) -> None:
    """What waits fails at once, and says why; later sends raise."""

    async def ping(connection: ServerConnection, message: Any) -> None:
        await connection.close(code, reason)

    async with running(answering(tools, [], {"ping": ping})) as url:
        with anyio.fail_after(5):
            async with websocket_client(url) as (read, write):
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    with pytest.raises(ConnectionClosedError) as caught:
                        await session.send_ping()
                    assert str(caught.value) == text
                    with pytest.raises(anyio.ClosedResourceError):
                        await session.send_ping()


async def test_sending_into_a_closed_connection(tools: Any) -> None:
    async def ping(connection: ServerConnection, message: Any) -> None:
        await connection.close()

    async with running(answering(tools, [], {"ping": ping})) as url:
        with anyio.fail_after(5):
            async with websocket_client(url) as (read, write):
                await write.send(tools.request(1))
                with pytest.raises(anyio.EndOfStream):
                    await read.receive()
                with pytest.raises(anyio.BrokenResourceError):
                    await write.send(tools.request(2))
                with pytest.raises(ValueError):
                    await write.send(tools.request(2, text="\ud800"))


async def test_a_cancelled_receive_loses_nothing(tools: Any) -> None:
    async with running(answering(tools, [])) as url:
        with anyio.fail_after(5):
            async with websocket_client(url) as (read, write):
                with anyio.move_on_after(0.05):
                    await read.receive()
                await write.send(tools.request(1))
                assert not isinstance(await read.receive(), Exception)


async def test_connection_errors_are_raised_directly(tools: Any) -> None:
    """TCL-60"""
    with anyio.fail_after(5), pytest.raises(OSError):
        async with websocket_client(tools.unused_url().replace("http", "ws")):
            pass

    def refuse(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(401, "no")

    async with running(answering(tools, []), process_request=refuse) as url:
        with anyio.fail_after(5), pytest.raises(InvalidStatus):
            async with websocket_client(url):
                pass


async def test_the_end(tools: Any) -> None:
    """TCL-60: the socket is closed, and so are the streams."""
    closed = anyio.Event()
    answer = answering(tools, [])

    async def handler(connection: ServerConnection) -> None:
        await answer(connection)
        closed.set()

    async with running(handler) as url:
        with anyio.fail_after(5):
            async with websocket_client(url) as (read, write):
                await write.send(tools.request(1))
                await read.receive()
                read.close()
                write.close()
                with pytest.raises(anyio.ClosedResourceError):
                    await read.receive()
                with pytest.raises(anyio.ClosedResourceError):
                    await write.send(tools.request(2))
            await closed.wait()
