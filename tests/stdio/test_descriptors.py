"""Reading and writing pipes, sockets, terminals and files from an event loop."""

from __future__ import annotations

import fcntl
import os
import select
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from mcp.shared import _descriptors
from mcp.shared._descriptors import (
    LARGE_SIZE,
    READ_SIZE,
    WRITES_PER_TURN,
    DescriptorReader,
    DescriptorWriter,
    is_waitable,
    read_descriptor,
    write_descriptor,
)

pytestmark = pytest.mark.anyio

Channel = Callable[[str], tuple[int, int]]

KINDS = ["pipe", "socketpair", "pty"]


@pytest.fixture
def reader_of(cleanup: ExitStack) -> Callable[..., DescriptorReader]:
    def make(fd: int, ahead: bytes = b"") -> DescriptorReader:
        reader = DescriptorReader(os.dup(fd), ahead)
        os.close(fd)
        return reader

    return make


@pytest.fixture
def writer_of() -> Callable[[int], DescriptorWriter]:
    def make(fd: int) -> DescriptorWriter:
        writer = DescriptorWriter(os.dup(fd))
        os.close(fd)
        return writer

    return make


async def read(reader: DescriptorReader) -> bytes:
    with anyio.fail_after(10):
        return await reader.read()


async def read_exactly(fd: int, count: int) -> bytes:
    os.set_blocking(fd, False)
    data = b""
    with anyio.fail_after(10):
        while len(data) < count:
            await anyio.wait_readable(fd)
            chunk = os.read(fd, 1 << 20)
            assert chunk, "the other end was closed"
            data += chunk
    return data


# Reading


@pytest.mark.parametrize("kind", KINDS)
async def test_chunks_come_as_they_are_written(kind: str, channel: Channel) -> None:
    theirs, ours = channel(kind)
    reader = DescriptorReader(os.dup(theirs))
    for chunk in (b"one", b"two", b"three"):
        os.write(ours, chunk)
        assert await read(reader) == chunk
    reader.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_end_of_the_input_stays(kind: str, channel: Channel) -> None:
    theirs, ours = channel(kind)
    reader = DescriptorReader(os.dup(theirs))
    os.close(theirs)
    os.write(ours, b"last")
    os.close(ours)
    if kind != "pty":
        assert await read(reader) == b"last"
    for _ in range(3):
        assert await read(reader) == b""
    reader.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancelled_read_loses_nothing(kind: str, channel: Channel) -> None:
    theirs, ours = channel(kind)
    reader = DescriptorReader(os.dup(theirs))
    with anyio.move_on_after(0.01) as scope:
        await reader.read()
    assert scope.cancelled_caught
    os.write(ours, b"data")
    with anyio.CancelScope() as scope:
        scope.cancel()
        await reader.read()
    assert await read(reader) == b"data"
    reader.close()


