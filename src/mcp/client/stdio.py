"""Client transport that starts a server as a child process and talks over its pipes.

Source: specification 2025-11-25, page "Transports", section "stdio", and page "Lifecycle", section "Shutdown".
"""

from __future__ import annotations

import codecs
import logging
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal, TextIO, TypeAlias, cast

import anyio
import anyio.abc
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import BaseModel, Field

from mcp.client._stdio_child import Child, pipes_of
from mcp.os.posix.utilities import terminate_posix_process_tree
from mcp.os.win32.utilities import (
    FallbackProcess,
    create_windows_process,
    terminate_windows_process_tree,
)
from mcp.shared._batches import Batches
from mcp.shared._descriptors import read_descriptor, write_descriptor
from mcp.shared._line_streams import ChunkReader, LineSink, LineSource
from mcp.shared._lines import LineSplitter
from mcp.shared._owner import OwnedContext
from mcp.shared._streams import MessageReceiveStream, MessageSendStream
from mcp.shared.message import SessionMessage

logger = logging.getLogger(__name__)

# A variable, so that type checkers and tests see both ways.
_on_windows: bool = sys.platform == "win32"

# What a child inherits of the environment; all else may hold secrets.
DEFAULT_INHERITED_ENV_VARS = (
    [
        "APPDATA",
        "HOMEDRIVE",
        "HOMEPATH",
        "LOCALAPPDATA",
        "PATH",
        "PATHEXT",
        "PROCESSOR_ARCHITECTURE",
        "SYSTEMDRIVE",
        "SYSTEMROOT",
        "TEMP",
        "USERNAME",
        "USERPROFILE",
    ]
    if sys.platform == "win32"
    else ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"]
)

PROCESS_TERMINATION_TIMEOUT = 2.0
"""Seconds that a server has to end after its input was closed, and again after it was told to terminate."""


def get_default_environment() -> dict[str, str]:
    """The part of this process's environment that a server gets by default."""
    return {
        key: value
        for key in DEFAULT_INHERITED_ENV_VARS
        # Shell functions have no place there.
        if (value := os.environ.get(key)) is not None and not value.startswith("()")
    }


class StdioServerParameters(BaseModel):
    """How to start a server.

    Attributes:
        command: the executable.
        args: its arguments.
        env: variables to add to the default environment.
        cwd: working directory; that of this process if None.
        encoding: of the messages.
        encoding_error_handler: what to do with bytes that do not fit the encoding.
    """

    command: str
    args: list[str] = Field(default_factory=list)
    env: dict[str, str] | None = None
    cwd: str | Path | None = None
    encoding: str = "utf-8"
    encoding_error_handler: Literal["strict", "ignore", "replace"] = "strict"


_Streams: TypeAlias = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@asynccontextmanager
async def stdio_client(server: StdioServerParameters, errlog: TextIO = sys.stderr):
    """Start a server as a child process and talk over its standard input and output.

    ```python
    async with stdio_client(StdioServerParameters(command="python", args=["server.py"])) as (read, write):
        async with ClientSession(read, write) as session:
            ...
    ```

    At the end its input is closed; a server that does not end by itself is terminated with all of its process group.

    Args:
        server: how to start it.
        errlog: gets what the server writes to standard error.

    Raises:
        OSError: the server cannot be started.
    """
    async with OwnedContext(lambda: _streams(server, errlog), "stdio client transport of mcp") as streams:
        # They have the interface of memory streams, which is what sessions are declared to take.
        yield cast("_Streams", streams)


@asynccontextmanager
async def _streams(
    server: StdioServerParameters, errlog: TextIO
) -> AsyncGenerator[tuple[MessageReceiveStream, MessageSendStream], None]:
    encoding = _Encoding(server.encoding, server.encoding_error_handler)
    child = await _start(server, errlog)
    batches = Batches()
    source = LineSource(
        encoding.reader(child.stdout),
        LineSplitter(),
        decode=encoding.decode,
        lenient=False,
        batches=batches,
        rejected=_log_rejected,
        ending=child.last_words,
        reason=child.describe_end,
    )
    sink = LineSink(child.stdin, encode=encoding.encode, batches=batches)
    try:
        async with anyio.create_task_group() as tasks:
            child.start(tasks)
            try:
                yield MessageReceiveStream(source), MessageSendStream(sink)
            finally:
                source.close()
                sink.close()
                with anyio.CancelScope(shield=True):
                    await _shut_down(child, tasks)
                tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await child.pass_last_stderr_on()
            await child.close()


def _log_rejected(error: Exception) -> None:
    logger.error("Failed to parse JSONRPC message from server: %s", error)


