"""Replays show a session its own streams and nothing else. No event loop needed beyond awaiting the store."""

from typing import Any

import pytest

from mcp.server._http.replay import Replay, StoredEvent, own_stream_key, stored_stream_id
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import JSONRPCMessage

pytestmark = pytest.mark.anyio


def message(number: int) -> JSONRPCMessage:
    return JSONRPCMessage.model_validate({"jsonrpc": "2.0", "method": "n", "params": {"n": number}})


class Store(EventStore):
    """Hands over what it was told to, under the stream id it was told."""

    def __init__(self, stream_id: str | None, *events: EventMessage) -> None:
        self.stream_id = stream_id
        self.events = events

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        raise NotImplementedError

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        for event in self.events:
            await send_callback(event)
        return self.stream_id


def event_ids(data: bytes) -> list[str]:
    return [line.removeprefix("id: ") for line in data.decode().splitlines() if line.startswith("id: ")]


@pytest.mark.parametrize(
    ("stream_id", "key"),
    [
        ("mine/1", "1"),
        ('mine/"a/b"', '"a/b"'),
        ("mine/_GET_stream", "_GET_stream"),
        ("yours/1", None),
        ("mine", None),
        ("1", None),
        ("minestrone/1", None),
        (None, None),
    ],
)
async def test_whose_stream_it_is(stream_id: str | None, key: str | None) -> None:
    """TSV-51"""
    assert own_stream_key("mine", stream_id) == key
    if key is not None:
        assert stored_stream_id("mine", key) == stream_id


@pytest.mark.parametrize("stream_id", ["yours/1", "1", "_GET_stream", None])
async def test_events_of_others_are_not_shown(stream_id: str | None) -> None:
    """TSV-47 TSV-51 TSV-60: not even what the store has handed over already."""
    replay = Replay()
    await replay.read(Store(stream_id, EventMessage(message(1), "1")), "0", "mine")
    replay.note("1", StoredEvent(b"{}", "2"))
    assert replay.key is None
    assert replay.events() == b""


async def test_own_events_in_order() -> None:
    """TSV-46"""
    replay = Replay()
    marker: Any = EventMessage(None, "2")  # pyright: ignore[reportArgumentType]
    await replay.read(
        Store("mine/1", EventMessage(message(1), "1"), marker, EventMessage(message(2), "3")), "0", "mine"
    )
    assert replay.key == "1"
    assert event_ids(replay.events()) == ["1", "3"]


async def test_what_was_sent_meanwhile_comes_once() -> None:
    """TSV-46"""
    replay = Replay()
    replay.note("1", StoredEvent(b"{}", "2"))
    await replay.read(Store("mine/1", EventMessage(message(1), "1"), EventMessage(message(2), "2")), "0", "mine")
    replay.note("other", StoredEvent(b"{}", "3"))
    replay.note("1", StoredEvent(b"{}", "4"))
    assert event_ids(replay.events()) == ["1", "2", "4"]
