"""TCL-12 … TCL-14: how a client leaves, whatever its server does."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp import ClientSession, StdioServerParameters
from mcp.client import stdio
from mcp.client.stdio import PROCESS_TERMINATION_TIMEOUT, stdio_client

pytestmark = pytest.mark.anyio

Python = Callable[..., StdioServerParameters]

TIMEOUT = 0.3
LONG = 8


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience than with real servers, for those that do not end by themselves."""
    monkeypatch.setattr(stdio, "PROCESS_TERMINATION_TIMEOUT", TIMEOUT)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of it, for those that end by themselves, on a machine that has other things to do."""
    monkeypatch.setattr(stdio, "PROCESS_TERMINATION_TIMEOUT", LONG)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The processes that clients have started."""
    started: list[Any] = []
    create: Any = stdio._create_platform_compatible_process

    async def remember(*args: Any, **options: Any) -> Any:
        started.append(await create(*args, **options))
        return started[-1]

    monkeypatch.setattr(stdio, "_create_platform_compatible_process", remember)
    return started


class Log(io.StringIO):
    """An error log that tells when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = anyio.Event()

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


@asynccontextmanager
async def running(parameters: StdioServerParameters) -> AsyncIterator[int]:
    """A server that has written its process id to standard error."""
    log = Log()
    async with stdio_client(parameters, errlog=log):
        with anyio.fail_after(10):
            await log.written.wait()
        yield int(log.getvalue().split()[0])


def exists(pid: int) -> bool:
    """Whether a process is there and alive."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


async def is_gone(pid: int) -> bool:
    with anyio.move_on_after(5):
        while exists(pid):
            await anyio.sleep(0.01)
        return True
    return False


SAY_PID = "import os, signal, sys, time; sys.stderr.write(f'{os.getpid()}\\n'); sys.stderr.flush()\n"


@pytest.mark.parametrize(("program", "status"), [("sys.stdin.read()", 0), ("time.sleep(0.1); sys.exit(5)", 5)])
async def test_a_server_that_ends_by_itself_tcl_12(
    program: str, status: int, python: Python, patient: None, processes: list[Any]
) -> None:
    # TCL-12
    async with running(python(SAY_PID + program)) as pid:
        start = anyio.current_time()
    assert anyio.current_time() - start < LONG / 2
    assert processes[0].returncode == status
    assert not exists(pid)


OBEYS_SOON = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
IGNORES = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


