"""Files that an event loop cannot wait for, read and written in threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import anyio
import pytest

from mcp.shared import _file_threads
from mcp.shared._file_threads import READ_AHEAD, ThreadedReader, ThreadedWriter, threaded_reader, threaded_writer

pytestmark = pytest.mark.anyio


class Source:
    """A blocking `readline` that the test feeds."""

    def __init__(self) -> None:
        self.lines: SimpleQueue[Any] = SimpleQueue()
        self.calls = 0

    def readline(self) -> Any:
        self.calls += 1
        line = self.lines.get()
        if isinstance(line, Exception):
            raise line
        return line


@pytest.fixture
def source() -> Iterator[Source]:
    source = Source()
    yield source
    # Whatever still waits may go.
    source.lines.put(b"")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("mcp "):
            thread.join(5)
            assert not thread.is_alive()


async def read(reader: ThreadedReader) -> bytes:
    with anyio.fail_after(10):
        return await reader.read()


async def test_lines_of_either_kind_and_the_end(source: Source) -> None:
    reader = ThreadedReader(source.readline)
    for line in (b"bytes\n", "text ü\n", "half \ud83d\n", b""):
        source.lines.put(line)
    assert [await read(reader) for _ in range(3)] == [b"bytes\n", "text ü\n".encode(), b"half ?\n"]
    assert await read(reader) == b""
    assert await read(reader) == b""
    reader.close()


async def test_a_cancelled_read_loses_nothing_and_does_not_wait_for_the_thread(source: Source) -> None:
    reader = ThreadedReader(source.readline)
    for _ in range(3):
        with anyio.move_on_after(0.01) as scope:
            await reader.read()
        assert scope.cancelled_caught
    source.lines.put(b"data")
    assert await read(reader) == b"data"
    reader.close()


@pytest.mark.parametrize("how", ["interrupt", "close"])
async def test_a_waiting_read_can_be_ended(how: str, source: Source) -> None:
    reader = ThreadedReader(source.readline)
    async with anyio.create_task_group() as tasks:

        async def wait() -> None:
            with pytest.raises(anyio.ClosedResourceError):
                await read(reader)

        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(anyio.BusyResourceError):
            await reader.read()
        getattr(reader, how)()
        if how == "interrupt":
            source.lines.put(b"more")
            assert await read(reader) == b"more"
    reader.interrupt()
    reader.close()
    reader.close()
    with pytest.raises(anyio.ClosedResourceError):
        await reader.read()


async def test_only_a_few_lines_are_read_ahead(source: Source) -> None:
    reader = ThreadedReader(source.readline)
    for number in range(5 * READ_AHEAD):
        source.lines.put(b"%d" % number)
    assert await read(reader) == b"0"
    with anyio.fail_after(10):
        while source.calls < READ_AHEAD + 2:
            await anyio.sleep(0.001)
    await anyio.sleep(0.02)
    assert source.calls == READ_AHEAD + 2
    assert reader.read_available() == b"1"
    assert [await read(reader) for _ in range(2, 5 * READ_AHEAD)] == [b"%d" % n for n in range(2, 5 * READ_AHEAD)]
    assert reader.read_available() == b""
    reader.close()


async def test_nothing_more_is_taken_from_the_file_after_closing(source: Source) -> None:
    reader = ThreadedReader(source.readline)
    source.lines.put(b"first")
    assert await read(reader) == b"first"
    reader.close()
    source.lines.put(b"second")
    assert reader._thread is not None
    reader._thread.join(5)
    assert not reader._thread.is_alive()
    assert source.calls == 2


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("I/O operation on closed file")])
async def test_a_file_that_is_closed_is_at_its_end(error: Exception, source: Source) -> None:
    reader = ThreadedReader(source.readline)
    source.lines.put(error)
    assert await read(reader) == b""
    reader.close()


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), TypeError("a bug")])
async def test_what_else_goes_wrong_is_raised(error: Exception, source: Source) -> None:
    reader = ThreadedReader(source.readline)
    source.lines.put(error)
    for _ in range(2):
        with pytest.raises(type(error)):
            await read(reader)
    reader.close()


def test_the_event_loop_may_be_gone_before_the_thread(source: Source, anyio_backend: str) -> None:
    reader = ThreadedReader(source.readline)

    async def main() -> None:
        source.lines.put(b"first")
        await read(reader)

    anyio.run(main, backend=anyio_backend)
    source.lines.put(b"nobody reads this")
    assert reader._thread is not None
    reader._thread.join(5)
    assert not reader._thread.is_alive()


async def test_reading_a_descriptor() -> None:
    theirs, ours = os.pipe()
    reader = threaded_reader(theirs, b"ahead")
    os.write(ours, b"data")
    assert [await read(reader), await read(reader)] == [b"ahead", b"data"]
    os.close(ours)
    assert await read(reader) == b""
    reader.close()
    with anyio.fail_after(10):
        while is_open(theirs):
            await anyio.sleep(0.001)


async def test_a_descriptor_that_was_never_read_is_closed_at_once() -> None:
    theirs, ours = os.pipe()
    threaded_reader(theirs).close()
    assert not is_open(theirs)
    os.close(ours)
    ThreadedReader(lambda: b"").close()


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


async def test_messages_are_written_in_order() -> None:
    written: list[bytes] = []
    writer = ThreadedWriter(written.append)
    for number in range(20):
        await writer.write(b"%d" % number)
        assert written[-1] == b"%d" % number
    await writer.flush_forever()
    await writer.drain()
    writer.close()
    writer.close()
    with pytest.raises(anyio.ClosedResourceError):
        await writer.write(b"late")


class Gate:
    """A blocking write that the test lets through."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.entered.set()
        assert self.open.wait(10)
        self.written.append(data)


