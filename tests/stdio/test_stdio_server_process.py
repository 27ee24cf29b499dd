"""TSV-1 … TSV-9: the server's side in processes of its own, as clients start them."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parent / "programs" / "tools_server.py"

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def request(request_id: object, method: str = "ping", **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def call(request_id: object, name: str, **arguments: Any) -> dict[str, Any]:
    return request(request_id, "tools/call", name=name, arguments=arguments)


def lines_of(*messages: object) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


Start = Callable[..., "subprocess.Popen[bytes]"]


both_backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the server; it is expected to be gone at the end of the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, backend: str = "asyncio", **files: Any) -> subprocess.Popen[bytes]:
        files = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **files}
        process = subprocess.Popen([sys.executable, str(PROGRAM), backend, *arguments], **files)
        processes.append(process)
        return process

    yield run
    for process in processes:
        ended = process.poll() is not None
        process.kill()
        process.wait()
        for file in (process.stdin, process.stdout, process.stderr):
            if file is not None:
                with suppress(BrokenPipeError):
                    file.close()
        assert ended


def ids_of(output: bytes) -> set[Any]:
    return {json.loads(line).get("id") for line in output.splitlines()}


def wait_for(process: subprocess.Popen[bytes], word: str) -> None:
    assert process.stderr is not None
    while word not in (line := process.stderr.readline().decode()):
        assert line, f"the server ended before it said {word!r}"


def test_requests_from_a_file_tsv_9(start: Start, tmp_path: Path) -> None:
    # TSV-3, TSV-6, TSV-9
    path = tmp_path / "requests"
    path.write_bytes(lines_of(INITIALIZE, request(1), call(2, "wait", seconds=0.1), request(3)).rstrip())
    with path.open("rb") as file:
        process = start(stdin=file)
        output, errors = process.communicate(timeout=15)
    assert (process.returncode, ids_of(output)) == (0, {0, 1, 2, 3}), errors


def test_no_input_tsv_6(start: Start) -> None:
    # TSV-6
    process = start(stdin=subprocess.DEVNULL)
    output, errors = process.communicate(timeout=15)
    assert (process.returncode, output) == (0, b""), errors


@both_backends
def test_piped_requests_and_noisy_tools_tsv_7_tsv_9(start: Start, backend: str) -> None:
    # TSV-7, TSV-9: all requests and then the end of the input.
    process = start(backend=backend)
    messages = [INITIALIZE, *(call(number, "print") for number in range(1, 4)), request(4)]
    output, errors = process.communicate(lines_of(*messages), timeout=20)
    assert process.returncode == 0
    assert ids_of(output) == {0, 1, 2, 3, 4}
    for words in (b"printed by a tool", b"written by a tool", b"read nothing"):
        assert errors.count(words) == 3


def test_a_terminal(start: Start) -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    process = start(stdin=theirs, stdout=theirs)
    os.close(theirs)
    os.write(ours, lines_of(INITIALIZE, request(1)))
    output = b""
    while output.count(b"\n") < 2:
        output += os.read(ours, 10_000)
    assert ids_of(output) == {0, 1}
    os.close(ours)
    assert process.wait(10) == 0


def test_one_socket_for_both_directions(start: Start) -> None:
    ours, theirs = socket.socketpair()
    with ours, ours.makefile("rb") as file:
        with theirs:
            process = start(stdin=theirs, stdout=theirs)
        ours.sendall(lines_of(INITIALIZE))
        assert json.loads(file.readline())["id"] == 0
        text = "x" * 1_000_000
        ours.sendall(lines_of(call(1, "echo", text=text)))
        assert json.loads(file.readline())["result"]["content"][0]["text"] == text
        ours.shutdown(socket.SHUT_WR)
        assert file.read() == b""
    assert process.wait(10) == 0


@both_backends
@pytest.mark.parametrize("busy", [False, True])
def test_an_interrupt_ends_it_at_once(start: Start, busy: bool, backend: str) -> None:
    process = start(backend=backend)
    assert process.stdin is not None
    assert process.stderr is not None
    wait_for(process, "ready")
    if busy:
        process.stdin.write(lines_of(INITIALIZE, call(1, "wait", seconds=60)))
        process.stdin.flush()
        wait_for(process, "waiting")
    start_time = time.monotonic()
    process.send_signal(signal.SIGINT)
    errors = process.stderr.read().decode()
    process.wait(10)
    assert time.monotonic() - start_time < 2
    assert process.returncode in (1, 130, -signal.SIGINT)
    if sys.version_info < (3, 11) and backend == "asyncio":
        # What `anyio.run` makes of it there.
        assert errors.splitlines()[-1] == "asyncio.exceptions.CancelledError"
    else:
        assert "KeyboardInterrupt" in errors
    if backend == "asyncio":
        # In trio the server's own task group shows.
        assert "ExceptionGroup" not in errors
    for words in ("never retrieved", "ignored in", "was destroyed", "Fatal"):
        assert words not in errors


@both_backends
def test_leaving_while_a_thread_reads_a_file_that_was_passed_in(start: Start, backend: str) -> None:
    process = start("wrapped", backend=backend)
    assert process.stderr is not None
    wait_for(process, "ready")
    # The input stays open.
    errors = process.stderr.read()
    assert process.wait(10) == 0, errors
    assert b"Fatal" not in errors


def test_a_client_that_was_killed(start: Start) -> None:
    process = start()
    assert process.stdin is not None
    assert process.stdout is not None
    wait_for(process, "ready")
    process.stdin.write(lines_of(INITIALIZE, call(1, "wait", seconds=60)))
    process.stdin.flush()
    wait_for(process, "waiting")
    process.stdout.close()
    process.stdin.close()
    assert process.wait(5) == 0
