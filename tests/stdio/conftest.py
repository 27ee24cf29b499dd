"""What the stdio tests share: the far ends of pipes, and small server programs."""

from __future__ import annotations

import json
import os
import pty
import socket
import sys
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from mcp import StdioServerParameters

PATIENCE = 10
"""Seconds after which a test gives up waiting; nothing takes nearly as long."""


def line_of(message: object) -> bytes:
    return json.dumps(message).encode() + b"\n"


@dataclass
class Peer:
    """The other end of a transport: two descriptors of raw bytes."""

    input: int
    output: int
    _buffer: bytes = field(default=b"", init=False)

    def write(self, data: bytes) -> None:
        """Write little enough not to block."""
        os.write(self.output, data)

    def send(self, *messages: object) -> None:
        self.write(b"".join(line_of(message) for message in messages))

    async def write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        os.set_blocking(self.output, False)
        while rest:
            with anyio.fail_after(PATIENCE):
                await anyio.wait_writable(self.output)
            with suppress(BlockingIOError):
                rest = rest[os.write(self.output, rest) :]

    async def read(self) -> bytes:
        with anyio.fail_after(PATIENCE):
            await anyio.wait_readable(self.input)
        try:
            return os.read(self.input, 1 << 20)
        except OSError:
            return b""

    async def read_line(self) -> bytes:
        pieces = [self._buffer]
        while b"\n" not in pieces[-1]:
            chunk = await self.read()
            assert chunk, f"the stream ended after {b''.join(pieces)[-200:]!r}"
            pieces.append(chunk)
        line, self._buffer = b"".join(pieces).split(b"\n", 1)
        return line

    async def receive(self) -> dict[str, Any]:
        return json.loads(await self.read_line())

    async def read_to_end(self) -> bytes:
        pieces = [self._buffer]
        while chunk := await self.read():
            pieces.append(chunk)
        self._buffer = b""
        return b"".join(pieces)

    def close_output(self) -> None:
        os.close(self.output)
        self.output = -1


def make_pipe() -> tuple[int, int]:
    return os.pipe()


def make_socketpair() -> tuple[int, int]:
    reader, writer = socket.socketpair()
    return reader.detach(), writer.detach()


def make_pty() -> tuple[int, int]:
    """A terminal to read from, without echo or line editing."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    return theirs, ours


CHANNELS: dict[str, Callable[[], tuple[int, int]]] = {
    "pipe": make_pipe,
    "socketpair": make_socketpair,
    "pty": make_pty,
}


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """Runs what is put on it after the test."""
    with ExitStack() as stack:
        yield stack


def identity_of(fd: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def closes_later(cleanup: ExitStack, *descriptors: int) -> None:
    """Close descriptors after the test; one that the test has closed may be something else by then."""
    for fd in descriptors:
        cleanup.callback(lambda fd=fd, was=identity_of(fd): os.close(fd) if identity_of(fd) == was else None)


@pytest.fixture
def channel(cleanup: ExitStack) -> Callable[[str], tuple[int, int]]:
    """Make a pipe, a socket pair or a terminal: a descriptor to read, and one to write."""

    def make(kind: str) -> tuple[int, int]:
        ends = CHANNELS[kind]()
        closes_later(cleanup, *ends)
        return ends

    return make


@pytest.fixture
def peer() -> Callable[..., Peer]:
    """Make the other end of a transport out of two descriptors."""
    return Peer


@pytest.fixture
def standard_streams(monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> Callable[..., Peer]:
    """Put channels in place of `sys.stdin` and `sys.stdout` of this process; the far ends of both."""

    def replace(kind: str = "pipe") -> Peer:
        server_in, to_server = CHANNELS[kind]()
        server_out, from_server = CHANNELS[kind]() if kind == "pty" else CHANNELS[kind]()[::-1]
        peer = Peer(input=from_server, output=to_server)
        stdin = open(server_in, encoding="utf-8")  # noqa: SIM115
        stdout = open(server_out, "w", encoding="utf-8")  # noqa: SIM115
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", stdout)
        closes_later(cleanup, peer.input, peer.output)
        cleanup.callback(stdout.close)
        cleanup.callback(stdin.close)
        return peer

    return replace


ECHO = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"echo": message}}), flush=True)
"""


@pytest.fixture
def python() -> Callable[..., StdioServerParameters]:
    """Make a server of a small program that needs nothing but Python itself, and so starts fast."""

    def make(program: str = ECHO, *args: str, **options: Any) -> StdioServerParameters:
        return StdioServerParameters(command=sys.executable, args=["-S", "-E", "-c", program, *args], **options)

    return make
