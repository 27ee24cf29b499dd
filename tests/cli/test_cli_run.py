"""The command itself, `mcp version`, and `mcp run`."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mcp.cli import _output, app
from mcp.server.fastmcp import FastMCP

FASTMCP = "from mcp.server.fastmcp import FastMCP\n"


# CLI


def test_no_arguments_print_help(run_mcp: Callable[..., Any]) -> None:
    """CLI-1, CLI-2"""
    result = run_mcp()
    assert result.returncode == 2
    assert "MCP development tools" in result.stdout + result.stderr


def test_help(invoke: Callable[..., Any]) -> None:
    """CLI-1, CLI-2: with completion of the shell, which the official command lacks."""
    result = invoke("--help")
    assert result.exit_code == 0
    for command in ("version", "dev", "run", "install", "list", "call", "read", "prompt", "ping"):
        assert command in result.output
        assert invoke(command, "--help").exit_code == 0
    assert "--install-completion" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("bogus",),
        ("run",),
        ("run", "s.py", "--bogus"),
        ("run", "s.py", "--port", "x"),
        ("run", "s.py", "--port", "70000"),
        ("list",),
        ("list", "s.py", "bogus"),
        ("ping", "s.py", "--timeout", "-1"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(arguments: tuple[str, ...], invoke: Callable[..., Any]) -> None:
    """CLI-2"""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: ")
    assert result.stdout == ""


def test_without_typer_there_is_a_hint(tmp_path: Path) -> None:
    """CLI-3"""
    code = "import sys; sys.modules['typer'] = None; import mcp.cli"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout == "Error: typer is required. Install with 'pip install mcp[cli]'\n"


@pytest.mark.parametrize("module", ["mcp", "mcp.cli"])
def test_the_package_is_the_command_too(module: str) -> None:
    """CLI-4"""
    result = subprocess.run([sys.executable, "-m", module, "version"], capture_output=True, text=True, check=False)
    assert result.stdout == f"MCP version {metadata.version('mcp')}\n"
    assert result.returncode == 0


def test_version(run_mcp: Callable[..., Any]) -> None:
    """CLI-5"""
    result = run_mcp("version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"MCP version {metadata.version('mcp')}\n", "")


def test_version_of_a_package_that_is_not_installed(
    invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CLI-5"""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    result = invoke("version")
    assert (result.exit_code, result.stdout) == (1, "MCP version unknown (package not installed)\n")


