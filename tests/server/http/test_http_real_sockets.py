"""Real servers and raw sockets: malformed traffic, resets, readers that stall, big and strange bodies, shutdown."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import ManagerStatistics, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.server.websocket import websocket_server

HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
IDLE = ManagerStatistics(sessions=1, requests=0, streams=0, unanswered=0)


class Served:
    """A running uvicorn server in a thread of its own."""

    def __init__(self, app: Starlette, ws: str = "none") -> None:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws=ws, lifespan="on")
        self.uvicorn = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.uvicorn.run)

    def __enter__(self) -> "Served":
        self.thread.start()
        until(lambda: self.uvicorn.started)
        self.port = self.uvicorn.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(5)
        # Connections that a test has left open are waited for.
        self.uvicorn.force_exit = True
        self.thread.join(5)
        assert not self.thread.is_alive()

    def connect(self, data: bytes = b"") -> socket.socket:
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        raw.sendall(data)
        return raw


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def reset(raw: socket.socket) -> None:
    """Close with an RST."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


@contextmanager
def served(manager: StreamableHTTPSessionManager) -> Iterator[Served]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        async with manager.run():
            yield

    manager.drain_seconds = 0
    with Served(Starlette(routes=[Mount("/mcp", app=manager.handle_request)], lifespan=lifespan)) as running:
        running.url += "/mcp/"
        yield running


@pytest.fixture
def manager(demo: Any) -> StreamableHTTPSessionManager:
    return StreamableHTTPSessionManager(demo, max_request_body_size=20_000_000)


