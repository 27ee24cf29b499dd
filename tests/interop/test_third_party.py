"""Packages that depend on `mcp>=1,<2`, installed next to ours in an environment of their own.

What they print is what they print with the official 1.30.0, to the letter; it was compared when this was written.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DEMO = HERE / "third_party" / "demo_server.py"
PACKAGES = ["langchain-mcp-adapters", "fastmcp>=2,<3", "mcp-server-time", "mcp-server-git", "sentry-sdk"]


def missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment with our package and those of others."""
    if shutil.which("uv") is None:
        missing("uv is missing")
    home = tmp_path_factory.mktemp("third-party") / "venv"
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(home)], check=True, timeout=120)
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    install = ["uv", "pip", "install", "-q", "--python", str(programs / "python"), str(ROOT), *PACKAGES]
    done = subprocess.run(install, capture_output=True, text=True, timeout=280)
    if done.returncode != 0:
        # Ours failing to satisfy them would be an error of ours; no way to the registry is none.
        assert "No solution found" not in done.stderr, done.stderr
        missing(f"the packages cannot be installed: {done.stderr.strip()[-500:]}")
    return programs


@contextmanager
def http_server(*command: str) -> Iterator[str]:
    """A server over Streamable HTTP on a free port, whose number is added to the command."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([*command, str(port)])
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(20)


def run_script(environment: Path, name: str, *arguments: str) -> str:
    command = [str(environment / "python"), str(HERE / "third_party" / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def use_demo(environment: Path, name: str) -> dict[str, Any]:
    with http_server(str(environment / "python"), str(DEMO), "streamable-http") as url:
        return json.loads(run_script(environment, name, str(DEMO), url))


def test_ours_is_what_they_run_on(environment: Path) -> None:
    """Nothing has put the official package in its place; and how sentry reads the version."""
    code = (
        "import importlib.metadata\n"
        "from sentry_sdk.utils import package_version\n"
        "print(importlib.metadata.version('mcp'), package_version('mcp'))"
    )
    done = subprocess.run([str(environment / "python"), "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split(maxsplit=1) == ["1.30.0+reimpl.1", "(1, 30, 0)\n"], done.stderr


def test_langchain_mcp_adapters(environment: Path) -> None:
    seen = use_demo(environment, "use_langchain.py")
    expected = {
        "tools": ["add", "count", "fail", "forecast", "greet"],
        "description": "Add two numbers.",
        "sum": "5",
        "sums": ["1", "2", "3"],
        "failure": "Error executing tool fail: no such luck",
        "structured": {"city": "Bern", "degrees": 21.5},
        "prompt": "Tell me about tea.",
        "resource": "dark",
    }
    assert seen == {"child": expected, "http": expected}


def test_fastmcp_2(environment: Path) -> None:
    """Its client with its own server, and with ours."""
    seen = use_demo(environment, "use_fastmcp.py")
    everywhere = {
        "sum": {"result": 5},
        "sums": ["1", "2", "3", "4", "5"],
        "count": "counted",
        "greet": "Hello, Ann!",
        "resource": "dark",
        "template": "Hello, Bob!",
        "prompt": "Tell me about tea.",
        "progress": [[1.0, 2.0, "half"]],
        "logged": ["counting"],
    }
    own = {
        **everywhere,
        "tools": ["add", "count", "fail", "greet", "sample"],
        "failed": [True, "no such luck"],
        "sample": "blue",
    }
    ours = {
        **everywhere,
        "tools": ["add", "count", "fail", "forecast", "greet"],
        "failed": [True, "Error executing tool fail: no such luck"],
    }
    assert seen == {
        "own server, in memory": own,
        "own server, stdio": own,
        "our server, stdio": ours,
        "our server, http": ours,
    }


# Its clients keep a child process by default, and shake hands again with each connection to it (LLS-48).
def test_fastmcp_2_comes_back_to_a_process_that_it_kept(environment: Path) -> None:
    assert run_script(environment, "use_fastmcp.py", "reconnect", str(DEMO)) == "1\n2\n"


def test_fastmcp_2_as_a_proxy_in_front_of_ours(environment: Path) -> None:
    seen = json.loads(run_script(environment, "use_fastmcp.py", "proxy", str(DEMO)))
    assert seen["tools"] == ["add", "count", "fail", "forecast", "greet"]
    assert (seen["sum"], seen["greet"], seen["resource"]) == ({"result": 5}, "Hello, Ann!", "dark")


# Our client with servers of others


def text_of(result: types.CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, types.TextContent)
    return block.text


@pytest.mark.anyio
async def test_a_fastmcp_2_server_over_http(environment: Path) -> None:
    async def elicit(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"name": "Ann"})

    command = [str(environment / "python"), str(HERE / "third_party" / "use_fastmcp.py"), "serve"]
    with http_server(*command) as url, anyio.fail_after(60):
        async with streamable_http_client(url) as (read, write, _):
            async with ClientSession(read, write, elicitation_callback=elicit) as session:
                await session.initialize()
                assert (await session.call_tool("add", {"a": 2, "b": 3})).structuredContent == {"result": 5}
                assert text_of(await session.call_tool("greet")) == "Hello, Ann!"


@pytest.mark.anyio
async def test_mcp_server_time(environment: Path) -> None:
    parameters = StdioServerParameters(command=str(environment / "mcp-server-time"), args=["--local-timezone", "UTC"])
    with anyio.fail_after(60):
        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            await session.initialize()
            tools = {tool.name for tool in (await session.list_tools()).tools}
            assert {"get_current_time", "convert_time"} <= tools
            now = await session.call_tool("get_current_time", {"timezone": "Europe/Berlin"})
            assert json.loads(text_of(now))["timezone"] == "Europe/Berlin"
            noon = {"source_timezone": "UTC", "target_timezone": "Asia/Tokyo", "time": "12:00"}
            assert json.loads(text_of(await session.call_tool("convert_time", noon)))["time_difference"] == "+9.0h"
            wrong = await session.call_tool("get_current_time", {})
            assert wrong.isError
            assert text_of(wrong) == "Input validation error: 'timezone' is a required property"


@pytest.mark.anyio
async def test_mcp_server_git(environment: Path, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        missing("git is missing")
    for arguments in (
        ["init", "-q"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "one", "--allow-empty"],
    ):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, timeout=30)
    (tmp_path / "new.txt").write_text("new")
    command = str(environment / "mcp-server-git")
    parameters = StdioServerParameters(command=command, args=["--repository", str(tmp_path)])
    with anyio.fail_after(60):
        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            await session.initialize()
            status = await session.call_tool("git_status", {"repo_path": str(tmp_path)})
            assert "new.txt" in text_of(status)
            log = await session.call_tool("git_log", {"repo_path": str(tmp_path), "max_count": 1})
            assert "one" in text_of(log)
            elsewhere = await session.call_tool("git_status", {"repo_path": str(tmp_path.parent)})
            assert elsewhere.isError
