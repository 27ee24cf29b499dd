"""The HTTP clients against servers of the official 1.30.0, as a black box in an environment of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TextIO

import anyio
import httpx
import pytest
from pydantic import AnyUrl

import mcp.types as types
from mcp import ClientSession, McpError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import ConnectionClosedError, SessionExpiredError

pytestmark = [pytest.mark.interop, pytest.mark.anyio, pytest.mark.timeout(180)]

SERVER = """
import socket, sys
import anyio, uvicorn
from mcp.server.fastmcp import Context, FastMCP

mode = sys.argv[1]
server = FastMCP("official", json_response="JSON" in mode, stateless_http="stateless" in mode, log_level="CRITICAL")

@server.tool()
async def add(a: int, b: int) -> int:
    return a + b

@server.tool()
async def echo(text: str) -> str:
    return text

@server.tool()
async def steps(ctx: Context) -> str:
    await ctx.info("begun")
    await ctx.report_progress(1, 2)
    return "done"

@server.tool()
async def ask(ctx: Context) -> str:
    return str(len((await ctx.session.list_roots()).roots))

@server.tool()
async def wait_for_ever() -> str:
    await anyio.sleep_forever()

@server.resource("a://b")
def resource() -> str:
    return "of the server"

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
sock.bind(("127.0.0.1", 0))
sock.listen(64)
print(sock.getsockname()[1], flush=True)
app = server.sse_app() if mode == "SSE" else server.streamable_http_app()
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[sock])
"""

AWKWARD = "a\u2028b\u0085c\r\nd😀"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def command() -> list[str]:
    if shutil.which("uv") is None:
        if os.environ.get("CI"):
            pytest.fail("uv is missing")
        pytest.skip("uv is missing")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    run = ["uv", "run", "-q", "--isolated", "--no-project", "--python", version, "--with", "mcp==1.30.0"]
    return [*run, "python", "-c"]


@contextmanager
def running(mode: str, script: str = SERVER) -> Iterator[TextIO]:
    """Run a script; yield its standard output."""
    process = subprocess.Popen([*command(), script, mode], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        # The whole group: uv is only the parent of what listens.
        os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait(10)


@pytest.fixture(scope="module", params=["events", "JSON", "stateless", "stateless JSON", "SSE"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    with running(request.param) as output:
        yield request.param, f"http://127.0.0.1:{int(output.readline())}/{'sse' if request.param == 'SSE' else 'mcp'}"


@asynccontextmanager
async def connect(mode: str, url: str, **callbacks: Any) -> AsyncGenerator[ClientSession, None]:
    listening = anyio.Event()

    async def look(response: httpx.Response) -> None:
        if response.request.method == "GET":
            listening.set()

    async with httpx.AsyncClient(event_hooks={"response": [look]}) as client:
        manager: Any = sse_client(url) if mode == "SSE" else streamable_http_client(url, http_client=client)
        async with manager as streams, ClientSession(*streams[:2], **callbacks) as session:
            await session.initialize()
            if len(streams) == 3 and streams[2]():
                # What the server asks on its own account before that is lost.
                await listening.wait()
            yield session


def text_of(result: types.CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, types.TextContent)
    return content.text


async def test_everyday_use(served: tuple[str, str]) -> None:
    """TCL-15, TCL-26: handshake, lists, calls, resources, errors."""
    with anyio.fail_after(30):
        async with connect(*served) as session:
            assert {tool.name for tool in (await session.list_tools()).tools} >= {"add", "echo"}
            assert (await session.call_tool("add", {"a": 1, "b": 2})).structuredContent == {"result": 3}
            text = AWKWARD * 100_000
            assert text_of(await session.call_tool("echo", {"text": text})) == text
            [content] = (await session.read_resource(AnyUrl("a://b"))).contents
            assert isinstance(content, types.TextResourceContents)
            assert content.text == "of the server"
            with pytest.raises(McpError):
                await session.read_resource(AnyUrl("no://such"))
            await session.send_ping()


async def test_many_at_once(served: tuple[str, str]) -> None:
    """TCL-30"""
    sums: dict[int, str] = {}

    with anyio.fail_after(30):
        async with connect(*served) as session:

            async def add(number: int) -> None:
                sums[number] = text_of(await session.call_tool("add", {"a": number, "b": 1}))

            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(add, number)
    assert sums == {number: str(number + 1) for number in range(20)}


async def test_what_a_call_sends_besides(served: tuple[str, str]) -> None:
    """TCL-36"""
    mode, _ = served
    events: list[Any] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        events.append(params.data)

    async def progress(done: float, total: float | None, message: str | None) -> None:
        events.append((done, total))

    with anyio.fail_after(30):
        async with connect(*served, logging_callback=log) as session:
            assert text_of(await session.call_tool("steps", progress_callback=progress)) == "done"
    # In JSON mode the official server drops them.
    assert events == ([] if "JSON" in mode else ["begun", (1, 2)])


async def test_requests_of_the_server(served: tuple[str, str]) -> None:
    """TCL-45"""
    mode, _ = served
    if "stateless" in mode:
        pytest.skip("there is no way back to the client")

    async def roots(context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[])

    with anyio.fail_after(30):
        async with connect(*served, list_roots_callback=roots) as session:
            assert text_of(await session.call_tool("ask")) == "0"


async def test_a_call_that_is_given_up(served: tuple[str, str]) -> None:
    with anyio.fail_after(30):
        async with connect(*served) as session:
            with anyio.move_on_after(0.3) as scope:
                await session.call_tool("wait_for_ever")
            assert scope.cancelled_caught
            await session.send_ping()


async def test_a_session_that_was_ended(served: tuple[str, str]) -> None:
    """TCL-33, TCL-47: carried by hand, it fails at once; opened here, it is opened anew."""
    mode, url = served
    if "stateless" in mode or mode == "SSE":
        pytest.skip("there are no such sessions")
    with anyio.fail_after(30):
        async with httpx.AsyncClient() as client:
            async with streamable_http_client(url, http_client=client) as (read, write, session_id):
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    old = session_id()
                    assert old is not None
                    assert (await client.delete(url, headers={"mcp-session-id": old})).status_code == 200
                    await session.send_ping()
                    assert session_id() not in (None, old)
            client.headers["mcp-session-id"] = old
            async with streamable_http_client(url, http_client=client) as (read, write, _):
                async with ClientSession(read, write) as session:
                    with pytest.raises(SessionExpiredError) as caught:
                        await session.initialize()
            assert (caught.value.error.code, caught.value.error.message) == (32600, "Session terminated")


@pytest.mark.parametrize("mode", ["events", "SSE"])
async def test_a_server_that_is_killed_in_a_call(mode: str) -> None:
    """TCL-24, TCL-34"""
    with running(mode, f"import os; print(os.getpid())\n{SERVER}") as output:
        pid, port = int(output.readline()), int(output.readline())
        url = f"http://127.0.0.1:{port}/{'sse' if mode == 'SSE' else 'mcp'}"
        with anyio.fail_after(30):
            async with connect(mode, url) as session:

                async def kill() -> None:
                    await session.send_ping()
                    os.kill(pid, signal.SIGKILL)

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(kill)
                    with pytest.raises(ConnectionClosedError):
                        await session.call_tool("wait_for_ever")
