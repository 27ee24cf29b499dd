"""What real packages do with FastMCP and with transports, each in the way that it does it (survey of uses, 3 to 5).

What they do with sessions and low-level servers is in `tests/shared/test_session_in_the_wild.py`, with HTTP transports
in `tests/client/http` and `tests/server/http`, with authorization in `tests/auth`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette

import mcp.client.sse
import mcp.client.stdio
import mcp.client.streamable_http
import mcp.client.websocket
import mcp.server.stdio
import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.streamable_http import MCP_SESSION_ID, GetSessionIdCallback
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.fastmcp.prompts.base import AssistantMessage, Message, Prompt, UserMessage
from mcp.server.fastmcp.resources import FileResource
from mcp.server.lowlevel import NotificationOptions
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.memory import create_connected_server_and_client_session as connect

pytestmark = pytest.mark.anyio


def text_of(result: types.CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, types.TextContent)
    return block.text


def make_server() -> FastMCP[Any]:
    server: FastMCP[Any] = FastMCP("demo", instructions="Adds.", website_url="https://example.com")

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    async def fail() -> str:
        raise ToolError("no such luck")

    @server.resource("config://theme")
    def theme() -> str:
        return "dark"

    @server.resource("greeting://{name}")
    def greeting(name: str) -> str:
        return f"Hello, {name}!"

    @server.prompt()
    def question(topic: str) -> str:
        return f"Tell me about {topic}."

    return server


def test_walking_over_a_server() -> None:
    """mcp-use, fast-agent, django: from `_mcp_server` and the managers to what is registered."""
    server = make_server()
    lowlevel = server._mcp_server
    assert (lowlevel.name, lowlevel.instructions, lowlevel.website_url) == ("demo", "Adds.", "https://example.com")
    assert (lowlevel.version, lowlevel.icons) == (None, None)
    assert lowlevel.get_capabilities(NotificationOptions(), {}).tools is not None
    assert lowlevel.create_initialization_options().server_name == "demo"
    assert list(server._tool_manager._tools) == ["add", "fail"]
    assert [tool.name for tool in server._tool_manager.list_tools()] == ["add", "fail"]
    tool = server._tool_manager.get_tool("add")
    assert tool is not None
    assert tool.parameters["required"] == ["a", "b"]
    assert list(server._resource_manager._resources) == ["config://theme"]
    assert list(server._resource_manager._templates) == ["greeting://{name}"]
    assert list(server._prompt_manager._prompts) == ["question"]


async def test_adding_through_the_managers(tmp_path: Path) -> None:
    """mcp-use, fast-agent: `add_tool(fn, name=, description=)`, `add_prompt(prompt)`, `FileResource`."""
    server = make_server()

    def shout(word: str) -> str:
        return word.upper()

    server._tool_manager.add_tool(shout, name="loud", description="Shouts.")

    def dialogue() -> list[Message]:
        return [UserMessage("Hello?"), AssistantMessage("Hello!")]

    server._prompt_manager.add_prompt(Prompt.from_function(dialogue))
    file = tmp_path / "notes.txt"
    file.write_text("remember")
    server.add_resource(FileResource(uri=types.AnyUrl("file:///notes.txt"), path=file))
    async with connect(server) as client:
        assert text_of(await client.call_tool("loud", {"word": "a"})) == "A"
        prompt = await client.get_prompt("dialogue")
        assert [message.role for message in prompt.messages] == ["user", "assistant"]
        contents = (await client.read_resource(types.AnyUrl("file:///notes.txt"))).contents[0]
        assert isinstance(contents, types.TextResourceContents)
        assert contents.text == "remember"


async def test_analytics_around_a_server() -> None:
    """posthog: handlers are wrapped and put back, the error result is watched, `ToolManager.call_tool` replaced."""
    server = make_server()
    seen: list[Any] = []
    lowlevel = server._mcp_server

    handler = lowlevel.request_handlers[types.CallToolRequest]

    async def wrapped(request: types.CallToolRequest) -> types.ServerResult:
        result = await handler(request)
        assert isinstance(result.root, types.CallToolResult)
        seen.append((request.params.name, result.root.isError))
        return result

    lowlevel.request_handlers[types.CallToolRequest] = wrapped

    make_error_result = lowlevel._make_error_result

    def watched(error_message: str) -> types.ServerResult:
        # Called while the exception is being handled.
        seen.append((error_message, type(sys.exc_info()[1]).__name__))
        return make_error_result(error_message)

    lowlevel._make_error_result = watched  # type: ignore[method-assign]
    async with connect(server) as client:
        assert (await client.call_tool("fail")).isError
        assert text_of(await client.call_tool("add", {"a": 1, "b": 2})) == "3"
    text = "Error executing tool fail: no such luck"
    assert seen == [(text, "ToolError"), ("fail", True), ("add", False)]


async def test_instructions_and_capabilities_are_replaced_on_the_instance() -> None:
    """mcp-use, posthog: what a client is told comes from the instance."""
    server = make_server()
    lowlevel = server._mcp_server
    get_capabilities = lowlevel.get_capabilities

    def extended(*arguments: Any, **options: Any) -> types.ServerCapabilities:
        capabilities = get_capabilities(*arguments, **options)
        capabilities.experimental = {"example.com/more": {}}
        return capabilities

    lowlevel.get_capabilities = extended  # type: ignore[method-assign]
    lowlevel.instructions = "Multiplies."
    async with connect(server) as client:
        capabilities = client.get_server_capabilities()
        assert capabilities is not None
        assert capabilities.experimental == {"example.com/more": {}}
    assert server.instructions == "Multiplies."


async def test_an_extension_of_the_protocol_is_kept() -> None:
    """mcp-use: unknown members of capabilities stay in `model_extra`."""
    capabilities = types.ClientCapabilities.model_validate({"extensions": {"io.example/ui": {"a": 1}}, "roots": {}})
    assert (capabilities.model_extra or {})["extensions"] == {"io.example/ui": {"a": 1}}
    copied = capabilities.model_copy(update={"sampling": types.SamplingCapability()})
    dumped = copied.model_dump(by_alias=True, mode="json", exclude_none=True)
    assert dumped == {"extensions": {"io.example/ui": {"a": 1}}, "roots": {}, "sampling": {}}


async def test_a_server_with_methods_of_its_own() -> None:
    """mcp-use, jupyter, django: `add_tool`, `get_context` and the property `session_manager` overridden."""

    class OwnContext(Context[Any, Any, Any]):
        where: str = "here"

    class Own(FastMCP[Any]):
        def add_tool(self, fn: Callable[..., Any], name: str | None = None, **options: Any) -> None:
            super().add_tool(fn, name=f"own_{name or fn.__name__}", **options)

        def get_context(self) -> Context[Any, Any, Any]:
            return OwnContext(request_context=super().get_context().request_context, fastmcp=self)

        @property
        def session_manager(self) -> StreamableHTTPSessionManager:
            manager = super().session_manager
            managers.append(manager)
            return manager

    managers: list[StreamableHTTPSessionManager] = []
    server = Own("own")

    @server.tool()
    async def where(ctx: Context[Any, Any, Any]) -> str:
        assert isinstance(ctx, OwnContext)
        return ctx.where

    async with connect(server) as client:
        assert text_of(await client.call_tool("own_where")) == "here"
    server.streamable_http_app()
    assert server.session_manager is managers[0]


async def test_apps_are_replaced_on_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    """mcp-use: `sse_app` and `streamable_http_app`, which `run` then serves."""
    server = make_server()
    served: list[Any] = []

    class Server:
        def __init__(self, config: Any) -> None:
            served.append(config.app)

        async def serve(self) -> None: ...

    monkeypatch.setattr("uvicorn.Server", Server)
    apps = [Starlette(), Starlette()]
    server.sse_app = lambda mount_path=None: apps[0]  # type: ignore[method-assign]
    server.streamable_http_app = lambda: apps[1]  # type: ignore[method-assign]
    await server.run_sse_async()
    await server.run_streamable_http_async()
    assert served == apps


def test_a_new_session_manager() -> None:
    """mcp-use, posthog: `_session_manager` set back to None; jupyter: settings assigned before the app is made."""
    server = make_server()
    assert server._session_manager is None
    server.settings.transport_security = security = TransportSecuritySettings(allowed_hosts=["example.com"])
    server.streamable_http_app()
    first = server._session_manager
    assert first is server.session_manager
    assert first is not None
    assert first.security_settings is security
    server._session_manager = None
    server.streamable_http_app()
    assert server._session_manager not in (None, first)


# Transports


class Traced:
    """Stands in front of a stream."""

    def __init__(self, stream: Any, seen: list[str]) -> None:
        self._stream = stream
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> Traced:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *exception: Any) -> Any:
        return await self._stream.__aexit__(*exception)

    def __aiter__(self) -> AsyncGenerator[Any, None]:
        return self._items()

    async def _items(self) -> AsyncGenerator[Any, None]:
        async for item in self._stream:
            self._seen.append(type(item.message.root).__name__)
            yield item

    async def send(self, item: Any) -> None:
        self._seen.append(getattr(item.message.root, "method", "answer"))
        await self._stream.send(item)


SERVER = """
import anyio
from mcp.server.fastmcp import FastMCP

