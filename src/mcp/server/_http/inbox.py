"""The messages that HTTP requests bring, on their way to the session."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from mcp.shared._streams import Taker
from mcp.shared.message import SessionMessage

BACKLOG = 16
"""How many messages may wait for the session before those who bring more have to wait too."""


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

    # As a message source

    async def receive(self) -> SessionMessage | Exception:
        while not self._items:
            if self._closed:
                raise anyio.ClosedResourceError
            if self._ended:
                raise anyio.EndOfStream
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
