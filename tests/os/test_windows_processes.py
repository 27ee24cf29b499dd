"""TCL-3, TCL-12 on Windows, played through with stand-ins for what only Windows has."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from mcp.os.win32 import utilities
from mcp.os.win32.utilities import (
    FallbackProcess,
    create_windows_process,
    get_windows_executable_command,
    terminate_windows_process,
    terminate_windows_process_tree,
)

pytestmark = pytest.mark.anyio

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


class Win32:
    """The four modules of pywin32 that matter, and what was done with them."""

    class error(Exception):
        pass

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.limits: dict[str, int] = {"LimitFlags": 1}
        self.fails: set[str] = set()
        self.modules = {
            "pywintypes": types.SimpleNamespace(error=self.error),
            "win32api": types.SimpleNamespace(OpenProcess=self.call("OpenProcess"), CloseHandle=self.close),
            "win32con": types.SimpleNamespace(PROCESS_SET_QUOTA=256, PROCESS_TERMINATE=1),
            "win32job": types.SimpleNamespace(
                CreateJobObject=self.call("CreateJobObject"),
                QueryInformationJobObject=lambda *_: {"BasicLimitInformation": self.limits},
                SetInformationJobObject=self.call("SetInformationJobObject"),
                AssignProcessToJobObject=self.call("AssignProcessToJobObject"),
                TerminateJobObject=self.call("TerminateJobObject"),
                JobObjectExtendedLimitInformation=9,
                JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE=0x2000,
            ),
        }

    def call(self, name: str) -> Any:
        def function(*_: object) -> str:
            self.calls.append(name)
            if name in self.fails:
                raise self.error(f"{name} refused")
            return f"handle of {name}"

        return function

    def close(self, handle: str) -> None:
        self.calls.append(f"CloseHandle({handle.removeprefix('handle of ')})")


@pytest.fixture
def win32(monkeypatch: pytest.MonkeyPatch) -> Win32:
    fake = Win32()
    for name, module in fake.modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return fake


@pytest.fixture
def no_win32(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pywintypes", "win32api", "win32con", "win32job"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture(params=["event loop", "fallback"])
def opens(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a process is opened: by the event loop, or by `subprocess` where that cannot."""
    if request.param == "fallback":

        async def refuse(*_: object, **__: object) -> None:
            raise NotImplementedError

        monkeypatch.setattr(anyio, "open_process", refuse)
    return request.param


async def start(program: str, **options: Any) -> Any:
    return await create_windows_process(sys.executable, ["-S", "-c", program], None, **options)


async def close(process: Any) -> None:
    if isinstance(process, FallbackProcess):
        for file in (process.stdin_raw, process.stdout_raw):
            assert file is not None
            file.close()
    else:
        await process.aclose()