server = FastMCP("child")

@server.tool()
def add(a: int, b: int) -> int:
    return a + b

server.run()
"""


async def test_tracing_of_a_transport(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """opentelemetry, openinference: `mcp.client.stdio.stdio_client` wrapped; its two streams behind proxies."""
    original = mcp.client.stdio.stdio_client
    seen: list[str] = []

    @functools.wraps(original)
    @asynccontextmanager
    async def traced(*arguments: Any, **options: Any) -> AsyncGenerator[Any, None]:
        async with original(*arguments, **options) as (read, write):
            yield Traced(read, seen), Traced(write, seen)

    monkeypatch.setattr(mcp.client.stdio, "stdio_client", traced)
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    parameters = StdioServerParameters(command=sys.executable, args=[str(script)])
    with anyio.fail_after(20):
        async with mcp.client.stdio.stdio_client(parameters) as (read, write):
            async with ClientSession(read, write) as session:
                await session.initialize()
                assert text_of(await session.call_tool("add", {"a": 1, "b": 2})) == "3"
    assert [item for item in seen if item.endswith("Response")] == ["JSONRPCResponse"] * 3
    assert [item for item in seen if "/" in item or item == "initialize"] == [
        "initialize",
        "notifications/initialized",
        "tools/call",
        "tools/list",
    ]


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (mcp.client.stdio.stdio_client, ["server", "errlog"]),
        (mcp.client.sse.sse_client, ["url", "headers", "timeout"]),
        (mcp.client.websocket.websocket_client, ["url"]),
        (mcp.client.streamable_http.streamable_http_client, ["url"]),
        (mcp.server.stdio.stdio_server, ["stdin", "stdout"]),
        (SseServerTransport.connect_sse, ["self", "scope", "receive", "send"]),
        (StreamableHTTPServerTransport.connect, ["self"]),
    ],
)
def test_transports_are_functions_that_give_a_context_manager(
    function: Callable[..., Any], parameters: list[str]
) -> None:
    """What wrapt needs to replace them."""
    assert inspect.isfunction(function)
    assert not inspect.iscoroutinefunction(function)
    assert list(inspect.signature(function).parameters)[: len(parameters)] == parameters


def test_a_server_transport_handles_requests_by_method() -> None:
    """sentry: replaces it on the class."""
    function = StreamableHTTPServerTransport.handle_request
    assert inspect.iscoroutinefunction(function)
    assert list(inspect.signature(function).parameters) == ["self", "scope", "receive", "send"]


def test_names_of_the_client_transport() -> None:
    """agent frameworks: the header's name, and the type of the third item."""
    assert MCP_SESSION_ID == "mcp-session-id"
    callback: GetSessionIdCallback = lambda: None  # noqa: E731
    assert callback() is None


async def test_calls_by_path_are_mocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """openai-agents, strands: `ClientSession` methods replaced by their path, for every session."""

    async def initialize(self: ClientSession) -> str:
        return "initialized"

    async def list_tools(self: ClientSession, *arguments: Any, **options: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[])

    monkeypatch.setattr("mcp.client.session.ClientSession.initialize", initialize)
    monkeypatch.setattr("mcp.client.session.ClientSession.list_tools", list_tools)
    async with connect(make_server()) as client:
        calls: Awaitable[Any] = client.initialize()
        assert await calls == "initialized"
        assert (await client.list_tools()).tools == []
