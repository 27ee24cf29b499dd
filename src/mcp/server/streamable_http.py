"""The server end of one Streamable HTTP session.

`StreamableHTTPServerTransport` takes the HTTP requests of a session and yields the pair of streams that a server
session runs on. `mcp.server.streamable_http_manager` makes one for each session behind an endpoint. What a request must
look like, which stream a message takes and what a replay may show is decided by plain functions in `mcp.server._http`.

Source: specification 2025-11-25, page "Transports", section "Streamable HTTP".
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple, TypeAlias, cast
from uuid import uuid4

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from mcp.server._http import checks, posted
from mcp.server._http.bodies import BodyOnce, read_body
from mcp.server._http.checks import (
    CONTENT_TYPE_JSON,
    CONTENT_TYPE_SSE,
    LAST_EVENT_ID_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    MCP_SESSION_ID_HEADER,
    Refusal,
    RequestHead,
)
from mcp.server._http.event_store import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp.server._http.inbox import Conclusion, Inbox
from mcp.server._http.outgoing import GET_STREAM_KEY, REQUEST_STREAM_BUFFER_SIZE, EventQueue, OutgoingStream
from mcp.server._http.posted import Posted
from mcp.server._http.responses import (
    Header,
    event_stream_headers,
    send_answer,
    send_json,
    send_refusal,
    send_to_nobody,
)
from mcp.server._http.session_streams import Reading, SessionStreams
from mcp.server._http.writers import DRAIN_SECONDS, EventStreamResponse, wait_for_answers
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from mcp.shared._batches import BATCH_REVISION
from mcp.shared._streams import MessageReceiveStream, MessageSendStream
from mcp.shared.exceptions import McpError
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.types import JSONRPCMessage, JSONRPCRequest, RequestId

__all__ = [
    "CONTENT_TYPE_JSON",
    "CONTENT_TYPE_SSE",
    "GET_STREAM_KEY",
    "LAST_EVENT_ID_HEADER",
    "MCP_PROTOCOL_VERSION_HEADER",
    "MCP_SESSION_ID_HEADER",
    "REQUEST_STREAM_BUFFER_SIZE",
    "SESSION_ID_PATTERN",
    "EventCallback",
    "EventId",
    "EventMessage",
    "EventStore",
    "SSEEvent",
    "StreamId",
    "StreamableHTTPServerTransport",
    "TransportStatistics",
]

logger = logging.getLogger(__name__)

SESSION_ID_PATTERN = re.compile(r"^[\x21-\x7E]+$")

SSEEvent: TypeAlias = dict[str, Any]

_UNPROTECTED = TransportSecurityMiddleware()

TEARDOWN_SECONDS = 5.0
"""How long the server of a session may take to finish when the session has ended, before it is cancelled."""

BACKLOG_SECONDS = 60.0
"""How long a POST that brought no request stays open after its answer while the session is behind."""


class TransportStatistics(NamedTuple):
    """What a transport is busy with.

    Attributes:
        requests: HTTP requests being served, open GET streams included.
        streams: responses that carry a stream at present.
        unanswered: JSON-RPC requests of the client that have no response yet, whether or not somebody waits for it.
    """

    requests: int
    streams: int
    unanswered: int


class StreamableHTTPServerTransport:
    """The server end of one Streamable HTTP session.

    Run a server on the streams of `connect()`, and pass the session's HTTP requests to `handle_request`.

    Args:
        mcp_session_id: id of the session, visible ASCII; None for a transport without one, which takes any request.
        is_json_response_enabled: answer with JSON bodies in place of event streams.
        event_store: keeps events, so that clients can resume streams.
        security_settings: which Host and Origin headers to accept; None accepts all.
        retry_interval: milliseconds after which a client whose stream was closed should come back.
        idle_timeout: seconds without a request until `idle_scope` is cancelled; None: never.

    Attributes:
        drain_seconds: how long answers to running requests may still take when the ASGI server wants to stop.

    Raises:
        ValueError: a session id with other characters, or an idle timeout that is no positive, finite number.
    """

    drain_seconds: float = DRAIN_SECONDS

    def __init__(
        self,
        mcp_session_id: str | None,
        is_json_response_enabled: bool = False,
        event_store: EventStore | None = None,
        security_settings: TransportSecuritySettings | None = None,
        retry_interval: int | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        if mcp_session_id is not None and not SESSION_ID_PATTERN.fullmatch(mcp_session_id):
            raise ValueError("Session ID must only contain visible ASCII characters (0x21-0x7E)")
        if idle_timeout is not None and not 0 < idle_timeout < math.inf:
            raise ValueError("idle_timeout must be a positive, finite number of seconds")
        self.mcp_session_id = mcp_session_id
        self.is_json_response_enabled = is_json_response_enabled
        self._security = _UNPROTECTED if security_settings is None else TransportSecurityMiddleware(security_settings)
        self._idle_timeout = idle_timeout
        self._idle_scope: anyio.CancelScope | None = None
        # By the clock of the process, which costs less to read than that of the event loop. None before `connect()`.
        self._used_at: float | None = None
        self._headers: tuple[Header, ...] = ()
        if mcp_session_id is not None:
            self._headers = ((b"mcp-session-id", mcp_session_id.encode()),)
        # Where a session has no id of its own, its streams in the store still need names that no other has.
        self._streams = SessionStreams(
            mcp_session_id or (uuid4().hex if event_store is not None else ""),
            json_response=is_json_response_enabled,
            store=event_store,
            retry_interval=retry_interval,
        )
        self._inbox: Inbox | None = None
        self._run: Callable[[], Awaitable[None]] | None = None
        self._terminated = False
        self._requests = 0

    def remove_back_channel(self, setting: str) -> None:
        """Have requests of the server to the client fail at once: no answer can arrive here.

        Args:
            setting: what is to blame, as the program wrote it; it goes into the error.
        """
        self._streams.unanswerable_by = setting

    # How it fares

    @property
    def idle_scope(self) -> anyio.CancelScope | None:
        """A cancel scope whose deadline is the time at which the session counts as idle; infinite during requests.

        None without an idle timeout, and before `connect()`. Once it is cancelled, requests are refused.
        """
        if self._idle_scope is None and self._idle_timeout is not None and self._inbox is not None:
            self._idle_scope = anyio.CancelScope(deadline=self._idle_deadline())
        return self._idle_scope

    @property
    def idle_at(self) -> float:
        """When the session counts as idle, in the event loop's time; infinite during requests or without a timeout."""
        if self._idle:
            return -math.inf
        return self._idle_deadline() if self._idle_scope is None else self._idle_scope.deadline

    def _idle_deadline(self) -> float:
        if self._idle_timeout is None or self._used_at is None or self._requests:
            return math.inf
        return anyio.current_time() + self._idle_timeout - (time.monotonic() - self._used_at)

    @property
    def _idle(self) -> bool:
        return self._idle_scope is not None and self._idle_scope.cancel_called

    @property
    def is_terminated(self) -> bool:
        """Whether the session was terminated."""
        return self._terminated

    def statistics(self) -> TransportStatistics:
        """What the transport is busy with; all zero when nothing is left."""
        return TransportStatistics(
            requests=self._requests, streams=len(self._streams.read()), unanswered=len(self._streams.running)
        )

    @property
    def _request_streams(self) -> dict[str, OutgoingStream]:
        return self._streams.running

    @property
    def _sse_stream_writers(self) -> dict[str, EventQueue]:
        return self._streams.read()

    # The session's side

    @asynccontextmanager
    async def connect(
        self,
    ) -> AsyncGenerator[
        tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]], None
    ]:
        """Yield the (read, write) pair of streams to run a server session on. Requests are taken while inside."""
        self._inbox = self._streams.inbox = Inbox(self._streams.close)
        self._note_use()
        read_stream = MessageReceiveStream(self._inbox)
        write_stream = MessageSendStream(self._streams)
        try:
            yield cast("Any", (read_stream, write_stream))
        finally:
            self._inbox.end()
            self._streams.close()
            self._inbox.let_go()
            self._run = None

    async def terminate(self) -> None:
        """End the session: its read stream ends, its HTTP responses end, and later requests are refused with 404.

        May be called more than once.
        """
        self._terminated = True
        if self._inbox is not None:
            self._inbox.end()
        self._streams.close()

    def close_sse_stream(self, request_id: RequestId) -> None:
        """End the HTTP response that carries the answer to a request, so that the client comes back for it later.

        What is sent from now on is kept in the event store. Nothing happens if no such stream is open.
        """
        self._streams.close_stream(request_id)

    def close_standalone_sse_stream(self) -> None:
        """End the response to the session's GET request, if it is open; the client comes back."""
        self._streams.close_stream(None)

    # The HTTP side

    async def _serve_once(
        self, run: Callable[[Any, Any], Awaitable[None]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve the only HTTP request of this session, and run the session for it in the same task.

        Whoever reads the session's messages comes to their end by way of answering the request: neither waits for the
        other in a task of its own.

        Args:
            run: runs a server on a read and a write stream, logs its errors, and closes both.
            scope: of the ASGI request, as the other two.
            receive: see there.
            send: see there.
        """
        async with self.connect() as streams:
            self._run = partial(run, *streams)
            await self.handle_request(scope, receive, send)

    async def _converse(
        self,
        exchange: _Exchange,
        inbox: Inbox,
        items: list[SessionMessage | Exception],
        answer: Callable[[], Awaitable[None]],
        failed: Refusal = checks.POST_FAILED,
    ) -> None:
        """Hand messages to the session, and answer the HTTP request that brought them."""
        for item in items:
            inbox.put(item)
        if self._run is None:
            await answer()
            return
        conclusion = Conclusion(answer, TEARDOWN_SECONDS)
        inbox.conclude_with(conclusion)
        if not await conclusion.come_to(self._run):
            await self._refuse(exchange.send, self._over(failed))

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request of this session, as an ASGI application.

        Raises:
            ValueError: `connect()` has not been entered.
        """
        self._requests += 1
        self._note_use()
        try:
            await self._handle(scope, receive, send)
        finally:
            self._requests -= 1
            self._note_use()

    def _note_use(self) -> None:
        self._used_at = time.monotonic()
        if self._idle_scope is not None:
            self._idle_scope.deadline = self._idle_deadline()

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        refused = self._security.check_headers(scope["headers"], is_post=method == "POST")
        if refused is not None:
            await send_answer(send, refused.status_code, refused.text.encode())
            return
        if self._terminated or self._idle:
            await self._refuse(send, checks.TERMINATED)
            return
        exchange = _Exchange(RequestHead(scope["headers"]), scope, receive, send)
        if method == "POST":
            await self._handle_post(exchange)
        elif method == "GET":
            await self._handle_get(exchange)
        elif method == "DELETE":
            await self._handle_delete(exchange)
        else:
            await self._refuse(send, checks.METHOD_NOT_ALLOWED)

    async def _refuse(self, send: Send, refusal: Refusal) -> None:
        await send_refusal(send, refusal, self._headers)

    def _over(self, failed: Refusal) -> Refusal:
        """The answer where the session has ended: either somebody ended it, or it failed."""
        return checks.TERMINATED if self._terminated or self._idle else failed

    def _connected(self) -> Inbox:
        if self._inbox is None:
            raise ValueError("No read stream writer available. Ensure connect() is called first.")
        return self._inbox

    # POST

    async def _handle_post(self, exchange: _Exchange) -> None:
        refusal = checks.check_post(exchange.head, json_response=self.is_json_response_enabled)
        if refusal is not None:
            await self._refuse(exchange.send, refusal)
            return
        body = await read_body(exchange.receive)
        if body is None:
            await send_to_nobody(exchange.send)
            return
        brought = self._read_posted(body, exchange.head)
        if isinstance(brought, Refusal):
            await self._refuse(exchange.send, brought)
            return
        inbox = self._connected()
        if inbox.ended:
            await self._refuse(exchange.send, self._over(checks.POST_FAILED))
        elif not brought.requests:
            await self._accept(self._session_messages(brought, body, exchange, None), inbox, exchange)
        elif self._streams.in_use(brought.requests):
            await self._refuse(exchange.send, checks.ID_IN_USE)
        else:
            await self._answer(brought, body, inbox, exchange)

    def _read_posted(self, body: bytes, head: RequestHead) -> Posted | Refusal:
        brought = posted.read_posted(body)
        if isinstance(brought, Refusal):
            return brought
        if brought.batch and (head.protocol_version or self._streams.negotiated_version) != BATCH_REVISION:
            return posted.UNWELCOME_BATCH
        if brought.initialize is not None:
            return brought
        return checks.check_session(head, self.mcp_session_id) or checks.check_version(head) or brought

    def _session_messages(
        self, brought: Posted, body: bytes, exchange: _Exchange, version: str | None
    ) -> list[SessionMessage | Exception]:
        request = Request(exchange.scope, BodyOnce(body, exchange.receive))
        return [
            item
            if isinstance(item, McpError)
            else self._create_session_message(item, request, getattr(item.root, "id", None), version)
            for item in brought.items
        ]

    def _create_session_message(
        self, message: JSONRPCMessage, request: Request, request_id: RequestId | None, protocol_version: str | None
    ) -> SessionMessage:
        metadata = ServerMessageMetadata(request_context=request)
        if self._streams.closable_by_handlers(protocol_version) and isinstance(message.root, JSONRPCRequest):
            metadata.close_sse_stream = partial(_call, partial(self.close_sse_stream, message.root.id))
            metadata.close_standalone_sse_stream = partial(_call, self.close_standalone_sse_stream)
        return SessionMessage(message, metadata)

    async def _accept(self, items: list[SessionMessage | Exception], inbox: Inbox, exchange: _Exchange) -> None:
        async def answer() -> None:
            await send_json(exchange.send, 202, b"", self._headers)
            with anyio.move_on_after(BACKLOG_SECONDS):
                await inbox.room()

        # In the session before the client hears of it: what the client sends next must not overtake it.
        await self._converse(exchange, inbox, items, answer)

    async def _answer(self, brought: Posted, body: bytes, inbox: Inbox, exchange: _Exchange) -> None:
        version = exchange.head.protocol_version
        if brought.initialize is not None:
            version = posted.version_of(brought.initialize)
        try:
            reading = await self._streams.open(brought.requests, version)
        except Exception as error:
            logger.exception("Error handling POST request")
            if not inbox.ended:
                inbox.put(error)
            await self._refuse(exchange.send, checks.POST_FAILED)
            return
        if reading is None:
            await self._refuse(exchange.send, self._over(checks.POST_FAILED))
            return
        items = self._session_messages(brought, body, exchange, version)
        if self.is_json_response_enabled:
            answer = partial(self._answer_with_json, brought, reading.queue, exchange)
        else:
            answer = partial(self._write_stream, self._event_stream(reading, exchange), reading.first)
        try:
            await self._converse(exchange, inbox, items, answer)
        finally:
            reading.stop()

    def _event_stream(self, reading: Reading, exchange: _Exchange) -> EventStreamResponse:
        drain_seconds = 0 if reading.stream is self._streams.standalone else self.drain_seconds
        headers = event_stream_headers(exchange.scope, CONTENT_TYPE_SSE.encode(), b"no-cache, no-transform")
        return EventStreamResponse(
            reading.queue, exchange.receive, exchange.send, [*headers, *self._headers], drain_seconds=drain_seconds
        )

    async def _write_stream(self, response: EventStreamResponse, first: bytes, *, start: bool = False) -> None:
        if (start or first) and not response.started:
            await response.start(first)
        await response.run_short()
        await response.run()

    async def _answer_with_json(self, brought: Posted, queue: EventQueue, exchange: _Exchange) -> None:
        if not await wait_for_answers(queue, exchange.receive, drain_seconds=self.drain_seconds):
            await send_to_nobody(exchange.send)
            return
        answers = queue.take_payloads()
        if len(answers) < len(brought.requests):
            await self._refuse(exchange.send, checks.ANSWER_LOST if self._terminated else checks.NO_ANSWER)
            return
        body = b"[%b]" % b",".join(answers) if brought.batch else answers[0]
        await send_json(exchange.send, 200, body, self._headers)

    # GET

    async def _handle_get(self, exchange: _Exchange) -> None:
        head = exchange.head
        refusal = (
            checks.check_get(head) or checks.check_session(head, self.mcp_session_id) or checks.check_version(head)
        )
        if refusal is not None:
            await self._refuse(exchange.send, refusal)
            return
        inbox = self._connected()
        if inbox.ended:
            await self._refuse(exchange.send, self._over(checks.GET_FAILED))
            return
        try:
            reading = None
            if head.last_event_id is not None:
                reading = await self._streams.resume(head.last_event_id, head.protocol_version)
            if reading is None:
                reading = await self._streams.take_up(self._streams.standalone, head.protocol_version)
        except Exception:
            logger.exception("Error handling GET request")
            await self._refuse(exchange.send, checks.GET_FAILED)
            return
        if reading is None:
            refusal = self._over(checks.GET_FAILED) if self._streams.ended else checks.STREAM_CONFLICT
            await self._refuse(exchange.send, refusal)
            return
        try:
            response = self._event_stream(reading, exchange)
            answer = partial(self._write_stream, response, reading.first, start=True)
            await self._converse(exchange, inbox, [], answer, checks.GET_FAILED)
        finally:
            reading.stop()

    async def _mint_priming_event(self, stream_id: StreamId, protocol_version: str | None) -> SSEEvent | None:
        return await self._streams.mint_priming_event(stream_id, protocol_version)

    # DELETE

    async def _handle_delete(self, exchange: _Exchange) -> None:
        if self.mcp_session_id is None:
            await self._refuse(exchange.send, checks.NO_TERMINATION)
            return
        refusal = checks.check_session(exchange.head, self.mcp_session_id) or checks.check_version(exchange.head)
        if refusal is not None:
            await self._refuse(exchange.send, refusal)
            return
        await self.terminate()
        await send_json(exchange.send, 200, b"", self._headers)


class _Exchange(NamedTuple):
    """One HTTP request, and the means to answer it."""

    head: RequestHead
    scope: Scope
    receive: Receive
    send: Send


async def _call(function: Callable[[], None]) -> None:
    function()
