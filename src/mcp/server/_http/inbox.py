"""The messages that HTTP requests bring, on their way to the session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from mcp.shared._streams import Taker
from mcp.shared.message import FailedRequestMessage, SessionMessage

BACKLOG = 16
"""How many messages may wait for the session before those who bring more have to wait too."""


class Conclusion:
    """What the reader of an inbox does when it has read everything: it answers the HTTP request that brought it.

    So one task both runs a session and answers the only request of that session.

    Args:
        work: answers the request. Called again if the session is cut short while it works.
        patience: seconds that the session may take to end after the work, before it is cancelled.
    """

    def __init__(self, work: Callable[[], Awaitable[None]], patience: float) -> None:
        self.begun = False
        self._done = False
        self._error: Exception | None = None
        self._work = work
        self._patience = patience
        self._scope = anyio.CancelScope()

    async def do(self) -> None:
        """Work. Errors come out of `come_to`, for they are not the session's."""
        self.begun = True
        try:
            await self._work()
        except Exception as error:
            self._error = error
        self._done = True
        self._scope.deadline = anyio.current_time() + self._patience

    async def come_to(self, run: Callable[[], Awaitable[None]]) -> bool:
        """Run the session. Returns whether the work was done; False if the session ended before it came to that."""
        with self._scope:
            await run()
        if self.begun and not self._done:
            await self._work()
        if self._error is not None:
            raise self._error
        return self.begun


def _nothing() -> None:
    pass


class Inbox:
    """The source behind a transport's read stream (see `mcp.shared._streams.OfferingSource`).

    Args:
        on_close: called when the session closes its end.
    """

    def __init__(self, on_close: Callable[[], object]) -> None:
        self.taker: Taker | None = None
        # A list: mostly empty, and a session that waits should be small.
        self._items: list[SessionMessage | Exception] = []
        self._on_close = on_close
        self._conclusion: Conclusion | None = None
        self._arrived: anyio.Event | None = None
        self._taken: anyio.Event | None = None
        self._ended = False
        self._closed = False

    @property
    def ended(self) -> bool:
        """Whether nobody will read what is put in."""
        return self._ended

    def put(self, item: SessionMessage | Exception) -> None:
        """Hand over without waiting.

        Raises:
            anyio.ClosedResourceError: nobody reads any more.
        """
        if self._ended:
            raise anyio.ClosedResourceError
        if self._arrived is not None and self.taker is not None and self.taker(item):
            return
        self._items.append(item)
        if self._arrived is not None:
            self._arrived.set()
            self._arrived = None

    def fail(self, failure: FailedRequestMessage) -> None:
        """Answer a request of the session in place of the client.

        Raises:
            Exception: the failure itself, if the session reads nothing any more.
        """
        if self._conclusion is None or not self._conclusion.begun:
            self.put(failure)
        elif self.taker is None or not self.taker(failure):
            raise failure.exception

    def conclude_with(self, conclusion: Conclusion) -> None:
        """Have the reader do this once it has read all there is; the end comes after that."""
        self._conclusion = conclusion

    async def room(self) -> None:
        """Wait until the backlog is short again, or nobody reads any more."""
        while len(self._items) > BACKLOG and not self._ended:
            if self._taken is None:
                self._taken = anyio.Event()
            await self._taken.wait()

    def end(self) -> None:
        """No further message comes; what has not been read is dropped."""
        self._ended = True
        self._items.clear()
        for event in (self._arrived, self._taken):
            if event is not None:
                event.set()
        self._arrived = self._taken = None

    def let_go(self) -> None:
        """Keep nothing of the session, which is over: what holds itself waits for the garbage collector."""
        self._on_close = _nothing
        self._conclusion = None
        self.taker = None

    # As a message source

    async def receive(self) -> SessionMessage | Exception:
        while not self._items:
            if self._closed:
                raise anyio.ClosedResourceError
            if self._ended:
                raise anyio.EndOfStream
            if self._conclusion is not None and not self._conclusion.begun:
                await self._conclusion.do()
                self.end()
                continue
            self._arrived = self._arrived or anyio.Event()
            await self._arrived.wait()
        item = self._items.pop(0)
        if self._taken is not None:
            self._taken.set()
            self._taken = None
        return item

    def close(self) -> None:
        self._closed = True
        self.end()
        self._on_close()

    def close_reason(self) -> str | None:
        return None
