"""TCL-3 … TCL-12 by the way that Windows takes: pipes of the event loop, or of `subprocess` read in threads."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import mcp.types as types
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client import _stdio_child, stdio
from mcp.client._stdio_child import StreamReader, StreamWriter
from mcp.client.stdio import stdio_client
from mcp.shared._file_threads import threaded_reader, threaded_writer
from mcp.shared.message import SessionMessage

pytestmark = pytest.mark.anyio

Python = Callable[..., StdioServerParameters]

TIMEOUT = 0.3


@pytest.fixture(autouse=True, params=["event loop", "fallback"])
def windows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the ways of Windows, as far as they exist here."""
    monkeypatch.setattr(stdio, "_on_windows", True)
    monkeypatch.setattr(stdio, "PROCESS_TERMINATION_TIMEOUT", TIMEOUT)
    monkeypatch.setattr(stdio, "read_descriptor", threaded_reader)
    monkeypatch.setattr(_stdio_child, "write_descriptor", threaded_writer)
    for name in ("pywintypes", "win32api", "win32con", "win32job"):
        monkeypatch.setitem(sys.modules, name, None)
    if request.param == "fallback":

        async def refuse(*_: object, **__: object) -> None:
            raise NotImplementedError

        monkeypatch.setattr(anyio, "open_process", refuse)


def ask(request_id: int, method: str = "m", **params: Any) -> SessionMessage:
    request = types.JSONRPCRequest(jsonrpc="2.0", id=request_id, method=method, params=params)
    return SessionMessage(types.JSONRPCMessage(request))


async def receive(read_stream: Any) -> Any:
    with anyio.fail_after(10):
        return await read_stream.receive()


async def test_a_conversation(python: Python) -> None:
    async with stdio_client(python()) as (read_stream, write_stream):
        for number in range(3):
            await write_stream.send(ask(number, text="ü" * (1 + number * 500_000)))
            message = (await receive(read_stream)).message.root
            assert len(message.result["echo"]["params"]["text"]) == 1 + number * 500_000


async def test_a_failing_start_says_why_tcl_4_tcl_9(python: Python) -> None:
    # TCL-4, TCL-9
    program = "import sys; sys.stdin.readline(); sys.stderr.write('cannot find my config\\n'); sys.exit(3)"
    log = io.StringIO()
    with anyio.fail_after(10):
        async with stdio_client(python(program), errlog=log) as streams, ClientSession(*streams) as session:
            with pytest.raises(McpError, match=r"(?s)exited with status 3, stderr:.*cannot find my config"):
                await session.initialize()
    assert log.getvalue() == "cannot find my config\n"


async def test_the_log_may_be_a_file_tcl_4(python: Python, tmp_path: Any) -> None:
    # TCL-4
    program = "import sys; sys.stderr.write('first\\n'); sys.stdin.readline()"
    with open(tmp_path / "log", "w") as log:
        async with stdio_client(python(program), errlog=log) as (read_stream, _):
            with anyio.fail_after(10):
                while not (tmp_path / "log").stat().st_size:
                    await anyio.sleep(0.01)
    assert (tmp_path / "log").read_text() == "first\n"
    with pytest.raises(anyio.ClosedResourceError):
        await read_stream.receive()


def open_descriptors() -> int:
    # What earlier tests have left to the garbage collector does not count.
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0


async def test_a_server_that_cannot_be_started_tcl_5() -> None:
    # TCL-5
    before = open_descriptors()
    with pytest.raises(FileNotFoundError):
        async with stdio_client(StdioServerParameters(command="no-such-command")):
            pytest.fail("entered")
    assert open_descriptors() <= before


async def test_a_server_that_ends_by_itself_tcl_12(python: Python, monkeypatch: pytest.MonkeyPatch) -> None:
    # TCL-12
    monkeypatch.setattr(stdio, "PROCESS_TERMINATION_TIMEOUT", 8)
    async with stdio_client(python("import sys; sys.stdin.read()")):
        start = anyio.current_time()
    assert anyio.current_time() - start < 4


