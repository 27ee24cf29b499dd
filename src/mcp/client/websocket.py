"""Client transport over WebSocket; deprecated, needs the `ws` extra. One text frame is one message."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from typing_extensions import deprecated
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from mcp.shared._codec import encode_message, parse_message
from mcp.shared._owner import OwnedContext
from mcp.shared._streams import MessageReceiveStream, MessageSendStream
from mcp.shared.exceptions import McpError
from mcp.shared.message import SessionMessage

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT = 2.0
"""Seconds that the closing handshake may take."""

_NORMAL_CLOSURE = 1000
_NOT_ASCII = re.compile("[^\x00-\x7f]")


@asynccontextmanager
@deprecated(
    "The WebSocket client transport is deprecated and will be removed in mcp 2.0. Use streamable HTTP instead.",
    stacklevel=3,
)
async def websocket_client(
    url: str,
) -> AsyncGenerator[
    tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]],
    None,
]:
    """Talk to a server over WebSocket (subprotocol `mcp`). Works on asyncio only.

    Args:
        url: the endpoint, `ws://` or `wss://`.

    Raises:
        OSError: the server cannot be reached.
        websockets.exceptions.WebSocketException: the handshake failed.
    """
    async with OwnedContext(lambda: _connect(url), "WebSocket client transport of mcp") as streams:
        yield streams


@asynccontextmanager
async def _connect(url: str) -> AsyncGenerator[Any, None]:
    async with connect(
        url, subprotocols=[Subprotocol("mcp")], max_size=None, close_timeout=CLOSE_TIMEOUT
    ) as connection:
        yield MessageReceiveStream(_Frames(connection)), MessageSendStream(_FrameSink(connection))


class _Frames:
    """Messages out of frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> SessionMessage | Exception:
        """The message of the next frame, or the exception of one that holds none."""
        try:
            frame = await self._connection.recv()
        except ConnectionClosed:
            raise anyio.EndOfStream from None
        try:
            return SessionMessage(parse_message(frame))
        except McpError as error:
            logger.error("Could not read a frame: %s", error)
            return error

    def close(self) -> None:
        """Nothing to release: the connection is closed by its context manager."""

    def close_reason(self) -> str | None:
        """What the closing frame said."""
        code = self._connection.close_code
        if code is None or code == _NORMAL_CLOSURE:
            return None
        return f"WebSocket closed with code {code} {self._connection.close_reason or ''}".strip()


class _FrameSink:
    """Messages into frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, item: SessionMessage) -> None:
        """Send one message as a text frame."""
        text = _NOT_ASCII.sub(_escape, encode_message(item).decode())
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            raise anyio.BrokenResourceError from None

    def close(self) -> None:
        """Nothing to release."""


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"
