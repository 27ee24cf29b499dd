"""The commands on a terminal: questions of a server, and the progress bar."""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp.cli import _client, _terminal
from mcp.cli._output import results_only
from mcp.cli._terminal import ProgressBar, ask, in_daemon_thread, is_interactive, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain ü 🎨", "plain ü 🎨"), ("a\nb\tc", "a\nb\tc"), ("\x1b[31m\x07\x9b\x7f", "\\x1b[31m\\x07\\x9b\\x7f")],
)
def test_text_of_a_server_cannot_steer_the_terminal(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert printable("a\nb", lines=False) == "a\\x0ab"


@pytest.mark.parametrize("stdin", [None, io.StringIO(), "closed"])
def test_nobody_is_there(stdin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if stdin == "closed":
        stdin = io.StringIO()
        stdin.close()
    monkeypatch.setattr(sys, "stdin", stdin)
    assert not is_interactive()


def test_a_question(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(" answer \n"))
    assert ask("Question? ") == "answer"
    with pytest.raises(EOFError):
        ask("More? ")
    assert capsys.readouterr() == ("", "Question? More? \n")


class TestThread:
    """A thread that keeps nobody."""

    pytestmark = pytest.mark.anyio

    async def test_the_result_comes_back(self) -> None:
        assert await in_daemon_thread(lambda: threading.current_thread().daemon) is True

    async def test_an_exception_comes_back(self) -> None:
        with pytest.raises(EOFError):
            await in_daemon_thread(lambda: exec("raise EOFError"))

    async def test_a_cancelled_caller_does_not_wait(self) -> None:
        released = threading.Event()
        with anyio.fail_after(5):
            with anyio.move_on_after(0.01) as scope:
                await in_daemon_thread(released.wait)
        assert scope.cancelled_caught
        released.set()


def test_a_thread_that_comes_too_late_goes_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    released, ended = threading.Event(), threading.Event()
    thread_caller = _terminal.thread_caller

    def noting() -> Callable[..., None]:
        call = thread_caller()

        def note(*arguments: Any) -> None:
            try:
                call(*arguments)
            finally:
                ended.set()

        return note

    async def main() -> None:
        with anyio.move_on_after(0.01):
            await in_daemon_thread(released.wait)

    monkeypatch.setattr(_terminal, "thread_caller", noting)
    anyio.run(main)
    released.set()
    assert ended.wait(5)


class Terminal(io.StringIO):
    """A stand-in for a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    bar = ProgressBar()
    with bar.hidden():
        bar.show(1, 3, "one [step]\x1b")
    with bar.hidden():
        bar.show(2, 3, None)
    bar.show(3, None, "three")
    bar.close()
    bar.show(4, None, "late")
    text = terminal.getvalue()
    assert "one [step]\\x1b" in text
    assert "three" in text
    assert "late" not in text


def test_without_rich_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    bar = ProgressBar()
    bar.show(1, 3, "one")
    bar.show(2, 3, "two")
    bar.close()
    assert terminal.getvalue() == ""


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar()
    bar.show(1, 3, "one")
    bar.close()
    assert capsys.readouterr() == ("", "")


def test_results_without_a_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with results_only() as results:
        print("noise")
        print("result", file=results)
    print("after")
    assert (out.getvalue(), err.getvalue()) == ("result\nafter\n", "noise\n")


def test_results_keep_the_descriptor(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom mcp.cli._output import results_only\nprint('before')\n"
        "with results_only() as results:\n    print('noise'); os.write(1, b'noise\\n'); print('ü', file=results)\n"
        "print('after'); sys.stdout.flush(); os.write(1, b'end\\n')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    assert result.stdout.decode().split() == ["before", "ü", "after", "end"]
    assert result.stderr.decode().split() == ["noise", "noise"]


@pytest.mark.anyio
async def test_patience_is_renewed_and_paused() -> None:
    patience = _client.Patience(50)
    first = patience.scope.deadline
    await anyio.sleep(0.001)
    patience.renew()
    assert patience.scope.deadline > first
    with patience.paused():
        assert patience.scope.deadline == float("inf")
        with patience.paused():
            patience.renew()
        assert patience.scope.deadline == float("inf")
    assert patience.scope.deadline < float("inf")
    for_ever = _client.Patience(None)
    with for_ever.paused():
        pass
    assert for_ever.scope.deadline == float("inf")


# A real terminal

needs_pty = pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")


class Screen:
    """The other side of a command's terminal."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self._process = process
        self._unseen = ""

    def wait_for(self, expected: str) -> None:
        """Read until a text appears."""
        while expected not in self._unseen:
            self._unseen += self._read()
        self._unseen = self._unseen.partition(expected)[2]

    def type(self, line: str) -> None:
        """Type something."""
        os.write(self._descriptor, line.encode())

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self._process.send_signal(signal.SIGINT)

    def finish(self) -> tuple[int, str]:
        """Read to the end, and return the exit code and the result."""
        assert self._process.stdout is not None
        result = self._process.stdout.read().decode()
        return self._process.wait(10), result

    def _read(self) -> str:
        data = os.read(self._descriptor, 4096)
        assert data
        return data.decode().replace("\r", "")


@pytest.fixture
def on_terminal(mcp_path: str, environment: dict[str, str], server_file: Path) -> Callable[..., Any]:
    """Run a command with a terminal for its input and errors."""

    @contextmanager
    def start(*arguments: str) -> Generator[Screen, None, None]:
        import pty

        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [mcp_path, *arguments],
            cwd=server_file.parent,
            env={**environment, "TERM": "xterm", "COLUMNS": "80"},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        # A test that waits for what does not come ends with its command.
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        try:
            yield Screen(ours, process)
        finally:
            watchdog.cancel()
            process.kill()
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()
            os.close(ours)

    return start


@needs_pty
def test_a_form_is_filled_in_on_the_terminal(on_terminal: Callable[..., Any]) -> None:
    with on_terminal("call", "server.py", "ask", "--timeout", "5") as screen:
        screen.wait_for("Demo asks: Who are you?")
        screen.wait_for("Name: ")
        screen.type("Ada\n")
        screen.wait_for("optional]: ")
        screen.type("x\n")
        screen.wait_for("optional]: ")
        screen.type("36\n")
        assert screen.finish() == (0, "accept Person(name='Ada', age=36)\n")


@needs_pty
def test_a_form_is_declined_by_the_end_of_input(on_terminal: Callable[..., Any]) -> None:
    with on_terminal("call", "server.py", "ask") as screen:
        screen.wait_for("Name: ")
        screen.type("\x04")
        assert screen.finish() == (0, "decline None\n")


@needs_pty
def test_a_url_is_agreed_to_on_the_terminal(on_terminal: Callable[..., Any]) -> None:
    with on_terminal("call", "server.py", "visit") as screen:
        screen.wait_for("https://example.com/login")
        screen.wait_for("[y/N] ")
        screen.type("y\n")
        assert screen.finish() == (0, "accept\n")


@needs_pty
def test_a_progress_bar_is_on_the_terminal_and_not_in_the_result(on_terminal: Callable[..., Any]) -> None:
    with on_terminal("call", "server.py", "work") as screen:
        screen.wait_for("[warning] warning 2")
        screen.wait_for("step 2")
        assert screen.finish() == (0, "worked\n")


@needs_pty
def test_an_interrupt_leaves_a_question(on_terminal: Callable[..., Any]) -> None:
    with on_terminal("call", "server.py", "ask") as screen:
        screen.wait_for("Name: ")
        screen.interrupt()
        assert screen.finish() == (130, "")
