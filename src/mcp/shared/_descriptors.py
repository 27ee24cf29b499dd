"""Reading and writing file descriptors from an event loop.

Descriptors that can be waited for (pipes, sockets, terminals) are read and written when they are ready, in the event
loop's own thread: no hop to a worker thread. Others (regular files, /dev/null) never block. On Windows threads do it
instead.

`O_NONBLOCK` is never set on a descriptor that may be shared: the flag belongs to the open file, which other processes
have too. Where the system allows it, writing goes through a description of our own instead.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import stat
import sys
from collections import deque
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel

from mcp.shared._file_threads import threaded_reader, threaded_writer
from mcp.shared._line_streams import ByteReader, ByteWriter

# What a pipe holds by default on Linux: a chunk of this size means that large messages are on their way.
READ_SIZE = 64 * 1024
LARGE_SIZE = 256 * 1024

# A pipe that polls as writable takes this much without blocking; a terminal promises no more than one byte.
ATOMIC_WRITE = min(getattr(select, "PIPE_BUF", 512), 4096)

WRITES_PER_TURN = 16
"""A sender that is never made to wait lets others have their turn after so many messages."""


def read_descriptor(fd: int, ahead: bytes = b"") -> ByteReader:
    """A reader for this system, which owns the descriptor.

    Args:
        fd: the descriptor.
        ahead: bytes that were read from it already.
    """
    return threaded_reader(fd, ahead) if sys.platform == "win32" else DescriptorReader(fd, ahead)


def write_descriptor(fd: int) -> ByteWriter:
    """A writer for this system, which owns the descriptor."""
    return threaded_writer(fd) if sys.platform == "win32" else DescriptorWriter(fd)


def copy_descriptor(fd: int) -> int:
    """Duplicate a descriptor; the copy is none of the standard ones, should one of those be free."""
    copy = os.dup(fd)
    if copy > 2:
        return copy
    try:
        return copy_descriptor(fd)
    finally:
        os.close(copy)


def is_waitable(fd: int) -> bool:
    """Whether an event loop can wait for the descriptor."""
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd)


def widen_pipe(fd: int) -> None:
    """Let a pipe hold a large message, where the system knows how; both ends then wake up less often."""
    import fcntl

    if set_size := getattr(fcntl, "F_SETPIPE_SZ", None):
        with suppress(OSError):
            fcntl.fcntl(fd, set_size, LARGE_SIZE)


def _asyncio_loop() -> asyncio.AbstractEventLoop | None:
    """The running event loop of asyncio; None in trio."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        return None
    return asyncio.get_running_loop()


class DescriptorReader:
    """Reads chunks from a descriptor, which it owns.

    In asyncio the descriptor stays registered with the event loop, which reads one chunk ahead; registering it anew for
    each wait would cost more than reading.

    Args:
        fd: the descriptor.
        ahead: bytes that were read from it already.
    """

    def __init__(self, fd: int, ahead: bytes = b"") -> None:
        self._fd = fd
        self._waitable = is_waitable(fd)
        self._size = READ_SIZE
        self._ahead: bytes | None = ahead or None
        self._registered_with: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        """Wait for bytes; empty at the end. A cancelled call loses nothing.

        Raises:
            anyio.ClosedResourceError: closed by `close`, or ended by `interrupt`.
        """
        while self._ahead is None:
            if self._fd < 0:
                raise anyio.ClosedResourceError
            if not self._waitable:
                self._ahead = self._read_chunk()
            elif (loop := _asyncio_loop()) is not None:
                await self._wait_in(loop)
            else:
                await anyio.wait_readable(self._fd)
                self._ahead = self._read_chunk()
        chunk, self._ahead = self._ahead, None
        return chunk

    def read_available(self) -> bytes:
        """What can be read without waiting; empty if nothing can. Nobody may be reading."""
        # A stale event of the loop must not read what is read here.
        self._unregister()
        if self._ahead is None and self._fd >= 0 and (not self._waitable or self._is_ready()):
            self._ahead = self._read_chunk()
        chunk, self._ahead = self._ahead, None
        return chunk or b""

    def interrupt(self) -> None:
        """End a `read` that waits at the moment."""
        if self._waiter is not None and not self._waiter.done():
            waiter, self._waiter = self._waiter, None
            waiter.set_exception(anyio.ClosedResourceError())
        elif self._waitable and self._fd >= 0 and self._registered_with is None:
            anyio.notify_closing(self._fd)

    def close(self) -> None:
        """Close the descriptor; a waiting `read` ends."""
        if self._fd >= 0:
            self.interrupt()
            self._unregister()
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _is_ready(self) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(0))

    def _read_chunk(self) -> bytes | None:
        try:
            chunk = os.read(self._fd, self._size)
        except BlockingIOError:
            return None
        except OSError:
            # A terminal that is gone, a connection that was reset: nothing more will come.
            return b""
        if len(chunk) == READ_SIZE == self._size:
            self._size = LARGE_SIZE
            widen_pipe(self._fd)
        return chunk

    async def _wait_in(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiter is not None:
            raise anyio.BusyResourceError("reading from")
        if self._registered_with is None:
            loop.add_reader(self._fd, self._on_readable)
            self._registered_with = loop
        waiter = self._waiter = loop.create_future()
        try:
            await waiter
        finally:
            if self._waiter is waiter:
                self._waiter = None

    def _on_readable(self) -> None:
        if self._ahead is None:
            self._ahead = self._read_chunk()
        else:
            # Nobody has taken the last chunk yet: what follows waits in the kernel.
            self._unregister()
        if self._ahead is not None and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _unregister(self) -> None:
        loop, self._registered_with = self._registered_with, None
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._fd)


