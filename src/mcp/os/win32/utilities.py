"""Starting and ending child processes on Windows; importable everywhere.

A child gets no console window and belongs to a job object that ends all of its processes when the last handle of the
job is closed.
"""

from __future__ import annotations

import importlib
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypeAlias, cast
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread
from anyio.abc import Process
from anyio.streams.file import FileReadStream, FileWriteStream
from typing_extensions import deprecated

logger = logging.getLogger("client.stdio.win32")

JobHandle: TypeAlias = int

_CREATE_NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)

# The job of each child: closing its handle, or forgetting it, ends the processes in it.
_jobs: WeakKeyDictionary[Process | FallbackProcess, Any] = WeakKeyDictionary()


def get_windows_executable_command(command: str) -> str:
    """The path of a command as Windows would start it: as it is, else with `.cmd`, `.bat`, `.exe` or `.ps1`.

    The command itself is returned where nothing is found.
    """
    try:
        for extension in ("", ".cmd", ".bat", ".exe", ".ps1"):
            if path := shutil.which(command + extension):
                return path
    except OSError:
        # A path that the file system refuses: starting it will say why.
        return command
    return command


class FallbackProcess:
    """A `subprocess.Popen` with the interface of `anyio.abc.Process`.

    For event loops on Windows that cannot start processes. Reading and writing happen in worker threads.
    """

    def __init__(self, popen_obj: subprocess.Popen[bytes]) -> None:
        self.popen: subprocess.Popen[bytes] = popen_obj
        self.stdin_raw = popen_obj.stdin
        self.stdout_raw = popen_obj.stdout
        self.stderr = popen_obj.stderr
        self.stdin = FileWriteStream(cast("BinaryIO", self.stdin_raw)) if self.stdin_raw else None
        self.stdout = FileReadStream(cast("BinaryIO", self.stdout_raw)) if self.stdout_raw else None

    async def __aenter__(self):
        """Give the process itself; nothing is opened."""
        return self

    async def __aexit__(
        self,
        exc_type: BaseException | None,
        exc_val: BaseException | None,
        exc_tb: object | None,
    ) -> None:
        """End the process, wait for it and close its pipes."""
        self.popen.terminate()
        await anyio.to_thread.run_sync(self.popen.wait)
        for stream in (self.stdin, self.stdout):
            if stream is not None:
                await stream.aclose()
        for raw in (self.stdin_raw, self.stdout_raw, self.stderr):
            if raw is not None:
                raw.close()

    async def wait(self):
        """Wait for the end of the process; its exit status."""
        return await anyio.to_thread.run_sync(self.popen.wait, abandon_on_cancel=True)

    def terminate(self):
        """Ask the process to end."""
        return self.popen.terminate()

    def kill(self) -> None:
        """End the process."""
        self.popen.kill()

    @property
    def pid(self) -> int:
        """The process id."""
        return self.popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, None while the process runs."""
        return self.popen.poll()


async def create_windows_process(
    command: str,
    args: list[str],
    env: dict[str, str] | None = None,
    errlog: TextIO | None = sys.stderr,
    cwd: Path | str | None = None,
) -> Process | FallbackProcess:
    """Start a child process without a window, in a job of its own.

    Args:
        command: what to start, see `get_windows_executable_command`.
        args: its arguments.
        env: its whole environment; that of this process if None.
        errlog: file that gets its standard error.
        cwd: its working directory.

    Raises:
        OSError: it cannot be started.
    """
    full_command = [get_windows_executable_command(command), *args]
    process: Process | FallbackProcess
    try:
        process = await anyio.open_process(
            full_command, env=env, creationflags=_CREATE_NO_WINDOW, stderr=errlog, cwd=cwd
        )
    except NotImplementedError:
        # The selector event loop of asyncio starts no processes on Windows.
        popen = subprocess.Popen(
            full_command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errlog,
            env=env,
            cwd=cwd,
            bufsize=0,
            creationflags=_CREATE_NO_WINDOW,
        )
        process = FallbackProcess(popen)
    _put_in_job(process)
    return process


def _pywin32(*names: str) -> list[Any] | None:
    """Modules of pywin32; None where it is not installed."""
    try:
        return [importlib.import_module(name) for name in names]
    except ImportError:
        return None


def _put_in_job(process: Process | FallbackProcess) -> None:
    modules = _pywin32("pywintypes", "win32api", "win32con", "win32job")
    if modules is None:
        logger.warning("Without pywin32, processes started by the server may outlive it")
        return
    pywintypes, win32api, win32con, win32job = modules
    job: Any = None
    try:
        job = win32job.CreateJobObject(None, "")
        information = win32job.QueryInformationJobObject(job, win32job.JobObjectExtendedLimitInformation)
        information["BasicLimitInformation"]["LimitFlags"] |= win32job.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
        win32job.SetInformationJobObject(job, win32job.JobObjectExtendedLimitInformation, information)
        access = win32con.PROCESS_SET_QUOTA | win32con.PROCESS_TERMINATE
        handle = win32api.OpenProcess(access, False, process.pid)
        try:
            win32job.AssignProcessToJobObject(job, handle)
        finally:
            win32api.CloseHandle(handle)
    except pywintypes.error as error:
        logger.warning("Could not put process %s in a job: %s", process.pid, error)
        if job is not None:
            win32api.CloseHandle(job)
        return
    _jobs[process] = job


async def terminate_windows_process_tree(
    process: Process | FallbackProcess,
    timeout_seconds: float = 2.0,
) -> None:
    """End a process and all in its job.

    Args:
        process: a process of `create_windows_process`.
        timeout_seconds: how long it may take before it is killed.
    """
    job = _jobs.pop(process, None)
    modules = _pywin32("pywintypes", "win32api", "win32job") if job is not None else None
    if modules is not None:
        pywintypes, win32api, win32job = modules
        try:
            win32job.TerminateJobObject(job, 1)
        except pywintypes.error as error:
            logger.debug("Could not end the job of process %s: %s", process.pid, error)
        finally:
            win32api.CloseHandle(job)
    await _end_alone(process, timeout_seconds)


async def _end_alone(process: Process | FallbackProcess, timeout_seconds: float) -> None:
    try:
        process.terminate()
        with anyio.move_on_after(timeout_seconds) as scope:
            await process.wait()
        if scope.cancelled_caught:
            process.kill()
    except ProcessLookupError:
        return
    except OSError as error:
        logger.error("Could not end process %s: %s", process.pid, error)


@deprecated(
    "terminate_windows_process is deprecated and will be removed in a future version. "
    "Process termination is now handled internally by the stdio_client context manager."
)
async def terminate_windows_process(process: Process | FallbackProcess):
    """End one process, without those it has started."""
    await _end_alone(process, 2.0)
