"""A guard against losing speed: calls of functions are counted, no clock is read, so a busy machine fails nothing.

The limits stand about a quarter above what was counted when they were set (`own`, this package's functions: the same
on every event loop, and within three calls on every Python), and by half above the most of any Python, event loop
and set of dependencies for all functions together (`all`).
"""

import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from mcp import ClientSession
from mcp.server.fastmcp import FastMCP

PATIENCE = 20
"""Seconds that any wait in a test may take."""

CLIENT = {"name": "counter", "version": "0"}

Calls = tuple[float, float]
"""Calls of functions: this package's, and all."""
Count = Callable[..., Awaitable[Calls]]
Connect = Callable[..., AbstractAsyncContextManager[ClientSession]]
Operation = Callable[[ClientSession], Awaitable[Any]]


# What one operation over an in-memory session costs, both ends together: own and all calls.
IN_MEMORY: dict[str, tuple[Operation, Calls]] = {
    "call_tool": (lambda session: session.call_tool("add", {"a": 1, "b": 2}), (115, 530)),
    "read a resource": (lambda session: session.read_resource("counted://static"), (94, 510)),  # type: ignore[arg-type]
    "read a template": (lambda session: session.read_resource("counted://items/x"), (104, 530)),  # type: ignore[arg-type]
    "get_prompt": (lambda session: session.get_prompt("greet", {"name": "x"}), (96, 510)),
    "ping": (lambda session: session.send_ping(), (74, 450)),
}


def check(found: Calls, limit: Calls) -> None:
    assert found[0] <= limit[0] and found[1] <= limit[1], f"{found} is above {limit}"


@pytest.mark.parametrize("name", IN_MEMORY)
@pytest.mark.anyio
async def test_an_operation_in_memory(name: str, counted_session: Connect, count: Count) -> None:
    operation, limit = IN_MEMORY[name]
    async with counted_session() as session:
        check(await count(lambda: operation(session)), limit)


@pytest.mark.anyio
async def test_a_list_of_a_hundred_tools(counted_session: Connect, count: Count) -> None:
    async with counted_session(tools=100) as session:
        check(await count(session.list_tools), (213, 670))


@pytest.mark.anyio
async def test_a_call_costs_the_same_among_many_tools(counted_session: Connect, count: Count) -> None:
    found: list[float] = []
    for tools in (10, 1000):
        async with counted_session(tools) as session:
            found.append((await count(lambda: session.call_tool("add", {"a": 1, "b": 2})))[1])
    few, many = found
    assert many == pytest.approx(few, rel=0.05)


@pytest.mark.anyio
async def test_a_call_costs_the_same_among_many_in_flight(counted_session: Connect, count: Count) -> None:
    async with counted_session() as session:

        async def at_once(number: int) -> float:
            async def go() -> None:
                async with anyio.create_task_group() as tasks:
                    for _ in range(number):
                        tasks.start_soon(session.call_tool, "add", {"a": 1, "b": 2})

            return (await count(go, times=1, warm_up=1))[1] / number

        assert await at_once(512) <= 1.25 * await at_once(16)


# Over HTTP: the ASGI application alone, without a server or a client.


