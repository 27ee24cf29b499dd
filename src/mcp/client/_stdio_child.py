"""A server that runs as a child process: its pipes, and what it says on standard error."""

from __future__ import annotations

import codecs
import os
from collections import deque
from contextlib import suppress
from typing import BinaryIO, TextIO, cast

import anyio
import anyio.abc

from mcp.os.win32.utilities import FallbackProcess
from mcp.shared._descriptors import READ_SIZE, write_descriptor
from mcp.shared._file_threads import ThreadedReader, ThreadedWriter
from mcp.shared._line_streams import ByteReader, ByteWriter

EXIT_STATUS_TIMEOUT = 1.0
"""Seconds to wait for the exit status of a server that has closed its output; only a busy machine needs them."""

LAST_WORDS_TIMEOUT = 0.2
"""Seconds to wait for the end of its standard error then; others may still hold that."""

LOG_TIMEOUT = 0.5
"""Seconds that the error log has to take the last words."""

STDERR_TAIL_LINES = 10
STDERR_TAIL_BYTES = 4096


class Child:
    """A server process and the three pipes to it.

    Args:
        process: the process.
        stdin: writes its standard input.
        stdout: reads its standard output.
        stderr: reads its standard error.
        errlog: gets what it writes to standard error.
    """

    def __init__(
        self,
        process: anyio.abc.Process | FallbackProcess,
        stdin: ByteWriter,
        stdout: ByteReader,
        stderr: ByteReader,
        errlog: TextIO,
    ) -> None:
        self.process = process
        self.stdin = stdin
        self.stdout = stdout
        self._stderr = stderr
        self._log = _log_writer(errlog)
        self._stderr_ended = anyio.Event()
        self._tail = b""

    def start(self, tasks: anyio.abc.TaskGroup) -> None:
        """Start what has to happen meanwhile: writing, and passing standard error on."""
        tasks.start_soon(self.stdin.flush_forever)
        tasks.start_soon(self._log.flush_forever)
        tasks.start_soon(self._pass_stderr_on)

    async def _pass_stderr_on(self) -> None:
        while chunk := await self._stderr.read():
            await self._pass_on(chunk)
        self._stderr_ended.set()

    async def _pass_on(self, chunk: bytes) -> None:
        self._tail = (self._tail + chunk)[-STDERR_TAIL_BYTES:]
        # A log that is gone is no reason to lose the server.
        with suppress(anyio.BrokenResourceError):
            await self._log.write(chunk)

    async def last_words(self) -> None:
        """Wait for the exit status, for a moment: they come right after the end of the output."""
        with anyio.move_on_after(EXIT_STATUS_TIMEOUT):
            await self.process.wait()
        with anyio.move_on_after(LAST_WORDS_TIMEOUT):
            await self._stderr_ended.wait()

    def describe_end(self) -> str | None:
        """How the server ended, and what it said last; None if it ended well or is still there."""
        status = self.process.returncode
        tail = self._tail.decode(errors="replace").strip().splitlines()[-STDERR_TAIL_LINES:]
        if status is None or (status == 0 and not tail):
            return None
        how = f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
        return "\n".join([f"the server process {how}" + (", stderr:" if tail else ""), *tail])

    async def discard_output(self) -> None:
        """Read on, so that a server that still writes can come to its end."""
        while await self.stdout.read():
            pass

    async def pass_last_stderr_on(self) -> None:
        """Pass on what a process that has ended had written; nobody may be reading it any more."""
        with anyio.move_on_after(LOG_TIMEOUT):
            # Processes it has started may go on writing: what was in the pipe comes with the first few reads.
            for _ in range(16):
                if not (chunk := self._stderr.read_available()):
                    break
                await self._pass_on(chunk)
            await self._log.drain()

    async def close(self) -> None:
        """Close all pipes."""
        for pipe in (self.stdin, self.stdout, self._stderr, self._log):
            pipe.close()
        if isinstance(self.process, anyio.abc.Process) and self.process.returncode is not None:
            await self.process.aclose()


