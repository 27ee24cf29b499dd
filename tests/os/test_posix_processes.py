"""TCL-12: ending a process and its group on POSIX."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import Process

from mcp.os.posix import utilities
from mcp.os.posix.utilities import terminate_posix_process_tree

pytestmark = pytest.mark.anyio

READY = "import os, signal, sys, time; os.write(1, b'ready'); "


@asynccontextmanager
async def process_of(program: str) -> AsyncIterator[Process]:
    """A process in a group of its own that has come to its last statement."""
    process = await anyio.open_process([sys.executable, "-S", "-c", program], stderr=None, start_new_session=True)
    assert process.stdout is not None
    try:
        with anyio.fail_after(10):
            assert await process.stdout.receive() == b"ready"
            yield process
            await process.wait()
    finally:
        await process.aclose()


async def test_one_that_obeys() -> None:
    async with process_of(READY + "time.sleep(60)") as process:
        start = anyio.current_time()
        await terminate_posix_process_tree(process, 10)
        assert anyio.current_time() - start < 5
    assert process.returncode == -signal.SIGTERM


async def test_one_that_does_not() -> None:
    async with process_of("import signal; signal.signal(15, signal.SIG_IGN); " + READY + "time.sleep(60)") as process:
        start = anyio.current_time()
        await terminate_posix_process_tree(process, 0.2)
        assert 0.2 <= anyio.current_time() - start < 5
    assert process.returncode == -signal.SIGKILL


async def test_one_that_has_ended_already() -> None:
    async with process_of("import os; os.write(1, b'ready')") as process:
        await process.wait()
        await terminate_posix_process_tree(process, 5)
    assert process.returncode == 0


@pytest.mark.parametrize("obeys", [True, False])
async def test_a_group_that_cannot_be_signalled(
    obeys: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(os, "killpg", refuse)
    program = "" if obeys else "import signal; signal.signal(15, signal.SIG_IGN); "
    async with process_of(program + READY + "time.sleep(60)") as process:
        await terminate_posix_process_tree(process, 0.2)
    assert process.returncode == (-signal.SIGTERM if obeys else -signal.SIGKILL)
    assert "not yours" in caplog.text


class Elusive:
    """A process that takes no signal."""

    pid = 0
    returncode = None

    def __init__(self, error: OSError) -> None:
        self.error = error

    def terminate(self) -> None:
        raise self.error


@pytest.mark.parametrize(("error", "words"), [(ProcessLookupError(), ""), (PermissionError("nor this"), "nor this")])
async def test_a_process_that_cannot_be_signalled_either(
    error: OSError, words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(utilities.os, "killpg", refuse)
    process: Any = Elusive(error)
    await terminate_posix_process_tree(process, 0.2)
    assert words in caplog.text
