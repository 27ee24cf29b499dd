"""Two message streams connected in memory, which hand a message over directly when the other end waits for it."""

from __future__ import annotations

from collections import deque

import anyio
import anyio.lowlevel

from mcp.shared._streams import MessageReceiveStream, MessageSendStream
from mcp.shared.message import SessionMessage

BUFFER_SIZE = 1
"""Messages that may wait unread; a further `send` waits until there is room."""

# A sender and a receiver that never wait still leave the event loop a turn now and then.
MESSAGES_PER_TURN = 16


class _Pipe:
    """One direction: both the source and the sink."""

    def __init__(self) -> None:
        self._items: deque[SessionMessage | Exception] = deque()
        self._readable: anyio.Event | None = None
        self._writable: anyio.Event | None = None
        self._source_closed = False
        self._sink_closed = False
        self._sent = 0

    def take(self) -> SessionMessage | Exception:
        """The next message; `anyio.WouldBlock` if there is none."""
        if not self._items:
            if self._sink_closed:
                raise anyio.EndOfStream
            raise anyio.WouldBlock
        item = self._items.popleft()
        if self._writable is not None:
            self._writable.set()
            self._writable = None
        return item

    def put(self, item: SessionMessage | Exception) -> None:
        """Hand a message over; `anyio.WouldBlock` if there is no room."""
        if self._source_closed:
            raise anyio.BrokenResourceError
        if self._readable is not None:
            self._readable.set()
            self._readable = None
        elif len(self._items) >= BUFFER_SIZE:
            raise anyio.WouldBlock
        self._items.append(item)

    async def receive(self) -> SessionMessage | Exception:
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
        self._sent += 1
        if self._sent % MESSAGES_PER_TURN == 0:
            await anyio.lowlevel.checkpoint()
        # What has no JSON form must fail here, not at the peer.
        if isinstance(item, SessionMessage):  # pyright: ignore[reportUnnecessaryIsInstance] - tests send exceptions too
            item.message  # noqa: B018
        while True:
            try:
                return self.put(item)
            except anyio.WouldBlock:
                if self._writable is None:
                    self._writable = anyio.Event()
                await self._writable.wait()
                if self._sink_closed:
                    raise anyio.ClosedResourceError from None

    def close_source(self) -> None:
        self._source_closed = True
        self._items.clear()
        self._wake_all()

    def close_sink(self) -> None:
        self._sink_closed = True
        self._wake_all()

    def _wake_all(self) -> None:
        for event in (self._readable, self._writable):
            if event is not None:
                event.set()
        self._readable = self._writable = None


class _Source:
    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe

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
