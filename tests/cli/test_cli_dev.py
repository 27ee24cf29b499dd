"""`mcp dev`: the Inspector, always a stub here."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp.cli import _inspector
from mcp.cli._requirement import Requirement, own_requirement
from mcp.cli.cli import _build_uv_command, _get_npx_command

INSPECTOR = "@modelcontextprotocol/inspector"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("foo.py",), ["uv", "run", "--with", "mcp", "mcp", "run", "foo.py"]),
        (
            ("foo.py:app", "/own", ["pkg1", "pkg2"]),
            [
                "uv",
                "run",
                "--with",
                "mcp",
                "--with-editable",
                "/own",
                "--with",
                "pkg1",
                "--with",
                "pkg2",
                "mcp",
                "run",
                "foo.py:app",
            ],
        ),
    ],
)
def test_the_uv_command(arguments: tuple[Any, ...], expected: list[str]) -> None:
    """DEV-9"""
    assert _build_uv_command(*arguments) == expected


def test_npx_on_unix(monkeypatch: pytest.MonkeyPatch) -> None:
    """DEV-5"""
    monkeypatch.setattr(sys, "platform", "linux")
    assert _get_npx_command() == "npx"


@pytest.mark.parametrize("working", ["npx.cmd", "npx.exe", "npx", None])
def test_npx_on_windows_is_the_first_that_works(working: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """DEV-5"""
    tried: list[str] = []

    def run(command: list[str], *, shell: bool, **options: Any) -> subprocess.CompletedProcess[bytes]:
        assert shell
        assert command[1:] == ["--version"]
        tried.append(command[0])
        if command[0] == working:
            return subprocess.CompletedProcess(command, 0)
        raise subprocess.CalledProcessError(1, command) if command[0] == "npx.cmd" else FileNotFoundError

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "run", run)
    assert _get_npx_command() == working
    names = ["npx.cmd", "npx.exe", "npx"]
    assert tried == (names if working is None else names[: names.index(working) + 1])


@pytest.fixture
def inspector(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, Any]]]:
    """What was run instead of the Inspector."""
    runs: list[tuple[list[str], dict[str, Any]]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        runs.append((command, options))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(_inspector.subprocess, "run", run)
    monkeypatch.setattr(_inspector, "own_requirement", lambda: Requirement("mcp[cli]==1.2"))
    return runs


def test_the_dependencies_of_the_server_are_installed(
    invoke: Callable[..., Any], inspector: list[Any], server_file: Path, tmp_path: Path
) -> None:
    """DEV-1, DEV-2, DEV-3"""
    result = invoke("dev", "server.py:mcp", "--with", "beta", "--with", "alpha", "-e", ".")
    assert result.exit_code == 0, result.output
    [(command, options)] = inspector
    assert command[:6] == ["npx", INSPECTOR, "uv", "run", "--with", "mcp[cli]==1.2"]
    assert command[6:8] == ["--with-editable", str(tmp_path.resolve())]
    assert command[8:14] == ["--with", "alpha", "--with", "beta", "--with", "zeta"]
    assert command[14:] == ["mcp", "run", "server.py:mcp"]
    assert options["env"]["PATH"] == os.environ["PATH"]
    assert options["shell"] is (sys.platform == "win32")


def test_a_server_that_does_not_import_runs_with_the_given_packages(
    invoke: Callable[..., Any], inspector: list[Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """DEV-4"""
    (tmp_path / "s.py").write_text("import no_such_module")
    assert invoke("dev", "s.py", "--with", "six").exit_code == 0
    assert inspector[0][0][-5:] == ["--with", "six", "mcp", "run", "s.py"]
    assert "No module named 'no_such_module'" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("s.py",), 1),
        (("none.py",), 1),
        (("s.py", "-e", "none"), 2),
        (("s.py", "-e", "s.py"), 2),
    ],
)
def test_what_cannot_be_run(
    arguments: tuple[str, ...], code: int, invoke: Callable[..., Any], inspector: list[Any], tmp_path: Path
) -> None:
    """DEV-2, IMP-5"""
    (tmp_path / "s.py").write_text("x = 1")
    assert invoke("dev", *arguments).exit_code == code
    assert inspector == []


def test_no_npx_on_windows(
    invoke: Callable[..., Any],
    server_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """DEV-5"""
    monkeypatch.setattr(_inspector, "get_npx_command", lambda: None)
    assert invoke("dev", "server.py").exit_code == 1
    assert caplog.messages[0].startswith(
        "npx not found. Please ensure Node.js and npm are properly installed and added to your system PATH."
    )


STUB = """\
#!{python}
import json, os, sys
json.dump({{"arguments": sys.argv[1:], "marker": os.environ.get("MARKER")}}, open({out!r}, "w"))
sys.exit(int(os.environ.get("STUB_STATUS", "0")))
"""

needs_scripts = pytest.mark.skipif(os.name == "nt", reason="the stub is a script with an interpreter line")


@pytest.fixture
def stub_npx(tmp_path: Path) -> Path:
    """A folder with a stub in the place of npx, which writes down how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    stub = folder / "npx"
    stub.write_text(STUB.format(python=sys.executable, out=str(tmp_path / "called.json")))
    stub.chmod(0o755)
    return folder


@needs_scripts
def test_the_inspector_is_started_through_npx(
    run_mcp: Callable[..., Any], stub_npx: Path, server_file: Path, tmp_path: Path
) -> None:
    """DEV-1, DEV-2, DEV-7, DEV-8"""
    env = {"PATH": f"{stub_npx}{os.pathsep}{os.environ['PATH']}", "MARKER": "kept", "STUB_STATUS": "3"}
    result = run_mcp("dev", "server.py:mcp", "--with", "six", env=env)
    called = json.loads((tmp_path / "called.json").read_text())
    packages = ["--with", "alpha", "--with", "six", "--with", "zeta"]
    own = own_requirement().uv_options
    assert called["arguments"] == [INSPECTOR, "uv", "run", *own, *packages, "mcp", "run", "server.py:mcp"]
    assert called["marker"] == "kept"
    assert result.returncode == 3
    assert result.stderr.splitlines()[-1] == "Dev server failed"


@needs_scripts
def test_npx_may_be_missing(run_mcp: Callable[..., Any], server_file: Path, tmp_path: Path) -> None:
    """DEV-6"""
    result = run_mcp("dev", "server.py", env={"PATH": str(tmp_path)})
    assert result.returncode == 1
    assert "npx not found. Please ensure Node.js and npm" in result.stderr
    assert "restart your terminal" in result.stderr
