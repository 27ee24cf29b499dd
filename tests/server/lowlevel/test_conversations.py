"""Replays the conversations of `tests/data/conversations`, over memory streams and as bytes."""

import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp import types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.shared._codec import encode_message, parse_message
from mcp.shared._streams import MessageReceiveStream, MessageSendStream
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from mcp.shared.message import SessionMessage

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).parents[2] / "data" / "conversations"


def serve() -> Server[Any]:
    """The server that the conversations are with."""
    server = Server(
        "conversations",
        version="1.2.3",
        instructions="Talk.",
        website_url="https://example.org",
        icons=[types.Icon(src="icon.png")],
    )
    integer = {"type": "integer"}

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [
            types.Tool(
                name="add",
                description="Adds.",
                inputSchema={"type": "object", "properties": {"a": integer, "b": integer}, "required": ["a", "b"]},
                outputSchema={"type": "object", "properties": {"sum": integer}, "required": ["sum"]},
            ),
            types.Tool(name="whoami", inputSchema={"type": "object"}),
            types.Tool(name="echo", inputSchema={"type": "object", "properties": {"value": {}}}),
        ]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> Any:
        if name == "add":
            total = arguments["a"] + arguments["b"]
            return {"sum": total} if total else {}
        if name == "whoami":
            params = server.request_context.session.client_params
            return text(params.clientInfo.name if params is not None else "nobody")
        act = ACTS.get(arguments.get("value")) if name == "echo" else None
        return await act(server) if act is not None else text(json.dumps(arguments))

    @server.list_resources()
    async def list_resources(request: types.ListResourcesRequest) -> types.ListResourcesResult:
        if request.params is None:
            return types.ListResourcesResult(resources=[resource("one")], nextCursor="2")
        assert request.params.cursor == "2"
        return types.ListResourcesResult(resources=[resource("two")])

    @server.list_resource_templates()
    async def list_templates() -> list[types.ResourceTemplate]:
        return [types.ResourceTemplate(name="t", uriTemplate="test://{name}")]

    @server.read_resource()
    async def read_resource(uri: Any) -> Any:
        match uri.host:
            case "both":
                return [
                    ReadResourceContents("text"),
                    ReadResourceContents(b"\x00\xff"),
                    ReadResourceContents("<p>", "text/html", {"k": None}),
                ]
            case "wrong":
                return 1
            case "missing":
                raise FileNotFoundError("missing")
        return []

    @server.subscribe_resource()
    async def subscribe(uri: Any) -> Any:
        return "ignored"

    @server.unsubscribe_resource()
    async def unsubscribe(uri: Any) -> None: ...

    @server.list_prompts()
    async def list_prompts() -> list[types.Prompt]:
        return [types.Prompt(name="greet", arguments=[types.PromptArgument(name="who", required=True)])]

    @server.get_prompt()
    async def get_prompt(name: str, arguments: dict[str, str] | None) -> types.GetPromptResult:
        if name != "greet":
            raise McpError(types.ErrorData(code=-32602, message=f"Unknown prompt: {name}", data={"name": name}))
        if arguments is None:
            raise ValueError("no arguments")
        content = types.TextContent(type="text", text=f"Hello {arguments['who']}")
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content)])

    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> types.Completion | None:
        if isinstance(ref, types.ResourceTemplateReference):
            return None
        values = [f"{argument.value}ou", *(f"{key}={value}" for key, value in context.arguments.items())]
        return types.Completion(values=values, total=2, hasMore=False)

    sessions: list[Any] = []

    @server.set_logging_level()
    async def set_level(level: types.LoggingLevel) -> None:
        sessions.append(server.request_context.session)
        await sessions[-1].send_log_message("debug", {"level": level}, "l")

    @server.progress_notification()
    async def progress(*report: Any) -> None:
        await sessions[-1].send_log_message("info", list(report))

    return server


def text(content: str) -> list[types.TextContent]:
    return [types.TextContent(type="text", text=content)]


def resource(name: str) -> types.Resource:
    return types.Resource(name=name, uri=f"test://{name}")  # type: ignore[arg-type]


async def act_raise(server: Server[Any]) -> Any:
    raise ValueError("asked to")


async def act_url(server: Server[Any]) -> Any:
    raise UrlElicitationRequiredError([types.ElicitRequestURLParams(message="m", url="https://e", elicitationId="i")])


async def act_progress(server: Server[Any]) -> Any:
    context = server.request_context
    assert context.meta is not None
    assert context.meta.progressToken is not None
    await context.session.send_progress_notification(context.meta.progressToken, 1, 2)
    await context.session.send_progress_notification(context.meta.progressToken, 0.5, message="less")
    return text("done")


