"""Every limit, and the clean error at it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from mcp import types
from mcp.client._sse_events import EventDecoder
from mcp.server.lowlevel import Server
from mcp.shared import limits
from mcp.shared._codec import parse_message
from mcp.shared._lines import LineSplitter, LongLine
from mcp.shared.exceptions import ProtocolError

pytestmark = pytest.mark.anyio


def slow_server(running: list[str], release: Callable[[], Any]) -> Server[Any, Any]:
    server: Server[Any, Any] = Server("slow")

    @server.call_tool(validate_input=False)
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        running.append(name)
        await release()
        return []

    return server


async def test_requests_in_flight_per_session(raw_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_REQUESTS_IN_FLIGHT", 5)
    running: list[str] = []
    release = anyio.Event()
    async with raw_client(slow_server(running, release.wait)) as peer:
        for number in range(5):
            await peer.send(id=number, method="tools/call", params={"name": "x"})
        refused = await peer.ask("one more", "tools/call", {"name": "x"})
        assert refused == {"error": {"code": -32603, "message": "Too many requests in flight"}}
        release.set()
        assert {(await peer.receive())["id"] for _ in range(5)} == set(range(5))
        # There is room again.
        assert "result" in await peer.ask("again", "tools/call", {"name": "x"})
    assert len(running) == 6


async def test_answers_that_the_peer_does_not_read(raw_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that asks and asks and never reads: what is kept for it is bounded."""
    monkeypatch.setattr(limits, "MAX_REQUESTS_IN_FLIGHT", 10)
    release = anyio.Event()
    release.set()
    running: list[str] = []
    async with raw_client(slow_server(running, release.wait), initialize=False, buffer=0) as peer:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(peer.initialize)
        for number in range(200):
            await peer.send(id=number, method="tools/call", params={"name": "x"})
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
        assert len(running) == 10
        with anyio.fail_after(5):
            answers = [await peer.receive() for _ in range(20)]
        assert sum("result" in answer for answer in answers) == 10
        assert sum(answer.get("error", {}).get("message") == "Too many requests in flight" for answer in answers) == 10
        await peer.silent()


def test_line_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_LINE_LENGTH", 10)
    assert LineSplitter().feed(b"x" * 11 + b"\nshort\n") == [LongLine(b"x" * 11), b"short"]


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: " + b"x" * 101],
        [b"data: " + b"x" * 50, b"x" * 60],
        [b"data: " + b"x" * 40 + b"\n"] * 3,
        [b"x" * 200],
        [b"data:" + b"x" * 10] * 20,
        [b"data: " + b"x" * 101 + b"\n\n"],
    ],
)
def test_event_size(chunks: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_EVENT_SIZE", 100)
    decoder = EventDecoder()
    with pytest.raises(ProtocolError, match="more than 100 bytes"):
        for chunk in chunks:
            decoder.feed(chunk)


def test_many_events_below_the_event_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_EVENT_SIZE", 100)
    decoder = EventDecoder()
    # The limit is for each event, not for the stream; comments count for nothing once they are read.
    for _ in range(50):
        assert [event.data for event in decoder.feed(b": comment\ndata: " + b"x" * 80 + b"\n\n")] == [b"x" * 80]
    for byte in b"data: " + b"y" * 80 + b"\n":
        decoder.feed(bytes([byte]))
    assert [event.data for event in decoder.feed(b"\n")] == [b"y" * 80]


@pytest.mark.parametrize("depth", [201, 10_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_depth(depth: int, opening: str) -> None:
    closing = {"[": "]", '{"a":': "}"}[opening]
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": 0}})
    with pytest.raises(ProtocolError) as raised:
        parse_message(text.replace("0}", opening * depth + "0" + closing * depth + "}"))
    assert raised.value.error.code == -32700