@pytest.mark.parametrize("arguments", [["version"], ["--help"], ["call", "--help"]])
def test_version_and_help_load_no_server_and_no_client(arguments: list[str]) -> None:
    code = f"""
import sys
from mcp.cli import app
try:
    app({arguments!r})
except SystemExit:
    pass
print([name for name in sys.modules if name.split('.')[0] in
       ('anyio', 'httpx', 'starlette', 'uvicorn', 'jsonschema', 'jwt', 'dotenv')
       or name.startswith(('mcp.server', 'mcp.client', 'mcp.shared', 'mcp.types'))], file=sys.stderr)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr.splitlines()[-1] == "[]"


def test_shell_completion(run_mcp: Callable[..., Any]) -> None:
    result = run_mcp(env={"_MCP_COMPLETE": "complete_bash", "COMP_WORDS": "mcp re", "COMP_CWORD": "1"})
    assert result.stdout.split() == ["read"]


def test_diagnostics_come_out_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """CLI-6"""
    import logging

    _output.configure_logging()
    _output.configure_logging()
    logger = logging.getLogger("cli")
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    logger.info("one")
    monkeypatch.setattr(root, "handlers", [logging.StreamHandler(sys.stdout)])
    logger.info("two")
    assert capsys.readouterr() == ("two\n", "one\n")


# mcp run


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[FastMCP[Any], dict[str, Any]]]:
    """The servers that were run, and how; they end at once."""
    found: list[tuple[FastMCP[Any], dict[str, Any]]] = []
    monkeypatch.setattr(FastMCP, "run", lambda self, **options: found.append((self, options)))
    return found


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), {}),
        (("-t", "sse"), {"transport": "sse"}),
        (("--transport", "streamable-http"), {"transport": "streamable-http"}),
    ],
)
def test_the_transport_is_passed_if_it_is_given(
    arguments: tuple[str, ...], options: dict[str, Any], invoke: Callable[..., Any], runs: list[Any], server_file: Path
) -> None:
    """RUNC-1"""
    assert invoke("run", "server.py", *arguments).exit_code == 0
    assert runs[0][1] == options


def test_address_and_port(invoke: Callable[..., Any], runs: list[Any], tmp_path: Path) -> None:
    """RUNC-1; SRV-15, SRV-16: which hosts may be asked for follows from the address."""
    (tmp_path / "s.py").write_text(
        FASTMCP + "from mcp.server.transport_security import TransportSecuritySettings as T\n"
        "mcp = FastMCP(port=1)\nopen = FastMCP(host='0.0.0.0')\n"
        "own = FastMCP(transport_security=T(allowed_hosts=['a']))\n"
    )

    def settings(name: str, *arguments: str) -> Any:
        runs.clear()
        result = invoke("run", f"s.py:{name}", "-t", "streamable-http", *arguments)
        assert result.exit_code == 0, result.output
        return runs[0][0].settings

    moved = settings("mcp", "--host", "0.0.0.0", "--port", "81")
    assert (moved.host, moved.port, moved.transport_security) == ("0.0.0.0", 81, None)
    stayed = settings("mcp", "--port", "81")
    assert stayed.host == "127.0.0.1"
    assert stayed.transport_security.enable_dns_rebinding_protection
    assert settings("mcp", "--host", "localhost").transport_security == stayed.transport_security
    closed = settings("open", "--host", "127.0.0.1")
    assert closed.transport_security == stayed.transport_security
    assert settings("own", "--host", "0.0.0.0").transport_security.allowed_hosts == ["a"]


@pytest.mark.parametrize("arguments", [("--host", "x"), ("--port", "1"), ("-t", "stdio", "--port", "1")])
def test_address_and_port_need_a_transport_that_listens(
    arguments: tuple[str, ...], invoke: Callable[..., Any], runs: list[Any], server_file: Path
) -> None:
    result = invoke("run", "server.py", *arguments)
    assert result.exit_code == 2
    assert "--host and --port need" in result.stderr
    assert runs == []


def test_an_unknown_transport(invoke: Callable[..., Any], server_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """RUNC-1, RUNC-2"""
    assert invoke("run", "server.py", "-t", "bogus").exit_code == 1
    assert caplog.messages[0].startswith("Failed to run server\nTraceback (most recent call last):")
    assert caplog.messages[0].endswith("ValueError: Unknown transport: bogus")


def test_a_file_that_does_not_import(run_mcp: Callable[..., Any], tmp_path: Path) -> None:
    """RUNC-2: only the frames of the file, and no more than the last."""
    source = "def f(n):\n    if n: f(n - 1)\n    import no_such_module\nf(9)\n"
    (tmp_path / "s.py").write_text(source)
    result = run_mcp("run", "s.py")
    assert result.returncode == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0] == "Failed to run server"
    assert lines[-1] == "ModuleNotFoundError: No module named 'no_such_module'"
    files = re.findall(r'File "(.*?)"', result.stderr)
    assert set(files) == {str(tmp_path / "s.py")}
    assert len(files) <= 4


def test_a_file_that_is_no_python(invoke: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """RUNC-2"""
    (tmp_path / "s.py").write_text("def f(:\n")
    assert invoke("run", "s.py").exit_code == 1
    assert "SyntaxError" in caplog.text
    assert "def f(:" in caplog.text


def test_the_status_of_a_file_that_exits_is_kept(invoke: Callable[..., Any], tmp_path: Path) -> None:
    """RUNC-3"""
    (tmp_path / "s.py").write_text("raise SystemExit(7)")
    assert invoke("run", "s.py").exit_code == 7


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def test_a_server_is_run_on_stdio_until_its_input_ends(run_mcp: Callable[..., Any], server_file: Path) -> None:
    """RUNC-1, RUNC-4, IMP-1"""
    server_file.write_text(server_file.read_text() + "if __name__ == '__main__':\n    raise SystemExit(9)\n")
    result = run_mcp("run", "server.py:mcp", "-t", "stdio", stdin=json.dumps(INITIALIZE) + "\n")
    assert result.returncode == 0, result.stderr
    [answer] = [json.loads(text) for text in result.stdout.splitlines()]
    assert answer["result"]["serverInfo"]["name"] == "Demo"
    assert run_mcp("run", "server.py").returncode == 0


def test_prints_on_import_are_not_protected(run_mcp: Callable[..., Any], tmp_path: Path) -> None:
    """RUNC-5"""
    (tmp_path / "s.py").write_text(FASTMCP + "print('noise')\nmcp = FastMCP()\n")
    assert run_mcp("run", "s.py").stdout == "noise\n"


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_an_interrupt_ends_a_server_without_a_traceback(
    mcp_path: str, environment: dict[str, str], server_file: Path
) -> None:
    process = subprocess.Popen(
        [mcp_path, "run", str(server_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode != 0
    assert b"Traceback" not in errors


def test_the_runner_and_the_script_are_one_application() -> None:
    """CLI-1"""
    [script] = [point for point in metadata.entry_points(group="console_scripts") if point.name == "mcp"]
    assert script.load() is app
    assert CliRunner().invoke(app, ["version"]).exit_code == 0
