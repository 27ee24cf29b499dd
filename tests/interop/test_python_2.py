"""The official Python SDK 2.x as a peer, in both directions, as a black box in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import AnyUrl

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

pytestmark = [pytest.mark.interop, pytest.mark.timeout(180)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
QUICKSTART = [sys.executable, str(ROOT / "examples" / "quickstart" / "server.py")]
Listening = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]
SEEN = ["Demo", ["add"], {"result": 3}, "theme", "Bob."]


@pytest.fixture(scope="module")
def python_2() -> list[str]:
    """The command that runs a script on the official 2.x package."""
    if shutil.which("uv") is None:
        if os.environ.get("CI"):
            pytest.fail("uv is missing")
        pytest.skip("uv is missing")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return ["uv", "run", "-q", "--isolated", "--no-project", "--python", version, "--with", "mcp==2.3.0", "python"]


def seen_by_their_client(python_2: list[str], *arguments: str) -> list[Any]:
    command = [*python_2, str(HERE / "peers" / "python2_client.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_their_client_over_stdio(python_2: list[str]) -> None:
    assert seen_by_their_client(python_2, "stdio", *QUICKSTART) == SEEN


def test_their_client_over_streamable_http(
    python_2: list[str], find_port: Callable[[], int], listening: Listening
) -> None:
    port = find_port()
    with listening([*QUICKSTART, "--transport", "streamable-http", "--port", str(port)], port):
        assert seen_by_their_client(python_2, "http", f"http://127.0.0.1:{port}/mcp") == SEEN


async def use(session: ClientSession) -> None:
    assert (await session.initialize()).serverInfo.name == "two"
    assert [tool.name for tool in (await session.list_tools()).tools] == ["add"]
    assert (await session.call_tool("add", {"a": 1, "b": 2})).structuredContent == {"result": 3}
    text = (await session.read_resource(AnyUrl("two://text"))).contents[0]
    assert isinstance(text, types.TextResourceContents) and text.text == "zwei"
    message = (await session.get_prompt("greet", {"name": "Bob"})).messages[0]
    assert isinstance(message.content, types.TextContent) and message.content.text == "hi Bob"


@pytest.mark.anyio
async def test_our_client_over_stdio(python_2: list[str]) -> None:
    command, *arguments = [*python_2, str(HERE / "peers" / "python2_server.py"), "stdio"]
    parameters = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    with anyio.fail_after(120):
        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            await use(session)


@pytest.mark.anyio
async def test_our_client_over_streamable_http(
    python_2: list[str], find_port: Callable[[], int], listening: Listening
) -> None:
    port = find_port()
    command = [*python_2, str(HERE / "peers" / "python2_server.py"), "http", str(port)]
    with listening(command, port), anyio.fail_after(60):
        async with (
            streamable_http_client(f"http://127.0.0.1:{port}/mcp") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await use(session)
