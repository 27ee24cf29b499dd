"""The two streams of a transport, as objects that do the transport's work themselves.

A session reads and writes `SessionMessage`s through a pair of streams. A transport of ours implements `MessageSource`
and `MessageSink`; the streams around them have the interface of anyio's memory streams, so that programs (and tracing
packages) which wrap, clone or look at them find what they expect, and no queue stands behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias, TypeVar, cast

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.streams.memory import MemoryObjectStreamStatistics
from typing_extensions import Self

from mcp.shared.message import SessionMessage

Taker: TypeAlias = Callable[[SessionMessage | Exception], bool]
"""Takes a message at once, without waiting; false if it does not take this one."""


class MessageSource(Protocol):
    """Where messages come from."""

    async def receive(self) -> SessionMessage | Exception:
        """Wait for the next message, or for an exception in place of something that is none.

        A cancelled call loses no message.

        Raises:
            anyio.EndOfStream: no further message will come.
            anyio.ClosedResourceError: this end was closed.
        """
        ...

    def close(self) -> None:
        """Release what the source holds; called once."""
        ...

    def close_reason(self) -> str | None:
        """Why no further message will come, in words for an error message; None if there is nothing to say."""
        ...


class MessageSink(Protocol):
    """Where messages go."""

    async def send(self, item: SessionMessage) -> None:
        """Hand one message over.

        Raises:
            anyio.BrokenResourceError: the other end is gone.
            anyio.ClosedResourceError: this end was closed.
            ValueError: the message has no JSON form; nothing was sent.
        """
        ...

    def close(self) -> None:
        """Release what the sink holds; called once. A `send` that still waits raises `anyio.ClosedResourceError`."""
        ...


EndT = TypeVar("EndT", MessageSource, MessageSink)


class _Shared:
    """What the clones of one stream share: the count of those open, and whether the other end was found gone."""

    __slots__ = ("open", "peer_gone")

    def __init__(self) -> None:
        self.open = 1
        self.peer_gone = False


class OfferingSource(MessageSource, Protocol):
    """A source that other tasks of the same event loop put messages into."""

    taker: Taker | None
    """Is offered each message that arrives while `receive` waits. What it takes does not come out of `receive`."""


class MessageReceiveStream(ObjectReceiveStream[SessionMessage | Exception]):
    """The read stream of a transport."""

    def __init__(self, source: MessageSource, _shared: _Shared | None = None) -> None:
        self._source = source
        self._shared = _shared or _Shared()
        self._closed = False

    async def receive(self) -> SessionMessage | Exception:
        """Wait for the next message (see `MessageSource.receive`)."""
        if self._closed:
            raise anyio.ClosedResourceError
        try:
            return await self._source.receive()
        except anyio.EndOfStream:
            self._shared.peer_gone = True
            raise

    def offer_to(self, taker: Taker | None) -> None:
        """Set who is offered messages that arrive while `receive` waits, where the source can do that."""
        if hasattr(self._source, "taker"):
            cast("OfferingSource", self._source).taker = taker

    def clone(self) -> MessageReceiveStream:
        """Another handle on the same source; the source is closed with its last handle."""
        if self._closed:
            raise anyio.ClosedResourceError
        self._shared.open += 1
        return MessageReceiveStream(self._source, self._shared)

    def close(self) -> None:
        """Close this handle; may be called more than once."""
        if not self._closed:
            self._closed = True
            self._shared.open -= 1
            if not self._shared.open:
                self._source.close()

    async def aclose(self) -> None:
        """Close this handle."""
        self.close()

    def close_reason(self) -> str | None:
        """Why the stream ended, in words for an error message."""
        return self._source.close_reason()

    def statistics(self) -> MemoryObjectStreamStatistics:
        """How many handles are open, the other end counting as one until the stream has ended; nothing is buffered."""
        return MemoryObjectStreamStatistics(0, 0, int(not self._shared.peer_gone), self._shared.open, 0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class MessageSendStream(ObjectSendStream[SessionMessage]):
    """The write stream of a transport."""

    def __init__(self, sink: MessageSink, _shared: _Shared | None = None) -> None:
        self._sink = sink
        self._shared = _shared or _Shared()
        self._closed = False

    async def send(self, item: SessionMessage) -> None:
        """Hand one message to the transport (see `MessageSink.send`)."""
        if self._closed:
            raise anyio.ClosedResourceError
        try:
            await self._sink.send(item)
        except anyio.BrokenResourceError:
            self._shared.peer_gone = True
            raise

    def clone(self) -> MessageSendStream:
        """Another handle on the same sink; the sink is closed with its last handle."""
        if self._closed:
            raise anyio.ClosedResourceError
        self._shared.open += 1
        return MessageSendStream(self._sink, self._shared)

    def close(self) -> None:
        """Close this handle; may be called more than once."""
        if not self._closed:
            self._closed = True
            self._shared.open -= 1
            if not self._shared.open:
                self._sink.close()

    async def aclose(self) -> None:
        """Close this handle."""
        self.close()

    def statistics(self) -> MemoryObjectStreamStatistics:
        """How many handles are open, the other end counting as one until sending failed; nothing is buffered."""
        return MemoryObjectStreamStatistics(0, 0, self._shared.open, int(not self._shared.peer_gone), 0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
