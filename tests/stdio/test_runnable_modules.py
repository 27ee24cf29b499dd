"""MOD-1 … MOD-6, LLS-70, TCL-61: `python -m mcp.server` and `python -m mcp.client`."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import runpy
import signal
import subprocess
import sys
from typing import Any

import anyio
import httpx
import pytest

import mcp.client.__main__ as client_module
import mcp.server.__main__ as server_module
from mcp.shared.exceptions import McpError
from mcp.types import ErrorData

MESSAGES = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "ping"},
    {"jsonrpc": "2.0", "id": 3, "method": "tools/list"},
]


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=30, check=False, **options
    )


def test_an_empty_server_mod_3_mod_4_lls_70() -> None:
    # MOD-3, MOD-4, MOD-5, LLS-70
    done = run("-m", "mcp.server", input="".join(json.dumps(message) + "\n" for message in MESSAGES))
    assert done.returncode == 0, done.stderr
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert answers[1]["result"] == {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "serverInfo": {"name": "mcp", "version": importlib.metadata.version("mcp")},
    }
    assert answers[2]["result"] == {}
    assert answers[3]["error"]["code"] == -32601
    assert "INFO:" in done.stderr


def test_an_interrupted_server_ends_at_once() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin, process.stdout, process.stderr:
        process.stdin.write(json.dumps(MESSAGES[0]).encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read().decode()
        assert process.wait(10) == 130
    assert errors.splitlines()[-1] == "INFO:server:Interrupted"
    assert "Traceback" not in errors


def test_a_client_for_a_command_mod_1_mod_2_mod_4_tcl_61() -> None:
    # MOD-1, MOD-2, MOD-4, TCL-61
    done = run("-m", "mcp.client", sys.executable, "--", "-m", "mcp.server")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines.index("INFO:client:Initializing session") < lines.index("INFO:client:Initialized")


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Logging and warnings as the test has them; the module itself configures both."""
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    caplog.set_level(logging.INFO)
    return caplog


@pytest.mark.parametrize(
    "arguments", [[], ["--no-such-option"], ["python", "-c", "pass"], ["python", "-e", "KEY"], ["-e", "KEY", "VALUE"]]
)
def test_wrong_arguments_mod_2(arguments: list[str], quiet: object, capsys: pytest.CaptureFixture[str]) -> None:
    # MOD-2
    with pytest.raises(SystemExit) as raised:
        client_module.main(arguments)
    assert raised.value.code == 2
    assert "usage: python -m mcp.client" in capsys.readouterr().err


ANSWERS = """
import json, os, sys
assert os.environ["A"] == "1" and os.environ["B"] == "two", os.environ
sys.stdout.write("noise\\n")
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "initialize":
        info = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
        print('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": info}), flush=True)
"""


def test_the_environment_of_the_command_mod_1(quiet: pytest.LogCaptureFixture) -> None:
    # MOD-1
    arguments = ["-e", "A", "1", "--env", "B", "two", sys.executable, "--", "-S", "-c", ANSWERS]
    assert client_module.main(arguments) == 0
    messages = [record.getMessage() for record in quiet.records if record.name == "client"]
    assert messages[0] == "Initializing session"
    assert messages[-1] == "Initialized"
    assert any("Received message from server" in message and "list_changed" in message for message in messages)
    assert any(message.startswith("Error: Parse error") for message in messages)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/no/such/command"], "No such file or directory"),
        ([sys.executable, "--", "-S", "-c", "import sys; sys.exit('bad option')"], "bad option"),
        (["http://127.0.0.1:1/mcp"], ""),
    ],
)
def test_a_server_that_is_not_there(arguments: list[str], words: str, quiet: pytest.LogCaptureFixture) -> None:
    assert client_module.main(arguments) == 1
    record = quiet.records[-1]
    assert record.levelname == "ERROR"
    assert record.getMessage().startswith(f"Could not connect to {arguments[0]}: ")
    assert words in record.getMessage()
    assert record.exc_info is None


class Transports:
    """Stand-ins for the two HTTP transports."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, errors: dict[str, Exception]) -> None:
        import mcp.client.sse
        import mcp.client.streamable_http

        self.opened: list[str] = []
        self.errors = errors

        monkeypatch.setattr(mcp.client.sse, "sse_client", lambda url: f"sse {url}")
        monkeypatch.setattr(mcp.client.streamable_http, "streamable_http_client", lambda url: f"http {url}")
        monkeypatch.setattr(client_module, "_initialize", self.initialize)

    async def initialize(self, transport: str) -> None:
        self.opened.append(transport)
        if error := self.errors.get(transport.split()[0]):
            raise error


class Grouped(Exception):
    """Looks like an exception group."""

    def __init__(self, inner: Exception) -> None:
        super().__init__("one of several")
        self.exceptions = [inner]


NOT_FOUND = McpError(ErrorData(code=32600, message="Session terminated"))


@pytest.mark.parametrize(
    ("errors", "opened", "status"),
    [
        ({}, ["http"], 0),
        ({"http": NOT_FOUND}, ["http", "sse"], 0),
        ({"http": NOT_FOUND, "sse": Grouped(httpx.ConnectError("no"))}, ["http", "sse"], 1),
        ({"http": httpx.ConnectError("no")}, ["http"], 1),
    ],
)
def test_a_client_for_a_url_mod_1_mod_6(
    errors: dict[str, Exception],
    opened: list[str],
    status: int,
    quiet: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # MOD-1, MOD-6
    transports = Transports(monkeypatch, errors)
    assert client_module.main(["https://example.com/mcp"]) == status
    assert transports.opened == [f"{name} https://example.com/mcp" for name in opened]


@pytest.mark.parametrize("module", [client_module, server_module])
def test_an_interrupt(module: Any, quiet: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(anyio, "run", interrupted)
    assert (module.main(["command"]) if module is client_module else module.main()) == 130
    assert quiet.records[-1].getMessage() == "Interrupted"


@pytest.mark.parametrize("name", ["mcp.client.__main__", "mcp.server.__main__"])
@pytest.mark.parametrize("options", [[], ["default"]])
def test_warnings_are_ignored_unless_asked_for_mod_4(
    name: str, options: list[str], quiet: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    # MOD-4
    import warnings

    filters: list[str] = []
    monkeypatch.setattr(sys, "warnoptions", options)
    monkeypatch.setattr(warnings, "simplefilter", filters.append)
    monkeypatch.setattr(anyio, "run", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["prog", "command"])
    monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit) as raised:
        runpy.run_module(name, run_name="__main__")
    assert raised.value.code == 0
    assert filters == ([] if options else ["ignore"])
