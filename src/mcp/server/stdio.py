"""Server transport over the process's own standard input and output.

While serving, the protocol owns private duplicates of the descriptors 0 and 1. Descriptor 0 reads as empty and
descriptor 1 goes to standard error meanwhile, so `print()` in a tool, or a child process that inherits them, can
neither corrupt the wire nor take from it. Both are restored at the end.

Source: specification 2025-11-25, page "Transports", section "stdio".
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeAlias, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from mcp.shared._batches import Batches
from mcp.shared._descriptors import copy_descriptor, read_descriptor, write_descriptor
from mcp.shared._file_threads import ThreadedReader, ThreadedWriter
from mcp.shared._line_streams import ByteReader, ByteWriter, LineSink, LineSource
from mcp.shared._lines import LineSplitter
from mcp.shared._owner import OwnedContext
from mcp.shared._streams import MessageReceiveStream, MessageSendStream
from mcp.shared.exceptions import ProtocolError
from mcp.shared.message import ResultMessage, SessionMessage
from mcp.types import JSONRPCError, JSONRPCRequest, JSONRPCResponse, RequestId

END_OF_INPUT_GRACE = 0.5
"""Seconds that running handlers have to answer after the client has closed the input."""

FLUSH_TIMEOUT = 0.5
"""Seconds that the last answers have to get out when serving ends."""


_Streams: TypeAlias = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@asynccontextmanager
async def stdio_server(stdin: anyio.AsyncFile[str] | None = None, stdout: anyio.AsyncFile[str] | None = None):
    """Serve over standard input and output: one JSON message per line, UTF-8.

    ```python
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())
    ```

    Args:
        stdin: text file to read in place of standard input; used as it is.
        stdout: text file to write in place of standard output; used as it is.
    """
    async with OwnedContext(lambda: _streams(stdin, stdout), "stdio server transport of mcp") as streams:
        # They have the interface of memory streams, which is what sessions are declared to take.
        yield cast("_Streams", streams)


@asynccontextmanager
async def _streams(
    stdin: anyio.AsyncFile[str] | None, stdout: anyio.AsyncFile[str] | None
) -> AsyncGenerator[tuple[MessageReceiveStream, MessageSendStream], None]:
    unanswered, batches = _Unanswered(), Batches()
    with _open_input(stdin) as reader, _open_output(stdout) as writer:

        async def last_answers() -> None:
            await unanswered.wait()
            await sink.send_rest()

        source = LineSource(
            reader,
            LineSplitter(universal=True),
            lenient=True,
            batches=batches,
            received=unanswered.received,
            rejected=unanswered.rejected,
            ending=last_answers,
        )
        sink = LineSink(writer, batches=batches, sent=unanswered.sent)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.flush_forever)
            try:
                yield MessageReceiveStream(source), MessageSendStream(sink)
            finally:
                source.close()
                sink.close()
                with anyio.move_on_after(FLUSH_TIMEOUT, shield=True):
                    await writer.drain()
                tasks.cancel_scope.cancel()


class _Unanswered:
    """The ids of requests that were handed out and not answered yet."""

    def __init__(self) -> None:
        self._ids: set[RequestId | None] = set()
        self._none_left: anyio.Event | None = None

    def received(self, item: SessionMessage) -> None:
        root = item.message.root
        if isinstance(root, JSONRPCRequest):
            self._ids.add(root.id)

    def rejected(self, error: Exception) -> None:
        if isinstance(error, ProtocolError) and (error.answerable or error.request_id is not None):
            self._ids.add(error.request_id)

    def sent(self, item: SessionMessage) -> None:
        if isinstance(item, ResultMessage) and item.unopened is not None:
            self._ids.discard(item.request_id)
        else:
            root = item.message.root
            if isinstance(root, JSONRPCResponse | JSONRPCError):
                self._ids.discard(root.id)
        if self._none_left is not None and not self._ids:
            self._none_left.set()

    async def wait(self) -> None:
        """Give running handlers a moment: a client that pipes its requests in closes the pipe at once."""
        if self._ids:
            self._none_left = anyio.Event()
            with anyio.move_on_after(END_OF_INPUT_GRACE):
                await self._none_left.wait()


@contextmanager
def _open_input(stdin: anyio.AsyncFile[str] | None) -> Generator[ByteReader, None, None]:
    file: Any = _binary(sys.stdin) if stdin is None else stdin.wrapped
    descriptor = _descriptor_of(file) if stdin is None else None
    if descriptor is None:
        reader = ThreadedReader(file.readline)
        try:
            yield reader
        finally:
            reader.close()
        return
    private = copy_descriptor(descriptor)
    with _replaced(descriptor, os.devnull if descriptor == 0 else None):
        reader = read_descriptor(private, _taken_ahead(file) if descriptor == 0 else b"")
        try:
            yield reader
        finally:
            reader.close()


@contextmanager
def _open_output(stdout: anyio.AsyncFile[str] | None) -> Generator[ByteWriter, None, None]:
    standard: Any = sys.stdout
    file: Any = _binary(standard) if stdout is None else stdout.wrapped
    descriptor = _descriptor_of(file) if stdout is None else None
    if descriptor is None:
        writer = ThreadedWriter(_writer_to(file))
        try:
            yield writer
        finally:
            writer.close()
        return
    private = copy_descriptor(descriptor)
    with _replaced(descriptor, 2 if descriptor == 1 else None):
        writer = write_descriptor(private)
        try:
            yield writer
        finally:
            writer.close()
            # What a tool printed is still in Python's buffer: it belongs to standard error, not on the wire.
            for printed in (standard, sys.stdout):
                with suppress(OSError, ValueError, AttributeError):
                    printed.flush()


def _binary(file: Any) -> Any:
    if file is None:
        raise RuntimeError("The process has no standard input or output to serve on")
    return getattr(file, "buffer", file)


def _descriptor_of(file: Any) -> int | None:
    """The descriptor of a standard file; None for a stand-in without one."""
    try:
        return file.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return None


def _taken_ahead(file: Any) -> bytes:
    """What Python has read of standard input but not given out yet. The descriptor must read as empty meanwhile."""
    return file.read(len(file.peek())) if isinstance(file, io.BufferedReader) else b""


@contextmanager
def _replaced(descriptor: int, by: str | int | None) -> Generator[None, None, None]:
    """Let a standard descriptor point elsewhere meanwhile."""
    if by is None:
        yield
        return
    saved = copy_descriptor(descriptor)
    try:
        replacement = os.dup(by) if isinstance(by, int) else os.open(by, os.O_RDWR)
    except OSError:
        replacement = os.open(os.devnull, os.O_RDWR)
    inheritable = os.get_inheritable(descriptor)
    os.dup2(replacement, descriptor, inheritable=inheritable)
    os.close(replacement)
    try:
        yield
    finally:
        os.dup2(saved, descriptor, inheritable=inheritable)
        os.close(saved)


def _writer_to(file: Any) -> Callable[[bytes], None]:
    binary = isinstance(file, io.RawIOBase | io.BufferedIOBase)

    def write(data: bytes) -> None:
        file.write(data if binary else data.decode())
        file.flush()

    return write