class Posts:
    """Sends POST requests to an ASGI application, as a client that waits for each answer."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.session: bytes | None = None

    async def __call__(self, method: str, request_id: int | None = 1, **params: Any) -> Any:
        """Give the result of a request; None for a notification, which has no id."""
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        body = json.dumps(message if request_id is None else {**message, "id": request_id}).encode()
        sent: list[Any] = []
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                await anyio.sleep_forever()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event: Any) -> None:
            sent.append(event)

        headers = [
            (b"host", b"127.0.0.1:8000"),
            (b"content-type", b"application/json"),
            (b"accept", b"application/json, text/event-stream"),
        ]
        if self.session is not None:
            headers.append((b"mcp-session-id", self.session))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        with anyio.fail_after(PATIENCE):
            await self._app(scope, receive, send)
        head = dict(sent[0]["headers"])
        self.session = head.get(b"mcp-session-id", self.session)
        text = b"".join(event.get("body", b"") for event in sent[1:])
        if request_id is None:
            assert sent[0]["status"] == 202
            return None
        assert sent[0]["status"] == 200
        payload = text.split(b"data: ")[-1] if head[b"content-type"] == b"text/event-stream" else text
        return json.loads(payload)["result"]

    async def open_session(self) -> None:
        self.session = None
        await self("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=CLIENT)
        await self("notifications/initialized", request_id=None)

    async def call(self) -> None:
        result = await self("tools/call", name="add", arguments={"a": 1, "b": 2})
        assert result["structuredContent"] == {"result": 3}


Open = Callable[..., AbstractAsyncContextManager[Posts]]


@pytest.fixture
def posts(counted_server: Callable[..., FastMCP]) -> Open:
    """`posts(**settings)`: a session of a server with these settings."""

    @asynccontextmanager
    async def connect(**settings: Any) -> AsyncGenerator[Posts, None]:
        server = counted_server(**settings)
        app = server.streamable_http_app()
        async with server.session_manager.run():
            post = Posts(app)
            await post.open_session()
            yield post

    return connect


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        pytest.param({"json_response": True}, (222, 850), id="json"),
        pytest.param({}, (234, 850), id="sse"),
        pytest.param({"json_response": True, "stateless_http": True}, (350, 1930), id="stateless"),
    ],
)
@pytest.mark.anyio
async def test_a_call_over_http(settings: dict[str, Any], limit: Calls, posts: Open, count: Count) -> None:
    async with posts(**settings) as post:
        check(await count(post.call), limit)


@pytest.mark.anyio
async def test_a_new_session_over_http(posts: Open, count: Count) -> None:
    async with posts(json_response=True) as post:
        check(await count(post.open_session), (313, 1830))


@pytest.mark.anyio
async def test_a_call_costs_the_same_among_many_sessions(posts: Open, count: Count) -> None:
    async with posts(json_response=True) as post:
        alone = (await count(post.call))[0]
        for _ in range(200):
            await post.open_session()
        assert (await count(post.call))[0] == pytest.approx(alone, rel=0.05)


# Over stdio: the server is a process of its own, and counts itself.

STDIO_SERVER = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from conftest import Counter, make_server

counter = Counter()
server = make_server()

@server.tool()
def counted() -> list[int]:
    return [counter.own, counter.all]

with counter:
    server.run("stdio")
"""


@pytest.mark.anyio
async def test_a_call_over_stdio() -> None:
    command = [sys.executable, "-c", STDIO_SERVER]
    async with await anyio.open_process(command, stderr=None) as process:
        assert process.stdin is not None and process.stdout is not None
        answers = BufferedByteReceiveStream(process.stdout)

        async def ask(method: str, **params: Any) -> Any:
            line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            await process.stdin.send(line.encode() + b"\n")
            return json.loads(await answers.receive_until(b"\n", 100_000))["result"]

        async def counted() -> list[float]:
            return (await ask("tools/call", name="counted", arguments={}))["structuredContent"]["result"]

        with anyio.fail_after(PATIENCE):
            await ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=CLIENT)
            await process.stdin.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
            await counted()
            before = await counted()
            for _ in range(9):
                result = await ask("tools/call", name="add", arguments={"a": 1, "b": 2})
                assert result["structuredContent"] == {"result": 3}
            after = await counted()
            await process.stdin.aclose()
            await process.wait()
    own, everything = ((late - early) / 10 for late, early in zip(after, before, strict=True))
    check((own, everything), (134, 330))


# Imports: what a program does not use it does not load. `mcp.types` is in tests/types.

HEAVY = [
    "cryptography",
    "httpx",
    "httpx_sse",
    "jsonschema",
    "jsonschema_rs",
    "jwt",
    "opentelemetry",
    "pydantic_settings",
    "python_multipart",
    "referencing",
    "rich",
    "sse_starlette",
    "starlette",
    "trio",
    "typer",
    "uvicorn",
    "websockets",
]

SERVER = """
from mcp.server.fastmcp import FastMCP
server = FastMCP("x")
@server.tool()
def add(a: int, b: int) -> int: return a + b
"""


@pytest.mark.parametrize(
    "program",
    [
        "import mcp",
        "from mcp import ClientSession, StdioServerParameters, stdio_client",
        "from mcp.server.lowlevel import Server\nfrom mcp.server.stdio import stdio_server",
        SERVER,
    ],
    ids=["package", "client", "low-level server", "server"],
)
def test_what_is_not_used_is_not_imported(program: str) -> None:
    program += f"\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
