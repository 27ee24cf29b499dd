"""Server-sent events out of bytes, without I/O.

Lines end with LF, CR or CRLF and with nothing else; a line may come in any number of chunks. The data of an event stays
bytes: it is JSON, whose parser wants bytes. The cost of an event is linear in its length.

Source: WHATWG HTML, section "Server-sent events", "Interpreting an event stream".
"""

from __future__ import annotations

from dataclasses import dataclass

from mcp.shared import limits
from mcp.shared.exceptions import ProtocolError
from mcp.types import PARSE_ERROR

_BOM = b"\xef\xbb\xbf"
_MAX_RETRY_DIGITS = 9


@dataclass
class ServerEvent:
    """One event.

    Attributes:
        event: its name, `message` if it has none.
        data: its data lines, joined by line feeds.
        id: the last event id in effect, which an earlier event may have set; empty if there is none.
        retry: milliseconds to wait before a reconnection, if this event says so.
    """

    event: str = "message"
    data: bytes | str = b""
    id: str = ""
    retry: int | None = None


class EventDecoder:
    """Makes events of the chunks of one stream."""

    def __init__(self) -> None:
        self._unfinished: list[bytes] = []
        self._after_cr = False
        self._at_start = True
        self._event = b""
        self._data: list[bytes] = []
        self._id = ""
        self._id_set = False
        self._retry: int | None = None
        # Bytes that are kept: those of the unfinished line and of the unfinished event.
        self._line_size = self._event_size = 0

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes, of any number; return the events that they complete.

        Raises:
            ProtocolError: an event is larger than `mcp.shared.limits.MAX_EVENT_SIZE`; the stream is of no use any more.
        """
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.splitlines()
        if self._unfinished:
            self._unfinished.append(lines[0])
            if len(lines) > 1 or chunk[-1] in b"\r\n":
                lines[0] = b"".join(self._unfinished)
                self._unfinished.clear()
                self._line_size = 0
            else:
                self._line_size += len(chunk)
                self._check_size()
                return []
        if chunk[-1] not in b"\r\n":
            self._unfinished.append(lines.pop())
            self._line_size = len(self._unfinished[0])
        events: list[ServerEvent] = []
        for line in lines:
            if line:
                self._read(line)
            elif (event := self._dispatch()) is not None:
                events.append(event)
        self._check_size()
        return events

    def _check_size(self) -> None:
        if self._line_size + self._event_size > limits.MAX_EVENT_SIZE:
            raise ProtocolError(PARSE_ERROR, f"An event has more than {limits.MAX_EVENT_SIZE} bytes")

    def _read(self, line: bytes) -> None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        field, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            self._data.append(value)
            self._event_size += len(value) + 1
            if self._event_size > limits.MAX_EVENT_SIZE:
                self._check_size()
        elif field == b"event":
            self._event = value
        elif field == b"id":
            if b"\0" not in value:
                self._id = value.decode(errors="replace")
                self._id_set = True
        elif field == b"retry" and value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
            self._retry = int(value)

    def _dispatch(self) -> ServerEvent | None:
        if not (self._data or self._event or self._id_set or self._retry is not None):
            return None
        name = self._event.decode(errors="replace") if self._event and self._event != b"message" else "message"
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        event = ServerEvent(name, data, self._id, self._retry)
        self._event = b""
        self._data.clear()
        self._event_size = 0
        self._id_set = False
        self._retry = None
        return event
