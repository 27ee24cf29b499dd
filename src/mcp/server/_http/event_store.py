"""The interface of an event store: what makes a stream resumable.

Source: specification 2025-11-25, page "Transports", section "Resumability and Redelivery".
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from mcp.types import JSONRPCMessage

StreamId: TypeAlias = str
EventId: TypeAlias = str


@dataclass
class EventMessage:
    """A message on its way out of an event store.

    Attributes:
        message: the message as it was stored.
        event_id: what `store_event` returned for it.
    """

    message: JSONRPCMessage
    event_id: str | None = None


EventCallback: TypeAlias = Callable[[EventMessage], Awaitable[None]]


class EventStore(ABC):
    """Keeps the events of streams, so that a client that lost its connection can have them again.

    One store may serve many sessions: the stream ids that it is given are different in each.
    """

    @abstractmethod
    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        """Store an event at the end of a stream.

        Args:
            stream_id: the stream.
            message: the message; None for an event that only marks a place to resume from, and is never replayed.

        Returns:
            An id that names this event among those of all streams. It goes to the client as one line of text.
        """

    @abstractmethod
    async def replay_events_after(
        self,
        last_event_id: EventId,
        send_callback: EventCallback,
    ) -> StreamId | None:
        """Hand over the events that followed an event on its stream, in their order.

        Args:
            last_event_id: the last event that the client received.
            send_callback: awaited with each event.

        Returns:
            The stream of the event; None if the event is unknown.
        """
