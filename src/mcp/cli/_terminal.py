"""The user's terminal: questions on standard error, answers from standard input, and a progress bar."""

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from mcp.shared._owner import thread_caller

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

T = TypeVar("T")


def is_interactive() -> bool:
    """Whether somebody is there to answer."""
    return _is_terminal(sys.stdin)


def _is_terminal(stream: Any) -> bool:
    # A process without standard streams has None there.
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:
        return False


def tell(text: str) -> None:
    """Show a line that is no result."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def ask(question: str) -> str:
    """Ask the user for a line, and wait for it.

    Raises:
        EOFError: the user ended the input (Ctrl-D).
    """
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201
    line = _read_line()
    if not line:
        tell("")
        raise EOFError
    return line.strip()


def _read_line() -> str:
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError):
        return sys.stdin.readline()
    # Past the lock of sys.stdin: a thread that still holds it when Python ends makes it abort.
    with open(descriptor, "rb", buffering=0, closefd=False) as terminal:
        return terminal.readline().decode(sys.stdin.encoding, "replace")


def printable(text: str, *, lines: bool = True) -> str:
    """Text of a server, safe to show: without control characters, which could steer the terminal.

    Args:
        text: what the server sent.
        lines: whether line breaks and tabs may stay.
    """
    if text.isprintable():
        return text
    allowed = "\n\t" if lines else ""
    return "".join(char if char in allowed or not _is_control(char) else f"\\x{ord(char):02x}" for char in text)


def _is_control(char: str) -> bool:
    return char < " " or "\x7f" <= char < "\xa0"


async def in_daemon_thread(function: Callable[[], T]) -> T:
    """Call a function that may block for ever, such as one that reads the terminal.

    Unlike one of anyio's worker threads it keeps nobody from leaving: not a cancelled caller, not the process.
    """
    done = anyio.Event()
    call = thread_caller()
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(function())
        except BaseException as error:
            failure.append(error)
        try:
            call(done.set)
        except RuntimeError:
            return  # the event loop is gone, nobody waits any more

    threading.Thread(target=run, name="mcp terminal", daemon=True).start()
    await done.wait()
    if failure:
        raise failure[0]
    return result[0]


class ProgressBar:
    """Shows progress notifications as a bar on the terminal, if standard error is one and rich is installed."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._row: TaskID | None = None
        self._enabled = _is_terminal(sys.stderr)

    def show(self, progress: float, total: float | None, message: str | None) -> None:
        """Show a report of progress; without a total the bar just moves."""
        if self._enabled and self._bar is None:
            self._bar = _make_bar()
            self._enabled = self._bar is not None
        if self._bar is None:
            return
        description = printable(message or "", lines=False)
        if self._row is None:
            self._row = self._bar.add_task(description, total=total)
            self._bar.start()
        self._bar.update(self._row, completed=progress, total=total, description=description)

    @contextmanager
    def hidden(self) -> Generator[None, None, None]:
        """Take the bar away while something else uses the terminal."""
        running = self._bar is not None and self._row is not None
        if running and self._bar is not None:
            self._bar.stop()
        try:
            yield
        finally:
            if running and self._bar is not None:
                self._bar.start()

    def close(self) -> None:
        """Take the bar away for good."""
        if self._bar is not None:
            self._bar.stop()
        self._bar, self._enabled = None, False


def _make_bar() -> "Progress | None":
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        return None
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
