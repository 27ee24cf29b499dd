"""Reading and writing files that an event loop cannot wait for, in threads.

Used for files that a program passes in, for stand-ins of `sys.stdin` without a descriptor, and on Windows. The threads
are daemons: a call that blocks holds up neither cancellation nor the end of the process.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

import anyio

from mcp.shared._owner import thread_caller

READ_AHEAD = 16
READ_SIZE = 64 * 1024


def threaded_reader(fd: int, ahead: bytes = b"") -> ThreadedReader:
    """Reads a descriptor, which it owns, in a thread; `ahead` was read from it already."""
    first = [ahead] if ahead else []
    return ThreadedReader(lambda: first.pop() if first else os.read(fd, READ_SIZE), lambda: os.close(fd))


def threaded_writer(fd: int) -> ThreadedWriter:
    """Writes a descriptor, which it owns, in a thread."""

    def write(data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    return ThreadedWriter(write, lambda: os.close(fd))


class ThreadedReader:
    """Calls a blocking function in a thread of its own and hands over what it returns, a few results ahead at most.

    Args:
        read: blocks for the next chunk or line; an empty one is the end.
        finish: called once, when nothing reads any more.
    """

    def __init__(self, read: Callable[[], bytes | str], finish: Callable[[], object] | None = None) -> None:
        self._read = read
        self._finish = finish
        self._chunks: deque[bytes] = deque()
        self._room = threading.Semaphore(READ_AHEAD)
        self._thread: threading.Thread | None = None
        self._changed: anyio.Event | None = None
        self._ended = False
        self._failure: Exception | None = None
        self._closed = False

    async def read(self) -> bytes:
        """Wait for bytes; empty at the end. A cancelled call loses nothing.

        Raises:
            anyio.ClosedResourceError: closed by `close`, or ended by `interrupt`.
            Exception: what the function raised, unless it says that the file is closed or gone: that is the end.
        """
        if self._thread is None and not self._closed:
            self._call = thread_caller()
            self._thread = threading.Thread(target=self._run, name="mcp reader", daemon=True)
            self._thread.start()
        while not self._chunks:
            if self._closed:
                raise anyio.ClosedResourceError
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return b""
            await self._wait_for_change()
        self._room.release()
        return self._chunks.popleft()

    def read_available(self) -> bytes:
        """What was read already; empty if nothing was."""
        if not self._chunks:
            return b""
        self._room.release()
        return self._chunks.popleft()

    def interrupt(self) -> None:
        """End a `read` that waits at the moment."""
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.set()

    def close(self) -> None:
        """Hand nothing over any more; the thread ends with its present read."""
        if self._closed:
            return
        self._closed = True
        if self._thread is None:
            self._call_finish()
        elif self._thread.is_alive():
            _never_finalize(self._read)
        self._chunks.clear()
        self._room.release()
        self.interrupt()

    async def _wait_for_change(self) -> None:
        if self._changed is not None:
            raise anyio.BusyResourceError("reading from")
        changed = self._changed = anyio.Event()
        try:
            await changed.wait()
            if self._changed is not changed:
                raise anyio.ClosedResourceError
        finally:
            if self._changed is changed:
                self._changed = None

    def _run(self) -> None:
        failure: Exception | None = None
        try:
            while (chunk := self._read()) and not self._closed:
                data = chunk.encode("utf-8", "replace") if isinstance(chunk, str) else chunk
                self._room.acquire()
                if not self._report(self._take, data):
                    break
        except UnicodeDecodeError as error:
            failure = error
        except (OSError, ValueError):
            # Closed or gone: nothing more will come.
            failure = None
        except Exception as error:
            failure = error
        self._report(self._end, failure)
        self._call_finish()

    def _call_finish(self) -> None:
        if self._finish is not None:
            self._finish()

    def _report(self, function: Callable[..., None], *args: object) -> bool:
        try:
            self._call(function, *args)
        except RuntimeError:
            # The event loop is gone: nobody listens any more.
            return False
        return True

    def _take(self, data: bytes) -> None:
        if not self._closed:
            self._chunks.append(data)
            self._notify()

    def _end(self, failure: Exception | None) -> None:
        self._ended = True
        self._failure = failure
        self._notify()

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed.set()


def _never_finalize(read: Callable[[], object]) -> None:
    """Keep the file behind a method from being closed at the end of the process.

    A thread that is blocked in it holds its lock, and CPython aborts the process when it has to close such a file. The
    buffer may belong to the standard input as well, which would close it too.
    """
    with suppress(ImportError, AttributeError):
        import ctypes

        for kept in (read, sys.__stdin__):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


class _Queued:
    """A message on its way to the writing thread."""

    __slots__ = ("data", "failure", "settled")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.settled = anyio.Event()
        self.failure: Exception | None = None


class ThreadedWriter:
    """Calls a blocking function in a thread of its own, one message at a time and in order.

    A message whose sender is cancelled while it waits is written all the same.

    Args:
        write: writes and flushes.
        finish: called in the thread after the last message, once the writer is closed.
    """

    def __init__(self, write: Callable[[bytes], object], finish: Callable[[], object] | None = None) -> None:
        self._write = write
        self._finish = finish
        self._queue: SimpleQueue[_Queued | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._last: _Queued | None = None
        self._failure: Exception | None = None
        self._closed = False

    async def write(self, data: bytes) -> None:
        """Write `data`; returns once the function has taken it.

        Raises:
            anyio.BrokenResourceError: the file does not take it.
            anyio.ClosedResourceError: closed by `close`.
        """
        if self._closed:
            raise anyio.ClosedResourceError
        if self._failure is not None:
            raise anyio.BrokenResourceError from self._failure
        item = self._last = _Queued(data)
        self._queue.put(item)
        if self._thread is None:
            self._call = thread_caller()
            self._start()
        await item.settled.wait()
        if item.failure is not None:
            raise anyio.BrokenResourceError from item.failure

    async def flush_forever(self) -> None:
        """Nothing to do: the thread writes what is queued."""

    async def drain(self) -> None:
        """Wait until nothing is queued."""
        while self._last is not None and not self._last.settled.is_set():
            await self._last.settled.wait()

    def close(self) -> None:
        """Take no further message; those that are queued are still written."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            if self._thread is None and self._finish is not None:
                self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="mcp writer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._failure is None:
                try:
                    self._write(item.data)
                except Exception as error:
                    self._failure = error
            item.failure = self._failure
            try:
                self._call(item.settled.set)
            except RuntimeError:
                # The event loop is gone; the messages still want to be written.
                continue
        if self._finish is not None:
            try:
                self._finish()
            except (OSError, ValueError):
                return