class _Queued:
    """A message, or what is left of it, that the descriptor has not taken yet."""

    __slots__ = ("rest", "settled")

    def __init__(self, rest: memoryview) -> None:
        self.rest = rest
        self.settled = anyio.Event()


class DescriptorWriter:
    """Writes whole messages to a descriptor, which it owns, in the order they are given.

    What cannot be written at once stays in a queue, which `flush_forever` (run it in a task) empties; so a message is
    never torn, even if its sender is cancelled while it waits.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waitable = is_waitable(fd)
        self._socket: socket.socket | None = None
        self._blocking = os.get_blocking(fd)
        if self._blocking and self._waitable:
            self._make_nonblocking()
        self._step = 1 if os.isatty(self._fd) else ATOMIC_WRITE
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLOUT)
        self._widened = False
        self._queue: deque[_Queued] = deque()
        self._queued = anyio.Event()
        self._broken = False
        self._turn = 0

    def _make_nonblocking(self) -> None:
        if stat.S_ISSOCK(os.fstat(self._fd).st_mode):
            # Each call says so itself; the object must not apply a default timeout to the shared socket.
            self._socket = socket.socket(fileno=self._fd)
            self._socket.settimeout(None)
            return
        try:
            path = os.ttyname(self._fd) if os.isatty(self._fd) else f"/proc/self/fd/{self._fd}"
            own = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            return
        os.close(self._fd)
        self._fd = copy_descriptor(own)
        os.close(own)
        self._blocking = False

    async def write(self, data: bytes) -> None:
        """Write `data`; returns once the descriptor has taken it.

        Raises:
            anyio.BrokenResourceError: nobody reads the other end.
            anyio.ClosedResourceError: closed by `close`.
        """
        if self._fd < 0:
            raise anyio.ClosedResourceError
        if self._broken:
            raise anyio.BrokenResourceError
        rest = memoryview(data)
        if not self._queue:
            rest = self._write_what_fits(rest)
            if not rest:
                self._turn += 1
                if self._turn % WRITES_PER_TURN == 0:
                    await anyio.lowlevel.checkpoint()
                return
        item = _Queued(rest)
        self._queue.append(item)
        self._queued.set()
        await item.settled.wait()
        if item.rest:
            raise anyio.BrokenResourceError if self._broken else anyio.ClosedResourceError

    async def flush_forever(self) -> None:
        """Write what is queued, whenever something is."""
        while True:
            await self._queued.wait()
            self._queued = anyio.Event()
            while self._queue and self._fd >= 0:
                item = self._queue[0]
                try:
                    await anyio.wait_writable(self._fd)
                    item.rest = self._write_what_fits(item.rest)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    self._give_up()
                    break
                if not item.rest:
                    self._queue.popleft()
                    item.settled.set()

    async def drain(self) -> None:
        """Wait until nothing is queued."""
        while self._queue:
            await self._queue[-1].settled.wait()

    def close(self) -> None:
        """Close the descriptor; what is still queued is lost."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            if self._waitable:
                anyio.notify_closing(fd)
            if self._socket is not None:
                self._socket.close()
            else:
                os.close(fd)
            self._give_up()

    def _give_up(self) -> None:
        while self._queue:
            self._queue.popleft().settled.set()

    def _write_what_fits(self, data: memoryview) -> memoryview:
        """Write as much as does not block; what is left."""
        if len(data) > READ_SIZE and not self._widened:
            self._widened = True
            widen_pipe(self._fd)
        try:
            while data:
                if self._socket is not None:
                    written = self._socket.send(data, socket.MSG_DONTWAIT)
                elif not self._blocking or not self._waitable:
                    written = os.write(self._fd, data)
                elif self._poll.poll(0):
                    written = os.write(self._fd, data[: self._step])
                else:
                    return data
                data = data[written:]
        except BlockingIOError:
            return data
        except OSError as error:
            self._broken = True
            raise anyio.BrokenResourceError from error
        return data
