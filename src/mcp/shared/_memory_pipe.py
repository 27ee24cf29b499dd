"""Two message streams connected in memory, which hand a message over directly when the other end waits for it."""

from __future__ import annotations

from collections import OrderedDict, deque

import anyio
import anyio.lowlevel

from mcp.shared._streams import MessageReceiveStream, MessageSendStream, Taker
from mcp.shared.message import ResultMessage, SessionMessage

BUFFER_SIZE = 1
"""Messages that may wait unread; a further `send` waits until there is room."""

# A receiver for whom senders always wait still leaves the event loop a turn now and then.
MESSAGES_PER_TURN = 16


class _Turn:
    """A sender that waits for room, with what it wants to send."""

    __slots__ = ("event", "item", "taken")

    def __init__(self, item: SessionMessage) -> None:
        self.item = item
        self.event = anyio.Event()
        self.taken = False


class _Pipe:
    """One direction: both the source and the sink."""

    def __init__(self) -> None:
        self.taker: Taker | None = None
        self._items: deque[SessionMessage | Exception] = deque()
        self._readable: anyio.Event | None = None
        # First come, first served, and each woken alone: a thousand senders woken by every message are a million turns.
        self._waiting: OrderedDict[_Turn, None] = OrderedDict()
        self._source_closed = False
        self._sink_closed = False
        self._received = 0

    def take(self) -> SessionMessage | Exception:
        """The next message; `anyio.WouldBlock` if there is none."""
        if not self._items:
            if self._sink_closed:
                raise anyio.EndOfStream
            raise anyio.WouldBlock
        item = self._items.popleft()
        if self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            self._items.append(turn.item)
            turn.taken = True
            turn.event.set()
        return item

    def put(self, item: SessionMessage | Exception) -> None:
        """Hand a message over; `anyio.WouldBlock` if there is no room."""
        if self._source_closed:
            raise anyio.BrokenResourceError
        if self._readable is not None:
            if self.taker is not None and self.taker(item):
                return
            self._readable.set()
            self._readable = None
        elif len(self._items) >= BUFFER_SIZE:
            raise anyio.WouldBlock
        self._items.append(item)

    async def receive(self) -> SessionMessage | Exception:
        self._received += 1
        if self._received % MESSAGES_PER_TURN == 0:
            await anyio.lowlevel.checkpoint()
        while True:
            try:
                return self.take()
            except anyio.WouldBlock:
                if self._readable is None:
                    self._readable = anyio.Event()
                await self._readable.wait()
                if self._source_closed:
                    raise anyio.ClosedResourceError from None

    async def send(self, item: SessionMessage) -> None:
        # What has no JSON form must fail here, not at the peer.
        if isinstance(item, SessionMessage) and not (isinstance(item, ResultMessage) and item.is_plain):  # pyright: ignore[reportUnnecessaryIsInstance] - tests send exceptions too
            item.message  # noqa: B018
        try:
            self.put(item)
        except anyio.WouldBlock:
            await self._wait_for_room(item)

    async def _wait_for_room(self, item: SessionMessage) -> None:
        turn = _Turn(item)
        self._waiting[turn] = None
        try:
            await turn.event.wait()
        finally:
            self._waiting.pop(turn, None)
        if not turn.taken:
            raise anyio.ClosedResourceError if self._sink_closed else anyio.BrokenResourceError

    def close_source(self) -> None:
        self._source_closed = True
        self._items.clear()
        self._wake_all()

    def close_sink(self) -> None:
        self._sink_closed = True
        self._wake_all()

    def _wake_all(self) -> None:
        if self._readable is not None:
            self._readable.set()
            self._readable = None
        while self._waiting:
            turn, _ = self._waiting.popitem()
            turn.event.set()


class _Source:
    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe

    @property
    def taker(self) -> Taker | None:
        return self._pipe.taker

    @taker.setter
    def taker(self, taker: Taker | None) -> None:
        self._pipe.taker = taker

    async def receive(self) -> SessionMessage | Exception:
        return await self._pipe.receive()

    def close(self) -> None:
        self._pipe.close_source()

    def close_reason(self) -> str | None:
        return None


class _Sink:
    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe

    async def send(self, item: SessionMessage) -> None:
        await self._pipe.send(item)

    def close(self) -> None:
        self._pipe.close_sink()


class MemoryReceiveStream(MessageReceiveStream):
    """The receiving end, with the methods of anyio's memory streams that do not wait."""

    def __init__(self, pipe: _Pipe) -> None:
        super().__init__(_Source(pipe))
        self._pipe = pipe

    def receive_nowait(self) -> SessionMessage | Exception:
        """The next message; raises `anyio.WouldBlock` if there is none."""
        if self._closed:
            raise anyio.ClosedResourceError
        return self._pipe.take()


class MemorySendStream(MessageSendStream):
    """The sending end, with the methods of anyio's memory streams that do not wait."""

    def __init__(self, pipe: _Pipe) -> None:
        super().__init__(_Sink(pipe))
        self._pipe = pipe

    def send_nowait(self, item: SessionMessage) -> None:
        """Hand a message over; raises `anyio.WouldBlock` if there is no room."""
        if self._closed:
            raise anyio.ClosedResourceError
        self._pipe.put(item)


def create_message_pipe() -> tuple[MemorySendStream, MemoryReceiveStream]:
    """Two connected ends: what is sent into the first is received from the second."""
    pipe = _Pipe()
    return MemorySendStream(pipe), MemoryReceiveStream(pipe)