@pytest.mark.parametrize(
    ("program", "least", "most"),
    [
        ("import time; time.sleep(60)", 1, 2),
        (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
            2,
            3,
        ),
    ],
)
async def test_the_steps_of_leaving_tcl_12(program: str, least: int, most: int, python: Python) -> None:
    # TCL-12
    async with stdio_client(python(program)) as (read_stream, _):
        if least == 2:
            await receive(read_stream)
        start = anyio.current_time()
    assert least * TIMEOUT <= anyio.current_time() - start < most * TIMEOUT + 5


async def test_a_session_that_still_reads_is_no_obstacle(python: Python) -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            async with stdio_client(python()) as (read_stream, _):

                async def read() -> None:
                    with pytest.raises(anyio.ClosedResourceError):
                        await read_stream.receive()

                tasks.start_soon(read)
                await anyio.wait_all_tasks_blocked()


async def test_a_cancelled_receive_loses_nothing(python: Python) -> None:
    async with stdio_client(python()) as (read_stream, write_stream):
        with anyio.move_on_after(0.05) as scope:
            await read_stream.receive()
        assert scope.cancelled_caught
        await write_stream.send(ask(1))
        assert (await receive(read_stream)).message.root.id == 1


async def test_a_cancelled_sender_leaves_no_torn_line(
    python: Python, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdio, "PROCESS_TERMINATION_TIMEOUT", 8)
    program = """
import json, os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
for count, line in enumerate(sys.stdin):
    message = json.loads(line)
    if message["method"] == "count":
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"count": count}}), flush=True)
"""
    go = tmp_path / "go"
    async with stdio_client(python(program, str(go))) as (read_stream, write_stream):
        with anyio.move_on_after(0.1) as scope:
            await write_stream.send(ask(1, text="x" * 1_000_000))
        assert scope.cancelled_caught
        go.touch()
        with anyio.fail_after(10):
            await write_stream.send(ask(2, "count"))
        assert (await receive(read_stream)).message.root.result == {"count": 1}


async def test_a_sender_that_waits_is_no_obstacle(python: Python) -> None:
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            async with stdio_client(python("import time; time.sleep(60)")) as (_, write_stream):

                async def write() -> None:
                    with pytest.raises((anyio.ClosedResourceError, anyio.BrokenResourceError)):
                        await write_stream.send(ask(1, text="x" * 3_000_000))

                tasks.start_soon(write)
                await anyio.wait_all_tasks_blocked()


async def test_a_server_that_is_gone_tcl_10(python: Python) -> None:
    # TCL-10
    with anyio.fail_after(10):
        async with stdio_client(python("")) as (read_stream, write_stream):
            with pytest.raises(anyio.EndOfStream):
                await read_stream.receive()
            with pytest.raises(anyio.BrokenResourceError):
                for _ in range(3):
                    await write_stream.send(ask(1, text="x" * 1_000_000))


async def test_the_streams_themselves() -> None:
    class Stream:
        def __init__(self) -> None:
            self.sent: list[bytes] = []

        async def receive(self) -> bytes:
            raise anyio.BrokenResourceError

        async def send(self, data: bytes) -> None:
            self.sent.append(data)

        async def aclose(self) -> None:
            raise BrokenPipeError

    stream: Any = Stream()
    reader, writer = StreamReader(stream), StreamWriter(stream)
    assert await reader.read() == b""
    assert reader.read_available() == b""
    reader.interrupt()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.flush_forever)
            await writer.write(b"one")
            tasks.start_soon(writer.write, b"two")
            await anyio.wait_all_tasks_blocked()
            await writer.drain()
            writer.close()
            with pytest.raises(anyio.ClosedResourceError):
                await writer.write(b"three")
    assert stream.sent == [b"one", b"two"]
