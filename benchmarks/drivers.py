"""Drivers that speak raw bytes, so that only the server's CPU is the package's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "driver", "version": "1"},
}


def request(number: int, method: str, params: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()


def add_call(number: int) -> bytes:
    return request(number, "tools/call", {"name": "add", "arguments": {"a": number, "b": 2}})


class StdioDriver:
    """A child process that serves over its standard input and output."""

    def __init__(self, command: list[str]) -> None:
        self._command = command

    def __enter__(self) -> StdioDriver:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self.pid = self._process.pid
        self._buffer = b""
        self._number = 0
        self._write(request(0, "initialize", INITIALIZE))
        self._read_answer()
        self._write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        data = line + b"\n"
        descriptor = self._process.stdin.fileno()
        while data:
            data = data[os.write(descriptor, data) :]

    def _read_line(self) -> bytes:
        assert self._process.stdout is not None
        pieces = [self._buffer]
        while b"\n" not in pieces[-1]:
            chunk = os.read(self._process.stdout.fileno(), 1 << 20)
            assert chunk, "the server ended"
            pieces.append(chunk)
        line, self._buffer = b"".join(pieces).split(b"\n", 1)
        return line

    def _read_answer(self) -> dict[str, Any]:
        while True:
            message = json.loads(self._read_line())
            if "id" in message:
                return message

    def call(self, at_once: int) -> None:
        numbers = {self._number + step + 1 for step in range(at_once)}
        self._number += at_once
        for number in numbers:
            self._write(add_call(number))
        for _ in range(at_once):
            answer = self._read_answer()
            assert answer["result"]["structuredContent"] == {"result": answer["id"] + 2}
            numbers.remove(answer["id"])

    def echo(self) -> None:
        self._number += 1
        text = "x" * 1_000_000
        self._write(request(self._number, "tools/call", {"name": "echo", "arguments": {"value": text}}))
        assert len(self._read_answer()["result"]["content"][0]["text"]) == len(text)

    def progress(self, steps: int) -> None:
        self._number += 1
        params = {"name": "report", "arguments": {"steps": steps}, "_meta": {"progressToken": self._number}}
        self._write(request(self._number, "tools/call", params))
        for _ in range(steps):
            assert b"notifications/progress" in self._read_line()
        assert self._read_answer()["result"]["structuredContent"] == {"result": steps}

    def measure(self, kind: str, count: int, at_once: int, cpu_of: Callable[[int], float]) -> float:
        def go(number: int) -> None:
            if kind == "progress":
                self.progress(number)
                return
            for _ in range(number // at_once):
                self.call(at_once) if kind == "add" else self.echo()

        go(max(count // 10, at_once))
        before = cpu_of(self.pid)
        go(count)
        return (cpu_of(self.pid) - before) / count * 1e6


class HttpDriver:
    """A child process that serves Streamable HTTP on a port of its own."""

    def __init__(self, command: list[str]) -> None:
        self._command = command

    def __enter__(self) -> HttpDriver:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/mcp"
        self._process = subprocess.Popen(
            [*self._command, str(self._port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.pid = self._process.pid
        deadline = time.monotonic() + 30
        while True:
            try:
                self._connect().close()
                return self
            except OSError:
                assert time.monotonic() < deadline and self._process.poll() is None, "the server does not start"
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _post(self, body: bytes, session: str | None) -> bytes:
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n"
        )
        if session:
            head += f"mcp-session-id: {session}\r\nmcp-protocol-version: 2025-06-18\r\n"
        return head.encode() + b"\r\n" + body

    def open_session(self, connection: socket.socket) -> str | None:
        connection.sendall(self._post(request(0, "initialize", INITIALIZE), None))
        head, _ = read_response(connection)
        session = next(
            (line.split(b": ", 1)[1].decode() for line in head if line.lower().startswith(b"mcp-session-id")), None
        )
        connection.sendall(self._post(b'{"jsonrpc":"2.0","method":"notifications/initialized"}', session))
        read_response(connection)
        return session

    def open_sessions(self, count: int) -> None:
        with self._connect() as connection:
            for _ in range(count):
                self.open_session(connection)

    def measure_sessions(self, count: int, cpu_of: Callable[[int], float]) -> float:
        self.open_sessions(max(count // 10, 1))
        before = cpu_of(self.pid)
        self.open_sessions(count)
        return (cpu_of(self.pid) - before) / count * 1e6

    def measure_calls(self, count: int, connections: int, cpu_of: Callable[[int], float]) -> float:
        """Microseconds of the server's CPU per call, with one session on each connection."""
        open_ones = [self._connect() for _ in range(connections)]
        ids = [self.open_session(connection) for connection in open_ones]
        self._calls(open_ones, ids, max(count // 10, connections))
        before = cpu_of(self.pid)
        self._calls(open_ones, ids, count)
        result = (cpu_of(self.pid) - before) / count * 1e6
        for connection in open_ones:
            connection.close()
        return result

    def _calls(self, connections: list[socket.socket], sessions: list[str | None], count: int) -> None:
        for start in range(0, count, len(connections)):
            for step, (connection, session) in enumerate(zip(connections, sessions, strict=True)):
                connection.sendall(self._post(add_call(start + step + 1), session))
            for step, connection in enumerate(connections):
                _, body = read_response(connection)
                payload = (
                    body if body.startswith(b"{") else body.split(b"data: ", 1)[1].split(b"\r\n")[0].split(b"\n")[0]
                )
                assert json.loads(payload)["result"]["structuredContent"] == {"result": start + step + 3}, payload

    def memory_per_session(self, count: int) -> float:
        self.open_sessions(50)
        before = self._resident()
        self.open_sessions(count)
        return (self._resident() - before) / count

    def _resident(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def read_response(connection: socket.socket) -> tuple[list[bytes], bytes]:
    """Head lines and decoded body of one HTTP response."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.split(b"\r\n")
    fields = {line.split(b":", 1)[0].lower(): line.split(b":", 1)[1].strip() for line in lines[1:]}
    if b"content-length" in fields:
        while len(body) < int(fields[b"content-length"]):
            body += receive(connection)
        return lines, body
    if fields.get(b"transfer-encoding") != b"chunked":
        return lines, body
    decoded = b""
    while True:
        while b"\r\n" not in body:
            body += receive(connection)
        size, body = body.split(b"\r\n", 1)
        length = int(size, 16)
        while len(body) < length + 2:
            body += receive(connection)
        decoded, body = decoded + body[:length], body[length + 2 :]
        if length == 0:
            return lines, decoded


def receive(connection: socket.socket) -> bytes:
    chunk = connection.recv(1 << 16)
    assert chunk, "the server closed the connection"
    return chunk
