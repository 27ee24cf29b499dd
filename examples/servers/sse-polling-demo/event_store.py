"""An event store in memory: what makes broken streams resumable."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from uuid import uuid4

from mcp.server.streamable_http import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp.types import JSONRPCMessage


@dataclass
class Event:
    id: EventId
    stream: StreamId
    message: JSONRPCMessage | None


class InMemoryEventStore(EventStore):
    """Keeps the last events of all streams.

    Args:
        limit: how many events are kept.
    """

    def __init__(self, limit: int = 1000) -> None:
        self._events: deque[Event] = deque(maxlen=limit)

    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        event = Event(uuid4().hex, stream_id, message)
        self._events.append(event)
        return event.id

    async def replay_events_after(self, last_event_id: EventId, send_callback: EventCallback) -> StreamId | None:
        events = list(self._events)
        position = next((index for index, event in enumerate(events) if event.id == last_event_id), None)
        if position is None:
            return None
        stream = events[position].stream
        for event in events[position + 1 :]:
            # A priming event carries no message: it only gave the client an id to resume from.
            if event.stream == stream and event.message is not None:
                await send_callback(EventMessage(event.message, event.id))
        return stream
