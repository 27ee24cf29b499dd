"""Running a server, and its lifespan."""

import json
import subprocess
import sys
import textwrap
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.server import lifespan_wrapper
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage

pytestmark = pytest.mark.anyio

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "c", "version": "1"},
    },
}


def test_unknown_transport():
    """RUN-1: before anything is started."""
    with pytest.raises(ValueError, match=r"^Unknown transport: carrier-pigeon$"):
        FastMCP().run("carrier-pigeon")  # pyright: ignore


@pytest.mark.parametrize(
    ("transport", "method", "arguments"),
    [
        ("stdio", "run_stdio_async", ()),
        ("sse", "run_sse_async", ("/m",)),
        ("streamable-http", "run_streamable_http_async", ()),
    ],
)
def test_transports(monkeypatch: pytest.MonkeyPatch, transport: Any, method: str, arguments: tuple[Any, ...]):
    """RUN-1, RUN-2: overrides of the methods count."""
    seen: list[Any] = []

    async def note(*args: Any) -> None:
        seen.append(args)

    monkeypatch.setattr("mcp.server.fastmcp._served.configure_logging", lambda level: seen.append(level))
    mcp = FastMCP(log_level="ERROR")
    setattr(mcp, method, note)
    mcp.run(transport, mount_path="/m")
    assert seen == ["ERROR", arguments]


@pytest.mark.parametrize("transport", ["sse", "streamable-http"])
async def test_http_is_served_by_uvicorn(monkeypatch: pytest.MonkeyPatch, transport: str):
    """RUN-3"""
    import uvicorn

    seen: list[Any] = []

    async def serve(self: uvicorn.Server) -> None:
        config = self.config
        paths = [route.path for route in config.app.routes]  # pyright: ignore
        seen.append((config.host, config.port, config.log_level, paths))

    monkeypatch.setattr(uvicorn.Server, "serve", serve)
    mcp = FastMCP(host="0.0.0.0", port=1234, log_level="WARNING")
    if transport == "sse":
        await mcp.run_sse_async("/m")
        assert mcp.settings.mount_path == "/m"
    else:
        await mcp.run_streamable_http_async()
    paths = ["/sse", "/messages"] if transport == "sse" else ["/mcp"]
    assert seen == [("0.0.0.0", 1234, "warning", paths)]


async def test_stdio_transport_is_looked_up_when_used(monkeypatch: pytest.MonkeyPatch):
    """RUN-3: tracing packages replace it."""
    to_server, server_read = anyio.create_memory_object_stream[Any](5)
    server_write, from_server = anyio.create_memory_object_stream[Any](5)

    @asynccontextmanager
    async def stdio_server() -> AsyncGenerator[Any, None]:
        async with server_read, server_write:
            yield server_read, server_write

    monkeypatch.setattr("mcp.server.stdio.stdio_server", stdio_server)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks, to_server, from_server:
            tasks.start_soon(FastMCP("named").run_stdio_async)
            await to_server.send(SessionMessage(JSONRPCMessage.model_validate(INITIALIZE)))
            answer = (await from_server.receive()).message.root
            assert answer.result["serverInfo"]["name"] == "named"
            to_server.close()


def test_run_serves_standard_input_and_output():
    """RUN-1, LOG-4: the log goes to standard error, also what a tool prints."""
    program = textwrap.dedent(
        """
        from mcp.server.fastmcp import FastMCP
        mcp = FastMCP("stdio")
        @mcp.tool()
        def add(a: int, b: int) -> int:
            print("printed")
            return a + b
        mcp.run()
        """
    )
    requests = [
        INITIALIZE,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "add", "arguments": {"a": 1, "b": 2}},
        },
    ]
    done = subprocess.run(
        [sys.executable, "-c", program],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["result"]["serverInfo"]["name"] == "stdio"
    assert second["result"]["structuredContent"] == {"result": 3}
    assert "printed" in done.stderr
    assert "Processing request of type CallToolRequest" in done.stderr


async def test_lifespan():
    """LIFE-1, LIFE-2, LIFE-3: it gets the server, and is entered once for each connection."""
    entered: list[Any] = []
    left: list[int] = []

    @asynccontextmanager
    async def lifespan(app: FastMCP[dict[str, int]]) -> AsyncGenerator[dict[str, int], None]:
        entered.append(app)
        try:
            yield {"entered": len(entered)}
        finally:
            left.append(1)

    mcp = FastMCP("n", lifespan=lifespan)

    @mcp.tool()
    def count(ctx: Context[Any, dict[str, int]]) -> int:  # pyright: ignore
        return ctx.request_context.lifespan_context["entered"]

    for connection in (1, 2):
        async with connect(mcp) as client:
            result = await client.call_tool("count", {})
            assert result.structuredContent == {"result": connection}
    assert entered == [mcp, mcp]
    assert left == [1, 1]

    wrapped = lifespan_wrapper(mcp, lifespan)
    async with wrapped(mcp._mcp_server) as context:
        assert context == {"entered": 3}
    assert left == [1, 1, 1]


async def test_default_lifespan():
    """LIFE-1"""
    mcp = FastMCP()
    mcp.add_tool(lambda: mcp.get_context().request_context.lifespan_context, name="t")
    async with connect(mcp) as client:
        (block,) = (await client.call_tool("t", {})).content
    assert block.text == "{}"  # pyright: ignore
