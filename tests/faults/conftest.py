"""What the fault-injection tests share: the guarantee as a context manager, and counters of what may leak."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp.shared.exceptions import McpError

TIMEOUT = 0.5
"""Seconds that the requests of these tests may take."""

SLACK = 1.0
"""Seconds after its timeout at which a request must have ended, whatever happens: the guarantee."""

PATIENCE = 20
"""Seconds after which something that is no request has hung."""


class Ending:
    """How a request ended: its answer or its exception, and after how many seconds."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.error: Exception | None = None
        self.seconds = 0.0


@pytest.fixture
def ends() -> Callable[..., Any]:
    """`await ends(call)`: the ending of `call(timeout)`, which the guarantee holds for."""

    async def run(call: Callable[[timedelta], Any], timeout: float = TIMEOUT) -> Ending:
        ending = Ending()
        started = time.monotonic()
        with anyio.fail_after(timeout + SLACK + 2):
            try:
                ending.answer = await call(timedelta(seconds=timeout))
            except (McpError, anyio.ClosedResourceError) as error:
                ending.error = error
        ending.seconds = time.monotonic() - started
        assert ending.seconds < timeout + SLACK, f"ended after {ending.seconds:.2f} s: {ending.error!r}"
        return ending

    return run


def open_descriptors() -> dict[int, str]:
    """The file descriptors of this process and what they point to."""
    found: dict[int, str] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            # The descriptor that the listing itself used.
            continue
    return found


@pytest.fixture
def no_leaks() -> Callable[[], AbstractAsyncContextManager[None]]:
    """`async with no_leaks()`: afterwards there are as many descriptors, child processes and tasks as before."""

    @asynccontextmanager
    async def check() -> AsyncGenerator[None, None]:
        gc.collect()
        descriptors, children, tasks = open_descriptors(), living_children(), len(anyio.get_running_tasks())
        yield
        with anyio.move_on_after(5):
            # Transports of the event loop close their sockets one turn later; zombies are reaped when they are seen.
            while len(open_descriptors()) > len(descriptors) or len(anyio.get_running_tasks()) > tasks:
                gc.collect()
                await anyio.sleep(0.01)
        left = open_descriptors()
        assert len(left) <= len(descriptors), {number: left[number] for number in left.keys() - descriptors.keys()}
        assert living_children() <= children
        assert len(anyio.get_running_tasks()) <= tasks, anyio.get_running_tasks()

    return check


def living_children() -> set[int]:
    """The child processes of this process, those not waited for included."""
    found: set[int] = set()
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as file:
                found.update(int(pid) for pid in file.read().split())
        except OSError:
            continue
    return found


@pytest.fixture
def kill_child() -> Callable[[str], None]:
    """Kills the one child process that runs a script."""

    def kill(script: str) -> None:
        killed = 0
        for pid in living_children():
            # Others may end at any moment.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if script.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
        assert killed == 1

    return kill


@pytest.fixture
def quick_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children that do not end by themselves get less time than usual."""
    monkeypatch.setattr("mcp.client.stdio.PROCESS_TERMINATION_TIMEOUT", 0.3)
