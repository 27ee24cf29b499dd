"""The official client (mcp 1.30.0, in an environment of its own) against our HTTP servers."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

pytestmark = [pytest.mark.interop, pytest.mark.timeout(180)]

CLIENT = """
import sys
from datetime import timedelta
import anyio
import mcp.types as types
from mcp import ClientSession, McpError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

kind, url = sys.argv[1:]
logged = []

async def on_log(params):
    logged.append(params.data)

async def on_elicitation(context, params):
    return types.ElicitResult(action="accept", content={})

def text(result):
    return result.content[0].text

async def main():
    client = sse_client(url) if kind == "sse" else streamable_http_client(url)
    async with client as streams:
        async with ClientSession(
            streams[0], streams[1], timedelta(seconds=10), logging_callback=on_log, elicitation_callback=on_elicitation
        ) as session:
            assert (await session.initialize()).serverInfo.name == "demo"
            assert [tool.name for tool in (await session.list_tools()).tools] == ["echo"]
            strange = "\\u2028\\u0085\\r\\U0001f980" * 1000
            assert text(await session.call_tool("echo", {"text": strange})) == strange
            await session.call_tool("notify", {"count": 3})
            if kind in ("stateful", "store", "sse"):
                assert logged == [0, 1, 2], logged
                assert text(await session.call_tool("ask", {})) == "accept"
                async with anyio.create_task_group() as tasks:
                    for number in range(20):
                        tasks.start_soon(session.call_tool, "echo", {"text": str(number)})
            else:
                assert (await session.call_tool("ask", {})).isError == kind.startswith("stateless")
            if kind == "store":
                assert text(await session.call_tool("close", {"gate": "now"})) == "waited"
                assert logged[3:] == ["before", "after"], logged
            await session.send_ping()
            try:
                await session.read_resource("demo://nothing")
            except McpError as error:
                assert error.error.code == -32601
    print("done")

anyio.run(main)
"""


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
        server.force_exit = True
        thread.join(5)


def run_client(tmp_path: Path, kind: str, url: str) -> None:
    script = tmp_path / "client.py"
    script.write_text(CLIENT)
    command = ["uv", "run", "--isolated", "--no-project", "--with", "mcp==1.30.0", "python", str(script), kind, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    sys.stderr.write(done.stderr)
    assert done.returncode == 0
    assert done.stdout == "done\n"


@pytest.mark.parametrize("kind", ["stateful", "json", "stateless", "stateless-json", "store"])
def test_streamable_http(demo: Any, http: Any, tmp_path: Path, kind: str) -> None:
    """TSV-34 TSV-35 TSV-37 TSV-46 TSV-70 TSV-78"""
    manager = StreamableHTTPSessionManager(
        demo,
        event_store=http.MemoryStore() if kind == "store" else None,
        json_response="json" in kind,
        stateless="stateless" in kind,
        retry_interval=10,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        demo.gate("close").set()
        demo.gate("now").set()
        async with manager.run():
            yield

    with serving(Starlette(routes=[Mount("/mcp", app=manager.handle_request)], lifespan=lifespan)) as url:
        run_client(tmp_path, kind, f"{url}/mcp/")
        assert manager.statistics() == (0, 0, 0, 0)


def test_sse(demo: Any, tmp_path: Path) -> None:
    """TSV-20 TSV-22 TSV-23"""
    sse = SseServerTransport("/messages/")

    class Endpoint:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async with sse.connect_sse(scope, receive, send) as streams:
                await demo.run(*streams, demo.create_initialization_options())

    app = Starlette(routes=[Route("/sse", Endpoint()), Mount("/messages/", app=sse.handle_post_message)])
    with serving(app) as url:
        run_client(tmp_path, "sse", f"{url}/sse")
        deadline = time.monotonic() + 5
        while sse._read_stream_writers:
            assert time.monotonic() < deadline
            time.sleep(0.01)
