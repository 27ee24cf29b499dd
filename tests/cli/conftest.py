"""Fixtures of the command line tests: the real command, and the application in this process."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from typer.testing import CliRunner

Finished: TypeAlias = "subprocess.CompletedProcess[str]"
RunCommand: TypeAlias = Callable[..., Finished]

SERVER = '''
from typing import Literal

import anyio
from pydantic import BaseModel

from mcp.server.fastmcp import Context, FastMCP, Image

mcp = FastMCP("Demo", dependencies=["zeta", "alpha"])


@mcp.tool()
def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    And nothing else.
    """
    print("a print in a tool")
    return a + b


@mcp.tool()
def describe(text: str, mode: Literal["x", "y"] = "x", tags: list[str] | None = None) -> str:
    return repr((text, mode, tags))


@mcp.tool()
def fail() -> str:
    raise ValueError("bang")


@mcp.tool()
def picture() -> Image:
    return Image(data=b"12345", format="png")


@mcp.tool()
async def work(ctx: Context) -> str:
    for step in range(3):
        await ctx.report_progress(step, 3, f"step {step}")
        await ctx.warning(f"warning {step}")
    return "worked"


@mcp.tool()
async def hang() -> str:
    await anyio.sleep_forever()
    return ""


class Person(BaseModel):
    name: str
    age: int | None = None


@mcp.tool()
async def ask(ctx: Context) -> str:
    result = await ctx.elicit("Who are you?", Person)
    return f"{result.action} {getattr(result, 'data', None)!r}"


@mcp.tool()
async def visit(ctx: Context) -> str:
    return (await ctx.elicit_url("Log in", "https://example.com/login", "1")).action


@mcp.resource("greeting://{name}")
def greeting(name: str) -> str:
    return f"Hello, {name}!"


@mcp.resource("data://bytes", mime_type="application/octet-stream")
def all_bytes() -> bytes:
    return bytes(range(256))


@mcp.prompt()
def greet_user(name: str, style: str = "friendly") -> str:
    """Greet somebody."""
    return f"A {style} greeting for {name}, please"
'''


def command_path() -> str:
    """The console script of the environment that the tests run in."""
    folder = Path(sys.executable).parent
    return str(next(path for path in (folder / "mcp", folder / "mcp.exe") if path.exists()))


@pytest.fixture
def mcp_path() -> str:
    """The path of the `mcp` command."""
    return command_path()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a command: no configuration of the user, no colours, wide lines."""
    home = tmp_path / "home"
    home.mkdir()
    own = {"HOME": str(home), "USERPROFILE": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "300", "TERMINAL_WIDTH": "300"}
    return {**os.environ, **own, **plain}


@pytest.fixture
def run_mcp(tmp_path: Path, environment: dict[str, str]) -> RunCommand:
    """Run the real `mcp` command in a process, in an empty folder, with nothing on standard input."""

    def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None, **options: Any) -> Finished:
        options = {"cwd": tmp_path, "timeout": 30, "capture_output": True, "text": True, **options}
        return subprocess.run(
            [command_path(), *arguments], input=stdin, env={**environment, **(env or {})}, check=False, **options
        )

    return run


@pytest.fixture
def server_file(tmp_path: Path) -> Path:
    """A server file."""
    file = tmp_path / "server.py"
    file.write_text(SERVER)
    return file


@pytest.fixture
def clean_imports() -> Generator[None, None, None]:
    """Take away what importing a server file leaves behind."""
    before = list(sys.path)
    yield
    sys.path[:] = before
    sys.modules.pop("server_module", None)


@pytest.fixture
def invoke(clean_imports: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the application in this process, in an empty folder. Diagnostics go to the log, see `caplog`."""
    from mcp.cli import app

    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "TERMINAL_WIDTH"):
        monkeypatch.setenv(name, "300")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")

    def run(*arguments: str, **options: Any) -> Any:
        return CliRunner().invoke(app, list(arguments), **options)

    return run
