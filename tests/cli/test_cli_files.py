"""Server files: specs, import, and finding the server object."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp.cli._errors import CliError
from mcp.cli._files import find_any_server, find_server, import_file, parse_file_spec, split_file_spec
from mcp.cli.cli import _parse_file_path
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server

pytestmark = pytest.mark.usefixtures("clean_imports")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("server.py", ("server.py", None)),
        ("server.py:app", ("server.py", "app")),
        ("a/b.py:app", ("a/b.py", "app")),
        ("server.py:module:object", ("server.py:module", "object")),  # SPEC-1, SPEC-5
        ("C:\\x.py", ("C:\\x.py", None)),
        ("C:\\x.py:app", ("C:\\x.py", "app")),
        ("C:/x.py:app", ("C:/x.py", "app")),
        ("server.py:", ("server.py", None)),  # SPEC-4
        ("", ("", None)),
    ],
)
def test_a_spec_is_split_at_the_last_colon_that_is_not_a_drive(spec: str, expected: tuple[str, str | None]) -> None:
    """SPEC-1, SPEC-4, SPEC-5"""
    assert split_file_spec(spec) == expected


def test_a_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SPEC-2"""
    file = tmp_path / "s.py"
    file.touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert parse_file_spec("s.py:x") == (file.resolve(), "x")
    assert parse_file_spec("~/s.py") == (file.resolve(), None)
    assert _parse_file_path("s.py:x") == (file.resolve(), "x")


def test_a_missing_file_ends_the_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SPEC-3"""
    with pytest.raises(SystemExit) as missing:
        _parse_file_path(str(tmp_path / "none.py"))
    with pytest.raises(SystemExit) as folder:
        _parse_file_path(str(tmp_path))
    assert missing.value.code == folder.value.code == 1
    resolved = tmp_path.resolve()
    assert caplog.messages == [f"File not found: {resolved / 'none.py'}", f"Not a file: {resolved}"]


def test_the_object_of_an_object_is_no_spec(tmp_path: Path) -> None:
    """SPEC-5"""
    (tmp_path / "s.py").touch()
    with pytest.raises(CliError, match=r"File not found: .*s\.py:module"):
        parse_file_spec(f"{tmp_path / 's.py'}:module:object")


def write(folder: Path, text: str) -> Path:
    file = folder / "s.py"
    file.write_text(text)
    return file


FASTMCP = "from mcp.server.fastmcp import FastMCP\n"


def test_the_file_runs_as_a_module_with_its_folder_on_the_path(tmp_path: Path) -> None:
    """IMP-1"""
    (tmp_path / "neighbour_of_s.py").write_text("value = 5")
    source = "import neighbour_of_s\nname = __name__\nran = False\nif __name__ == '__main__':\n    ran = True\n"
    module = import_file(write(tmp_path, source))
    assert (module.name, module.ran, module.neighbour_of_s.value) == ("server_module", False, 5)
    assert sys.path[0] == str(tmp_path)
    assert module.__file__ == str(tmp_path / "s.py")
    import_file(tmp_path / "s.py")
    assert sys.path.count(str(tmp_path)) == 1


def test_annotations_as_strings_are_found_in_the_module(tmp_path: Path) -> None:
    """IMP-1: dataclasses look their module up by name."""
    source = (
        "from __future__ import annotations\nimport dataclasses, typing\nclass A: pass\n"
        "@dataclasses.dataclass\nclass B:\n    a: A\nhints = typing.get_type_hints(B)\n"
    )
    module = import_file(write(tmp_path, source))
    assert module.hints == {"a": module.A}


def test_a_file_needs_no_py_suffix(tmp_path: Path) -> None:
    """IMP-1"""
    file = tmp_path / "server"
    file.write_text("x = 1")
    assert import_file(file).x == 1


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("mcp = FastMCP('m')\nserver = FastMCP('s')\napp = FastMCP('a')", None, "m"),
        ("server = FastMCP('s')\napp = FastMCP('a')", None, "s"),
        ("app = FastMCP('a')", None, "a"),
        ("mcp = 3\napp = FastMCP('a')", None, "a"),
        ("mcp = FastMCP('m')\nother = FastMCP('o')", "other", "o"),
        ("class Own(FastMCP): pass\nmcp = Own('own')", None, "own"),  # IMP-7
    ],
)
def test_the_server_object_is_found(source: str, name: str | None, expected: str, tmp_path: Path) -> None:
    """IMP-2, IMP-7"""
    file = write(tmp_path, FASTMCP + source)
    assert find_server(import_file(file), file, name).name == expected


def test_objects_of_other_types_are_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """IMP-3, IMP-4"""
    source = "from mcp.server.lowlevel import Server\nmcp = 3\nserver = Server('low')\napp = FastMCP('a')"
    file = write(tmp_path, FASTMCP + source)
    assert find_server(import_file(file), file, None).name == "a"
    assert "\n".join(caplog.messages).splitlines() == [
        f"The server object {file}:mcp is of type {int} (expecting {FastMCP}).",
        f"Ignoring object '{file}:mcp' as it's not a valid server object",
        f"The server object {file}:server is of type {Server} (expecting {FastMCP}).",
        "Note that only FastMCP server is supported. Low level Server class is not yet supported.",
        f"Ignoring object '{file}:server' as it's not a valid server object",
    ]


def test_a_file_without_a_server(tmp_path: Path) -> None:
    """IMP-5"""
    file = write(tmp_path, "x = 1")
    with pytest.raises(CliError) as caught:
        find_server(import_file(file), file, None)
    first, *hints = str(caught.value).splitlines()
    assert first == f"No server object found in {file}. Please either:"
    assert [hint[:2] for hint in hints] == ["1.", "2.", "3."]
    assert caught.value.code == 1


@pytest.mark.parametrize("name", ["absent", "nothing"])
def test_a_named_object_that_is_not_there(name: str, tmp_path: Path) -> None:
    """IMP-6"""
    file = write(tmp_path, FASTMCP + "mcp = FastMCP()\nnothing = None")
    with pytest.raises(CliError, match=f"^Server object '{name}' not found$"):
        find_server(import_file(file), file, name)


@pytest.mark.parametrize("name", ["number", "factory"])
def test_a_named_object_of_the_wrong_type(name: str, tmp_path: Path) -> None:
    """IMP-6, IMP-7"""
    file = write(tmp_path, FASTMCP + "number = 3\ndef factory(): return FastMCP()")
    module = import_file(file)
    with pytest.raises(CliError) as caught:
        find_server(module, file, name)
    kind = type(getattr(module, name))
    assert str(caught.value) == f"The server object {name} is of type {kind} (expecting {FastMCP})."


def test_client_commands_take_a_low_level_server(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """IMP-4: only `mcp run` and its like do not."""
    source = "from mcp.server.lowlevel import Server\nserver = Server('low')"
    file = write(tmp_path, source)
    module = import_file(file)
    assert find_any_server(module, file, None).name == "low"
    assert find_any_server(module, file, "server").name == "low"
    assert caplog.messages == []
    with pytest.raises(CliError, match="Low level Server class is not yet supported"):
        find_server(module, file, "server")


def test_the_errors_come_out_of_the_command(
    invoke: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """IMP-5, IMP-6, SPEC-3: exit code 1."""
    write(tmp_path, FASTMCP + "mcp = 3")
    for spec in ("s.py", "s.py:mcp", "s.py:absent", "none.py"):
        assert invoke("run", spec).exit_code == 1
    assert "No server object found in" in caplog.text
    assert "The server object mcp is of type" in caplog.text
    assert "Server object 'absent' not found" in caplog.text
    assert "File not found: " in caplog.text
