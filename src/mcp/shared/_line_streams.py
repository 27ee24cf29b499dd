"""One JSON message per line: the message streams of both stdio transports.

Source: specification 2025-11-25, page "Transports", section "stdio".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol, cast

import anyio
import anyio.lowlevel

from mcp.shared._batches import Batches
from mcp.shared._broken_lines import mend, subject_of
from mcp.shared._codec import encode_message, parse_json, read_message
from mcp.shared._lines import LineSplitter, LongLine
from mcp.shared.exceptions import McpError, ProtocolError
from mcp.shared.message import SessionMessage
from mcp.types import PARSE_ERROR, JSONRPCMessage

# Lines that came in one chunk are handed out without waiting; now and then the handlers get their turn.
LINES_PER_TURN = 16


class ChunkReader(Protocol):
    """Where the bytes come from."""

    async def read(self) -> bytes:
        """Wait for bytes; empty at the end. A cancelled call loses nothing.

        Raises:
            anyio.ClosedResourceError: ended by `interrupt`, or closed.
        """
        ...

    def interrupt(self) -> None:
        """End a `read` that waits at the moment."""
        ...


class ByteReader(ChunkReader, Protocol):
    """Where the bytes come from, with what belongs to it."""

    def read_available(self) -> bytes:
        """What can be read without waiting; empty if nothing can. Nobody may be reading."""
        ...

    def close(self) -> None:
        """Release what the reader owns."""
        ...


class ByteWriter(Protocol):
    """Where the bytes go."""

    async def write(self, data: bytes) -> None:
        """Write all of `data`, in order with other calls, also if the caller is cancelled.

        Raises:
            anyio.BrokenResourceError: nobody takes them.
            anyio.ClosedResourceError: closed.
        """
        ...

    async def flush_forever(self) -> None:
        """Write what could not be written at once; to be run in a task."""
        ...

    async def drain(self) -> None:
        """Wait until everything is written."""
        ...

    def close(self) -> None:
        """Release what the writer owns; what is not written yet may be lost."""
        ...


class LineSource:
    """Messages out of lines.

    Args:
        reader: where the bytes come from.
        splitter: cuts them into lines.
        decode: makes the text of a line that is not in UTF-8; raises `UnicodeDecodeError` if it cannot.
        lenient: blank lines are no errors, bytes that are no UTF-8 are replaced, and a last line needs no end.
        batches: those of the connection; the sink has the same.
        received: called with each message before it is handed out.
        rejected: called with each exception before it is handed out.
        ending: awaited before the end is announced.
        reason: says in words why the stream ended.
    """

    def __init__(
        self,
        reader: ChunkReader,
        splitter: LineSplitter,
        *,
        decode: Callable[[bytes], str] | None = None,
        lenient: bool,
        batches: Batches | None = None,
        received: Callable[[SessionMessage], None] | None = None,
        rejected: Callable[[Exception], None] | None = None,
        ending: Callable[[], Awaitable[None]] | None = None,
        reason: Callable[[], str | None] | None = None,
    ) -> None:
        self._reader = reader
        self._splitter = splitter
        self._decode = decode
        self._lenient = lenient
        self._batches = batches
        self._received = received
        self._rejected = rejected
        self._ending = ending
        self._reason = reason
        self._lines: deque[bytes | LongLine] = deque()
        self._members: deque[JSONRPCMessage | McpError] = deque()
        self._turn = 0
        self._at_end = False
        self._closed = False

    async def receive(self) -> SessionMessage | Exception:
        """The next message, or the exception of a line that is none."""
        while True:
            if self._members:
                return self._hand_out(self._members.popleft())
            line = await self._next_line()
            if not self._lenient or isinstance(line, LongLine) or line.strip():
                return self._read(line)

    async def _next_line(self) -> bytes | LongLine:
        while not self._lines:
            if self._closed:
                raise anyio.ClosedResourceError
            if self._at_end:
                await self._end()
            chunk = await self._reader.read()
            if chunk:
                self._lines.extend(self._splitter.feed(chunk))
                continue
            self._at_end = True
            last = self._splitter.end()
            if last is not None and self._lenient:
                self._lines.append(last)
        self._turn += 1
        if self._turn % LINES_PER_TURN == 0:
            await anyio.lowlevel.checkpoint()
            if self._closed:
                raise anyio.ClosedResourceError
        return self._lines.popleft()

    async def _end(self) -> None:
        ending, self._ending = self._ending, None
        if ending is not None:
            await ending()
        raise anyio.EndOfStream

    def _read(self, line: bytes | LongLine) -> SessionMessage | Exception:
        try:
            value = self._parse(line)
            if type(value) is list and self._batches is not None and self._batches.welcome:
                self._members.extend(self._batches.take_apart(cast("list[object]", value)))
                return self._hand_out(self._members.popleft())
            return self._hand_out(read_message(value))
        except (McpError, UnicodeDecodeError) as error:
            return self._hand_out(_with_subject(error, line))

    def _hand_out(self, found: JSONRPCMessage | McpError | UnicodeDecodeError) -> SessionMessage | Exception:
        if isinstance(found, Exception):
            if self._rejected is not None:
                self._rejected(found)
            return found
        item = SessionMessage(found)
        if self._batches is not None and self._batches.concerned:
            self._batches.saw(item)
        if self._received is not None:
            self._received(item)
        return item

    def _parse(self, line: bytes | LongLine) -> Any:
        if isinstance(line, LongLine):
            raise ProtocolError(PARSE_ERROR, "Parse error: the line is too long")
        text = line if self._decode is None else self._decode(line)
        try:
            return parse_json(text)
        except ProtocolError:
            if (mended := mend(text, lenient=self._lenient)) is None:
                raise
        return parse_json(mended)

    def close(self) -> None:
        """Hand out nothing more; a waiting `receive` ends."""
        self._closed = True
        self._lines.clear()
        self._members.clear()
        self._reader.interrupt()

    def close_reason(self) -> str | None:
        """Why the stream ended."""
        return self._reason() if self._reason is not None else None


def _with_subject(error: McpError | UnicodeDecodeError, line: bytes | LongLine) -> McpError | UnicodeDecodeError:
    """Say which request a line without a readable message makes or answers, so that nobody waits for it in vain."""
    if isinstance(error, McpError) and error.error.code != PARSE_ERROR:
        return error
    subject = subject_of(line.head if isinstance(line, LongLine) else line)
    if subject is None:
        return error
    text = error.error.message if isinstance(error, McpError) else f"Parse error: {error}"
    if subject.is_request:
        return ProtocolError(PARSE_ERROR, text, request_id=subject.request_id, answerable=True)
    return ProtocolError(PARSE_ERROR, text, response_id=subject.request_id)


class LineSink:
    """Messages into lines.

    Args:
        writer: where the bytes go.
        encode: makes the bytes of a line, other than UTF-8.
        batches: those of the connection; the source has the same.
        sent: called with each message, once it is on its way or given up.
    """

    def __init__(
        self,
        writer: ByteWriter,
        *,
        encode: Callable[[bytes], bytes] | None = None,
        batches: Batches | None = None,
        sent: Callable[[SessionMessage], None] | None = None,
    ) -> None:
        self._writer = writer
        self._encode = encode
        self._batches = batches
        self._sent = sent
        self._closed = False

    async def send(self, item: SessionMessage) -> None:
        """Write one message as a line; an answer to a request of a batch waits for the others."""
        if self._closed:
            raise anyio.ClosedResourceError
        line: bytes | None = encode_message(item, b"\n")
        if self._batches is not None and self._batches.concerned:
            self._batches.saw(item)
            line = self._batches.put_together(item, line)
        try:
            if line is not None:
                await self._write(line)
        finally:
            if self._sent is not None:
                self._sent(item)

    async def send_rest(self) -> None:
        """Write the answers that wait for others which will not come any more."""
        if self._batches is not None:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                for line in self._batches.rest():
                    await self._write(line)

    async def _write(self, line: bytes) -> None:
        await self._writer.write(line if self._encode is None else self._encode(line))

    def close(self) -> None:
        """Take no further message."""
        self._closed = True
