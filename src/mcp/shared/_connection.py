"""The two streams of a session, the tasks around them, and the order in which messages are taken.

A session reads its stream in one loop and handles messages in the order they come. All its tasks run in a task group
that a task of its own holds, so a session may be entered and left in any task. A server, which serves each connection
in a task and a task group of its own anyhow, drives the loop itself.

One thing may leave the strict order: a handler that runs inside the loop (of a notification, progress and logging
callbacks included, or of an exception) and sends a request on its own session. It could never see the answer if the
loop waited for it, so the loop is handed over: a successor reads on, and what has to come after the handler waits in a
`Backlog`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar, copy_context
from types import TracebackType
from typing import Any, cast

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from typing_extensions import Self

from mcp.shared._backlog import Backlog
from mcp.shared._owner import OwnedContext
from mcp.shared._streams import MessageReceiveStream, MessageSendStream, Taker
from mcp.shared.message import SessionMessage

logger = logging.getLogger("mcp.shared.session")

_loop_around: ContextVar[object] = ContextVar("loop_around")
"""The receive loop that a handler runs inside of."""


class Connection:
    """Reads and writes the messages of a session while that is entered; what they mean is the session's business.

    Args:
        read_stream: yields `SessionMessage`s, and exceptions in place of what was no message.
        write_stream: takes `SessionMessage`s.
    """

    _task_group: TaskGroup
    """Tasks that end with the session; programs start theirs in it too."""

    driven = False
    """Whether whoever enters the session also reads for it, with `serve_in`. To be set before entering."""

    def __init__(
        self,
        read_stream: MemoryObjectReceiveStream[SessionMessage | Exception],
        write_stream: MemoryObjectSendStream[SessionMessage],
    ) -> None:
        self._read_stream = read_stream
        self._write_stream = write_stream
        self._exit_stack = AsyncExitStack()
        self._ended = False
        self._blocked_writes: set[anyio.CancelScope] = set()
        # Hand-over: which loop reads, whether it is inside a handler, what waits for a handler that was overtaken.
        self._reader: object = None
        self._handling = False
        self._backlog: Backlog[Any] | None = None

    async def __aenter__(self) -> Self:
        await self._exit_stack.__aenter__()
        self._lost = anyio.Event()
        if not self.driven:
            self._life = OwnedContext(self._serve, f"{type(self).__name__} of mcp")
            try:
                await self._life.__aenter__()
            except BaseException:
                await self._exit_stack.aclose()
                raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        try:
            await self._exit_stack.aclose()
        finally:
            if self.driven:
                self._connection_lost()
            else:
                await self._life.__aexit__(None, None, None)
        return None

    @asynccontextmanager
    async def _serve(self) -> AsyncGenerator[None, None]:
        try:
            async with anyio.create_task_group() as tasks:
                self._task_group = tasks
                tasks.start_soon(self._receive_loop)
                yield
                # Leaving never waits for outstanding work.
                tasks.cancel_scope.cancel()
        except Exception:
            logger.exception("A task of the session failed")
        finally:
            self._connection_lost()

    async def serve_in(self, tasks: TaskGroup) -> None:
        """Handle the messages of the peer until the connection has ended.

        Args:
            tasks: where the session starts tasks; whoever holds it cancels what is left of them afterwards.
        """
        self._task_group = tasks
        await self._receive_loop()

    async def _receive_loop(self) -> None:
        self._context = copy_context()
        self._have_offered(self._take_offered)
        try:
            async with self._read_stream, self._write_stream:
                await self._read_messages()
                # After a hand-over, a successor reads on.
                await self._lost.wait()
        finally:
            self._have_offered(None)
            self._connection_lost()

    def _have_offered(self, taker: Taker | None) -> None:
        stream = self._read_stream
        # Not by a wrapped stream: what goes past the wrapper, it would miss. A proxy has a type of its own.
        if issubclass(type(stream), MessageReceiveStream) and "receive" not in vars(stream):
            cast("MessageReceiveStream", stream).offer_to(taker)

    def _take_offered(self, item: SessionMessage | Exception) -> bool:
        """Take a message that arrives while the loop waits in the task that brings it: no turn of the event loop."""
        return not (self._handling or self._ended) and self._backlog is None and self._take_at_once(item)

    async def _read_messages(self) -> None:
        loop = self._reader = object()
        around = _loop_around.set(loop)
        items: Any = aiter(self._read_stream)
        try:
            async for item in items:
                self._handling = True
                await self._receive(item)
                # A session that waits keeps neither its last message nor the HTTP request around that.
                del item
                if self._reader is not loop:
                    await self._catch_up(loop)
                    return
                self._handling = False
        except anyio.ClosedResourceError:
            # Somebody closed our stream: the end of the connection, in no hurry.
            logger.debug("Read stream closed by client")
        except Exception:
            logger.exception("Unhandled exception in receive loop")
        finally:
            _loop_around.reset(around)
            # A wrapper around the stream may iterate with a generator; only that must not be left half-way.
            if inspect.isasyncgen(items):
                await items.aclose()
        self._connection_lost()

    def _read_on(self, request_id: int) -> None:
        """Hand the loop over, if whoever is about to wait for an answer runs inside the loop that would read it."""
        if self._handling and _loop_around.get(None) is self._reader:
            if self._backlog is None:
                self._backlog = Backlog(self._reader, request_id)
            self._handling = False
            self._reader = None
            # Not in the context of the handler: what it has set is not for the messages to come.
            self._context.run(self._task_group.start_soon, self._read_messages)

    async def _catch_up(self, loop: object) -> None:
        """After a handler that handed its loop over: deliver what has waited for it."""
        if self._backlog is None or self._backlog.owner is not loop:
            return
        for item in self._backlog:
            await self._take_late(item)
        self._backlog = None

    def _connection_lost(self) -> None:
        self._ended = True
        if self._backlog is not None:
            for response in self._backlog.take_responses():
                self._settle_late(response)
        describe = getattr(self._read_stream, "close_reason", None)
        reason = describe() if callable(describe) else None
        self._fail_requests(reason if isinstance(reason, str) else None)
        for scope in self._blocked_writes:
            scope.cancel()
        if isinstance(self._write_stream, MessageSendStream):
            # Wakes whoever waits to write, also while a handler that was overtaken keeps the streams open.
            self._write_stream.close()
        self._lost.set()

    async def _write(self, item: SessionMessage) -> None:
        if self._ended:
            raise anyio.ClosedResourceError
        stream = self._write_stream
        if isinstance(stream, MessageSendStream):
            await stream.send(item)
            return
        # Content without a JSON form has to fail here, not at the peer.
        item.message  # noqa: B018
        if type(stream) is MemoryObjectSendStream:
            try:
                stream.send_nowait(item)
            except anyio.WouldBlock:
                pass
            else:
                return
        # Closing such a stream does not wake who waits to write.
        with anyio.CancelScope() as scope:
            self._blocked_writes.add(scope)
            try:
                await stream.send(item)
            finally:
                self._blocked_writes.discard(scope)
        if scope.cancelled_caught:
            raise anyio.ClosedResourceError

    # What messages mean

    async def _receive(self, item: SessionMessage | Exception) -> None:
        """Take what was read, in its turn."""
        raise NotImplementedError

    def _take_at_once(self, item: SessionMessage | Exception) -> bool:
        """Take what came in its turn, if that needs no waiting; false, and nothing done, if it does."""
        raise NotImplementedError

    async def _take_late(self, item: Any) -> None:
        """Take what had to wait in the backlog."""
        raise NotImplementedError

    def _settle_late(self, response: SessionMessage) -> bool:
        """Give a response to the request that waits for it; false if none ever did."""
        raise NotImplementedError

    def _fail_requests(self, reason: str | None) -> None:
        """Fail whatever still waits for a response: the connection has ended."""
        raise NotImplementedError
