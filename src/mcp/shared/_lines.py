"""Lines out of chunks of bytes. Plain code, no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.shared import limits

HEAD_LENGTH = 4096
"""Bytes that are kept of a line that is too long."""


@dataclass
class LongLine:
    """Stands for a line that is too long.

    Attributes:
        head: how it begins.
    """

    head: bytes


class LineSplitter:
    """Collects chunks and gives whole lines back, without their ends.

    Pieces of a long line are kept in a list and joined once, so the cost is linear in the line's length.

    Args:
        universal: a carriage return ends a line too, alone or before a line feed.
        limit: bytes that a line may have; `mcp.shared.limits.MAX_LINE_LENGTH` if None.
    """

    def __init__(self, *, universal: bool = False, limit: int | None = None) -> None:
        self._universal = universal
        self._limit = limits.MAX_LINE_LENGTH if limit is None else limit
        self._pieces: list[bytes] = []
        self._length = 0
        self._head: bytes | None = None

    def feed(self, chunk: bytes) -> list[bytes | LongLine]:
        """The lines that end in this chunk."""
        if self._universal and b"\r" in chunk:
            # A line feed that follows in the next chunk only makes a blank line.
            ended = [part.rstrip(b"\r\n") for part in chunk.splitlines(keepends=True)]
            rest = b"" if chunk.endswith((b"\r", b"\n")) else ended.pop()
        else:
            *ended, rest = chunk.split(b"\n")
        lines = [self._finish(part) for part in ended]
        if rest:
            self._keep(rest)
        return lines

    def end(self) -> bytes | LongLine | None:
        """What came after the last line end, None if nothing did."""
        return self._finish(b"") if self._length else None

    def _keep(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._head is not None:
            return
        self._pieces.append(piece)
        if self._length > self._limit:
            self._head = b"".join(self._pieces)[:HEAD_LENGTH]
            self._pieces.clear()

    def _finish(self, last: bytes) -> bytes | LongLine:
        if not self._length and len(last) <= self._limit:
            return last
        self._keep(last)
        line = b"".join(self._pieces) if self._head is None else LongLine(self._head)
        self._pieces.clear()
        self._length = 0
        self._head = None
        return line
