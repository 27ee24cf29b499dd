"""A server that clients can come back to: what they missed while away is sent again.

uv run python examples/snippets/servers/event_store.py
"""

from collections import deque
from uuid import uuid4

import anyio

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.streamable_http import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp.types import JSONRPCMessage


class InMemoryEventStore(EventStore):
    """Keeps the last events in memory."""

    def __init__(self, limit: int = 1000) -> None:
        self._events: deque[tuple[EventId, StreamId, JSONRPCMessage | None]] = deque(maxlen=limit)

    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        event_id = uuid4().hex
        self._events.append((event_id, stream_id, message))
        return event_id

    async def replay_events_after(self, last_event_id: EventId, send_callback: EventCallback) -> StreamId | None:
        events = list(self._events)
        known = [index for index, (event_id, _, _) in enumerate(events) if event_id == last_event_id]
        if not known:
            return None
        stream = events[known[0]][1]
        for event_id, stream_id, message in events[known[0] + 1 :]:
            # Events without a message only gave the client an id to come back with.
            if stream_id == stream and message is not None:
                await send_callback(EventMessage(message, event_id))
        return stream


mcp = FastMCP("Resumable", event_store=InMemoryEventStore(), retry_interval=100)


@mcp.tool()
async def travel(ctx: Context, steps: int = 3) -> str:
    """Hang up in the middle; the client comes back after `retry_interval` milliseconds and misses nothing."""
    for step in range(steps):
        await ctx.info(f"step {step + 1}")
        if step == 0:
            await ctx.close_sse_stream()
        await anyio.sleep(0.05)
    return "arrived"


if __name__ == "__main__":
    mcp.run(transport="streamable-http")
