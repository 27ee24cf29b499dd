"""`mcp run --reload`: run a server in a child process, and again when a Python file beside it changes.

On stdio the connection to the client stays: its lines pass through this process, see `_replay`.
"""

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TypeAlias

from mcp.cli._replay import Lines, Replay

POLL_INTERVAL = 0.3
"""Seconds between two looks at the files."""

STOP_TIMEOUT = 2.0
"""Seconds that a server has to end after its input was closed, and again after it was told to terminate."""

SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})

# Not `python -m mcp`: that would put the current directory before everything else.
_START = "import sys; sys.path[:] = filter(None, sys.path); from mcp.cli import app; app(prog_name='mcp')"

logger = logging.getLogger("mcp.cli.reload")


def child_command(arguments: Sequence[str]) -> list[str]:
    """The command line that runs `mcp` with these arguments in a child process."""
    return [sys.executable, "-c", _START, *arguments]


def python_files(folder: Path) -> Iterator[Path]:
    """The Python files at and below a folder, without environments, caches and hidden folders."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS and not name.startswith(".")]
        yield from (Path(parent, name) for name in files if name.endswith(".py"))


def file_states(file: Path) -> dict[Path, tuple[int, int]]:
    """Time and size of the files that are watched for a server file."""
    states: dict[Path, tuple[int, int]] = {}
    for path in {file, *python_files(file.parent)}:
        with suppress(OSError):
            status = path.stat()
            states[path] = (status.st_mtime_ns, status.st_size)
    return states


def run_with_reload(file: Path, arguments: Sequence[str], *, stdio: bool) -> int:
    """Run `mcp` with these arguments until it ends well or the client leaves, and return the exit status.

    Args:
        file: the server file; Python files in its folder and below are watched.
        arguments: command line of the child process.
        stdio: whether to hold the client's connection over reloads.
    """
    supervisor = _Supervisor(file, child_command(arguments), stdio=stdio)
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        return supervisor.run()
    finally:
        supervisor.stop_child()


Event: TypeAlias = "tuple[_Child | None, bytes | None]"
"""A line of a child, or of the client if there is none; without a line, the end of them."""


class _Supervisor:
    """Starts and stops the server process, and passes lines on. All decisions fall in one thread."""

    def __init__(self, file: Path, command: list[str], *, stdio: bool) -> None:
        self._file = file
        self._command = command
        self._replay = Replay() if stdio else None
        self._child: _Child | None = None
        self._events: queue.Queue[Event] = queue.Queue()
        self._set_aside: deque[Event] = deque()
        self._client_left = False

    def run(self) -> int:
        states = file_states(self._file)
        if self._replay is not None:
            _in_background(_read_client, self._events)
        self._start_child()
        next_look = time.monotonic() + POLL_INTERVAL
        while True:
            self._handle_next_event(max(0.0, next_look - time.monotonic()))
            status = self._child.status() if self._child is not None else None
            if status is not None:
                self.stop_child()
                if status == 0 or self._client_left:
                    return status
                logger.error("The server ended with status %s, waiting for a file to change", status)
            elif self._client_left and self._child is None:
                return 0
            if time.monotonic() >= next_look:
                now = file_states(self._file)
                if now != states and not self._client_left:
                    logger.info("%s changed, reloading", min(path for path, _ in now.items() ^ states.items()).name)
                    self.stop_child()
                    self._start_child()
                states = now
                next_look = time.monotonic() + POLL_INTERVAL

    def _start_child(self) -> None:
        self._child = _Child(self._command, self._events, piped=self._replay is not None)
        if self._replay is not None:
            self._pass_on(self._replay.started())

    def stop_child(self) -> None:
        """End the server process if it still runs, and pass on what it has left."""
        child = self._child
        if child is None:
            return
        child.stop()
        while not self._events.empty():
            event = self._events.get()
            if event[0] is child:
                self._handle(*event)
            else:
                self._set_aside.append(event)
        self._child = None
        if self._replay is not None:
            self._pass_on(self._replay.stopped())

    def _handle_next_event(self, timeout: float) -> None:
        if self._set_aside:
            self._handle(*self._set_aside.popleft())
            return
        with suppress(queue.Empty):
            self._handle(*self._events.get(timeout=timeout))

    def _handle(self, source: "_Child | None", line: bytes | None) -> None:
        assert self._replay is not None
        if source is None and line is not None:
            self._pass_on(self._replay.from_client(line))
        elif source is None:
            self._client_left = True
            if self._child is not None:
                self._child.close_input()
        elif source is self._child and line is not None:
            self._pass_on(self._replay.from_server(line))
        elif line is None:
            source.output_ended()

    def _pass_on(self, lines: Lines) -> None:
        for line in lines.to_server:
            if self._child is not None:
                self._child.write(line)
        try:
            for line in lines.to_client:
                sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except OSError:
            self._client_left = True
            if self._child is not None:
                self._child.close_input()


class _Child:
    """A server process. If it is piped, its lines become events and it gets lines."""

    def __init__(self, command: list[str], events: queue.Queue[Event], *, piped: bool) -> None:
        pipe = subprocess.PIPE if piped else None
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe)
        self._input: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._output_open = piped
        self._reader: threading.Thread | None = None
        if self._process.stdin is not None and self._process.stdout is not None:
            _in_background(_write_lines, self._process.stdin, self._input)
            self._reader = _in_background(_read_lines, self._process.stdout, self, events)

    def write(self, line: bytes) -> None:
        """Send a line to the server. It waits in line, so that a busy server holds up nobody."""
        self._input.put(line)

    def close_input(self) -> None:
        """Let the server know that nothing more will come."""
        self._input.put(None)

    def output_ended(self) -> None:
        """The server has closed its output, so it is about to end."""
        self._output_open = False
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT)

    def status(self) -> int | None:
        """The exit status, once the server has ended and all its output was seen."""
        return None if self._output_open else self._process.poll()

    def stop(self) -> None:
        """End the process, gently first, and wait until all its output was read."""
        self.close_input()
        patience = STOP_TIMEOUT if self._output_open else 0
        for then in (self._process.terminate, self._process.kill, None):
            try:
                self._process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                if then is not None:
                    then()
                patience = STOP_TIMEOUT
        if self._reader is not None:
            # What the server has started may hold its output open for ever.
            self._reader.join(STOP_TIMEOUT)


def _in_background(function: Callable[..., None], *arguments: Any) -> threading.Thread:
    # Daemons: a read that blocks must not keep the process.
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def _read_client(events: queue.Queue[Event]) -> None:
    # Not sys.stdin: a thread that still holds its lock when Python ends makes it abort.
    with open(sys.stdin.fileno(), "rb", closefd=False) as stream:
        _read_lines(stream, None, events)


def _read_lines(stream: IO[bytes], source: "_Child | None", events: queue.Queue[Event]) -> None:
    with suppress(OSError, ValueError):
        for line in stream:
            events.put((source, line))
    events.put((source, None))


def _write_lines(stream: IO[bytes], lines: "queue.SimpleQueue[bytes | None]") -> None:
    with suppress(OSError):
        while (line := lines.get()) is not None:
            stream.write(line)
            stream.flush()
    with suppress(OSError):
        stream.close()