async def act_roots(server: Server[Any]) -> Any:
    roots = await server.request_context.session.list_roots()
    return text(" ".join(str(root.uri) for root in roots.roots))


async def act_elicit(server: Server[Any]) -> Any:
    result = await server.request_context.session.elicit("m", {"type": "object", "properties": {}})
    return text(result.action)


async def act_wait(server: Server[Any]) -> Any:
    await anyio.sleep_forever()


async def act_impatient(server: Server[Any]) -> Any:
    ping = types.ServerRequest(types.PingRequest())
    await server.request_context.session.send_request(ping, types.EmptyResult, timedelta(seconds=0.01))


async def act_object(server: Server[Any]) -> Any:
    return types.CallToolResult(content=[], structuredContent={"a": object()})


ACTS = {
    "raise": act_raise,
    "url": act_url,
    "progress": act_progress,
    "roots": act_roots,
    "elicit": act_elicit,
    "wait": act_wait,
    "impatient": act_impatient,
    "object": act_object,
}


class Wire:
    """A transport of bytes: a source and a sink around two memory streams."""

    def __init__(self, source: Any, sink: Any) -> None:
        self._source = source
        self._sink = sink

    async def receive(self) -> SessionMessage | Exception:
        line = await self._source.receive()
        try:
            return SessionMessage(parse_message(line))
        except McpError as error:
            return error

    async def send(self, item: SessionMessage) -> None:
        await self._sink.send(encode_message(item))

    def close(self) -> None:
        self._source.close()
        self._sink.close()

    def close_reason(self) -> str | None:
        return None


class Bytes:
    """The client's end of a transport of bytes."""

    def __init__(self) -> None:
        self._out, source = anyio.create_memory_object_stream[bytes](math.inf)
        sink, self._in = anyio.create_memory_object_stream[bytes](math.inf)
        self.read_stream = MessageReceiveStream(Wire(source, source))
        self.write_stream = MessageSendStream(Wire(sink, sink))

    async def send_text(self, text: str) -> None:
        await self._out.send(text.encode())

    async def receive(self) -> dict[str, Any]:
        with anyio.fail_after(5):
            message = json.loads(await self._in.receive())
        assert message.pop("jsonrpc") == "2.0"
        return message

    def close(self) -> None:
        self._out.close()
        self._in.close()


@pytest.fixture(params=["memory", "bytes"])
def connect(request: pytest.FixtureRequest, raw_client: Any) -> Any:
    """`connect(server)`: a client's end, over streams that hold messages or over bytes."""

    @asynccontextmanager
    async def over_bytes(server: Server[Any], *, options: Any, **_: Any) -> AsyncIterator[Bytes]:
        end = Bytes()
        streams: Any = (end.read_stream, end.write_stream)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.run, *streams, options)
                yield end
                end.close()
        finally:
            end.close()
            for stream in streams:
                stream.close()

    return over_bytes if request.param == "bytes" else raw_client


def lines_of(conversation: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / conversation).read_text(encoding="utf-8").splitlines()]


async def exchange(end: Any, line: dict[str, Any]) -> None:
    for kind, content in line.items():
        match kind:
            case "->":
                await end.send_text(json.dumps({"jsonrpc": "2.0", **content}))
            case "-> text":
                await end.send_text(content)
            case "<-":
                assert await end.receive() == content
            case "<- any order":
                received = [await end.receive() for _ in content]
                assert sorted(received, key=repr) == sorted(content, key=repr)
            case "connect":
                params = {
                    "protocolVersion": content,
                    "capabilities": {},
                    "clientInfo": {"name": "c", "version": "1"},
                }
                await exchange(end, {"->": {"id": "connect", "method": "initialize", "params": params}})
                assert (await end.receive())["result"]["protocolVersion"] == content
                await exchange(end, {"->": {"method": "notifications/initialized"}})
            case _:
                assert kind == "#"


@pytest.mark.parametrize("conversation", sorted(path.name for path in FOLDER.glob("*.jsonl")))
async def test_conversation(connect: Any, conversation: str) -> None:
    """Each line of the file, in its order. The rules are named there."""
    server = serve()
    options = server.create_initialization_options(
        NotificationOptions(resources_changed=True, tools_changed=True), {"x": {}}
    )
    async with connect(server, initialize=False, options=options) as end:
        for number, line in enumerate(lines_of(conversation), 1):
            try:
                await exchange(end, line)
            except BaseException as error:
                error.add_note(f"{conversation}:{number}") if hasattr(error, "add_note") else None
                raise