@pytest.mark.parametrize(
    ("command", "known", "found"),
    [
        ("python", {"python": "C:/python"}, "C:/python"),
        ("npx", {"npx.cmd": "C:/npx.cmd", "npx.ps1": "C:/npx.ps1"}, "C:/npx.cmd"),
        ("tool", {"tool.bat": "C:/tool.bat"}, "C:/tool.bat"),
        ("tool", {"tool.exe": "C:/tool.exe"}, "C:/tool.exe"),
        ("tool", {"tool.ps1": "C:/tool.ps1"}, "C:/tool.ps1"),
        ("tool", {}, "tool"),
    ],
)
def test_how_a_command_is_found_tcl_3(
    command: str, known: dict[str, str], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # TCL-3
    monkeypatch.setattr(shutil, "which", known.get)
    assert get_windows_executable_command(command) == found


INHERITED = """
import importlib, sys
import mcp.client.stdio
sys.platform = "win32"
print(*importlib.reload(mcp.client.stdio).DEFAULT_INHERITED_ENV_VARS)
"""


def test_what_a_child_inherits_of_the_environment_tcl_2() -> None:
    # TCL-2
    names = subprocess.run([sys.executable, "-c", INHERITED], capture_output=True, text=True, timeout=30, check=True)
    assert names.stdout.split() == [
        *("APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROCESSOR_ARCHITECTURE"),
        *("SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE"),
    ]


def test_a_command_that_the_file_system_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> str:
        raise OSError("illegal name")

    monkeypatch.setattr(shutil, "which", refuse)
    assert get_windows_executable_command("a:b:c") == "a:b:c"


async def test_a_child_belongs_to_a_job_that_ends_with_it_tcl_3_tcl_12(win32: Win32, opens: str) -> None:
    # TCL-3, TCL-12
    process = await start(SLEEP)
    assert isinstance(process, FallbackProcess) == (opens == "fallback")
    assert win32.calls == [
        "CreateJobObject",
        "SetInformationJobObject",
        "OpenProcess",
        "AssignProcessToJobObject",
        "CloseHandle(OpenProcess)",
    ]
    assert win32.limits == {"LimitFlags": 0x2001}
    win32.calls.clear()
    with anyio.fail_after(5):
        await terminate_windows_process_tree(process, 2)
        await process.wait()
    assert win32.calls == ["TerminateJobObject", "CloseHandle(CreateJobObject)"]
    assert process.returncode is not None
    await close(process)


async def test_a_job_that_nobody_ends_is_forgotten_with_its_process(win32: Win32) -> None:
    process = await start("")
    await process.wait()
    await close(process)
    assert process in utilities._jobs
    del process
    gc.collect()
    assert not list(utilities._jobs)


@pytest.mark.parametrize("step", ["CreateJobObject", "SetInformationJobObject", "AssignProcessToJobObject"])
async def test_a_child_that_gets_no_job_runs_all_the_same(
    step: str, win32: Win32, caplog: pytest.LogCaptureFixture
) -> None:
    win32.fails.add(step)
    process = await start(SLEEP)
    assert f"{step} refused" in caplog.text
    assert ("CloseHandle(CreateJobObject)" in win32.calls) == (step != "CreateJobObject")
    with anyio.fail_after(5):
        await terminate_windows_process_tree(process, 2)
        await process.wait()
    assert "TerminateJobObject" not in win32.calls
    await close(process)


async def test_a_job_that_cannot_be_ended(win32: Win32) -> None:
    win32.fails.add("TerminateJobObject")
    process = await start(SLEEP)
    with anyio.fail_after(5):
        await terminate_windows_process_tree(process, 2)
        await process.wait()
    assert win32.calls[-1] == "CloseHandle(CreateJobObject)"
    await close(process)


async def test_without_pywin32_there_is_a_warning_and_no_job(
    no_win32: None, opens: str, caplog: pytest.LogCaptureFixture
) -> None:
    process = await start(SLEEP)
    (record,) = [record for record in caplog.records if record.name == "client.stdio.win32"]
    assert "pywin32" in record.getMessage()
    with anyio.fail_after(5):
        await terminate_windows_process_tree(process, 2)
        await process.wait()
    await close(process)


async def test_a_process_that_ignores_the_request_is_killed_tcl_12(no_win32: None, opens: str) -> None:
    # TCL-12
    process = await start(STUBBORN)
    with anyio.fail_after(5):
        await process.stdout.receive()
        await terminate_windows_process_tree(process, 0.2)
        assert await process.wait() == -9
    await close(process)


async def test_ending_one_process_is_deprecated(no_win32: None, opens: str) -> None:
    process = await start(SLEEP)
    with pytest.warns(DeprecationWarning, match="terminate_windows_process is deprecated"):
        ending = terminate_windows_process(process)
    with anyio.fail_after(5):
        await ending
        await process.wait()
        # It is gone already.
        await terminate_windows_process_tree(process)
    await close(process)


@pytest.mark.parametrize(("error", "words"), [(ProcessLookupError(), ""), (PermissionError("denied"), "denied")])
async def test_a_process_that_refuses_to_be_ended(error: OSError, words: str, caplog: pytest.LogCaptureFixture) -> None:
    class Refusing:
        pid = 1

        def terminate(self) -> None:
            raise error

    process: Any = Refusing()
    await terminate_windows_process_tree(process)
    assert words in caplog.text


async def test_a_server_that_cannot_be_started_tcl_5(no_win32: None, opens: str) -> None:
    # TCL-5
    with pytest.raises(FileNotFoundError):
        await create_windows_process("no-such-command", [])


@pytest.fixture
def popen() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "import sys; sys.stdout.write(sys.stdin.read()); sys.exit(3)"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    yield process
    process.kill()
    process.wait()
    for file in (process.stdin, process.stdout, process.stderr):
        assert file is not None
        file.close()


async def test_a_popen_in_the_shape_of_a_process(popen: subprocess.Popen[bytes]) -> None:
    process = FallbackProcess(popen)
    assert (process.popen, process.pid, process.returncode) == (popen, popen.pid, None)
    assert (process.stdin_raw, process.stdout_raw, process.stderr) == (popen.stdin, popen.stdout, popen.stderr)
    assert process.stdin is not None
    assert process.stdout is not None
    with anyio.move_on_after(0.05) as scope:
        await process.wait()
    assert scope.cancelled_caught
    await process.stdin.send(b"data")
    await process.stdin.aclose()
    assert await process.stdout.receive() == b"data"
    with anyio.fail_after(5):
        assert await process.wait() == 3
    assert process.returncode == 3


async def test_leaving_a_fallback_process_ends_it(popen: subprocess.Popen[bytes]) -> None:
    with anyio.fail_after(5):
        async with FallbackProcess(popen) as process:
            assert process.returncode is None
    assert popen.returncode is not None
    assert popen.stdin is not None
    assert popen.stdin.closed


async def test_a_fallback_process_without_pipes() -> None:
    with anyio.fail_after(5):
        async with FallbackProcess(subprocess.Popen([sys.executable, "-S", "-c", SLEEP])) as process:
            assert (process.stdin, process.stdout) == (None, None)
            process.kill()
    assert process.returncode == -9