async def test_a_blocked_file_holds_up_neither_cancellation_nor_the_message() -> None:
    gate = Gate()
    writer = ThreadedWriter(gate.write)
    with anyio.move_on_after(0.05) as scope:
        await writer.write(b"first")
    assert scope.cancelled_caught
    with anyio.move_on_after(0.01) as scope:
        await writer.drain()
    assert scope.cancelled_caught
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.write, b"second")
        await anyio.wait_all_tasks_blocked()
        writer.close()
        gate.open.set()
        with anyio.fail_after(10):
            await writer.drain()
    assert gate.written == [b"first", b"second"]


async def test_a_file_that_takes_nothing() -> None:
    def fail(_: bytes) -> None:
        raise ValueError("closed")

    writer = ThreadedWriter(fail)
    for _ in range(2):
        with pytest.raises(anyio.BrokenResourceError) as raised:
            await writer.write(b"data")
        assert isinstance(raised.value.__cause__, ValueError)
    writer.close()


async def test_messages_behind_a_failed_one_fail_too() -> None:
    gate, calls = Gate(), 0

    def write(data: bytes) -> None:
        nonlocal calls
        calls += 1
        gate.write(data)
        raise OSError("gone")

    writer = ThreadedWriter(write)
    async with anyio.create_task_group() as tasks:

        async def send() -> None:
            with pytest.raises(anyio.BrokenResourceError):
                await writer.write(b"data")

        tasks.start_soon(send)
        tasks.start_soon(send)
        await anyio.wait_all_tasks_blocked()
        gate.open.set()
    assert calls == 1
    writer.close()


@pytest.mark.parametrize("used", [True, False])
async def test_finishing_comes_last(used: bool) -> None:
    order: list[str] = []
    finished = threading.Event()

    def finish() -> None:
        order.append("finished")
        finished.set()
        raise OSError("it was closed already")

    writer = ThreadedWriter(lambda _: order.append("written"), finish)
    if used:
        await writer.write(b"data")
    writer.close()
    assert finished.wait(10)
    assert order == ["written"] * used + ["finished"]


def test_what_is_queued_is_written_without_an_event_loop(anyio_backend: str) -> None:
    gate = Gate()
    writer = ThreadedWriter(gate.write)

    async def main() -> None:
        with anyio.move_on_after(0.05):
            await writer.write(b"data")

    anyio.run(main, backend=anyio_backend)
    gate.open.set()
    writer.close()
    assert writer._thread is not None
    writer._thread.join(5)
    assert gate.written == [b"data"]


async def test_writing_a_descriptor() -> None:
    theirs, ours = os.pipe()
    writer = threaded_writer(ours)
    await writer.write(b"data")
    writer.close()
    with os.fdopen(theirs, "rb") as file:
        assert file.read() == b"data"


def test_files_of_abandoned_threads_are_not_finalized(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    kept: list[object] = []
    fake: Callable[[Any], None] = lambda reference: kept.append(reference.value)  # noqa: E731
    monkeypatch.setattr(ctypes.pythonapi, "Py_IncRef", fake)
    _file_threads._never_finalize(len)
    assert kept[0] is len
    monkeypatch.delattr(ctypes, "pythonapi")
    _file_threads._never_finalize(len)
