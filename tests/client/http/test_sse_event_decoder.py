"""Server-sent events out of bytes, in any cut."""

import time

import pytest

from mcp.client._sse_events import EventDecoder, ServerEvent

EVENT = ServerEvent

STREAMS: dict[str, tuple[bytes, list[ServerEvent]]] = {
    "one": (b"data: x\n\n", [EVENT(data=b"x")]),
    "CRLF": (b"data: x\r\n\r\ndata: y\r\n\r\n", [EVENT(data=b"x"), EVENT(data=b"y")]),
    "lone CR": (b"data: x\r\rdata: y\r\r", [EVENT(data=b"x"), EVENT(data=b"y")]),
    "mixed line ends": (b"data: x\r\n\ndata: y\n\r\n", [EVENT(data=b"x"), EVENT(data=b"y")]),
    "no space after the colon": (b"data:x\n\n", [EVENT(data=b"x")]),
    "only one space is dropped": (b"data:  x\n\n", [EVENT(data=b" x")]),
    "several data lines": (b"data: a\ndata: b\n\n", [EVENT(data=b"a\nb")]),
    "name": (b"event: ping\ndata: x\n\n", [EVENT("ping", b"x")]),
    "comment": (b": hello\ndata: x\n: there\n\n: only a comment\n\n", [EVENT(data=b"x")]),
    "id stays in effect": (b"id: 1\ndata: x\n\ndata: y\n\n", [EVENT(data=b"x", id="1"), EVENT(data=b"y", id="1")]),
    "id alone primes": (b"id: 1\n\n", [EVENT(id="1")]),
    "id is reset": (b"id: 1\ndata: x\n\nid\ndata: y\n\n", [EVENT(data=b"x", id="1"), EVENT(data=b"y")]),
    "id with NUL is ignored": (b"id: 1\0\ndata: x\n\n", [EVENT(data=b"x")]),
    "retry": (b"retry: 250\ndata: x\n\n", [EVENT(data=b"x", retry=250)]),
    "retry alone": (b"retry: 250\n\n", [EVENT(retry=250)]),
    "retry that is no number": (b"retry: 2.5\ndata: x\n\nretry: -1\n\n", [EVENT(data=b"x")]),
    "retry of absurd length": (b"retry: " + b"9" * 5000 + b"\ndata: x\n\n", [EVENT(data=b"x")]),
    "unknown field": (b"foo: 1\nbar\ndata: x\n\n", [EVENT(data=b"x")]),
    "byte order mark": (b"\xef\xbb\xbfdata: x\n\n", [EVENT(data=b"x")]),
    "nothing": (b"\n\n\n", []),
    "half an event is none": (b"data: x\n\ndata: y\n", [EVENT(data=b"x")]),
    "other separators are no line ends": (
        "data: a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei\n\n".encode(),
        [EVENT(data="a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei".encode())],
    ),
    "four-byte characters": ("data: 😀𝄞\n\n".encode(), [EVENT(data="😀𝄞".encode())]),
    "broken UTF-8 in a name": (b"event: \xff\nid: \xff\ndata: x\n\n", [EVENT("\ufffd", b"x", "\ufffd")]),
}


@pytest.mark.parametrize("name", STREAMS)
def test_events_are_the_same_in_every_cut(name: str) -> None:
    """TCL-36, TCL-21: chunks of every size, and a cut at every place."""
    stream, expected = STREAMS[name]
    sizes = range(1, len(stream) + 1) if len(stream) < 100 else (1, 7, 4096)
    for size in sizes:
        decoder = EventDecoder()
        found = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
        assert found == expected, size
    for at in range(min(len(stream), 100)):
        decoder = EventDecoder()
        assert decoder.feed(stream[:at]) + decoder.feed(stream[at:]) == expected, at


def test_empty_chunk() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"") == []
    assert decoder.feed(b"data: x\r") == []
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\n\r") == [EVENT(data=b"x")]
    assert decoder.feed(b"\n") == []


def decode_seconds(length: int) -> float:
    data = b"x" * length
    stream = b"data: " + data + b"\n\n"
    decoder = EventDecoder()
    began = time.process_time()
    events = [event for at in range(0, len(stream), 16384) for event in decoder.feed(stream[at : at + 16384])]
    seconds = time.process_time() - began
    assert [event.data for event in events] == [data]
    return seconds


def test_cost_of_a_large_event_is_linear() -> None:
    """64 MiB in one event: no limit. Quadratic cost would take minutes."""
    small = min(decode_seconds(2**20) for _ in range(3))
    large = decode_seconds(64 * 2**20)
    assert large < 64 * 8 * small + 0.5
