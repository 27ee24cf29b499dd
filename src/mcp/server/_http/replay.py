"""Resuming a stream after a lost connection, without reading what is another session's.

The store is shared by sessions and gives back whatever belongs to an event id, so the name of a stream in the store
begins with a token of its session, and nothing that a store hands over is written before that is checked.

Source: specification 2025-11-25, page "Transports", section "Resumability and Redelivery".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from mcp.server._http.event_store import EventId, EventMessage, EventStore, StreamId
from mcp.server._http.sse_format import message_event
from mcp.shared._codec import encode_message
from mcp.shared.message import SessionMessage


class StoredEvent(NamedTuple):
    """An event as it goes to the wire."""

    payload: bytes
    event_id: EventId | None


def stored_stream_id(session_token: str, key: str) -> StreamId:
    """The name of a session's stream in the event store."""
    return f"{session_token}/{key}"


def own_stream_key(session_token: str, stream_id: StreamId | None) -> str | None:
    """The key of the stream, if it is one of this session."""
    prefix = f"{session_token}/"
    if stream_id is None or not stream_id.startswith(prefix):
        return None
    return stream_id[len(prefix) :]


class Replay:
    """One run of a stream's stored events.

    Messages sent while the store reads may be in its answer or not; the transport notes them here, and they are added
    where the store has missed them.
    """

    def __init__(self) -> None:
        self._events: list[StoredEvent] = []
        self._noted: list[tuple[str, StoredEvent]] = []
        self.key: str | None = None

    async def read(self, store: EventStore, last_event_id: EventId, session_token: str) -> None:
        """Read what came after an event. `key` tells whose it was; it stays None for an unknown or a foreign one."""
        self.key = own_stream_key(session_token, await store.replay_events_after(last_event_id, self._keep))

    async def _keep(self, event: EventMessage) -> None:
        if cast("object", event.message) is None:
            # A marker; the store ought to have kept it to itself.
            return
        payload = encode_message(SessionMessage(event.message))
        self._events.append(StoredEvent(payload, event.event_id))

    def note(self, key: str, event: StoredEvent) -> None:
        """An event was stored meanwhile."""
        self._noted.append((key, event))

    def events(self) -> bytes:
        """The events of the stream, as a piece of an event stream."""
        if self.key is None:
            return b""
        known = {event.event_id for event in self._events}
        missed = [event for key, event in self._noted if key == self.key and event.event_id not in known]
        return _format(self._events) + _format(missed)


def _format(events: Iterable[StoredEvent]) -> bytes:
    return b"".join([message_event(payload, event_id) for payload, event_id in events])
