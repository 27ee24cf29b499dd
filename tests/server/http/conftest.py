"""An in-process ASGI client that sees every message, and a server with tools that wait for the test."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore, StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

ACCEPT_BOTH = "application/json, text/event-stream"
HEADERS = {"host": "testserver", "content-type": "application/json", "accept": ACCEPT_BOTH}
LIMIT = 5.0
"""Seconds that any wait in a test may take."""


@dataclass
class Event:
    """One server-sent event."""

    id: str | None = None
    event: str | None = None
    data: str | None = None
    retry: str | None = None

    @property
    def json(self) -> Any:
        assert self.data is not None
        return json.loads(self.data)


def read_events(text: str) -> list[Event]:
    """Parse complete events; comments count as none."""
    events: list[Event] = []
    for block in text.split("\r\n\r\n")[:-1]:
        event = Event()
        for line in block.split("\r\n"):
            name, _, value = line.partition(":")
            if name:
                setattr(event, name, value.removeprefix(" "))
        if event != Event():
            events.append(event)
    return events


@dataclass
class Call:
    """One HTTP request to an ASGI application, while it runs and after."""

    scope: dict[str, Any]
    chunks: list[bytes]
    cut: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.finished = anyio.Event()
        self.gone = anyio.Event()
        self._changed = anyio.Event()
        self.may_send = anyio.Event()
        self.may_send.set()

    async def receive(self) -> dict[str, Any]:
        if self.chunks:
            body = self.chunks.pop(0)
            return {"type": "http.request", "body": body, "more_body": self.cut or bool(self.chunks)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        await self.may_send.wait()
        self.messages.append(message)
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    def disconnect(self) -> None:
        self.gone.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        with anyio.fail_after(LIMIT):
            while not condition():
                await self._changed.wait()

    async def until_started(self) -> "Call":
        await self.until(lambda: bool(self.messages))
        return self

    async def until_events(self, count: int) -> list[Event]:
        await self.until(lambda: len(self.events) >= count)
        return self.events

    async def until_done(self) -> "Call":
        with anyio.fail_after(LIMIT):
            await self.finished.wait()
        return self

    @property
    def status(self) -> int:
        return self.messages[0]["status"]

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def session_id(self) -> str | None:
        return self.headers.get("mcp-session-id")

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Event]:
        return read_events(self.text)

    @property
    def complete(self) -> bool:
        return len(self.messages) > 1 and not self.messages[-1].get("more_body", False)

    @property
    def answer(self) -> Any:
        """The JSON-RPC response: the body, or the last event."""
        if self.headers["content-type"] == "application/json":
            return self.json
        return self.events[-1].json


class Wire:
    """Sends requests to an ASGI application; calls still open at the end are cancelled."""

    manager: StreamableHTTPSessionManager

    def __init__(self, app: Callable[..., Awaitable[None]], headers: dict[str, str] | None = None) -> None:
        self.app = app
        self.headers = {**HEADERS, **(headers or {})}

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Wire", None]:
        async with anyio.create_task_group() as self.tasks:
            yield self
            self.tasks.cancel_scope.cancel()

    def start(
        self,
        method: str = "POST",
        body: Any = b"",
        headers: dict[str, str | None] | None = None,
        *,
        chunks: list[bytes] | None = None,
        cut: bool = False,
        path: str = "/mcp",
        **scope: Any,
    ) -> Call:
        """Begin a request; header values of None leave a header out. The body never ends if it is `cut`."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {**self.headers, **(headers or {})}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items() if value is not None]
        target, _, query = path.partition("?")
        call = Call(
            {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": method,
                "scheme": "http",
                "path": target,
                "raw_path": target.encode(),
                "query_string": query.encode(),
                "root_path": "",
                "headers": raw,
                "client": ("127.0.0.1", 1),
                "server": ("testserver", 80),
                **scope,
            },
            chunks or [data],
            cut,
        )
        self.tasks.start_soon(self._run, call)
        return call

    async def _run(self, call: Call) -> None:
        try:
            await self.app(call.scope, call.receive, call.send)
        except Exception as error:
            call.error = error
        finally:
            call.finished.set()

    async def send(self, method: str = "POST", body: Any = b"", headers: Any = None, **options: Any) -> Call:
        """Send a request and wait for its end."""
        return await self.start(method, body, headers, **options).until_done()

    async def initialize(self, version: str = "2025-11-25", **options: Any) -> Call:
        return await self.send(body=initialize(version), **options)

    async def session(self, version: str = "2025-11-25") -> dict[str, str | None]:
        """Open a session; returns the headers of its further requests."""
        call = await self.initialize(version)
        assert call.status == 200, call.text
        headers: dict[str, str | None] = {"mcp-session-id": call.session_id, "mcp-protocol-version": version}
        assert (await self.send(body=INITIALIZED, headers=headers)).status == 202
        return headers


INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def initialize(version: str = "2025-11-25", request_id: Any = 0) -> dict[str, Any]:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    return {"jsonrpc": "2.0", "id": request_id, "method": "initialize", "params": params}


