"""The server end of a WebSocket connection: one message in each text frame. Deprecated, and in no revision of the
specification; use Streamable HTTP.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.types import Receive, Scope, Send
from typing_extensions import deprecated

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from mcp.shared._codec import encode_message, parse_message
from mcp.shared._streams import MessageReceiveStream, MessageSendStream
from mcp.shared.exceptions import McpError
from mcp.shared.message import SessionMessage

__all__ = ["websocket_server"]

logger = logging.getLogger(__name__)

SUBPROTOCOL = "mcp"

CLOSE_SECONDS = 1.0
"""How long telling the client about the end may take."""


@deprecated(
    "The WebSocket server transport is deprecated and will be removed in mcp 2.0. Use Streamable HTTP instead.",
    category=DeprecationWarning,
)
@asynccontextmanager
async def websocket_server(
    scope: Scope, receive: Receive, send: Send, security_settings: TransportSecuritySettings | None = None
) -> AsyncGenerator[
    tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]], None
]:
    """Accept a WebSocket connection with the subprotocol `mcp`, and yield its (read, write) pair of streams.

    Args:
        scope, receive, send: of the ASGI application.
        security_settings: which Host and Origin headers to accept; None accepts all.

    Raises:
        ValueError: the security settings refuse the handshake; it has been answered with 403.
    """
    socket = _Socket(receive, send)
    if TransportSecurityMiddleware(security_settings).check_headers(scope["headers"]) is not None:
        await socket.hang_up()
        raise ValueError("Request validation failed")
    await socket.accept()
    streams = MessageReceiveStream(socket), MessageSendStream(socket)
    try:
        yield cast("Any", streams)
    finally:
        await socket.hang_up()


class _Socket:
    """An ASGI WebSocket: source and sink of its streams (see `mcp.shared._streams`)."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._over = False

    async def accept(self) -> None:
        await self._receive()
        await self._send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL, "headers": []})

    async def hang_up(self) -> None:
        if self._over:
            return
        self._over = True
        try:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await self._send({"type": "websocket.close", "code": 1000, "reason": ""})
        except (OSError, RuntimeError):
            logger.debug("The client has closed the WebSocket")

    async def receive(self) -> SessionMessage | Exception:
        if self._over:
            raise anyio.EndOfStream
        event = await self._receive()
        if event["type"] != "websocket.receive":
            self._over = True
            raise anyio.EndOfStream
        text = event.get("text")
        try:
            return SessionMessage(parse_message(event["bytes"] if text is None else text))
        except McpError as error:
            return error

    async def send(self, item: SessionMessage) -> None:
        text = encode_message(item).decode()
        if self._over:
            raise anyio.BrokenResourceError
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError as error:
            self._over = True
            raise anyio.BrokenResourceError from error

    def close(self) -> None:
        """Nothing is held; the socket is closed on leaving `websocket_server`."""

    def close_reason(self) -> str | None:
        return None
