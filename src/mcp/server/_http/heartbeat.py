"""One clock for all long-lived responses of an event loop.

It has idle event streams pinged, cuts off readers that stopped reading, and tells responses when the ASGI server wants
to stop. Servers wait for open responses before they shut the application down, so an event stream that nobody ends
would hold up the process for ever.
"""

from __future__ import annotations

import signal
from typing import Protocol

import anyio
from anyio.lowlevel import RunVar

from mcp.shared._owner import spawn_detached

PING_SECONDS = 15.0
"""How long an open event stream stays silent."""

TICK_SECONDS = 0.5
"""How often the clock looks."""


class LongResponse(Protocol):
    """A response that stays open."""

    def beat(self, now: float) -> None:
        """`PING_SECONDS` have gone by."""
        ...

    def server_stopping(self, now: float) -> None:
        """The ASGI server wants to stop; called at each tick from then on."""
        ...


class Heartbeat:
    """The clock of one event loop; it runs only while there are responses."""

    def __init__(self) -> None:
        # All have the same period, so the order of insertion is that of the next beats.
        self._next: dict[LongResponse, float] = {}
        self._running = False

    def add(self, response: LongResponse) -> None:
        """Begin to call a response."""
        self._next[response] = anyio.current_time() + PING_SECONDS
        if not self._running:
            self._running = True
            spawn_detached(self._run, "heartbeat of mcp")

    def remove(self, response: LongResponse) -> None:
        """Stop calling a response."""
        self._next.pop(response, None)

    async def _run(self) -> None:
        try:
            while self._next:
                await anyio.sleep(TICK_SECONDS)
                self._tick(anyio.current_time())
        finally:
            self._running = False

    def _tick(self, now: float) -> None:
        if server_is_stopping():
            for response in list(self._next):
                response.server_stopping(now)
        while self._next:
            response, due = next(iter(self._next.items()))
            if due > now:
                break
            del self._next[response]
            self._next[response] = now + PING_SECONDS
            response.beat(now)


def heartbeat() -> Heartbeat:
    """The clock of the running event loop."""
    try:
        return _of_this_loop.get()
    except LookupError:
        clock = Heartbeat()
        _of_this_loop.set(clock)
        return clock


_of_this_loop: RunVar[Heartbeat] = RunVar("mcp_heartbeat")


def server_is_stopping() -> bool:
    """Whether the process runs uvicorn, and that was asked to stop.

    An ASGI application is not told. Uvicorn handles the signals by a method of its server object, whose attribute
    `should_exit` says it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        server = getattr(signal.getsignal(number), "__self__", None)
        if getattr(server, "should_exit", False) is True:
            return True
    return False