@pytest.mark.parametrize(
    ("before", "timeout", "waits", "status"),
    [("", 0.3, 1, -signal.SIGTERM), (OBEYS_SOON, 1, 1, 7), (IGNORES, 0.3, 2, -signal.SIGKILL)],
)
async def test_a_server_that_has_to_be_ended_tcl_12(
    before: str,
    timeout: float,
    waits: int,
    status: int,
    python: Python,
    processes: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # TCL-12: its input is closed; SIGTERM after one timeout, SIGKILL after another.
    monkeypatch.setattr(stdio, "PROCESS_TERMINATION_TIMEOUT", timeout)
    program = "import signal, sys\n" + before + SAY_PID + "time.sleep(60)"
    async with running(python(program)) as pid:
        start = anyio.current_time()
    assert waits * timeout <= anyio.current_time() - start < waits * timeout + 5
    assert processes[0].returncode == status
    assert not exists(pid)


def test_the_patience_of_leaving_tcl_12() -> None:
    # TCL-12
    assert PROCESS_TERMINATION_TIMEOUT == 2.0


FAMILY = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
sys.stderr.write(f"{child.pid}\\n")
sys.stderr.flush()
"""


@pytest.fixture
def reaped() -> Iterator[list[int]]:
    """Processes to kill at the end."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def test_its_children_go_with_a_server_that_has_to_be_ended_tcl_12(python: Python, quick: None) -> None:
    # TCL-12
    async with running(python(FAMILY + "time.sleep(60)")) as grandchild:
        assert exists(grandchild)
    assert await is_gone(grandchild)


async def test_children_that_ignore_sigterm_are_killed_tcl_12(python: Python, quick: None) -> None:
    # TCL-12: the leader obeys, the group does not.
    ignoring = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + FAMILY
    async with running(
        python(ignoring + "signal.signal(signal.SIGTERM, signal.SIG_DFL); time.sleep(60)")
    ) as grandchild:
        start = anyio.current_time()
    assert anyio.current_time() - start >= 2 * TIMEOUT
    assert await is_gone(grandchild)


async def test_children_of_a_server_that_ends_by_itself_survive_tcl_13(
    python: Python, patient: None, reaped: list[int]
) -> None:
    # TCL-13
    async with running(python(FAMILY + "sys.stdin.read()")) as grandchild:
        reaped.append(grandchild)
        start = anyio.current_time()
    assert anyio.current_time() - start < LONG / 2
    assert exists(grandchild)


async def test_children_that_hold_the_pipes_do_not_hold_up_leaving_tcl_13(
    python: Python, patient: None, reaped: list[int]
) -> None:
    # TCL-13
    program = FAMILY.replace("subprocess.DEVNULL", "None") + "sys.stderr.write('last words\\n'); sys.stdin.read()"
    log = Log()
    start = 0.0
    async with stdio_client(python(program), errlog=log) as (read_stream, _):
        with anyio.fail_after(10):
            await log.written.wait()
        reaped.append(int(log.getvalue().split()[0]))
        start = anyio.current_time()
    assert anyio.current_time() - start < LONG / 2
    assert "last words" in log.getvalue()
    with pytest.raises(anyio.ClosedResourceError):
        await read_stream.receive()


async def test_both_streams_are_closed_afterwards_tcl_14(python: Python) -> None:
    # TCL-14
    async with stdio_client(python()) as (read_stream, write_stream):
        pass
    with pytest.raises(anyio.ClosedResourceError):
        await read_stream.receive()
    with pytest.raises(anyio.ClosedResourceError):
        await write_stream.send(None)  # type: ignore[arg-type]


async def test_nothing_is_left_behind(python: Python) -> None:
    if not os.path.exists("/proc/self/fd"):
        pytest.skip("needs /proc")
    async with stdio_client(python()):
        pass
    gc.collect()
    before = set(os.listdir("/proc/self/fd"))
    for program in (None, "", "import sys; sys.exit(1)"):
        async with stdio_client(python(*filter(None, [program]))) as streams, ClientSession(*streams):
            pass
    assert len(set(os.listdir("/proc/self/fd"))) <= len(before)


async def test_a_session_that_still_reads_is_no_obstacle(python: Python) -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            async with stdio_client(python()) as (read_stream, _):

                async def read() -> None:
                    with pytest.raises(anyio.ClosedResourceError):
                        await read_stream.receive()

                tasks.start_soon(read)
                await anyio.wait_all_tasks_blocked()


async def test_a_sender_that_waits_is_no_obstacle(python: Python, quick: None) -> None:
    from mcp.shared.message import SessionMessage
    from mcp.types import JSONRPCMessage, JSONRPCNotification

    notification = JSONRPCNotification(jsonrpc="2.0", method="m", params={"text": "x" * 3_000_000})
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            async with stdio_client(python("import time; time.sleep(60)")) as (_, write_stream):

                async def write() -> None:
                    with pytest.raises(anyio.ClosedResourceError):
                        await write_stream.send(SessionMessage(JSONRPCMessage(notification)))

                tasks.start_soon(write)
                await anyio.wait_all_tasks_blocked()


async def test_a_server_that_writes_without_end_can_come_to_its_end(
    python: Python, patient: None, processes: list[Any]
) -> None:
    program = """
import sys, threading
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set())).start()
while not stop.is_set():
    print("x" * 1000, flush=True)
"""
    async with stdio_client(python(program)) as (read_stream, _):
        await read_stream.receive()
    assert processes[0].returncode == 0


async def test_leaving_in_another_task_and_order(python: Python) -> None:
    stack = AsyncExitStack()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:

            async def enter() -> None:
                for _ in range(2):
                    await stack.enter_async_context(stdio_client(python()))

            tasks.start_soon(enter)
        first = stdio_client(python())
        second = stdio_client(python())
        await first.__aenter__()
        await second.__aenter__()
        await first.__aexit__(None, None, None)
        await second.__aexit__(None, None, None)
        await stack.aclose()


async def test_an_error_inside_comes_out_as_it_is(python: Python) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with stdio_client(python()):
            raise KeyError("mine")


async def test_a_cancelled_client_ends_its_server(python: Python, quick: None) -> None:
    pids: list[int] = []
    with anyio.fail_after(10):
        with anyio.CancelScope() as scope:
            async with running(python(SAY_PID + "time.sleep(60)")) as pid:
                pids.append(pid)
                scope.cancel()
                await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert not exists(pids[0])


async def test_a_process_that_cannot_be_ended_is_given_up(
    python: Python,
    quick: None,
    processes: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    reaped: list[int],
) -> None:
    async def do_nothing(*_: Any) -> None: ...

    monkeypatch.setattr(stdio, "_terminate_process_tree", do_nothing)
    with anyio.fail_after(10):
        async with running(python(SAY_PID + "time.sleep(60)")) as pid:
            reaped.append(pid)
    assert "cannot be ended" in caplog.text
    processes[0].kill()
    await processes[0].wait()


async def test_the_names_that_other_tests_use_tcl_66() -> None:
    # TCL-66
    program = "import time; time.sleep(60)"
    process = await stdio._create_platform_compatible_process(sys.executable, ["-S", "-c", program], None)
    assert os.getpgid(process.pid) == process.pid
    start = anyio.current_time()
    await stdio._terminate_process_tree(process)
    with anyio.fail_after(5):
        await process.wait()
    assert anyio.current_time() - start < PROCESS_TERMINATION_TIMEOUT
    assert process.returncode == -signal.SIGTERM
    await process.aclose()
