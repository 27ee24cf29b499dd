"""Fuzz target for what reads messages. By hand, for a minute:

uv run --with atheris python fuzz/fuzz_messages.py -max_total_time=60
"""

import sys

import atheris  # pyright: ignore[reportMissingImports]

with atheris.instrument_imports():
    from mcp.client._sse_events import EventDecoder
    from mcp.shared._broken_lines import mend, subject_of
    from mcp.shared._codec import encode_message, parse_message
    from mcp.shared._lines import LineSplitter
    from mcp.shared.exceptions import McpError
    from mcp.shared.message import SessionMessage


def one_input(data: bytes) -> None:
    try:
        message = parse_message(data)
    except McpError:
        subject_of(data)
        mend(data, lenient=True)
    else:
        parse_message(encode_message(SessionMessage(message)))
    half = len(data) // 2
    decoder = EventDecoder()
    events = decoder.feed(data[:half]) + decoder.feed(data[half:])
    assert events == EventDecoder().feed(data)
    splitter = LineSplitter()
    assert splitter.feed(data[:half]) + splitter.feed(data[half:]) + [splitter.end() or b""] == data.split(b"\n")


atheris.Setup(sys.argv, one_input)
atheris.Fuzz()