class _TextLog:
    """Writes to an error log that is no file of the system."""

    def __init__(self, errlog: TextIO) -> None:
        self._errlog = errlog
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    async def write(self, data: bytes) -> None:
        try:
            self._errlog.write(self._decode(data))
            self._errlog.flush()
        except (OSError, ValueError) as error:
            raise anyio.BrokenResourceError from error

    async def flush_forever(self) -> None:
        """Nothing is ever queued."""

    async def drain(self) -> None:
        """Nothing is ever queued."""

    def close(self) -> None:
        """The log is the caller's."""


def _log_writer(errlog: TextIO) -> ByteWriter:
    try:
        return write_descriptor(os.dup(errlog.fileno()))
    except (AttributeError, OSError, ValueError):
        return _TextLog(errlog)


# Pipes of processes that an event loop (or, failing that, `subprocess`) has opened itself: on Windows


def pipes_of(process: anyio.abc.Process | FallbackProcess) -> tuple[ByteWriter, ByteReader]:
    """Standard input and output of a process that was started with pipes."""
    if isinstance(process, FallbackProcess):
        stdin, stdout = cast("BinaryIO", process.stdin_raw), cast("BinaryIO", process.stdout_raw)

        def write(data: bytes) -> None:
            rest = memoryview(data)
            while rest:
                rest = rest[stdin.write(rest) :]

        return ThreadedWriter(write, stdin.close), ThreadedReader(lambda: stdout.read(READ_SIZE), stdout.close)
    assert process.stdin is not None
    assert process.stdout is not None
    return StreamWriter(process.stdin), StreamReader(process.stdout)


class StreamReader:
    """Reads chunks from a stream of the event loop."""

    def __init__(self, stream: anyio.abc.ByteReceiveStream) -> None:
        self._stream = stream
        self._lock = anyio.Lock()
        self._waiting: anyio.CancelScope | None = None

    async def read(self) -> bytes:
        """Wait for bytes; empty at the end."""
        async with self._lock:
            try:
                with anyio.CancelScope() as self._waiting:
                    return await self._stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return b""
            finally:
                self._waiting = None
        raise anyio.ClosedResourceError

    def read_available(self) -> bytes:
        """Nothing can be had from such a stream without waiting."""
        return b""

    def interrupt(self) -> None:
        """End a `read` that waits at the moment."""
        if self._waiting is not None:
            self._waiting.cancel()

    def close(self) -> None:
        """The process closes its streams."""


class StreamWriter:
    """Writes to a stream of the event loop, in a task of its own, so that a cancelled sender leaves no torn line."""

    def __init__(self, stream: anyio.abc.ByteSendStream) -> None:
        self._stream = stream
        self._queue: deque[tuple[bytes, anyio.Event]] = deque()
        self._changed = anyio.Event()
        self._broken = False
        self._closed = False

    async def write(self, data: bytes) -> None:
        """Write `data`; returns once the stream has taken it."""
        if self._closed:
            raise anyio.ClosedResourceError
        settled = anyio.Event()
        self._queue.append((data, settled))
        self._changed.set()
        await settled.wait()
        if self._broken:
            raise anyio.BrokenResourceError

    async def flush_forever(self) -> None:
        """Write what is queued; close the stream after the last message."""
        while self._queue or not self._closed:
            if not self._queue:
                await self._changed.wait()
                self._changed = anyio.Event()
                continue
            data, settled = self._queue[0]
            try:
                if not self._broken:
                    await self._stream.send(data)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                self._broken = True
            self._queue.popleft()
            settled.set()
        with suppress(anyio.BrokenResourceError, OSError):
            # This is how a server learns that it shall end.
            await self._stream.aclose()

    async def drain(self) -> None:
        """Wait until nothing is queued."""
        while self._queue:
            await self._queue[-1][1].wait()

    def close(self) -> None:
        """Take no further message; the stream is closed after those that are queued."""
        self._closed = True
        self._changed.set()
