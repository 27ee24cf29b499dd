"""Writing the events of a stream to an HTTP response.

Most answers are there within moments, many before the event loop has turned three times. So a response begins in the
bare task of its request; only when it stays open it gets a timer, then a watcher for the client's disconnect and a
place at the heartbeat.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from mcp.server._http.heartbeat import heartbeat
from mcp.server._http.outgoing import EventQueue
from mcp.server._http.responses import Header

if TYPE_CHECKING:
    from starlette.types import Receive, Send

QUICK_TURNS = 3
"""How many turns of the event loop a response waits without a timer: one for the session, one for the handler."""

SHORT_SECONDS = 0.1
"""How long a response may stay without a watcher, and an event stream without its headers."""

SHORT_BYTES = 32 * 1024
"""How much a response may write without a watcher; less than servers buffer, so that writing does not block."""

STALL_SECONDS = 60.0
"""How long one write to a client that does not read may take before the response is given up."""

DRAIN_SECONDS = 2.0
"""How long the answers to running requests may still take when the server wants to stop."""


class OpenResponse:
    """A response that waits for its queue, and for how the client and the server fare meanwhile.

    Args:
        queue: what the response carries.
        receive: of the ASGI request; its body must have been read.
        drain_seconds: how long the queue may go on when the server wants to stop.
    """

    def __init__(self, queue: EventQueue, receive: Receive, *, drain_seconds: float) -> None:
        self.gone = False
        self._queue = queue
        self._receive = receive
        self._drain_seconds = drain_seconds
        self._scope: anyio.CancelScope | None = None
        self._stop_at: float | None = None
        self._writing_since: float | None = None

    async def watched(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work; it is cut short, and `gone` is set, when the client goes away or stops reading."""
        clock = heartbeat()
        async with anyio.create_task_group() as tasks:
            self._scope = tasks.cancel_scope
            tasks.start_soon(self._watch)
            clock.add(self)
            try:
                await work()
            finally:
                clock.remove(self)
            tasks.cancel_scope.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._give_up()

    def _give_up(self) -> None:
        assert self._scope is not None
        self.gone = True
        self._scope.cancel()

    # Called by the heartbeat

    def beat(self, now: float) -> None:
        """Give the client a sign of life, or give the client up."""
        if self._writing_since is None:
            self._queue.ping()
        elif now - self._writing_since > STALL_SECONDS:
            self._give_up()

    def server_stopping(self, now: float) -> None:
        """End the queue after the time that it has to drain."""
        if self._stop_at is None:
            self._stop_at = now + self._drain_seconds
        if now >= self._stop_at:
            self._queue.end()


class EventStreamResponse(OpenResponse):
    """Carries a queue to one HTTP response as an event stream.

    Args:
        send: of the ASGI request.
        headers: of the response.

    Attributes:
        started: whether the headers are sent.
    """

    def __init__(
        self, queue: EventQueue, receive: Receive, send: Send, headers: list[Header], *, drain_seconds: float
    ) -> None:
        super().__init__(queue, receive, drain_seconds=drain_seconds)
        self._send = send
        self._headers = headers
        self.started = False
        self._written = 0

    async def start(self, first: bytes = b"") -> None:
        """Send the headers, and the first events if there are any. Else they go with the first event."""
        self.started = True
        await self._send_or_leave({"type": "http.response.start", "status": 200, "headers": self._headers})
        if first:
            await self._body(first, more=True)

    async def run_short(self) -> None:
        """Write what comes within moments."""
        await _turns_until(lambda: self._queue.ready)
        deadline = anyio.current_time() + SHORT_SECONDS
        while not (self.gone or self._done) and self._written < SHORT_BYTES:
            if not self._queue.ready:
                with anyio.CancelScope(deadline=deadline) as scope:
                    await self._queue.wait_ready()
                if scope.cancelled_caught:
                    return
            await self._write_what_waits()

    async def run(self) -> None:
        """Write until the queue has ended or the client has gone."""
        if not (self.gone or self._done):
            await self.watched(self._write_all)

    _done = False

    async def _write_all(self) -> None:
        if not self.started:
            await self.start()
        while not (self.gone or self._done):
            await self._queue.wait_ready()
            await self._write_what_waits()

    async def _write_what_waits(self) -> None:
        data = self._queue.take()
        if not self.started:
            await self.start()
        self._done = self._queue.finished
        await self._body(data, more=not self._done)

    async def _body(self, data: bytes, *, more: bool) -> None:
        self._written += len(data)
        await self._send_or_leave({"type": "http.response.body", "body": data, "more_body": more})

    async def _send_or_leave(self, message: dict[str, object]) -> None:
        self._writing_since = anyio.current_time()
        try:
            await self._send(message)
        except OSError:
            # How ASGI servers may report that the client has gone.
            self.gone = True
        finally:
            self._writing_since = None


async def _turns_until(done: Callable[[], bool]) -> None:
    for _ in range(QUICK_TURNS):
        if done():
            return
        await anyio.lowlevel.checkpoint()


async def wait_for_answers(queue: EventQueue, receive: Receive, *, drain_seconds: float) -> bool:
    """Wait until a queue has ended, and return whether it has: False if the client went away first."""
    await _turns_until(lambda: queue.ended)
    if not queue.ended:
        with anyio.CancelScope(deadline=anyio.current_time() + SHORT_SECONDS):
            await queue.wait_ended()
    if not queue.ended:
        await OpenResponse(queue, receive, drain_seconds=drain_seconds).watched(queue.wait_ended)
    return queue.ended
