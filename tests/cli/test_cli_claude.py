"""`mcp install`: the configuration of the Claude desktop application."""

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp.cli import claude
from mcp.cli._requirement import Requirement
from mcp.cli.claude import get_claude_config_path, get_uv_path, update_claude_config

FILE = "claude_desktop_config.json"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration file of an installed application; it does not exist yet."""
    folder = tmp_path / "Claude"
    folder.mkdir()
    monkeypatch.setattr(claude, "get_claude_config_path", lambda: folder)
    monkeypatch.setattr(claude, "get_uv_path", lambda: "/bin/uv")
    monkeypatch.setattr(claude, "own_requirement", lambda: Requirement("mcp[cli]==1.2"))
    return folder / FILE


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("win32", "AppData/Roaming/Claude"),
        ("darwin", "Library/Application Support/Claude"),
        ("linux", ".config/Claude"),
    ],
)
def test_the_folder_of_each_system(platform: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INS-1"""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert get_claude_config_path() is None
    (tmp_path / folder).mkdir(parents=True)
    assert get_claude_config_path() == tmp_path / folder


def test_the_folder_of_linux_may_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INS-1"""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "Claude").mkdir()
    assert get_claude_config_path() == tmp_path / "Claude"


def test_other_systems_have_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """INS-1"""
    monkeypatch.setattr(sys, "platform", "sunos5")
    assert get_claude_config_path() is None


def test_an_entry_is_written(config: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """INS-3, INS-4, INS-5, INS-13, INS-15"""
    caplog.set_level("INFO")
    file = tmp_path / "s.py"
    packages = ["zeta", "alpha", "zeta", "mcp[cli]", "mcp"]
    assert update_claude_config(f"{file}:app", "Demo", with_editable=tmp_path, with_packages=packages) is True
    arguments = ["run", "--frozen", "--with", "alpha", "--with", "mcp[cli]==1.2", "--with", "zeta"]
    arguments += ["--with-editable", str(tmp_path), "mcp", "run", f"{file}:app"]
    assert read(config) == {"mcpServers": {"Demo": {"command": "/bin/uv", "args": arguments}}}
    assert config.read_text().startswith('{\n  "mcpServers"')
    assert caplog.messages == ["Added server 'Demo' to Claude config"]
    assert [path.name for path in config.parent.iterdir()] == [FILE]


def test_an_editable_installation_is_installed_as_such(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INS-5: the server runs on this distribution."""
    monkeypatch.setattr(claude, "own_requirement", lambda: Requirement("/src[cli]", editable=True))
    assert update_claude_config("/x/s.py", "Demo", with_editable=Path("/own"))
    assert read(config)["mcpServers"]["Demo"]["args"] == [
        *("run", "--frozen", "--with-editable", "/src[cli]", "--with-editable", "/own", "mcp", "run", "/x/s.py")
    ]


