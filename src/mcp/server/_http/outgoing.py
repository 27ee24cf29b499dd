"""The messages of one HTTP response on their way out, and which response each message takes.

Plain tables and queues: what writes them to a connection is in `writers`.

Source: specification 2025-11-25, page "Transports", sections "Sending Messages to the Server", "Listening for
Messages from the Server" and "Multiple Connections".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable
from typing import NamedTuple

import anyio
from pydantic_core import to_json

from mcp.server._http.sse_format import message_event, ping_comment
from mcp.shared.message import ResultMessage, ServerMessageMetadata, SessionMessage
from mcp.types import JSONRPCError, JSONRPCRequest, JSONRPCResponse, RequestId

GET_STREAM_KEY = "_GET_stream"
"""Key of the stream that carries what belongs to no request."""

REQUEST_STREAM_BUFFER_SIZE = 16
"""How many events of one stream may wait for a slow reader before their senders have to wait too."""


def stream_key(request_id: RequestId) -> str:
    """The key of a request's stream: the id as JSON, so that 1 and "1" differ, and neither is `GET_STREAM_KEY`."""
    return str(request_id) if type(request_id) is int else to_json(request_id).decode()


class Route(NamedTuple):
    """Where an outgoing message goes.

    Attributes:
        key: the stream.
        answers: whether the message is the response to that stream's request.
        asks: the id of the request that the message is, for which the client's answer is awaited.
    """

    key: str
    answers: bool = False
    asks: RequestId | None = None


def route(item: SessionMessage, open_streams: Container[str], *, json_response: bool = False) -> Route:
    """Decide which stream a message takes (TSV-57).

    A response takes the stream of its request, another message that of the request it belongs to, or else the
    standalone one. Where requests are answered with plain JSON, only responses fit there (TSV-37).

    Args:
        item: the message.
        open_streams: keys of the streams of running requests.
        json_response: whether requests are answered with plain JSON.
    """
    if isinstance(item, ResultMessage) and item.unopened is not None:
        assert item.request_id is not None
        return Route(stream_key(item.request_id), answers=True)
    root = item.message.root
    if isinstance(root, JSONRPCResponse | JSONRPCError):
        return Route(stream_key(root.id), answers=True)
    metadata = item.metadata
    related = metadata.related_request_id if isinstance(metadata, ServerMessageMetadata) else None
    key = GET_STREAM_KEY if related is None or json_response else known_key(related, open_streams)
    return Route(key, asks=root.id if isinstance(root, JSONRPCRequest) else None)


def known_key(request_id: RequestId, open_streams: Container[str]) -> str:
    """The key of a request's stream, also when a program hands the id over as text."""
    key = stream_key(request_id)
    if isinstance(request_id, str) and key not in open_streams and request_id in open_streams:
        return request_id
    return key


class EventQueue:
    """What waits to be written to one HTTP response."""

    __slots__ = ("_ended", "_events", "_noticed", "_ping", "_room")

    def __init__(self) -> None:
        self._events: deque[tuple[bytes, str | None]] = deque()
        self._ended = False
        self._ping = False
        self._noticed: anyio.Event | None = None
        self._room: anyio.Event | None = None

    def push(self, payload: bytes, event_id: str | None) -> None:
        """Have an event written."""
        if not self._ended:
            self._events.append((payload, event_id))
            self._notice()

    def ping(self) -> None:
        """Have a comment written, unless there is something else to write."""
        if not self._events and not self._ended:
            self._ping = True
            self._notice()

    async def room(self) -> None:
        """Wait until few enough events are left to write."""
        while len(self._events) > REQUEST_STREAM_BUFFER_SIZE:
            if self._room is None:
                self._room = anyio.Event()
            await self._room.wait()

    def end(self) -> None:
        """Let the response end once everything is written."""
        self._ended = True
        self._notice()

    def drop(self) -> None:
        """Let the response end without what is not written yet."""
        self._events.clear()
        self._make_room()
        self.end()

    @property
    def ready(self) -> bool:
        """Whether there is something to write, or nothing more will come."""
        return bool(self._events) or self._ended or self._ping

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to write and nothing more will come."""
        return self._ended and not self._events

    async def wait_ready(self) -> None:
        """Wait until there is something to write, or nothing more will come."""
        while not self.ready:
            await self._change()

    async def wait_ended(self) -> None:
        """Wait until nothing more will come."""
        while not self._ended:
            await self._change()

    async def _change(self) -> None:
        if self._noticed is None:
            self._noticed = anyio.Event()
        await self._noticed.wait()

    def take(self) -> bytes:
        """All events that wait, as one piece of an event stream."""
        ping, self._ping = self._ping, False
        if ping and not self._events:
            return ping_comment()
        return b"".join([message_event(payload, event_id) for payload, event_id in self._taken()])

    def take_payloads(self) -> list[bytes]:
        """All messages that wait, as JSON texts."""
        return [payload for payload, _ in self._taken()]

    def _taken(self) -> Iterable[tuple[bytes, str | None]]:
        events, self._events = self._events, deque()
        self._make_room()
        return events

    def _notice(self) -> None:
        if self._noticed is not None:
            self._noticed.set()
            self._noticed = None

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None


class OutgoingStream:
    """One stream of a session: the answers to one POST, or what belongs to no request.

    The stream of a POST lives until its requests are answered, whether or not somebody reads it. Without a reader,
    events are dropped; an event store has them.

    Args:
        key: the key of the stream in its session.
        request_keys: keys of the requests whose responses end the stream.

    Attributes:
        queue: that of the HTTP response which carries the stream at present.
    """

    __slots__ = ("_order", "key", "queue", "request_keys")

    def __init__(self, key: str, request_keys: Iterable[str] = ()) -> None:
        self.key = key
        self.request_keys = tuple(request_keys)
        self.queue: EventQueue | None = None
        self._order: anyio.Lock | None = None

    @property
    def order(self) -> anyio.Lock:
        """Held while an event is stored, so that events are sent in the order of the store."""
        if self._order is None:
            self._order = anyio.Lock(fast_acquire=True)
        return self._order

    def attach(self) -> EventQueue:
        """Begin to read; there must be no other reader."""
        assert self.queue is None
        self.queue = EventQueue()
        return self.queue

    def detach(self, queue: EventQueue | None = None) -> None:
        """End the reading, or only that of `queue`; what is not written yet is dropped."""
        if self.queue is not None and (queue is None or queue is self.queue):
            self.queue.drop()
            self.queue = None

    def push(self, payload: bytes, event_id: str | None) -> None:
        """Have an event written, if somebody reads."""
        if self.queue is not None:
            self.queue.push(payload, event_id)

    def settle(self, request_key: str) -> bool:
        """The response to this request was pushed. Returns whether it was the last one, which ends the stream."""
        self.request_keys = tuple(key for key in self.request_keys if key != request_key)
        if self.request_keys:
            return False
        self.end()
        return True

    def end(self) -> None:
        """Let the reader finish what it has to write."""
        if self.queue is not None:
            self.queue.end()
            self.queue = None
