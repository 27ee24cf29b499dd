"""The clients against the servers of this package, over real sockets."""

import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import httpx
import pytest
import uvicorn

import mcp.types as types
from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.shared.exceptions import ConnectionClosedError, McpError
from mcp.types import JSONRPCMessage

pytestmark = pytest.mark.anyio

AWKWARD = "a\u2028b\u0085c\r\nd😀\0"


class MemoryStore(EventStore):
    """Events in a list; the id is the place."""

    def __init__(self) -> None:
        self.events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self.events.append((stream_id, message))
        return str(len(self.events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        if not last_event_id.isdigit() or not 0 < int(last_event_id) <= len(self.events):
            return None
        wanted = self.events[int(last_event_id) - 1][0]
        for place, (stream_id, message) in enumerate(self.events, 1):
            if stream_id == wanted and place > int(last_event_id) and message is not None:
                await send_callback(EventMessage(message, str(place)))
        return wanted


def make_server(**settings: Any) -> FastMCP:
    server = FastMCP("end to end", **settings)

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    async def echo(text: str) -> str:
        return text

    @server.tool()
    async def steps(ctx: Context[Any, Any, Any]) -> str:
        await ctx.info("begun")
        await ctx.report_progress(1, 2)
        return "done"

    @server.tool()
    async def ask(ctx: Context[Any, Any, Any]) -> str:
        roots = await ctx.session.list_roots()
        return str(len(roots.roots))

    @server.tool()
    async def poll(ctx: Context[Any, Any, Any]) -> str:
        await ctx.close_sse_stream()
        await ctx.info("while nobody was listening")
        return "polled"

    @server.tool()
    async def wait_for_ever() -> str:
        await anyio.sleep_forever()
        return ""

    return server


class Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def listening(app: Any, port: int = 0) -> Generator[int, None, None]:
    """Run an app in a thread; yield its port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
    server = Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        assert server.ready.wait(10), "the server does not start"
        yield sock.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        sock.close()


MODES: dict[str, dict[str, Any]] = {
    "events": {},
    "JSON": {"json_response": True},
    "stateless": {"stateless_http": True},
    "stateless JSON": {"stateless_http": True, "json_response": True},
    "resumable": {"event_store": True},
    "SSE": {},
}


@pytest.fixture(scope="module", params=MODES)
def served(request: pytest.FixtureRequest) -> Generator[tuple[str, str], None, None]:
    settings = dict(MODES[request.param])
    if settings.pop("event_store", False):
        settings |= {"event_store": MemoryStore(), "retry_interval": 10}
    server = make_server(**settings)
    app = server.sse_app() if request.param == "SSE" else server.streamable_http_app()
    with listening(app) as port:
        yield request.param, f"http://127.0.0.1:{port}/{'sse' if request.param == 'SSE' else 'mcp'}"


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
    assert not result.isError, result
    [content] = result.content
    assert isinstance(content, types.TextContent)
    return content.text


async def test_calls(served: tuple[str, str]) -> None:
    """TCL-22, TCL-30, TCL-36: sequential, many at once, large and awkward."""
    with anyio.fail_after(20):
        async with connect(*served) as session:
            assert (await session.call_tool("add", {"a": 1, "b": 2})).structuredContent == {"result": 3}
            assert text_of(await session.call_tool("echo", {"text": AWKWARD})) == AWKWARD
            large = AWKWARD * 100_000
            assert text_of(await session.call_tool("echo", {"text": large})) == large
            sums: dict[int, int] = {}

            async def add(number: int) -> None:
                sums[number] = int(text_of(await session.call_tool("add", {"a": number, "b": 1})))

            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(add, number)
            assert sums == {number: number + 1 for number in range(20)}
            with pytest.raises(McpError):
                await session.read_resource("no:such")  # type: ignore[arg-type]


async def test_notifications_of_a_call(served: tuple[str, str]) -> None:
    mode, _ = served
    events: list[Any] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        events.append(params.data)

    async def progress(done: float, total: float | None, message: str | None) -> None:
        events.append((done, total))

    with anyio.fail_after(10):
        async with connect(*served, logging_callback=log) as session:
            result = await session.call_tool("steps", progress_callback=progress)
    assert text_of(result) == "done"
    if "JSON" not in mode:
        assert events == ["begun", (1, 2)]


async def test_requests_of_the_server(served: tuple[str, str]) -> None:
    """TCL-45; where there is no way back to the client, the call fails at once."""
    mode, _ = served

    async def roots(context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[])

    with anyio.fail_after(10):
        async with connect(*served, list_roots_callback=roots) as session:
            result = await session.call_tool("ask")
    if "stateless" in mode:
        assert result.isError
    elif mode != "JSON":
        assert text_of(result) == "0"


async def test_a_call_that_is_given_up(served: tuple[str, str]) -> None:
    with anyio.fail_after(10):
        async with connect(*served) as session:
            with anyio.move_on_after(0.2) as scope:
                await session.call_tool("wait_for_ever")
            assert scope.cancelled_caught
            assert text_of(await session.call_tool("add", {"a": 1, "b": 1})) == "2"


async def test_polling() -> None:
    """TCL-39, TCL-41: the server closes the stream of a call, the client comes back for the answer."""
    logged: list[Any] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        logged.append(params.data)

    app = make_server(event_store=MemoryStore(), retry_interval=10).streamable_http_app()
    with listening(app) as port, anyio.fail_after(10):
        async with connect("resumable", f"http://127.0.0.1:{port}/mcp", logging_callback=log) as session:
            assert text_of(await session.call_tool("poll")) == "polled"
    assert logged == ["while nobody was listening"]


async def test_a_server_that_is_restarted() -> None:
    """TCL-38 as decided: the session is opened anew, and the program notices nothing."""
    with anyio.fail_after(20):
        with listening(make_server().streamable_http_app()) as port:
            manager = connect("events", f"http://127.0.0.1:{port}/mcp")
            session = await manager.__aenter__()
            assert text_of(await session.call_tool("add", {"a": 1, "b": 1})) == "2"
        with pytest.raises(ConnectionClosedError, match=f"http://127.0.0.1:{port}/mcp"):
            await session.call_tool("add", {"a": 1, "b": 1})
        with listening(make_server().streamable_http_app(), port):
            assert text_of(await session.call_tool("add", {"a": 2, "b": 2})) == "4"
            await manager.__aexit__(None, None, None)


SCRIPT = """
    import socket, sys
    import anyio, uvicorn
    from mcp.server.fastmcp import FastMCP

    server = FastMCP("doomed")

    @server.tool()
    async def wait_for_ever() -> str:
        print("called", flush=True)
        await anyio.sleep_forever()
        return ""

    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    print(sock.getsockname()[1], flush=True)
    app = server.sse_app() if sys.argv[1] == "sse" else server.streamable_http_app()
    uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[sock])
"""


@pytest.mark.parametrize("path", ["mcp", "sse"])
async def test_a_server_that_is_killed_in_a_call(path: str) -> None:
    """TCL-24, TCL-34: the call fails at once, without a timeout."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(SCRIPT), path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        with anyio.fail_after(20):
            port = await anyio.to_thread.run_sync(process.stdout.readline)
            url = f"http://127.0.0.1:{int(port)}/{path}"
            async with connect("SSE" if path == "sse" else "events", url) as session:

                async def kill() -> None:
                    assert process.stdout is not None
                    await anyio.to_thread.run_sync(process.stdout.readline)
                    process.send_signal(signal.SIGKILL)

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(kill)
                    with pytest.raises(ConnectionClosedError) as caught:
                        await session.call_tool("wait_for_ever")
                assert caught.value.error.code == -32000
    finally:
        process.kill()
        process.stdout.close()
        process.wait(10)
