"""`mcp run --reload` with real processes."""

import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, Any

import pytest

from mcp.cli._reload import child_command, file_states, python_files

TEXT = """
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("Reloaded", port=0)
@mcp.tool()
def version() -> str:
    return "VERSION"
"""


def test_which_files_are_watched(tmp_path: Path) -> None:
    for name in ("s.py", "a/b.py", "a/b.txt", "a/__pycache__/c.py", ".venv/d.py", "node_modules/e.py", "venv/f.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    assert set(python_files(tmp_path)) == {tmp_path / "s.py", tmp_path / "a" / "b.py"}
    (tmp_path / "server").touch()
    before = file_states(tmp_path / "server")
    assert set(before) == {tmp_path / "server", tmp_path / "s.py", tmp_path / "a" / "b.py"}
    (tmp_path / "a" / "b.py").write_text("longer")
    (tmp_path / "s.py").unlink()
    after = file_states(tmp_path / "server")
    assert set(after) == {tmp_path / "server", tmp_path / "a" / "b.py"}
    assert after[tmp_path / "a" / "b.py"] != before[tmp_path / "a" / "b.py"]
    assert file_states(tmp_path / "a" / "gone")


def test_the_child_does_not_import_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise SystemExit(9)")
    result = subprocess.run(child_command(["version"]), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout[:12]) == (0, "MCP version ")


class Server:
    """A server under `mcp run --reload`, and both of its outputs as they come."""

    def __init__(self, process: subprocess.Popen[str], file: Path) -> None:
        self.process = process
        self._file = file
        self._out: queue.Queue[str] = queue.Queue()
        self._err: queue.Queue[str] = queue.Queue()
        self._threads: list[threading.Thread] = []
        for stream, lines in ((process.stdout, self._out), (process.stderr, self._err)):
            assert stream is not None
            thread = threading.Thread(target=self._copy, args=(stream, lines), daemon=True)
            thread.start()
            self._threads.append(thread)

    @staticmethod
    def _copy(stream: IO[str], lines: "queue.Queue[str]") -> None:
        for line in stream:
            lines.put(line)
        stream.close()

    def write(self, text: str) -> None:
        """Change the server file, at one go."""
        new = self._file.with_suffix(".new")
        new.write_text(text)
        new.replace(self._file)

    def send(self, **message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def message(self) -> dict[str, Any]:
        """The next message to the client."""
        return json.loads(self._out.get(timeout=15))

    def answer(self, key: int) -> dict[str, Any]:
        """The answer to a request, with the messages before it passed over."""
        while (message := self.message()).get("id") != key:
            pass
        return message

    def diagnostic(self, pattern: str) -> str:
        """The next line of standard error that matches."""
        while True:
            line = self._err.get(timeout=15)
            if re.search(pattern, line):
                return line

    def close(self) -> None:
        # Not killed: it has a process of its own to end.
        self.process.terminate()
        self.process.wait(10)
        if self.process.stdin is not None:
            self.process.stdin.close()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def start(mcp_path: str, environment: dict[str, str], tmp_path: Path) -> Generator[Callable[..., Server], None, None]:
    """Start a server under `mcp run --reload`."""
    servers: list[Server] = []

    def run(*arguments: str, text: str = TEXT) -> Server:
        file = tmp_path / "s.py"
        file.write_text(text)
        process = subprocess.Popen(
            [mcp_path, "run", "s.py:mcp", "--reload", *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        servers.append(Server(process, file))
        return servers[0]

    yield run
    for server in servers:
        server.close()


def initialize(server: Server) -> None:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    server.send(id=0, method="initialize", params=params)
    assert server.answer(0)["result"]["capabilities"]["tools"] == {"listChanged": True}
    server.send(method="notifications/initialized")


def version_of(server: Server, key: int) -> str:
    server.send(id=key, method="tools/call", params={"name": "version", "arguments": {}})
    return server.answer(key)["result"]["content"][0]["text"]


def test_the_client_keeps_its_connection(start: Callable[..., Server]) -> None:
    server = start()
    initialize(server)
    assert version_of(server, 1) == "VERSION"
    server.write(TEXT.replace("VERSION", "second version"))
    assert server.message()["method"] == "notifications/tools/list_changed"
    assert version_of(server, 2) == "second version"
    # A file that does not import is no reason to leave.
    server.write("syntax error(")
    server.diagnostic("waiting for a file to change")
    server.send(id=3, method="tools/list")
    assert server.answer(3)["error"]["code"] == -32000
    server.write(TEXT.replace("VERSION", "third version"))
    while server.message().get("method") != "notifications/prompts/list_changed":
        pass
    assert version_of(server, 4) == "third version"
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.process.wait(10) == 0


def test_a_client_that_leaves_a_broken_server_ends_it(start: Callable[..., Server]) -> None:
    server = start(text="raise SystemExit(7)")
    server.diagnostic("ended with status 7, waiting")
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.process.wait(10) == 0


def test_a_server_that_ends_well_is_not_started_again(start: Callable[..., Server]) -> None:
    server = start(text="raise SystemExit(0)")
    assert server.process.wait(15) == 0


def test_http_is_served_again(start: Callable[..., Server]) -> None:
    server = start("-t", "streamable-http", "--host", "127.0.0.1", "--port", "0")
    server.diagnostic("Uvicorn running on")
    server.write(TEXT.replace("VERSION", "second version"))
    server.diagnostic("s.py changed, reloading")
    server.diagnostic("Uvicorn running on")


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_server_does_not_outlive_its_supervisor(
    number: int, status: int, start: Callable[..., Server], tmp_path: Path
) -> None:
    text = "import os, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\n" + TEXT
    server = start(text=text)
    initialize(server)
    child = int((tmp_path / "pid").read_text())
    server.process.send_signal(number)
    assert server.process.wait(10) == status
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail("the server still runs")