def test_a_relative_path_is_made_absolute(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INS-5"""
    monkeypatch.chdir(tmp_path)
    assert update_claude_config("s.py", "Demo")
    assert read(config)["mcpServers"]["Demo"]["args"][-1] == str(tmp_path.resolve() / "s.py")


def test_a_windows_path_stays_whole(config: Path) -> None:
    """INS-16"""
    assert update_claude_config("C:\\x.py", "Demo")
    assert update_claude_config("C:\\x.py:app", "Other")
    servers = read(config)["mcpServers"]
    assert servers["Demo"]["args"][-1].endswith("C:\\x.py")
    assert servers["Other"]["args"][-1].endswith("C:\\x.py:app")


def test_everything_else_in_the_file_stays(config: Path) -> None:
    """INS-3, INS-11, INS-17"""
    before = {"theme": "dünkel 🎨", "mcpServers": {"Other": {"command": "x"}, "Demo": {"disabled": True, "args": []}}}
    config.write_text(json.dumps(before, ensure_ascii=False), encoding="utf-8")
    assert update_claude_config("/x/s.py", "Demo")
    after = read(config)
    assert after["theme"] == before["theme"]
    assert after["mcpServers"]["Other"] == {"command": "x"}
    assert set(after["mcpServers"]["Demo"]) == {"command", "args"}
    assert "dünkel 🎨" in config.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("earlier", "given", "expected"),
    [
        ({}, None, None),
        ({"env": {"A": "1"}}, None, {"A": "1"}),
        ({"env": {"A": "1", "B": "2"}}, {"B": "3", "C": "4"}, {"A": "1", "B": "3", "C": "4"}),
        ({"env": None}, {"C": "4"}, {"C": "4"}),
        ("no object", {"C": "4"}, {"C": "4"}),
    ],
)
def test_environment_variables_are_kept(
    earlier: Any, given: dict[str, str] | None, expected: dict[str, str] | None, config: Path
) -> None:
    """INS-4, INS-9"""
    config.write_text(json.dumps({"mcpServers": {"Demo": earlier}}))
    assert update_claude_config("/x/s.py", "Demo", env_vars=given)
    assert read(config)["mcpServers"]["Demo"].get("env") == expected


@pytest.mark.parametrize("content", ["{bad", "[]", '{"mcpServers": []}', "\udcff"])
def test_a_broken_file_is_left_alone(content: str, config: Path, caplog: pytest.LogCaptureFixture) -> None:
    """INS-12"""
    config.write_bytes(content.encode("utf-8", "surrogateescape"))
    before = config.read_bytes()
    assert update_claude_config("/x/s.py", "Demo") is False
    assert config.read_bytes() == before
    assert caplog.messages[0].startswith("Failed to update Claude config")
    assert [path.name for path in config.parent.iterdir()] == [FILE]


def test_a_byte_order_mark_does_no_harm(config: Path) -> None:
    config.write_text('{"theme": 1}', encoding="utf-8-sig")
    assert update_claude_config("/x/s.py", "Demo")
    assert read(config)["theme"] == 1


def test_a_failed_write_leaves_the_old_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INS-17"""

    def full(*arguments: object) -> None:
        raise OSError("disk full")

    config.write_text('{"theme": 1}')
    monkeypatch.setattr(os, "fsync", full)
    assert update_claude_config("/x/s.py", "Demo") is False
    assert read(config) == {"theme": 1}
    assert [path.name for path in config.parent.iterdir()] == [FILE]


@pytest.mark.skipif(os.name == "nt", reason="needs links and modes")
def test_links_and_modes_survive(config: Path, tmp_path: Path) -> None:
    """INS-17"""
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    real.chmod(0o640)
    config.symlink_to(real)
    assert update_claude_config("/x/s.py", "Demo")
    assert config.is_symlink()
    assert "Demo" in read(real)["mcpServers"]
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_without_the_application_nothing_can_be_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """INS-15"""
    monkeypatch.setattr(claude, "get_claude_config_path", lambda: None)
    with pytest.raises(RuntimeError, match=r"^Claude Desktop config directory not found\."):
        update_claude_config("/x/s.py", "Demo")


def test_uv_is_named_by_its_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """INS-4, INS-6"""
    uv = tmp_path / ("uv.exe" if os.name == "nt" else "uv")
    uv.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert get_uv_path() == str(uv)
    assert caplog.messages == []
    uv.unlink()
    assert get_uv_path() == "uv"
    assert "uv executable not found in PATH" in caplog.text


# The command


@pytest.fixture
def install(invoke: Callable[..., Any], config: Path, caplog: pytest.LogCaptureFixture) -> Callable[..., Any]:
    """Run `mcp install` in this process."""
    caplog.set_level("INFO")
    return lambda *arguments: invoke("install", *arguments)


def test_a_server_is_installed_under_its_name(
    install: Callable[..., Any], config: Path, server_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """INS-7, INS-13"""
    result = install("server.py:mcp", "--with", "beta", "-e", ".")
    assert result.exit_code == 0, result.output
    arguments = read(config)["mcpServers"]["Demo"]["args"]
    packages = [arguments[index + 1] for index, word in enumerate(arguments) if word == "--with"]
    assert packages == ["alpha", "beta", "mcp[cli]==1.2", "zeta"]
    assert arguments[arguments.index("--with-editable") + 1] == str(server_file.parent)
    assert arguments[-1] == f"{server_file}:mcp"
    assert caplog.messages == ["Added server 'Demo' to Claude config", "Successfully installed Demo in Claude app"]


def test_a_given_name_wins_and_dependencies_still_count(
    install: Callable[..., Any], config: Path, server_file: Path
) -> None:
    """INS-7, INS-8"""
    assert install("server.py", "--name", "Mine").exit_code == 0
    assert {"alpha", "zeta"} <= set(read(config)["mcpServers"]["Mine"]["args"])


@pytest.mark.parametrize("source", ["import no_such_module", "1 / 0", "raise SystemExit(7)", "x = 1"])
def test_with_a_name_the_server_need_not_import(
    source: str, install: Callable[..., Any], config: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """INS-8"""
    (tmp_path / "s.py").write_text(source)
    assert install("s.py", "-n", "Mine").exit_code == 0
    assert "Mine" in read(config)["mcpServers"]
    assert "The dependencies of the server are not known" in caplog.text


def test_a_server_that_lacks_a_module_is_named_after_its_file(
    install: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    """INS-7"""
    (tmp_path / "weather.py").write_text("import no_such_module")
    assert install("weather.py").exit_code == 0
    assert list(read(config)["mcpServers"]) == ["weather"]


@pytest.mark.parametrize(
    ("source", "code", "text"),
    [
        ("def f():\n    1 / 0\nf()", 1, "ZeroDivisionError"),
        ("x = 1", 1, "No server object found"),
        ("raise SystemExit(7)", 7, ""),
    ],
)
def test_without_a_name_the_server_must_import(
    source: str,
    code: int,
    text: str,
    install: Callable[..., Any],
    config: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """INS-7"""
    (tmp_path / "s.py").write_text(source)
    assert install("s.py").exit_code == code
    assert text in caplog.text
    assert not config.exists()


def test_without_the_application_nothing_is_imported(
    invoke: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """INS-2"""
    monkeypatch.setattr(claude, "get_claude_config_path", lambda: None)
    (tmp_path / "s.py").write_text("import pathlib; pathlib.Path('imported').touch()")
    assert invoke("install", "s.py").exit_code == 1
    assert caplog.messages == ["Claude app not found"]
    assert not (tmp_path / "imported").exists()


def test_environment_variables_from_options_and_file(
    install: Callable[..., Any], config: Path, server_file: Path, tmp_path: Path
) -> None:
    """INS-9, INS-10"""
    (tmp_path / ".env").write_text("A=file\nB=file\nC\n")
    assert install("server.py", "-f", ".env", "-v", " A = x=y ", "--env-var", "D=").exit_code == 0
    assert read(config)["mcpServers"]["Demo"]["env"] == {"A": "x=y", "B": "file", "D": ""}
    assert install("server.py").exit_code == 0
    assert read(config)["mcpServers"]["Demo"]["env"] == {"A": "x=y", "B": "file", "D": ""}


@pytest.mark.parametrize("variable", ["A", "=1", " =1"])
def test_a_malformed_variable_is_refused(
    variable: str, install: Callable[..., Any], config: Path, server_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """INS-10"""
    assert install("server.py", "-v", variable).exit_code == 1
    assert caplog.messages == [f"Invalid environment variable format: {variable}. Must be KEY=VALUE"]
    assert not config.exists()


def test_a_bad_env_file(
    install: Callable[..., Any], config: Path, server_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """INS-14"""
    assert install("server.py", "-f", "none.env").exit_code == 2
    (tmp_path / "bad.env").write_bytes(b"A=\xff\xfe")
    assert install("server.py", "-f", "bad.env").exit_code == 1
    assert "Failed to load .env file" in caplog.text


def test_dotenv_may_be_missing(
    install: Callable[..., Any],
    server_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """INS-14"""
    (tmp_path / ".env").write_text("A=1")
    monkeypatch.setitem(sys.modules, "dotenv", None)
    assert install("server.py", "-f", ".env").exit_code == 1
    assert caplog.messages == ["python-dotenv is not installed. Cannot load .env file."]


def test_a_failure_is_reported(
    install: Callable[..., Any], config: Path, server_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """INS-12"""
    config.write_text("{bad")
    assert install("server.py").exit_code == 1
    assert caplog.messages[0].startswith("Failed to update Claude config")
    assert caplog.messages[1] == "Failed to install Demo in Claude app"
    assert config.read_text() == "{bad"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the folder is that of Linux")
def test_the_outcome_is_always_shown(run_mcp: Callable[..., Any], tmp_path: Path, environment: dict[str, str]) -> None:
    """INS-1, INS-7, INS-13, CLI-6: in a process of its own, where nothing has configured logging."""
    folder = Path(environment["XDG_CONFIG_HOME"], "Claude")
    folder.mkdir(parents=True)
    (tmp_path / "plain.py").write_text("import no_such_module")
    result = run_mcp("install", "plain.py", "--with", "six")
    assert result.returncode == 0
    assert result.stdout == ""
    assert result.stderr.splitlines()[-2:] == [
        "Added server 'plain' to Claude config",
        "Successfully installed plain in Claude app",
    ]
    entry = read(folder / FILE)["mcpServers"]["plain"]
    assert entry["args"][-3:] == ["mcp", "run", str(tmp_path / "plain.py")]
