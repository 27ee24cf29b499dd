"""Server-sent events as bytes.

Source: WHATWG HTML, section "Server-sent events"; specification 2025-11-25, page "Transports".
"""

from __future__ import annotations

from datetime import datetime, timezone

LINE_SEPARATORS = (
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
    ("\u0085".encode(), b"\\u0085"),
)
"""Characters that end no line of an event stream, but that many readers split lines at; as JSON escapes they pass."""


def message_event(payload: bytes, event_id: str | None = None) -> bytes:
    """The event that carries a JSON text.

    Args:
        payload: compact JSON, UTF-8; it holds no line ends.
        event_id: where a client may resume; left out if None, or if it could not be told from the next line.
    """
    if not payload.isascii():
        for separator, escape in LINE_SEPARATORS:
            if separator in payload:
                payload = payload.replace(separator, escape)
    if event_id is None or not _one_line(event_id):
        return b"event: message\r\ndata: %b\r\n\r\n" % payload
    return b"id: %b\r\nevent: message\r\ndata: %b\r\n\r\n" % (event_id.encode(), payload)


def priming_event(event_id: str, retry: int | None) -> bytes:
    """The event without data that tells a client where to resume, and after how many milliseconds."""
    if not _one_line(event_id):
        return b""
    event = b"id: %b\r\ndata: \r\n" % event_id.encode()
    if retry is not None:
        event += b"retry: %d\r\n" % retry
    return event + b"\r\n"


def ping_comment() -> bytes:
    """A comment that keeps the connection in use."""
    return f": ping - {datetime.now(timezone.utc)}\r\n\r\n".encode()


def endpoint_event(url: str) -> bytes:
    """The first event of the older HTTP+SSE transport: where to post."""
    return f"event: endpoint\r\ndata: {url}\r\n\r\n".encode()


def _one_line(text: str) -> bool:
    return not ("\n" in text or "\r" in text or "\0" in text)