@pytest.mark.parametrize("how", ["interrupt", "close"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_waiting_read_can_be_ended(kind: str, how: str, channel: Channel) -> None:
    theirs, ours = channel(kind)
    reader = DescriptorReader(os.dup(theirs))
    async with anyio.create_task_group() as tasks:

        async def wait() -> None:
            with pytest.raises(anyio.ClosedResourceError):
                await read(reader)

        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        getattr(reader, how)()
        if how == "interrupt":
            # Another task may read on at once.
            os.write(ours, b"more")
            assert await read(reader) == b"more"
    reader.close()
    reader.close()
    with pytest.raises(anyio.ClosedResourceError):
        await reader.read()
    assert reader.read_available() == b""


async def test_interrupting_nobody_does_nothing(channel: Channel) -> None:
    theirs, ours = channel("pipe")
    reader = DescriptorReader(os.dup(theirs))
    reader.interrupt()
    os.write(ours, b"data")
    assert await read(reader) == b"data"
    reader.interrupt()
    os.write(ours, b"more")
    assert await read(reader) == b"more"
    reader.close()


async def test_only_one_task_reads(channel: Channel) -> None:
    theirs, _ = channel("pipe")
    reader = DescriptorReader(os.dup(theirs))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.read)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(anyio.BusyResourceError):
            await reader.read()
        tasks.cancel_scope.cancel()
    reader.close()


async def test_what_nobody_takes_stays_in_the_pipe(channel: Channel) -> None:
    theirs, ours = channel("pipe")
    reader = DescriptorReader(os.dup(theirs))
    os.write(ours, b"0")
    assert await read(reader) == b"0"
    for number in range(1, 5):
        os.write(ours, b"%d" % number)
        await anyio.wait_all_tasks_blocked()
        await anyio.lowlevel.checkpoint()
    # No more than one chunk is read ahead, and the event loop does not spin meanwhile.
    assert select.select([theirs], [], [], 0)[0]
    data = b""
    while len(data) < 4:
        data += await read(reader)
    assert data == b"1234"
    reader.close()


async def test_what_was_read_before_comes_first(channel: Channel) -> None:
    theirs, ours = channel("pipe")
    os.write(ours, b"second")
    reader = read_descriptor(os.dup(theirs), b"first")
    assert await reader.read() == b"first"
    assert await reader.read() == b"second"
    reader.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_available_is_read_without_waiting(kind: str, channel: Channel) -> None:
    theirs, ours = channel(kind)
    reader = DescriptorReader(os.dup(theirs))
    assert reader.read_available() == b""
    os.write(ours, b"one")
    assert await read(reader) == b"one"
    os.write(ours, b"two")
    assert reader.read_available() == b"two"
    assert reader.read_available() == b""
    os.write(ours, b"three")
    assert await read(reader) == b"three"
    reader.close()


async def test_a_nonblocking_descriptor_whose_data_another_process_took(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, ours = channel("pipe")
    os.set_blocking(theirs, False)
    reader = DescriptorReader(os.dup(theirs))
    real_read, stolen = os.read, iter([True])

    def steal(fd: int, size: int) -> bytes:
        if next(stolen, False):
            raise BlockingIOError
        return real_read(fd, size)

    monkeypatch.setattr(_descriptors.os, "read", steal)
    os.write(ours, b"data")
    assert await read(reader) == b"data"
    reader.close()


async def test_a_reset_connection_is_the_end(cleanup: ExitStack) -> None:
    listener = cleanup.enter_context(socket.create_server(("127.0.0.1", 0)))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    ours.close()
    reader = DescriptorReader(theirs.detach())
    assert await read(reader) == b""
    reader.close()


async def test_files_that_never_block(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"x" * (READ_SIZE + 10))
    reader = DescriptorReader(os.open(path, os.O_RDONLY))
    assert len(await reader.read()) == READ_SIZE
    assert reader.read_available() == b"x" * 10
    assert await reader.read() == b""
    reader.close()
    null = DescriptorReader(os.open(os.devnull, os.O_RDONLY))
    assert await null.read() == b""
    null.close()


async def test_a_pipe_is_widened_for_large_messages(channel: Channel) -> None:
    get_size = getattr(fcntl, "F_GETPIPE_SZ", None)
    if get_size is None:
        pytest.skip("this system has pipes of one size")
    theirs, ours = channel("pipe")
    reader = DescriptorReader(os.dup(theirs))
    os.write(ours, b"x" * READ_SIZE)
    assert len(await read(reader)) == READ_SIZE
    assert fcntl.fcntl(ours, get_size) == LARGE_SIZE
    os.write(ours, b"x" * LARGE_SIZE)
    assert len(await read(reader)) == LARGE_SIZE
    reader.close()


async def test_where_pipes_cannot_be_widened(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = channel("socketpair")
    _descriptors.widen_pipe(theirs)
    monkeypatch.delattr(fcntl, "F_SETPIPE_SZ", raising=False)
    _descriptors.widen_pipe(ours)


def test_what_can_be_waited_for(channel: Channel, tmp_path: Path) -> None:
    for kind in KINDS:
        assert all(is_waitable(fd) for fd in channel(kind))
    with open(tmp_path / "file", "wb") as file, open(os.devnull, "wb") as null:
        assert not is_waitable(file.fileno())
        assert not is_waitable(null.fileno())


# Writing


@pytest.fixture(params=[*KINDS, "blocking pipe", "blocking pty", "nonblocking pipe"])
def written_channel(
    request: pytest.FixtureRequest, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, DescriptorWriter, int]:
    """A descriptor to read, and a writer to the other end; also where there is no way around blocking writes."""
    how, _, kind = request.param.rpartition(" ")
    theirs, ours = channel(kind)
    if kind == "pty":
        theirs, ours = ours, theirs
    if how == "blocking":

        def fail(*_: object) -> int:
            raise PermissionError

        monkeypatch.setattr(_descriptors.os, "open", fail)
    elif how == "nonblocking":
        os.set_blocking(ours, False)
    flags = fcntl.fcntl(ours, fcntl.F_GETFL)
    writer = DescriptorWriter(os.dup(ours))
    # The flags are shared with other processes.
    assert fcntl.fcntl(ours, fcntl.F_GETFL) == flags
    os.close(ours)
    # More than fits into the channel; byte by byte that takes its time.
    return theirs, writer, 40_000 if request.param == "blocking pty" else 1_000_000


Written = tuple[int, DescriptorWriter, int]


@pytest.mark.parametrize("share", [4_000, 3])
async def test_all_is_written_in_order(written_channel: Written, share: int) -> None:
    fd, writer, full = written_channel
    size = full // share
    messages = [b"%06d" % number * (size // 6) + b"\n" for number in range(5)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.flush_forever)

        async def write() -> None:
            for message in messages:
                await writer.write(message)

        tasks.start_soon(write)
        assert await read_exactly(fd, sum(map(len, messages))) == b"".join(messages)
        await writer.drain()
        tasks.cancel_scope.cancel()
    writer.close()


async def test_a_slow_reader_holds_up_the_sender_and_no_line_is_torn(written_channel: Written) -> None:
    fd, writer, full = written_channel
    large, small = b"x" * full + b"\n", b"small\n"
    sent: list[str] = []
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.flush_forever)

            async def write(name: str, data: bytes) -> None:
                await writer.write(data)
                sent.append(name)

            async with anyio.create_task_group() as cancelled:
                cancelled.start_soon(write, "cancelled", large)
                await anyio.wait_all_tasks_blocked()
                cancelled.cancel_scope.cancel()
            tasks.start_soon(write, "small", small)
            await anyio.wait_all_tasks_blocked()
            assert sent == []
            # The cancelled sender has gone, its line comes all the same.
            assert await read_exactly(fd, len(large + small)) == large + small
            await writer.drain()
            with anyio.fail_after(10):
                while sent != ["small"]:
                    await anyio.sleep(0.001)
            tasks.cancel_scope.cancel()
    writer.close()


async def test_a_sender_need_not_wait_for_those_behind_it(channel: Channel) -> None:
    theirs, ours = channel("pipe")
    writer = DescriptorWriter(os.dup(ours))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.flush_forever)
        done: list[int] = []

        async def write(number: int, size: int) -> None:
            await writer.write(b"x" * size)
            done.append(number)

        tasks.start_soon(write, 0, LARGE_SIZE + 1000)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(write, 1, 10 * LARGE_SIZE)
        await anyio.wait_all_tasks_blocked()
        await read_exactly(theirs, LARGE_SIZE)
        with anyio.fail_after(10):
            while not done:
                await anyio.sleep(0.001)
        assert done == [0]
        tasks.cancel_scope.cancel()
    writer.close()


@pytest.mark.parametrize("kind", ["pipe", "socketpair"])
@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_nobody_reads_any_more(kind: str, size: int, channel: Channel) -> None:
    theirs, ours = channel(kind)
    writer = DescriptorWriter(os.dup(ours))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.flush_forever)

        async def write() -> None:
            with anyio.fail_after(10), pytest.raises(anyio.BrokenResourceError):
                await writer.write(b"x" * size)

        if size > LARGE_SIZE:
            tasks.start_soon(write)
            tasks.start_soon(write)
            await anyio.wait_all_tasks_blocked()
            os.close(theirs)
        else:
            os.close(theirs)
            await write()
        with anyio.fail_after(10):
            await writer.drain()
        await write()
        tasks.cancel_scope.cancel()
    writer.close()


async def test_closing_ends_a_waiting_write(written_channel: Written) -> None:
    _, writer, full = written_channel
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.flush_forever)

        async def write() -> None:
            with anyio.fail_after(10), pytest.raises(anyio.ClosedResourceError):
                await writer.write(b"x" * full)

        tasks.start_soon(write)
        tasks.start_soon(write)
        await anyio.wait_all_tasks_blocked()
        writer.close()
        writer.close()
        await write()
        await writer.drain()
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()


async def test_a_sender_that_never_waits_lets_others_run(channel: Channel) -> None:
    _, ours = channel("pipe")
    writer = DescriptorWriter(os.dup(ours))
    order: list[str] = []
    async with anyio.create_task_group() as tasks:

        async def other() -> None:
            order.append("other")

        tasks.start_soon(other)
        for _ in range(2 * WRITES_PER_TURN):
            await writer.write(b"x")
        order.append("all")
    assert order == ["other", "all"]
    writer.close()


async def test_writing_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "output"
    writer = write_descriptor(os.open(path, os.O_WRONLY | os.O_CREAT))
    await writer.write(b"x" * 1_000_000)
    await writer.write(b"end")
    writer.close()
    assert path.read_bytes() == b"x" * 1_000_000 + b"end"


async def test_a_default_timeout_of_sockets_is_none_of_ours(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = channel("socketpair")
    socket.setdefaulttimeout(1)
    try:
        writer = DescriptorWriter(os.dup(ours))
    finally:
        socket.setdefaulttimeout(None)
    assert os.get_blocking(ours)
    await writer.write(b"data")
    assert await read_exactly(theirs, 4) == b"data"
    writer.close()