def request(method: str, request_id: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def call_tool(name: str, request_id: Any = 1, **arguments: Any) -> dict[str, Any]:
    return request("tools/call", request_id, name=name, arguments=arguments)


class Demo(Server[Any, Any]):
    """A server whose tools wait for the test, and tell it what happened to them."""

    def __init__(self) -> None:
        super().__init__("demo", version="1", lifespan=self._life)
        self.gates: dict[str, anyio.Event] = {}
        self.reached: dict[str, anyio.Event] = {}
        self.ended: dict[str, str] = {}
        self.lives = 0
        self.living = 0
        self.runs = 0
        self.seen: list[Any] = []
        self.list_tools()(self._list)
        self.call_tool(validate_input=False)(self._call)

    @asynccontextmanager
    async def _life(self, _: Any) -> AsyncGenerator[dict[str, Any], None]:
        self.lives += 1
        self.living += 1
        try:
            yield {}
        finally:
            # Tear-down takes its time, and must be allowed to.
            await anyio.sleep(0)
            self.living -= 1

    async def run(self, *args: Any, **kwargs: Any) -> None:
        self.runs += 1
        await super().run(*args, **kwargs)

    def gate(self, name: str) -> anyio.Event:
        return self.gates.setdefault(name, anyio.Event())

    def reach(self, name: str) -> anyio.Event:
        return self.reached.setdefault(name, anyio.Event())

    async def until_reached(self, name: str) -> None:
        with anyio.fail_after(LIMIT):
            await self.reach(name).wait()

    async def _list(self) -> list[types.Tool]:
        return [types.Tool(name="echo", inputSchema={"type": "object"})]

    async def _call(self, name: str, arguments: dict[str, Any]) -> Any:
        context = self.request_context
        self.seen.append(context)
        text = await getattr(self, f"tool_{name}")(context, **arguments)
        return [types.TextContent(type="text", text=str(text))]

    async def tool_echo(self, _: Any, text: str = "") -> str:
        return text

    async def tool_big(self, _: Any, size: int) -> str:
        return "x" * size

    async def tool_wait(self, _: Any, gate: str = "gate") -> str:
        """Wait for a gate; `ended` then says how it went."""
        self.reach(gate).set()
        try:
            await self.gate(gate).wait()
        except BaseException:
            self.ended[gate] = "cancelled"
            raise
        self.ended[gate] = "done"
        return "waited"

    async def tool_open(self, _: Any, gate: str) -> str:
        """Open a gate, for tests that run in another thread."""
        self.gate(gate).set()
        return "opened"

    async def tool_flood(self, context: Any, count: int, size: int) -> str:
        """Send many big notifications."""
        for _ in range(count):
            self.reach("flood").set()
            await context.session.send_log_message("info", "x" * size, related_request_id=context.request_id)
        return "flooded"

    async def tool_notify(self, context: Any, count: int = 1, related: bool = True, gate: str | None = None) -> str:
        """Send notifications, then wait for a gate if one is named."""
        for number in range(count):
            await context.session.send_log_message(
                "info", number, related_request_id=context.request_id if related else None
            )
            self.reach(f"notified {number}").set()
        if gate is not None:
            await self.tool_wait(context, gate)
        return "notified"

    async def tool_ask(self, context: Any, related: bool = True) -> str:
        """Ask the client, and return its answer."""
        result = await context.session.elicit_form(
            "?", {"type": "object", "properties": {}}, context.request_id if related else None
        )
        return result.action

    async def tool_close(self, context: Any, gate: str = "gate", standalone: bool = False) -> str:
        """Send a notification, close the stream, send another one and wait."""
        await context.session.send_log_message("info", "before", related_request_id=context.request_id)
        self.reach("before").set()
        await self.gate("close").wait()
        if standalone:
            await context.close_standalone_sse_stream()
        else:
            await context.close_sse_stream()
        await context.session.send_log_message("info", "after", related_request_id=context.request_id)
        return await self.tool_wait(context, gate)


class MemoryStore(EventStore):
    """An event store of the reference shape: one list, ids are counted, streams are found by event."""

    def __init__(self) -> None:
        self.events: list[tuple[str, types.JSONRPCMessage | None]] = []
        self.fail_on: str | None = None

    async def store_event(self, stream_id: str, message: types.JSONRPCMessage | None) -> str:
        if self.fail_on == "store" or (self.fail_on == "prime" and message is None):
            raise RuntimeError("the store is down")
        self.events.append((stream_id, message))
        return str(len(self.events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        if self.fail_on == "replay":
            raise RuntimeError("the store is down")
        if not last_event_id.isdecimal() or not 0 < int(last_event_id) <= len(self.events):
            return None
        stream_id = self.events[int(last_event_id) - 1][0]
        for number, (other, message) in enumerate(self.events[int(last_event_id) :], int(last_event_id) + 1):
            if other == stream_id and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream_id


@asynccontextmanager
async def serve(server: Any, headers: dict[str, str] | None = None, **options: Any) -> AsyncGenerator[Wire, None]:
    """Run a session manager, and yield a client for it; its attribute `manager` is the manager."""
    manager = StreamableHTTPSessionManager(server, **options)
    manager.drain_seconds = 0
    async with manager.run():
        async with Wire(manager.handle_request, headers).open() as wire:
            wire.manager = manager
            yield wire


@asynccontextmanager
async def connect(server: Any, transport: StreamableHTTPServerTransport) -> AsyncGenerator[Wire, None]:
    """Run a server on a transport without a manager, and yield a client for it."""
    async with Wire(transport.handle_request).open() as wire:
        async with transport.connect() as (read_stream, write_stream):
            wire.tasks.start_soon(server.run, read_stream, write_stream, server.create_initialization_options())
            yield wire


@pytest.fixture
def demo() -> Demo:
    return Demo()


@pytest.fixture
def http() -> Any:
    """The helpers of this folder, for tests that cannot import a conftest."""
    return SimpleNamespace(
        Wire=Wire,
        Demo=Demo,
        Event=Event,
        MemoryStore=MemoryStore,
        serve=serve,
        connect=connect,
        read_events=read_events,
        initialize=initialize,
        request=request,
        call_tool=call_tool,
        INITIALIZED=INITIALIZED,
        HEADERS=HEADERS,
        LIMIT=LIMIT,
    )