def open_session(client: httpx.Client, http: Any, url: str) -> dict[str, str]:
    opening = client.post(url, json=http.initialize(), headers=HEADERS)
    own = {**HEADERS, "mcp-session-id": opening.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
    assert client.post(url, json=http.INITIALIZED, headers=own).status_code == 202
    return own


def raw_request(own: dict[str, str], body: bytes, length: int | None = None, method: str = "POST") -> bytes:
    lines = [f"{method} /mcp/ HTTP/1.1", "host: x", f"content-length: {len(body) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in own.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer_of(response: httpx.Response, http: Any) -> Any:
    if response.headers["content-type"] == "application/json":
        return response.json()
    return http.read_events(response.text)[-1].json


@pytest.mark.parametrize("json_response", [False, True], ids=["sse", "json"])
def test_big_and_strange_bodies(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-15 TSV-32 TSV-35: five megabytes, every line end, characters split over packets"""
    manager = StreamableHTTPSessionManager(demo, json_response=json_response, max_request_body_size=20_000_000)
    strange = "\u2028\u2029\u0085\r\n\r\n\r\x0b\x0c\U0001f980é"
    with served(manager) as running, httpx.Client(timeout=20) as client:
        own = open_session(client, http, running.url)
        for text in (strange, "\U0001f980\u2028" * 700_000):
            body = json.dumps(http.call_tool("echo", text=text), ensure_ascii=False).encode()
            response = client.post(running.url, content=body, headers=own)
            assert answer_of(response, http)["result"]["content"][0]["text"] == text
        body = json.dumps(http.call_tool("echo", text=strange), ensure_ascii=False).encode()
        raw = running.connect(raw_request({**own, "connection": "close"}, b"", len(body)))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in body:
            raw.sendall(bytes([byte]))
        data = b"".join(iter(lambda: raw.recv(65536), b""))
        raw.close()
        answer = json.loads(data[data.index(b'{"jsonrpc') : data.rindex(b"}") + 1])
        assert answer["result"]["content"][0]["text"] == strange
        assert manager.statistics() == IDLE


def test_malformed_traffic(manager: StreamableHTTPSessionManager, demo: Any, http: Any) -> None:
    """TSV-26 TSV-40 TSV-76: none of it leaves anything, and the server serves on"""
    ping = json.dumps(http.request("ping")).encode()
    with served(manager) as running, httpx.Client(timeout=5) as client:
        own = open_session(client, http, running.url)
        lines = [
            b"",
            b"\x00\xff\r\n\r\n",
            b"POST /mcp/ HTTP/9.9\r\n\r\n",
            b"POST /mcp/ HTTP/1.1\r\nhost: x\r\n",
            b"POST /mcp/ HTTP/1.1\r\ncontent-length: x\r\n\r\n",
            b"POST /mcp/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            raw_request(own, b"", 100),
            raw_request(own, ping[:10], len(ping)),
            raw_request({**HEADERS}, ping[:10], len(ping)),
            raw_request(own, ping),
            raw_request(own, b"[" * 50_000),
            raw_request(own, b"\xff\xfe" * 1000),
            raw_request(own, b"", method="GET"),
        ]
        for data in lines:
            for end in (reset, socket.socket.close):
                end(running.connect(data))
        until(lambda: manager.statistics() == IDLE)
        response = client.post(running.url, json=http.request("ping", 2), headers=own)
        assert answer_of(response, http)["result"] == {}
        # Whatever was opened meanwhile is gone, its lifespan too.
        until(lambda: demo.living == 1)


@pytest.mark.parametrize("json_response", [False, True], ids=["sse", "json"])
def test_a_reset_while_a_handler_runs(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-40"""
    manager = StreamableHTTPSessionManager(demo, json_response=json_response)
    with served(manager) as running, httpx.Client(timeout=5) as client:
        own = open_session(client, http, running.url)
        for number, end in enumerate([reset, socket.socket.close]):
            gate = f"gate {number}"
            raw = running.connect(raw_request(own, json.dumps(http.call_tool("wait", number, gate=gate)).encode()))
            until(lambda gate=gate: gate in demo.reached)
            end(raw)
            until(lambda: manager.statistics() == IDLE._replace(unanswered=1))
            # Events of the server's loop are set by the server.
            client.post(running.url, json=http.call_tool("open", 10 + number, gate=gate), headers=own)
            until(lambda gate=gate: demo.ended.get(gate) == "done")
            until(lambda: manager.statistics() == IDLE)


def test_a_reader_that_stalls(
    manager: StreamableHTTPSessionManager, demo: Any, http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TSV-56: a peer that never reads holds neither its request nor the server"""
    monkeypatch.setattr("mcp.server._http.heartbeat.TICK_SECONDS", 0.02)
    monkeypatch.setattr("mcp.server._http.heartbeat.PING_SECONDS", 0.05)
    monkeypatch.setattr("mcp.server._http.writers.STALL_SECONDS", 0.2)
    with served(manager) as running, httpx.Client(timeout=5) as client:
        own = open_session(client, http, running.url)
        body = json.dumps(http.call_tool("flood", count=60, size=500_000)).encode()
        raw = running.connect(raw_request(own, body))
        until(lambda: bool(demo.reached), 10)
        response = client.post(running.url, json=http.request("ping", 2), headers=own)
        assert answer_of(response, http)["result"] == {}
        until(lambda: manager.statistics() == IDLE, 15)
        raw.close()


def test_the_older_transport(demo: Any, http: Any) -> None:
    """TSV-20 TSV-22 TSV-23"""
    sse = SseServerTransport("/messages/")

    async def handle_sse(request: Request) -> Response:
        async with sse.connect_sse(request.scope, request.receive, request._send) as streams:
            await demo.run(*streams, demo.create_initialization_options())
        return Response()

    app = Starlette(routes=[Route("/sse", handle_sse), Mount("/messages/", app=sse.handle_post_message)])
    with Served(app) as running, httpx.Client(timeout=5) as client:
        with client.stream("GET", f"{running.url}/sse") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: endpoint"
            url = running.url + next(lines).removeprefix("data: ")
            assert client.post(url, json=http.initialize(), headers=HEADERS).status_code == 202
            answer = next(line for line in lines if line.startswith("data: "))
            assert json.loads(answer.removeprefix("data: "))["result"]["serverInfo"]["name"] == "demo"
            assert client.post(url, content=b"{", headers=HEADERS).status_code == 400
        until(lambda: sse._read_stream_writers == {} and demo.living == 0)
        assert client.post(url, json=http.initialize(), headers=HEADERS).status_code == 404


@pytest.mark.skipif("websockets-sansio" not in uvicorn.config.WS_PROTOCOLS, reason="uvicorn is older")
def test_websockets(demo: Any, http: Any) -> None:
    """TSV-81 TSV-82"""
    client = pytest.importorskip("websockets.sync.client")
    from websockets.exceptions import InvalidStatus

    settings = TransportSecuritySettings(allowed_hosts=["127.0.0.1:*"], allowed_origins=[])

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        with suppress(ValueError), pytest.deprecated_call():
            async with websocket_server(scope, receive, send, settings) as streams:
                await demo.run(*streams, demo.create_initialization_options())

    app = Starlette(routes=[Mount("/ws", app=serve)])
    with Served(app, ws="websockets-sansio") as running:
        url = running.url.replace("http", "ws") + "/ws/"
        with client.connect(url, subprotocols=["mcp"], max_size=None) as peer:
            assert peer.subprotocol == "mcp"
            for body in (http.initialize(), http.call_tool("echo", text="\u2028\U0001f980" * 100_000)):
                peer.send(json.dumps(body, ensure_ascii=False))
                answer = json.loads(peer.recv(timeout=5))
            assert answer["result"]["content"][0]["text"] == "\u2028\U0001f980" * 100_000
            assert demo.living == 1
        until(lambda: demo.living == 0)
        with pytest.raises(InvalidStatus) as caught:
            client.connect(url, subprotocols=["mcp"], origin="http://evil")
        assert caught.value.response.status_code == 403


SERVER = """
import logging, sys
from contextlib import asynccontextmanager
from typing import Any
import anyio, uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

@asynccontextmanager
async def life(_):
    try:
        yield {}
    finally:
        await anyio.sleep(0)
        print("lifespan left", flush=True)

server = Server("demo", version="1", lifespan=life)

@server.call_tool(validate_input=False)
async def call(name: str, arguments: dict[str, Any]) -> Any:
    print("handler reached", flush=True)
    await anyio.sleep_forever()

manager = StreamableHTTPSessionManager(server)

@asynccontextmanager
async def lifespan(_):
    async with manager.run():
        yield

async def lazily(scope, receive, send):
    await manager._ensure_running()
    await manager.handle_request(scope, receive, send)

lazy = sys.argv[1] == "lazy"
app = Starlette(routes=[Mount("/mcp", app=lazily if lazy else manager.handle_request)],
                lifespan=None if lazy else lifespan)
logging.basicConfig(level=logging.ERROR)
config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", ws="none")
running = uvicorn.Server(config)
original = running.startup

async def startup(sockets=None):
    await original(sockets)
    print(running.servers[0].sockets[0].getsockname()[1], flush=True)

running.startup = startup
running.run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("mode", ["run", "lazy"])
def test_a_stopping_server_ends_open_streams(http: Any, tmp_path: Path, mode: str) -> None:
    """TSV-74 TSV-77: SIGTERM with an open GET stream and a running call; neither holds it up, nobody complains"""
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    process = subprocess.Popen(
        [sys.executable, str(script), mode], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        url = f"http://127.0.0.1:{port}/mcp/"
        with httpx.Client(timeout=10) as client:
            own = open_session(client, http, url)
            address = ("127.0.0.1", port)
            with socket.create_connection(address, 10) as stream, socket.create_connection(address, 10) as call:
                stream.sendall(raw_request(own, b"", method="GET"))
                call.sendall(raw_request(own, json.dumps(http.call_tool("wait")).encode()))
                assert process.stdout.readline() == "handler reached\n"
                assert stream.recv(100).startswith(b"HTTP/1.1 200 OK")
                started = time.monotonic()
                os.kill(process.pid, signal.SIGTERM)
                # Both responses come to their proper end.
                for raw in (stream, call):
                    data = b"".join(iter(lambda raw=raw: raw.recv(65536), b""))
                    assert data.endswith(b"0\r\n\r\n")
        output, errors = process.communicate(timeout=10)
        assert time.monotonic() - started < 6
        assert errors == ""
        assert mode == "lazy" or output == "lifespan left\n"
    finally:
        process.kill()
        process.communicate()


def test_a_killed_server(http: Any, tmp_path: Path) -> None:
    """TSV-39: the client sees the connection break, at once"""
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    process = subprocess.Popen([sys.executable, str(script), "run"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/mcp/"
        with httpx.Client(timeout=10) as client:
            own = open_session(client, http, url)

            def kill() -> None:
                assert process.stdout is not None
                process.stdout.readline()
                process.kill()

            killer = threading.Thread(target=kill)
            killer.start()
            with pytest.raises(httpx.TransportError):
                client.post(url, json=http.call_tool("wait"), headers=own)
            killer.join(5)
    finally:
        process.kill()
        process.communicate()


def test_a_conversation_on_one_connection(manager: StreamableHTTPSessionManager, http: Any) -> None:
    """TSV-34 TSV-35 TSV-45: a plain conversation on one kept-alive connection"""
    with served(manager) as running, httpx.Client(timeout=5) as client:
        own = open_session(client, http, running.url)
        for number in range(20):
            response = client.post(running.url, json=http.call_tool("echo", number, text="hi"), headers=own)
            assert answer_of(response, http)["id"] == number
            assert client.post(running.url, content=b"{", headers=own).status_code == 400
        assert client.delete(running.url, headers=own).status_code == 200
        until(lambda: manager.statistics() == (0, 0, 0, 0))
        assert client.delete(running.url, headers=own).status_code == 404
