"""Server-sent events as bytes."""

import json

import pytest

from mcp.server._http import sse_format

TEXTS = [
    "plain",
    "\u2028",
    "\u2029",
    "\u0085",
    "\r",
    "\n",
    "\r\n",
    "\x0b\x0c\x1c\x1d\x1e",
    "\U0001f980",
    "é\u2028\U0001f980\n",
]


@pytest.mark.parametrize("text", TEXTS, ids=[ascii(text) for text in TEXTS])
def test_any_text_stays_one_line_for_every_reader(text: str) -> None:
    """TSV-35"""
    from pydantic_core import to_json

    event = sse_format.message_event(to_json({"text": text})).decode()
    # `str.splitlines` knows more line ends than the format has; some readers use it.
    lines = event.splitlines()
    assert lines[0] == "event: message"
    assert lines[2:] == [""]
    assert json.loads(lines[1].removeprefix("data: ")) == {"text": text}


def test_message_event() -> None:
    """TSV-35 TSV-58"""
    assert sse_format.message_event(b"{}") == b"event: message\r\ndata: {}\r\n\r\n"
    assert sse_format.message_event(b"{}", "é-1") == "id: é-1\r\nevent: message\r\ndata: {}\r\n\r\n".encode()


def test_priming_event() -> None:
    """TSV-61"""
    assert sse_format.priming_event("7", None) == b"id: 7\r\ndata: \r\n\r\n"
    assert sse_format.priming_event("7", 250) == b"id: 7\r\ndata: \r\nretry: 250\r\n\r\n"


@pytest.mark.parametrize("event_id", ["1\n2", "1\r2", "1\x002"])
def test_an_id_cannot_break_out_of_its_line(event_id: str) -> None:
    """TSV-58"""
    assert sse_format.message_event(b"{}", event_id) == b"event: message\r\ndata: {}\r\n\r\n"
    assert sse_format.priming_event(event_id, None) == b""


def test_comment_and_endpoint() -> None:
    """TSV-20 TSV-21"""
    ping = sse_format.ping_comment()
    assert ping.startswith(b": ping - 20")
    assert ping.endswith(b"\r\n\r\n")
    assert sse_format.endpoint_event("/m?session_id=1") == b"event: endpoint\r\ndata: /m?session_id=1\r\n\r\n"