class _Encoding:
    """How the texts of the messages become bytes, where that is not plain UTF-8.

    Args:
        name: as Python's codecs have it.
        errors: what to do with what does not fit.

    Raises:
        LookupError: there is no such encoding.
    """

    def __init__(self, name: str, errors: str) -> None:
        self._name = codecs.lookup(name).name
        self._errors = errors
        plain = self._name == "utf-8"
        # A line feed is more than one byte in UTF-16 and UTF-32.
        self._wide = len("\n".encode(self._name)) > 1
        self.decode = None if self._wide or (plain and errors == "strict") else self._decode
        self.encode = None if plain else self._encode
        self._encoder = codecs.getincrementalencoder(self._name)(errors)

    def reader(self, reader: ChunkReader) -> ChunkReader:
        """Make lines out of bytes."""
        return _Transcoder(reader, self._name, self._errors) if self._wide else reader

    def _decode(self, line: bytes) -> str:
        return line.decode(self._name, self._errors)

    def _encode(self, line: bytes) -> bytes:
        return self._encoder.encode(line.decode())


class _Transcoder:
    """UTF-8 out of an encoding whose line ends are not single bytes."""

    def __init__(self, reader: ChunkReader, encoding: str, errors: str) -> None:
        self._reader = reader
        # Where strictness would end the stream, the bad line fails on its own.
        self._decode = codecs.getincrementaldecoder(encoding)("replace" if errors == "strict" else errors).decode

    async def read(self) -> bytes:
        while chunk := await self._reader.read():
            if text := self._decode(chunk):
                return text.encode()
        return b""

    def interrupt(self) -> None:
        self._reader.interrupt()


# The child process


async def _start(server: StdioServerParameters, errlog: TextIO) -> Child:
    env = {**get_default_environment(), **(server.env or {})}
    start = _start_with_streams if _on_windows else _start_with_pipes
    return await start(server, env, errlog)


async def _start_with_pipes(server: StdioServerParameters, env: dict[str, str], errlog: TextIO) -> Child:
    """Start a child on pipes of our own, which are read and written without a layer of the event loop between."""
    with ExitStack() as ours, ExitStack() as theirs:
        child_stdin, stdin = _pipe(ours, theirs, child_reads=True)
        child_stdout, stdout = _pipe(ours, theirs, child_reads=False)
        child_stderr, stderr = _pipe(ours, theirs, child_reads=False)
        pipes = (child_stdin, child_stdout, child_stderr)
        process = await _create_platform_compatible_process(
            server.command, server.args, env, errlog, server.cwd, pipes=pipes
        )
        ours.pop_all()
    return Child(process, write_descriptor(stdin), read_descriptor(stdout), read_descriptor(stderr), errlog)


async def _start_with_streams(server: StdioServerParameters, env: dict[str, str], errlog: TextIO) -> Child:
    """Start a child on pipes of the event loop, where it cannot wait for others: on Windows."""
    with ExitStack() as ours, ExitStack() as theirs:
        child_stderr, stderr = _pipe(ours, theirs, child_reads=False)
        log = theirs.enter_context(os.fdopen(os.dup(child_stderr), "w"))
        process = await _create_platform_compatible_process(server.command, server.args, env, log, server.cwd)
        ours.pop_all()
    return Child(process, *pipes_of(process), read_descriptor(stderr), errlog)


def _pipe(ours: ExitStack, theirs: ExitStack, *, child_reads: bool) -> tuple[int, int]:
    """The child's end of a pipe, and our end, which is nobody else's and may therefore be nonblocking."""
    read, write = os.pipe()
    child_end, end = (read, write) if child_reads else (write, read)
    theirs.callback(os.close, child_end)
    ours.callback(os.close, end)
    if not _on_windows:
        os.set_blocking(end, False)
    return child_end, end


async def _create_platform_compatible_process(
    command: str,
    args: list[str],
    env: dict[str, str] | None = None,
    errlog: TextIO = sys.stderr,
    cwd: Path | str | None = None,
    *,
    pipes: tuple[int, int, int] | None = None,
) -> anyio.abc.Process | FallbackProcess:
    """Start a process: in a session of its own on POSIX, in a job on Windows. Tests use it."""
    if _on_windows:
        return await create_windows_process(command, args, env, errlog, cwd)
    stdin, stdout, stderr = pipes or (subprocess.PIPE, subprocess.PIPE, errlog)
    return await anyio.open_process(
        [command, *args], stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd, start_new_session=True
    )


async def _terminate_process_tree(
    process: anyio.abc.Process | FallbackProcess, timeout_seconds: float = PROCESS_TERMINATION_TIMEOUT
) -> None:
    """End a process and its descendants. Tests use it."""
    terminate = terminate_windows_process_tree if _on_windows else terminate_posix_process_tree
    await terminate(cast("anyio.abc.Process", process), timeout_seconds)


async def _shut_down(child: Child, tasks: anyio.abc.TaskGroup) -> None:
    tasks.start_soon(child.discard_output)
    child.stdin.close()
    with anyio.move_on_after(PROCESS_TERMINATION_TIMEOUT):
        await child.process.wait()
        return
    await _terminate_process_tree(child.process, PROCESS_TERMINATION_TIMEOUT)
    with anyio.move_on_after(PROCESS_TERMINATION_TIMEOUT) as patience:
        await child.process.wait()
    if patience.cancelled_caught:
        logger.error("The server process %s cannot be ended", child.process.pid)
