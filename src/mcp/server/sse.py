"""The server end of the older HTTP+SSE transport, as ASGI pieces.

A client holds one GET open, whose event stream carries everything that the server sends; its own messages it posts to
the endpoint that the first event names.

```python
sse = SseServerTransport("/messages/")

async def handle_sse(request):
    async with sse.connect_sse(request.scope, request.receive, request._send) as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())
    return Response()

routes = [Route("/sse", handle_sse), Mount("/messages/", app=sse.handle_post_message)]
```

Source: specification 2024-11-05, page "Transports", section "HTTP with SSE".
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote
from uuid import UUID, uuid4

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from mcp.server._http.bodies import BodyOnce, read_body
from mcp.server._http.outgoing import EventQueue
from mcp.server._http.posted import parse_body
from mcp.server._http.principal import Principal, principal_of
from mcp.server._http.responses import event_stream_headers, send_answer, send_to_nobody
from mcp.server._http.sse_format import endpoint_event
from mcp.server._http.writers import EventStreamResponse
from mcp.server.transport_security import (
    DEFAULT_MAX_REQUEST_BODY_SIZE,
    RequestBodyLimitMiddleware,
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from mcp.shared._codec import encode_message, read_message
from mcp.shared._owner import OwnedContext
from mcp.shared._streams import MessageSendStream
from mcp.shared.exceptions import McpError, ProtocolError
from mcp.shared.message import ServerMessageMetadata, SessionMessage

__all__ = ["SseServerTransport"]

logger = logging.getLogger(__name__)


class SseServerTransport:
    """The connections of one HTTP+SSE server.

    Args:
        endpoint: path that clients post to, relative to the application's mount point; a missing leading slash is
            added.
        security_settings: which Host and Origin headers to accept; None accepts all.
        max_request_body_size: largest posted body in bytes.

    Raises:
        ValueError: the endpoint is a full URL or has a query or fragment, or the limit is not positive.
    """

    def __init__(
        self,
        endpoint: str,
        security_settings: TransportSecuritySettings | None = None,
        max_request_body_size: int = DEFAULT_MAX_REQUEST_BODY_SIZE,
    ) -> None:
        if "://" in endpoint or endpoint.startswith("//") or "?" in endpoint or "#" in endpoint:
            raise ValueError(
                f"Given endpoint: {endpoint} is not a relative path (e.g., '/messages/'), "
                "expecting a relative path (e.g., '/messages/')."
            )
        self._endpoint = endpoint if endpoint.startswith("/") else f"/{endpoint}"
        self._security = TransportSecurityMiddleware(security_settings)
        self._post_app = RequestBodyLimitMiddleware(self._handle_post, max_request_body_size)
        # Programs look sessions up here, and take them out.
        self._read_stream_writers: dict[UUID, MemoryObjectSendStream[SessionMessage | Exception]] = {}
        self._session_owners: dict[UUID, Principal | None] = {}

    @asynccontextmanager
    async def connect_sse(
        self, scope: Scope, receive: Receive, send: Send
    ) -> AsyncGenerator[
        tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]], None
    ]:
        """Answer a GET with an event stream, and yield the (read, write) pair of its session.

        The read stream ends when the client disconnects; leaving ends the event stream.

        Raises:
            ValueError: not an HTTP request, or one that the security settings refuse; the refusal has been sent.
        """
        if scope["type"] != "http":
            raise ValueError("connect_sse can only handle HTTP requests")
        refused = self._security.check_headers(scope["headers"])
        if refused is not None:
            await send_answer(send, refused.status_code, refused.text.encode())
            raise ValueError("Request validation failed")
        async with OwnedContext(partial(self._connection, scope, receive, send), "SSE connection of mcp") as streams:
            yield streams

    @asynccontextmanager
    async def _connection(self, scope: Scope, receive: Receive, send: Send) -> AsyncGenerator[Any, None]:
        session_id = uuid4()
        queue = EventQueue()
        writer, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write_stream = MessageSendStream(_Outbox(queue))
        headers = event_stream_headers(scope, b"text/event-stream; charset=utf-8", b"no-store")
        response = EventStreamResponse(queue, receive, send, headers, drain_seconds=0)
        path = quote(scope.get("root_path", "").rstrip("/") + self._endpoint)
        first = endpoint_event(f"{path}?session_id={session_id.hex}")

        async def respond() -> None:
            try:
                await response.start(first)
                await response.run()
            finally:
                self._forget(session_id)
                queue.drop()
                writer.close()

        async with anyio.create_task_group() as tasks:
            self._read_stream_writers[session_id] = writer
            self._session_owners[session_id] = principal_of(scope)
            tasks.start_soon(respond)
            try:
                yield read_stream, write_stream
            finally:
                self._forget(session_id)
                read_stream.close()
                write_stream.close()

    def _forget(self, session_id: UUID) -> None:
        self._read_stream_writers.pop(session_id, None)
        self._session_owners.pop(session_id, None)

    async def handle_post_message(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a message that a client posts, as an ASGI application. Answered with 202 before it is handled."""
        if scope["method"] != "POST":
            await send_answer(send, 405, b"", [(b"allow", b"POST")])
            return
        await self._post_app(scope, receive, send)

    async def _handle_post(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._security.check_headers(scope["headers"], is_post=True)
        if refused is not None:
            await send_answer(send, refused.status_code, refused.text.encode())
            return
        try:
            session_id = _session_id_of(scope)
        except ValueError as error:
            await send_answer(send, 400, str(error).encode())
            return
        writer = self._read_stream_writers.get(session_id)
        if writer is None or self._session_owners.get(session_id) != principal_of(scope):
            await send_answer(send, 404, b"Could not find session")
            return
        body = await read_body(receive)
        if body is None:
            await send_to_nobody(send)
            return
        item: SessionMessage | Exception
        try:
            request = Request(scope, BodyOnce(body, receive))
            item = SessionMessage(read_message(parse_body(body)), ServerMessageMetadata(request_context=request))
        except McpError as error:
            item = error
        # Handed over at once if the session waits for it, so that a quick client's next message cannot overtake it.
        try:
            writer.send_nowait(item)
            handed_over = True
        except anyio.WouldBlock:
            handed_over = False
        except _CLOSED:
            await send_answer(send, 404, b"Could not find session")
            return
        if isinstance(item, ProtocolError):
            await send_answer(send, 400, b"Could not parse message")
        else:
            await send_answer(send, 202, b"Accepted")
        if not handed_over:
            try:
                await writer.send(item)
            except _CLOSED:
                logger.debug("The session ended before it took a posted message")


_CLOSED = (anyio.BrokenResourceError, anyio.ClosedResourceError)


class _Outbox:
    """The sink behind a connection's write stream (see `mcp.shared._streams.MessageSink`)."""

    def __init__(self, queue: EventQueue) -> None:
        self._queue = queue

    async def send(self, item: SessionMessage) -> None:
        payload = encode_message(item)
        if self._queue.ended:
            raise anyio.BrokenResourceError
        self._queue.push(payload, None)
        await self._queue.room()

    def close(self) -> None:
        self._queue.end()


def _session_id_of(scope: Scope) -> UUID:
    values = parse_qs(scope["query_string"].decode("latin-1")).get("session_id")
    if not values:
        raise ValueError("session_id is required")
    try:
        return UUID(hex=values[0])
    except ValueError:
        raise ValueError("Invalid session ID") from None
