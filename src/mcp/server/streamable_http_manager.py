"""The sessions behind one Streamable HTTP endpoint: opened, found, limited, expired.

Source: specification 2025-11-25, page "Transports", section "Session Management".
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.lowlevel import current_token
from starlette.types import Message, Receive, Scope, Send

from mcp.server._http import checks
from mcp.server._http.expiry import ExpiryQueue
from mcp.server._http.gauge import Gauge
from mcp.server._http.principal import Principal, principal_of
from mcp.server._http.responses import send_refusal
from mcp.server._http.writers import DRAIN_SECONDS
from mcp.server.streamable_http import TEARDOWN_SECONDS, EventStore, StreamableHTTPServerTransport
from mcp.server.transport_security import (
    DEFAULT_MAX_REQUEST_BODY_SIZE,
    RequestBodyLimitMiddleware,
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from mcp.shared._owner import OwnedContext

__all__ = [
    "DEFAULT_MAX_REQUEST_BODY_SIZE",
    "DEFAULT_MAX_SESSIONS",
    "DEFAULT_SESSION_IDLE_TIMEOUT",
    "EventStore",
    "ManagerStatistics",
    "RequestBodyLimitMiddleware",
    "StreamableHTTPSessionManager",
]

logger = logging.getLogger(__name__)

DEFAULT_SESSION_IDLE_TIMEOUT = 1800
"""Seconds without a request after which a session is ended."""

DEFAULT_MAX_SESSIONS = 10_000
"""How many sessions may be open at once."""


class _App(Protocol):
    """What the manager needs of a low-level `Server`."""

    def create_initialization_options(self) -> Any: ...

    async def run(
        self,
        read_stream: Any,
        write_stream: Any,
        initialization_options: Any,
        raise_exceptions: bool = False,
        stateless: bool = False,
    ) -> None: ...


class ManagerStatistics(NamedTuple):
    """What a session manager is busy with.

    Attributes:
        sessions: open sessions.
        requests: HTTP requests being served, open GET streams included.
        streams: responses that carry a stream at present.
        unanswered: JSON-RPC requests of clients that have no response yet.
    """

    sessions: int
    requests: int
    streams: int
    unanswered: int


class StreamableHTTPSessionManager:
    """The sessions behind one Streamable HTTP endpoint.

    Serve requests with `handle_request` (an ASGI application) while inside `run()`.

    Args:
        app: the low-level server that each session runs.
        event_store: keeps events of all sessions, so that clients can resume streams. Read once per session.
        json_response: answer with JSON bodies in place of event streams. Requests of the server to the client then need
            the client's open GET stream, and fail at once without it.
        stateless: no sessions: each request is served by a run of the server of its own. The server cannot send
            requests to the client then; they fail at once.
        security_settings: which Host and Origin headers to accept; None accepts all.
        retry_interval: milliseconds after which a client whose stream was closed should come back.
        session_idle_timeout: seconds without a request after which a session ends; None: never.
        max_request_body_size: largest body in bytes.
        max_sessions: how many sessions may be open at once; None: any number.

    Attributes:
        asgi_app: the application that `handle_request` passes requests to: it refuses bodies that are too large.
        drain_seconds: how long answers to running requests may still take when `run()` is left, or the ASGI server
            wants to stop.

    Raises:
        ValueError: a limit that is not positive.
    """

    drain_seconds: float = DRAIN_SECONDS

    def __init__(
        self,
        app: _App,
        event_store: EventStore | None = None,
        json_response: bool = False,
        stateless: bool = False,
        security_settings: TransportSecuritySettings | None = None,
        retry_interval: int | None = None,
        session_idle_timeout: float | None = DEFAULT_SESSION_IDLE_TIMEOUT,
        max_request_body_size: int = DEFAULT_MAX_REQUEST_BODY_SIZE,
        max_sessions: int | None = DEFAULT_MAX_SESSIONS,
    ) -> None:
        if session_idle_timeout is not None and not 0 < session_idle_timeout < math.inf:
            raise ValueError("session_idle_timeout must be a positive, finite number of seconds")
        if max_sessions is not None and max_sessions <= 0:
            raise ValueError("max_sessions must be a positive number of sessions or None")
        self.app = app
        self.event_store = event_store
        self.json_response = json_response
        self.stateless = stateless
        self.security_settings = security_settings
        self.retry_interval = retry_interval
        self.session_idle_timeout = session_idle_timeout
        self.max_request_body_size = max_request_body_size
        self.max_sessions = max_sessions
        self.asgi_app = RequestBodyLimitMiddleware(self._handle_request, max_request_body_size)
        # Programs put transports of their own in here; they need `handle_request` and `terminate`.
        self._server_instances: dict[str, StreamableHTTPServerTransport] = {}
        self._session_owners: dict[str, Principal] = {}
        self._stateless_transports: set[StreamableHTTPServerTransport] = set()
        # One for all sessions, so that its lists are compiled once.
        self._security = TransportSecurityMiddleware(security_settings)
        self._expiry = ExpiryQueue()
        self._expiry_filled: anyio.Event | None = None
        self._requests = Gauge()
        self._runs = Gauge()
        self._tasks: TaskGroup | None = None
        self._has_run = False
        self._lazy_start: _LazyStart | None = None
        self._options: Any = None

    def statistics(self) -> ManagerStatistics:
        """What the manager is busy with; all zero when nothing is left."""
        transports = [*self._server_instances.values(), *self._stateless_transports]
        each = [transport.statistics() for transport in transports if hasattr(transport, "statistics")]
        return ManagerStatistics(
            sessions=len(self._server_instances),
            requests=self._requests.count,
            streams=sum(one.streams for one in each),
            unanswered=sum(one.unanswered for one in each),
        )

    # Life

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None, None]:
        """Take requests while inside. On leaving, running calls get `drain_seconds`, then all sessions end.

        May be entered and left in any task, but only once.

        Raises:
            RuntimeError: it was entered before.
        """
        if self._has_run:
            raise RuntimeError(
                "StreamableHTTPSessionManager .run() can only be called once per instance. "
                "Create a new instance if you need to run again."
            )
        self._has_run = True
        owner = self._owned()
        await owner.__aenter__()
        drain_seconds = 0.0
        try:
            yield
            drain_seconds = self.drain_seconds
        finally:
            # Cancelled or not, the servers of the sessions leave their lifespans in good order.
            with anyio.CancelScope(shield=True):
                await self._stop(drain_seconds)
                await owner.__aexit__(None, None, None)

    async def _ensure_running(self) -> None:
        """Run in the present event loop from now on, unless the manager runs.

        For the ASGI application of `FastMCP.streamable_http_app()`: mounted in an application that does not pass the
        lifespan on, nobody enters `run()`, so it calls this before each `handle_request`. Nobody leaves such a run:
        it ends with the event loop. A manager that is found in a new event loop starts afresh there. After a `run()`
        that was left, the manager stays stopped, and `handle_request` says so.
        """
        if self._has_run:
            return
        loop = current_token()
        start = self._lazy_start
        if start is None or start.loop != loop or start.failed:
            start = self._lazy_start = _LazyStart(loop)
            self._server_instances.clear()
            self._session_owners.clear()
            try:
                await self._owned().__aenter__()
            except BaseException:
                start.failed = True
                raise
            finally:
                start.done.set()
        await start.done.wait()

    def _owned(self) -> OwnedContext[None]:
        return OwnedContext(self._serve, "session manager of mcp")

    @asynccontextmanager
    async def _serve(self) -> AsyncGenerator[None, None]:
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            self._expiry = ExpiryQueue()
            self._expiry_filled = None
            self._requests, self._runs = Gauge(), Gauge()
            if self.session_idle_timeout is not None and not self.stateless:
                tasks.start_soon(self._expire_sessions, self.session_idle_timeout)
            logger.info("StreamableHTTP session manager started")
            try:
                yield
            finally:
                logger.info("StreamableHTTP session manager shutting down")
                tasks.cancel_scope.cancel()
                self._tasks = None
                self._server_instances.clear()
                self._session_owners.clear()

    async def _stop(self, drain_seconds: float) -> None:
        transports = [*self._server_instances.values(), *self._stateless_transports]
        for transport in transports:
            if hasattr(transport, "close_standalone_sse_stream"):
                transport.close_standalone_sse_stream()
        with anyio.move_on_after(drain_seconds):
            await self._requests.wait_empty()
        for transport in {*transports, *self._server_instances.values(), *self._stateless_transports}:
            await _terminate(transport)
        # Servers leave their lifespan, and HTTP responses come to their end.
        with anyio.move_on_after(TEARDOWN_SECONDS):
            await self._runs.wait_empty()
            await self._requests.wait_empty()

    # Requests

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, as an ASGI application.

        Raises:
            RuntimeError: outside of `run()`.
        """
        await self.asgi_app(scope, receive, send)

    async def _handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The body has arrived by now, so a request could be told from its body and headers before it meets a session.
        if self._tasks is None:
            raise RuntimeError("Task group is not initialized. Make sure to use run().")
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        with self._requests:
            if self.stateless:
                await self._handle_stateless(scope, receive, send)
            else:
                await self._handle_stateful(self._tasks, scope, receive, send)

    async def _handle_stateful(self, tasks: TaskGroup, scope: Scope, receive: Receive, send: Send) -> None:
        session_id = checks.session_id_of(scope["headers"])
        principal = principal_of(scope)
        if session_id is None:
            if self.max_sessions is not None and len(self._server_instances) >= self.max_sessions:
                logger.warning("Refused to open a session: %d are open", len(self._server_instances))
                await send_refusal(send, checks.TOO_MANY_SESSIONS)
                return
            await self._open_session(tasks, principal, scope, receive, send)
            return
        transport = self._server_instances.get(session_id)
        if (
            transport is None
            or getattr(transport, "is_terminated", False)
            or self._session_owners.get(session_id) != principal
        ):
            await send_refusal(send, checks.SESSION_NOT_FOUND)
            return
        await transport.handle_request(scope, receive, send)
        if getattr(transport, "is_terminated", False):
            # Not only when its server has finished.
            self._forget(session_id, transport)

    async def _open_session(
        self, tasks: TaskGroup, principal: Principal | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        session_id = uuid4().hex
        transport = StreamableHTTPServerTransport(
            mcp_session_id=session_id,
            is_json_response_enabled=self.json_response,
            event_store=self.event_store,
            security_settings=self.security_settings,
            retry_interval=self.retry_interval,
            idle_timeout=self.session_idle_timeout,
        )
        self._share(transport)
        self._server_instances[session_id] = transport
        if principal is not None:
            self._session_owners[session_id] = principal
        status = 0

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        opened = False
        try:
            await tasks.start(self._run_session, transport)
            await transport.handle_request(scope, receive, note_status)
            # Without an answer nobody knows the id.
            opened = 0 < status < 400
        finally:
            if opened:
                self._expire_later(session_id)
            else:
                self._forget(session_id, transport)
                await transport.terminate()

    def _share(self, transport: StreamableHTTPServerTransport) -> None:
        transport.drain_seconds = self.drain_seconds
        transport._security = self._security  # pyright: ignore[reportPrivateUsage]

    async def _run_session(
        self, transport: StreamableHTTPServerTransport, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        session_id = transport.mcp_session_id
        assert session_id is not None
        with self._runs:
            try:
                async with transport.connect() as (read_stream, write_stream):
                    task_status.started()
                    await self.app.run(read_stream, write_stream, self._initialization_options(), stateless=False)
            except Exception:
                logger.exception("Session %s crashed", session_id)
            finally:
                self._forget(session_id, transport)

    def _initialization_options(self) -> Any:
        """What sessions announce. Each keeps it, so that as long as it does not change there is one of it."""
        options = self.app.create_initialization_options()
        if options != self._options:
            self._options = options
        return self._options

    def _forget(self, session_id: str, transport: StreamableHTTPServerTransport) -> None:
        if self._server_instances.get(session_id) is transport:
            del self._server_instances[session_id]
            self._session_owners.pop(session_id, None)
            self._expiry.discard(session_id)

    async def _handle_stateless(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = StreamableHTTPServerTransport(
            mcp_session_id=None,
            is_json_response_enabled=self.json_response,
            security_settings=self.security_settings,
        )
        self._share(transport)
        transport.remove_back_channel("stateless_http=True")
        self._stateless_transports.add(transport)
        try:
            await transport._serve_once(  # pyright: ignore[reportPrivateUsage]
                self._run_stateless, scope, receive, send
            )
        finally:
            self._stateless_transports.discard(transport)

    async def _run_stateless(self, read_stream: Any, write_stream: Any) -> None:
        try:
            async with read_stream, write_stream:
                options = self.app.create_initialization_options()
                await self.app.run(read_stream, write_stream, options, stateless=True)
        except Exception:
            logger.exception("Stateless session crashed")

    # Idle sessions

    def _expire_later(self, session_id: str) -> None:
        if self.session_idle_timeout is not None and session_id in self._server_instances:
            self._expiry.put(session_id, anyio.current_time() + self.session_idle_timeout)
            if self._expiry_filled is not None:
                self._expiry_filled.set()
                self._expiry_filled = None

    async def _expire_sessions(self, idle_timeout: float) -> None:
        while True:
            at = self._expiry.next
            if at is None:
                self._expiry_filled = anyio.Event()
                await self._expiry_filled.wait()
                continue
            await anyio.sleep_until(at)
            for session_id in self._expiry.due(anyio.current_time()):
                await self._expire_or_wait(session_id, idle_timeout)

    async def _expire_or_wait(self, session_id: str, idle_timeout: float) -> None:
        transport = self._server_instances.get(session_id)
        if transport is None:
            return
        now = anyio.current_time()
        if transport.idle_at > now:
            self._expiry.put(session_id, min(transport.idle_at, now + idle_timeout))
            return
        logger.info("Session %s idle timeout", session_id)
        self._forget(session_id, transport)
        await transport.terminate()


async def _terminate(transport: StreamableHTTPServerTransport) -> None:
    try:
        await transport.terminate()
    except Exception:
        logger.exception("Failed to terminate a session")


class _LazyStart:
    """A run that a request has started, see `StreamableHTTPSessionManager._ensure_running`."""

    def __init__(self, loop: object) -> None:
        self.loop = loop
        self.done = anyio.Event()
        self.failed = False
