"""Client transport for streamable HTTP, with session ids and resumption.

Every message is an HTTP POST. A request is carried by a task of its own, which ends only when an answer with the id of
the request is on the read stream: that of the server, or, when none can come any more, an error made here.

Source: specification 2025-11-25, page "Transports", section "Streamable HTTP".
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, TypeAlias, cast, overload

import anyio
import httpx
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from typing_extensions import deprecated

from mcp.client._http_answers import Answer, classify
from mcp.client._http_bodies import drain_body
from mcp.client._http_exchange import (
    AnswerCapture,
    Exchange,
    RequestContext,
    SessionMessageOrError,
    StreamWriter,
    messages_of,
)
from mcp.client._http_listening import listen
from mcp.client._http_outlet import HttpOutlet, is_initialized_notification
from mcp.client._http_reconnection import ListeningSchedule, StreamPosition
from mcp.client._http_session import SessionMemory
from mcp.client._sse_events import ServerEvent
from mcp.client.http_errors import HTTPStatusError, describe, error_in, exchange_failure, read_refusal
from mcp.shared._codec import parse_message
from mcp.shared._httpx_utils import (
    McpHttpClientFactory,
    create_mcp_http_client,
    request_within_origin,
    stream_within_origin,
)
from mcp.shared._owner import OwnedContext
from mcp.shared._streams import MessageSendStream
from mcp.shared.exceptions import (
    SESSION_TERMINATED,
    ConnectionClosedError,
    McpError,
    OutcomeUnknownError,
    ProtocolError,
    SessionExpiredError,
)
from mcp.shared.message import SessionMessage
from mcp.types import INTERNAL_ERROR, JSONRPCError, JSONRPCMessage, JSONRPCRequest, JSONRPCResponse

logger = logging.getLogger(__name__)

StreamReader: TypeAlias = MemoryObjectReceiveStream[SessionMessage]
GetSessionIdCallback: TypeAlias = Callable[[], str | None]

MCP_SESSION_ID = "mcp-session-id"
MCP_PROTOCOL_VERSION = "mcp-protocol-version"
LAST_EVENT_ID = "last-event-id"

# Milliseconds to wait before a stream is opened again, unless the server says otherwise.
DEFAULT_RECONNECTION_DELAY_MS = 1000
# Failed attempts in a row after which a stream is given up.
MAX_RECONNECTION_ATTEMPTS = 2

# Streams opened in a row without a single event after which the server is taken not to know the request any more.
MAX_FRUITLESS_POLLS = 30

CONTENT_TYPE = "content-type"
ACCEPT = "accept"
JSON = "application/json"
SSE = "text/event-stream"

LISTENING_PATIENCE = 0.1
"""Seconds that the first request waits for the standalone stream to be open."""

TERMINATION_TIMEOUT = 2.0
"""Seconds that ending the session at the server may take."""

_NOTIFICATION_INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
_UNSET: Any = object()


class StreamableHTTPError(Exception):
    """Base of the errors of this transport that programs may raise and catch."""


class ResumptionError(StreamableHTTPError):
    """A resumption was asked for that is none."""


class _SessionLostError(SessionExpiredError):
    """The server answered 404, or the session has been replaced meanwhile."""


class StreamableHTTPTransport:
    """The state of one connection, and the exchanges that it consists of.

    Programs use `streamable_http_client`; some rebuild it from the methods here.

    Args:
        url: the endpoint.
        headers, timeout, sse_read_timeout, auth: ignored with a `DeprecationWarning`; the HTTP client has them.

    Attributes:
        url: the endpoint.
        session_id: the session, None before there is one.
        protocol_version: the protocol version agreed on, None before.
    """

    @overload
    def __init__(self, url: str) -> None: ...

    @overload
    @deprecated("Configure headers, timeouts and auth on the httpx.AsyncClient instead.")
    def __init__(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        timeout: float | timedelta = 30,
        sse_read_timeout: float | timedelta = 60 * 5,
        auth: httpx.Auth | None = None,
    ) -> None: ...

    def __init__(
        self,
        url: str,
        headers: Any = _UNSET,
        timeout: Any = _UNSET,
        sse_read_timeout: Any = _UNSET,
        auth: Any = _UNSET,
    ) -> None:
        given = {"headers": headers, "timeout": timeout, "sse_read_timeout": sse_read_timeout, "auth": auth}
        if names := [name for name, value in given.items() if value is not _UNSET]:
            warnings.warn(
                f"Parameters {', '.join(names)} are deprecated and will be ignored. "
                "Configure these on the httpx.AsyncClient instead.",
                DeprecationWarning,
                stacklevel=2,
            )
        self.url = url
        self.session_id: str | None = None
        self.protocol_version: str | None = None
        self._memory = SessionMemory()
        self._reached = False
        self._start_get_stream: Callable[[], object] = lambda: None
        self._listening: anyio.CancelScope | None = None
        self._listening_settled = anyio.Event()
        self._reopening = anyio.Lock()
        self._reopenings = 0
        self._failed_resumptions: list[HTTPStatusError] = []

    def get_session_id(self) -> str | None:
        """The session id, None before the server gave one."""
        return self.session_id

    # Messages out

    async def post_writer(
        self,
        client: httpx.AsyncClient,
        write_stream_reader: StreamReader,
        read_stream_writer: StreamWriter,
        write_stream: MemoryObjectSendStream[SessionMessage],
        start_get_stream: Callable[[], None],
        tg: TaskGroup,
    ) -> None:
        """Send what comes out of a stream, until it ends; then close the streams.

        Args:
            client: the HTTP client.
            write_stream_reader: the messages to send.
            read_stream_writer: where answers go.
            write_stream: the other end of `write_stream_reader`.
            start_get_stream: called when the session is initialized, to start `handle_get_stream` in a task.
            tg: where requests run.
        """

        def close() -> None:
            for stream in (write_stream_reader, write_stream, read_stream_writer):
                stream.close()

        outlet = self._make_outlet(client, read_stream_writer, tg, start_get_stream, close)
        try:
            async for item in write_stream_reader:
                await outlet.send(item)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            logger.debug("The streams were closed")
        finally:
            outlet.close()

    def _make_outlet(
        self,
        client: httpx.AsyncClient,
        writer: StreamWriter,
        tasks: TaskGroup,
        start_get_stream: Callable[[], object],
        ended: Callable[[], None],
    ) -> HttpOutlet:
        self._start_get_stream = start_get_stream
        return HttpOutlet(
            client,
            writer,
            tasks,
            post=self._handle_post_request,
            resume=self._handle_resumption_request,
            on_answer=self._note_answer,
            failure_of=lambda error: exchange_failure(error, self.url, reached=self._reached),
            session_id=self.get_session_id,
            initialized=self._begin_listening,
            listening=self._listening_begun,
            ended=ended,
        )

    def _prepare_headers(self) -> dict[str, str]:
        return _headers(self.session_id, self.protocol_version)

    def _is_initialization_request(self, message: JSONRPCMessage) -> bool:
        return isinstance(message.root, JSONRPCRequest) and message.root.method == "initialize"

    def _is_initialized_notification(self, message: JSONRPCMessage) -> bool:
        return is_initialized_notification(message)

    # One POST and its answer

    async def _handle_post_request(self, ctx: RequestContext) -> None:
        """Carry one message; unless this raises, a request is answered when it returns."""
        exchange = Exchange.of(ctx, self._note_answer)
        try:
            await self._post(exchange)
        except _SessionLostError:
            await self._open_anew(exchange)
            try:
                await self._post(exchange)
            except _SessionLostError:
                raise SessionExpiredError from None

    async def _post(self, exchange: Exchange) -> None:
        exchange.session_id = self.session_id
        broken: httpx.TransportError | None = None
        try:
            async with stream_within_origin(
                exchange.client, "POST", self.url, headers=self._prepare_headers(), content=exchange.body
            ) as response:
                self._reached = True
                kind = classify(response.status_code, response.headers.get(CONTENT_TYPE, ""))
                if not exchange.is_request:
                    await self._end_notice(kind, response)
                    return
                if kind in (Answer.JSON, Answer.EVENTS) and exchange.request.method == "initialize":
                    self.session_id = exchange.session_id = response.headers.get(MCP_SESSION_ID) or self.session_id
                if kind is Answer.JSON:
                    await exchange.read_json(response)
                    return
                if kind is not Answer.EVENTS:
                    raise await self._refusal(kind, exchange, response)
                exchange.handled = True
                await exchange.follow(response, resumed=False)
        except httpx.TransportError as error:
            if not exchange.handled:
                raise
            broken = error
        if not exchange.answered:
            await self._resume(exchange, broken)

    async def _end_notice(self, kind: Answer, response: httpx.Response) -> None:
        if kind in (Answer.REDIRECT, Answer.REFUSED):
            raise await self._read_refusal(response)
        if kind is not Answer.EVENTS:
            await drain_body(response)

    async def _refusal(self, kind: Answer, exchange: Exchange, response: httpx.Response) -> Exception:
        if kind in (Answer.REDIRECT, Answer.REFUSED):
            return await self._read_refusal(response)
        await drain_body(response)
        if kind is Answer.LOST:
            return _SessionLostError()
        if kind is Answer.ACCEPTED:
            return ProtocolError(
                INTERNAL_ERROR, "The server answered 202 Accepted to a request, so that no response will come"
            )
        content_type = response.headers.get(CONTENT_TYPE, "")
        await exchange.read_stream_writer.send(ValueError(f"Unexpected content type: {content_type}"))
        return ProtocolError(
            INTERNAL_ERROR,
            f"The server answered a request with status {response.status_code} and content type {content_type!r}",
        )

    async def _read_refusal(self, response: httpx.Response, *, code: int | None = None) -> HTTPStatusError:
        error = await read_refusal(response, code=code)
        # A reason of the server's own is worth a line; the rest is in the exception.
        level = logging.DEBUG if error_in(error.response.content) is None else logging.WARNING
        logger.log(level, "%s", error)
        return error

    def _note_answer(self, request: JSONRPCRequest, body: bytes, response: JSONRPCResponse) -> None:
        self._memory.note_answer(request, body, response)
        if request.method == "initialize":
            self.protocol_version = self._memory.protocol_version

    # Streams that ended too soon

    async def _resume(self, exchange: Exchange, broken: httpx.TransportError | None) -> None:
        """Go on with an answering stream where it ended, until the answer."""
        position = exchange.position
        failures = fruitless = 0
        reason = describe(broken) if broken is not None else "the server ended the stream without an answer"
        while position.last_event_id and failures < MAX_RECONNECTION_ATTEMPTS and fruitless < MAX_FRUITLESS_POLLS:
            await anyio.sleep(position.delay(DEFAULT_RECONNECTION_DELAY_MS))
            if self.session_id != exchange.session_id:
                raise _SessionLostError
            failures += 1
            events = position.events
            try:
                async with self._open_events(exchange.client, position.last_event_id) as response:
                    kind = classify(response.status_code, response.headers.get(CONTENT_TYPE, ""))
                    if kind is Answer.LOST and exchange.session_id is not None:
                        raise _SessionLostError
                    if kind is not Answer.EVENTS:
                        reason = f"the stream could not be resumed, status {response.status_code}"
                        if response.status_code in (404, 405):
                            break
                        continue
                    failures = 0
                    await exchange.follow(response, resumed=True)
                    if exchange.answered:
                        return
            except httpx.TransportError as error:
                reason = describe(error)
            fruitless = fruitless + 1 if position.events == events else 0
        raise ConnectionClosedError(reason)

    async def _handle_resumption_request(self, ctx: RequestContext) -> None:
        """Answer a request out of the stream that its resumption token points into."""
        exchange = Exchange.of(ctx, self._note_answer)
        token = exchange.resumption_token
        if not exchange.is_request or not token:
            raise ResumptionError("Resumption needs a request with a resumption token")
        exchange.position = StreamPosition(token)
        broken: httpx.TransportError | None = None
        try:
            async with self._open_events(exchange.client, token) as response:
                self._reached = True
                kind = classify(response.status_code, response.headers.get(CONTENT_TYPE, ""))
                if kind is Answer.LOST:
                    raise await self._read_refusal(response, code=SESSION_TERMINATED)
                if kind is not Answer.EVENTS:
                    raise await self._refusal(kind, exchange, response)
                exchange.handled = True
                await exchange.follow(response, resumed=True)
        except httpx.TransportError as error:
            if not exchange.handled:
                raise
            broken = error
        if exchange.answered:
            return
        if not exchange.position.events:
            raise ConnectionClosedError("the server ended the resumed stream without an event")
        await self._resume(exchange, broken)

    def _open_events(
        self, client: httpx.AsyncClient, last_event_id: str = ""
    ) -> AbstractAsyncContextManager[httpx.Response]:
        headers = {**self._prepare_headers(), "cache-control": "no-store"}
        if last_event_id:
            headers[LAST_EVENT_ID] = last_event_id
        return stream_within_origin(client, "GET", self.url, headers=headers)

    # A lost session

    async def _open_anew(self, exchange: Exchange) -> None:
        """Open a session in place of the one that an exchange found lost, if the exchange may be repeated then.

        Raises:
            SessionExpiredError: there is no new session.
            OutcomeUnknownError: the exchange may not be repeated.
        """
        request, lost = exchange.request, exchange.session_id
        if lost is None or self._memory.opening is None or request.method == "initialize":
            raise SessionExpiredError
        if exchange.handled and not self._memory.may_repeat(request):
            raise OutcomeUnknownError(
                f"Session terminated: the server lost the session while it handled {request.method}, "
                "which may or may not have been carried out"
            )
        before = self._reopenings
        async with self._reopening:
            if self.session_id == lost:
                if self._reopenings != before:
                    # Somebody else has just tried.
                    raise SessionExpiredError
                try:
                    self.session_id = await self._initialize_anew(exchange, self._memory.opening)
                except Exception as error:
                    self._reopenings += 1
                    logger.warning("Could not open a new session: %s", describe(error))
                    raise SessionExpiredError from error
                self._begin_listening()
                await self._listening_begun()
        exchange.handled = False
        exchange.position = StreamPosition()

    async def _initialize_anew(self, exchange: Exchange, opening: bytes) -> str | None:
        """Shake hands like the first time; return the id of the new session."""
        capture = AnswerCapture(exchange.read_stream_writer)
        handshake = Exchange(
            exchange.client,
            None,
            SessionMessage(parse_message(opening)),
            None,
            cast("StreamWriter", capture),
            body=opening,
        )
        async with stream_within_origin(
            exchange.client, "POST", self.url, headers=_headers(None, None), content=opening
        ) as response:
            kind = classify(response.status_code, response.headers.get(CONTENT_TYPE, ""))
            if kind is Answer.JSON:
                await handshake.read_json(response)
            elif kind is Answer.EVENTS:
                await handshake.follow(response, resumed=False)
            else:
                raise await self._refusal(kind, handshake, response)
            session_id = response.headers.get(MCP_SESSION_ID) or None
        version = capture.result().get("protocolVersion")
        if version != self.protocol_version:
            raise ProtocolError(INTERNAL_ERROR, f"the server now speaks protocol version {version}")
        async with stream_within_origin(
            exchange.client, "POST", self.url, headers=_headers(session_id, version), content=_NOTIFICATION_INITIALIZED
        ) as response:
            await self._end_notice(classify(response.status_code, response.headers.get(CONTENT_TYPE, "")), response)
        return session_id

    # The standalone stream

    async def handle_get_stream(self, client: httpx.AsyncClient, read_stream_writer: StreamWriter) -> None:
        """Receive what the server sends on its own account; without a session id there is nothing to receive.

        Returns when the server has no such stream, or the session is gone; otherwise runs until it is cancelled. Never
        raises because of the server.

        Args:
            client: the HTTP client.
            read_stream_writer: where messages go.
        """
        session_id = self.session_id
        if not session_id:
            return
        if self._listening is not None:
            self._listening.cancel()
        settled = self._listening_settled
        schedule = ListeningSchedule(max_refusals=MAX_RECONNECTION_ATTEMPTS)
        position = StreamPosition()
        with anyio.CancelScope() as self._listening:
            while self.session_id == session_id:
                went = await listen(
                    self._open_events(client, position.last_event_id),
                    position,
                    lambda event: self._handle_sse_event(event, read_stream_writer),
                    settled.set,
                )
                settled.set()
                delay = schedule.next_delay(went, position.delay(DEFAULT_RECONNECTION_DELAY_MS))
                if delay is None:
                    return
                await anyio.sleep(delay)

    def _begin_listening(self) -> None:
        self._listening_settled = anyio.Event()
        self._start_get_stream()

    async def _listening_begun(self) -> None:
        if self.session_id:
            with anyio.move_on_after(LISTENING_PATIENCE):
                await self._listening_settled.wait()

    async def _handle_sse_event(self, sse: ServerEvent, read_stream_writer: StreamWriter) -> bool:
        """Deliver an event that belongs to no request; True if it was a response."""
        is_response = False
        for message in messages_of(sse):
            if isinstance(message, McpError):
                await read_stream_writer.send(message)
            else:
                await read_stream_writer.send(SessionMessage(message))
                is_response |= isinstance(message.root, JSONRPCResponse | JSONRPCError)
        return is_response

    # The end

    async def terminate_session(self, client: httpx.AsyncClient) -> None:
        """Tell the server that the session is over (HTTP DELETE). Never raises; a failure is logged.

        Args:
            client: the HTTP client.
        """
        if not self.session_id:
            return
        self._memory.forget_opening()
        try:
            response = await request_within_origin(client, "DELETE", self.url, headers=self._prepare_headers())
        except Exception as error:
            logger.warning("Session termination failed: %s", describe(error))
            return
        if response.status_code == 405:
            logger.debug("The server does not let clients end sessions")
        elif response.status_code not in (200, 202, 204):
            logger.warning("Session termination failed: %s", response.status_code)


class _Connection(StreamableHTTPTransport):
    """A transport with the streams that belong to it."""

    @asynccontextmanager
    async def open(self, client: httpx.AsyncClient, terminate_on_close: bool) -> AsyncGenerator[Any, None]:
        """Yield the streams and the function that tells the session id; at the end, stop everything."""
        writer, reader = anyio.create_memory_object_stream[SessionMessageOrError](0)
        with reader, writer:
            async with anyio.create_task_group() as tasks:
                outlet = self._make_outlet(
                    client,
                    writer,
                    tasks,
                    lambda: tasks.start_soon(self.handle_get_stream, client, writer),
                    writer.close,
                )
                try:
                    yield reader, MessageSendStream(outlet), self.get_session_id
                finally:
                    outlet.close()
                    if terminate_on_close:
                        with anyio.move_on_after(TERMINATION_TIMEOUT, shield=True):
                            await self.terminate_session(client)
                    tasks.cancel_scope.cancel()
                if (failure := outlet.take_failure()) is not None:
                    raise failure


def _headers(session_id: str | None, protocol_version: str | None) -> dict[str, str]:
    headers = {ACCEPT: f"{JSON}, {SSE}", CONTENT_TYPE: JSON}
    if session_id:
        headers[MCP_SESSION_ID] = session_id
    if protocol_version:
        headers[MCP_PROTOCOL_VERSION] = protocol_version
    return headers


@asynccontextmanager
async def streamable_http_client(
    url: str,
    *,
    http_client: httpx.AsyncClient | None = None,
    terminate_on_close: bool = True,
) -> AsyncGenerator[
    tuple[
        MemoryObjectReceiveStream[SessionMessage | Exception],
        MemoryObjectSendStream[SessionMessage],
        GetSessionIdCallback,
    ],
    None,
]:
    """Talk to a server over streamable HTTP.

    ```python
    async with streamable_http_client("http://localhost:8000/mcp") as (read, write, get_session_id):
        async with ClientSession(read, write) as session:
            ...
    ```

    A request that fails with an HTTP status raises `mcp.client.http_errors.HTTPStatusError`, and the connection lives
    on. A session that the server has lost is opened anew.

    Args:
        url: the endpoint.
        http_client: sends the requests, with its headers, timeouts and authentication; neither changed nor closed.
            By default one with the timeouts of `create_mcp_http_client`.
        terminate_on_close: end the session at the server when leaving.

    Raises:
        httpx.HTTPStatusError: a redirect that may not be followed, when leaving; in an exception group.

    Source: specification 2025-11-25, page "Transports", section "Streamable HTTP".
    """
    connection = OwnedContext(
        lambda: _connect(url, http_client, terminate_on_close), "streamable HTTP client transport of mcp"
    )
    async with connection as streams:
        yield streams


@asynccontextmanager
@deprecated("Use `streamable_http_client` instead.", stacklevel=3)
async def streamablehttp_client(
    url: str,
    headers: dict[str, str] | None = None,
    timeout: float | timedelta = 30,
    sse_read_timeout: float | timedelta = 300,
    terminate_on_close: bool = True,
    httpx_client_factory: McpHttpClientFactory = create_mcp_http_client,
    auth: httpx.Auth | None = None,
) -> AsyncGenerator[
    tuple[
        MemoryObjectReceiveStream[SessionMessage | Exception],
        MemoryObjectSendStream[SessionMessage],
        GetSessionIdCallback,
    ],
    None,
]:
    """Talk to a server over streamable HTTP, through an HTTP client made for it.

    Args:
        url: the endpoint.
        headers: sent with every request.
        timeout: seconds for each network operation.
        sse_read_timeout: seconds between two reads.
        terminate_on_close: end the session at the server when leaving.
        httpx_client_factory: makes the HTTP client.
        auth: authenticates the requests.
    """
    client = httpx_client_factory(
        headers=headers, timeout=httpx.Timeout(_seconds(timeout), read=_seconds(sse_read_timeout)), auth=auth
    )
    async with (
        client,
        streamable_http_client(url, http_client=client, terminate_on_close=terminate_on_close) as streams,
    ):
        yield streams


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


@asynccontextmanager
async def _connect(
    url: str, http_client: httpx.AsyncClient | None, terminate_on_close: bool
) -> AsyncGenerator[Any, None]:
    connection = _Connection(url)
    async with AsyncExitStack() as stack:
        client = http_client
        if client is None:
            client = await stack.enter_async_context(create_mcp_http_client())
        yield await stack.enter_async_context(connection.open(client, terminate_on_close))
