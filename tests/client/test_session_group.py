"""CSN-30 … CSN-50: several connections as one."""

from __future__ import annotations

import contextlib
import logging
import sys
import textwrap
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

import mcp
import mcp.types as types
from mcp import ClientSession, ClientSessionGroup, StdioServerParameters
from mcp.client import session_group
from mcp.client.session_group import ClientSessionParameters, SseServerParameters, StreamableHttpParameters
from mcp.server.lowlevel import Server
from mcp.shared._owner import OwnedContext
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_client_server_memory_streams

pytestmark = pytest.mark.anyio

ANYTHING = {"type": "object"}


def make_server(
    name: str, *, tools: list[str] | None = None, prompts: list[str] | None = None, resources: list[str] | None = None
) -> Server[Any]:
    """A server that offers what it is told to; None for what it does not even list."""
    server: Server[Any] = Server(name)
    if tools is not None:

        @server.list_tools()
        async def list_tools(request: types.ListToolsRequest) -> types.ListToolsResult:
            assert request.params is None
            listed = [types.Tool(name=tool, inputSchema=ANYTHING) for tool in tools]
            return types.ListToolsResult(tools=listed, nextCursor="a second page, which nobody reads")

        @server.call_tool()
        async def call_tool(tool: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
            context = server.request_context
            if context.meta is not None and context.meta.progressToken is not None:
                await context.session.send_progress_notification(context.meta.progressToken, 0.5, 1.0, "half")
            if tool == "slow":
                await anyio.sleep_forever()
            key = getattr(context.meta, "key", None)
            return [types.TextContent(type="text", text=f"{name}.{tool} {arguments} {key}")]

    if prompts is not None:

        @server.list_prompts()
        async def list_prompts() -> list[types.Prompt]:
            return [types.Prompt(name=prompt) for prompt in prompts]

    if resources is not None:

        @server.list_resources()
        async def list_resources() -> list[types.Resource]:
            return [types.Resource.model_validate({"name": item, "uri": f"test://{name}/{item}"}) for item in resources]

    return server


class Network:
    """Servers to connect to without processes: each `StdioServerParameters.command` names one."""

    def __init__(self) -> None:
        self.servers: dict[str, Server[Any]] = {}
        self.open: list[str] = []
        self.fail_at_close = ""

    def __call__(self, *servers: Server[Any]) -> list[StdioServerParameters]:
        self.servers |= {server.name: server for server in servers}
        return [StdioServerParameters(command=server.name) for server in servers]

    def stdio_client(self, parameters: StdioServerParameters) -> Any:
        # Of a task of its own, as any transport: connections are not closed in the order of a stack.
        return OwnedContext(lambda: self._connection(self.servers[parameters.command]), parameters.command)

    @asynccontextmanager
    async def _connection(self, server: Server[Any]) -> AsyncGenerator[Any, None]:
        async with create_client_server_memory_streams() as (client_streams, server_streams):
            async with anyio.create_task_group() as tasks:
                if server.name != "mute":
                    tasks.start_soon(server.run, *server_streams, server.create_initialization_options())
                self.open.append(server.name)
                try:
                    yield client_streams
                finally:
                    self.open.remove(server.name)
                    tasks.cancel_scope.cancel()
        if server.name == self.fail_at_close:
            raise OSError(f"{server.name} does not close")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    net = Network()
    monkeypatch.setattr(mcp, "stdio_client", net.stdio_client)
    return net


def by_server(name: str, server: types.Implementation) -> str:
    return f"{server.name}.{name}"


def text_of(result: types.CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, types.TextContent)
    return block.text


# What a group offers


async def test_components_of_all_servers_by_name(network: Network) -> None:
    """CSN-30, CSN-40: resources by name, not URI."""
    a, b = network(
        make_server("a", tools=["t1", "t2"], prompts=["p1"], resources=["r1"]),
        make_server("b", tools=["t3"], prompts=["p2"], resources=["r2"]),
    )
    async with ClientSessionGroup() as group:
        first = await group.connect_to_server(a)
        second = await group.connect_to_server(b)
        assert isinstance(first, ClientSession)
        assert group.sessions == [first, second]
        assert list(group.tools) == ["t1", "t2", "t3"]
        assert list(group.prompts) == ["p1", "p2"]
        assert {name: str(resource.uri) for name, resource in group.resources.items()} == {
            "r1": "test://a/r1",
            "r2": "test://b/r2",
        }
        assert isinstance(group.tools["t1"], types.Tool)
        assert isinstance(group.prompts["p1"], types.Prompt)


async def test_a_hook_names_the_components(network: Network) -> None:
    """CSN-30: the values keep their own names. CSN-37: and are called by them."""
    a, b = network(
        make_server("a", tools=["t"], prompts=["p"], resources=["r"]),
        make_server("b", tools=["t"], prompts=["p"], resources=["r"]),
    )
    async with ClientSessionGroup(component_name_hook=by_server) as group:
        await group.connect_to_server(a)
        await group.connect_to_server(b)
        assert {name: tool.name for name, tool in group.tools.items()} == {"a.t": "t", "b.t": "t"}
        assert {name: prompt.name for name, prompt in group.prompts.items()} == {"a.p": "p", "b.p": "p"}
        assert {name: resource.name for name, resource in group.resources.items()} == {"a.r": "r", "b.r": "r"}
        assert text_of(await group.call_tool("b.t", {"x": 1})) == "b.t {'x': 1} None"


async def test_only_first_pages_are_taken(network: Network) -> None:
    """CSN-33, CSN-41: and what changes later is not noticed."""
    tools = ["t1"]
    (a,) = network(make_server("a", tools=tools))
    async with ClientSessionGroup() as group:
        session = await group.connect_to_server(a)
        tools.append("t2")
        await session.list_tools()
        assert list(group.tools) == ["t1"]


async def test_what_a_server_does_not_list_counts_as_none(network: Network, caplog: pytest.LogCaptureFixture) -> None:
    """CSN-33"""
    (a,) = network(make_server("a", tools=["t"]))
    async with ClientSessionGroup() as group:
        await group.connect_to_server(a)
        assert (list(group.tools), group.prompts, group.resources) == (["t"], {}, {})
    assert [entry for entry in caplog.record_tuples if entry[0] == "root"] == [
        ("root", logging.WARNING, "Could not fetch prompts: Method not found"),
        ("root", logging.WARNING, "Could not fetch resources: Method not found"),
    ]


async def test_a_server_with_nothing_to_offer_is_a_member(network: Network) -> None:
    """CSN-36: connected by the group or not, and can be disconnected."""
    (a,) = network(make_server("a"))
    async with ClientSessionGroup() as group:
        session = await group.connect_to_server(a)
        assert group.sessions == [session]
        await group.disconnect_from_server(session)
        assert (group.sessions, network.open) == ([], [])
        async with foreign_session(make_server("b")) as (info, other):
            assert await group.connect_with_session(info, other) is other
            assert group.sessions == [other]
            await group.disconnect_from_server(other)
            assert group.sessions == []


@asynccontextmanager
async def foreign_session(server: Server[Any]) -> AsyncGenerator[tuple[types.Implementation, ClientSession], None]:
    net = Network()
    (parameters,) = net(server)
    async with net.stdio_client(parameters) as streams, ClientSession(*streams) as session:
        info = (await session.initialize()).serverInfo
        yield info, session


async def test_a_foreign_session_belongs_to_its_owner() -> None:
    """CSN-32"""
    async with foreign_session(make_server("a", tools=["t"])) as (info, session):
        async with ClientSessionGroup() as group:
            await group.connect_with_session(info, session)
            assert text_of(await group.call_tool("t", {})) == "a.t {} None"
            await group.disconnect_from_server(session)
            assert group.tools == {}
            await group.connect_with_session(info, session)
        await session.send_ping()


# Names that are taken


@pytest.mark.parametrize("kind", ["prompts", "resources", "tools"])
async def test_a_name_is_given_once(kind: str, network: Network) -> None:
    """CSN-34, CSN-35: nothing of the new server is added, and its connection is closed."""
    a, b = network(
        make_server("a", **{kind: ["one", "mine"]}),  # type: ignore[arg-type]
        make_server("b", **{"tools": ["more"], kind: ["one", "yours"]}),  # type: ignore[arg-type]
    )
    async with ClientSessionGroup() as group:
        session = await group.connect_to_server(a)
        with pytest.raises(McpError) as refused:
            await group.connect_to_server(b)
        assert refused.value.error == types.ErrorData(code=-32602, message=f"{{'one'}} already exist in group {kind}.")
        assert group.sessions == [session]
        assert list(getattr(group, kind)) == ["one", "mine"]
        assert "more" not in group.tools
        assert network.open == ["a"]
        assert list(group._session_exit_stacks) == [session]


async def test_prompts_are_looked_at_first(network: Network) -> None:
    """CSN-34: then resources, then tools."""
    everything = {"prompts": ["x"], "resources": ["x"], "tools": ["x"]}
    async with ClientSessionGroup() as group:
        await group.connect_to_server(network(make_server("a", **everything))[0])
        for expected in ("prompts", "resources", "tools"):
            with pytest.raises(McpError, match=f" already exist in group {expected}"):
                await group.connect_to_server(network(make_server("b", **everything))[0])
            del everything[expected]


async def test_a_foreign_session_with_a_taken_name_stays_open(network: Network) -> None:
    """CSN-34, CSN-35"""
    (a,) = network(make_server("a", tools=["t"]))
    async with ClientSessionGroup() as group, foreign_session(make_server("b", tools=["t"])) as (info, other):
        await group.connect_to_server(a)
        with pytest.raises(McpError, match="already exist"):
            await group.connect_with_session(info, other)
        await other.send_ping()
        assert other not in group.sessions


# Calling tools


async def test_calling_a_tool(network: Network) -> None:
    """CSN-37: everything is passed on; `args` wins over `arguments`."""
    reports: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total, message))

    (a,) = network(make_server("a", tools=["t", "slow"]))
    async with ClientSessionGroup() as group:
        await group.connect_to_server(a)
        full = await group.call_tool("t", {"x": 1}, timedelta(seconds=5), on_progress, meta={"key": "value"})
        assert text_of(full) == "a.t {'x': 1} value"
        assert reports == [(0.5, 1.0, "half")]
        assert text_of(await group.call_tool("t", args={"y": 2})) == "a.t {'y': 2} None"
        both: Any = {"arguments": {"x": 1}, "args": {}}
        assert text_of(await group.call_tool("t", **both)) == "a.t {} None"
        with pytest.raises(McpError, match="Timed out"):
            await group.call_tool("slow", {}, timedelta(milliseconds=20))
        with pytest.raises(KeyError, match="unknown"):
            await group.call_tool("unknown", {})


# Connections


async def test_disconnecting(network: Network) -> None:
    """CSN-38"""
    everything: dict[str, Any] = {"prompts": ["p"], "resources": ["r"], "tools": ["t"]}
    a, b = network(make_server("a", **everything), make_server("b", **everything))
    async with ClientSessionGroup(component_name_hook=by_server) as group:
        first, second = await group.connect_to_server(a), await group.connect_to_server(b)
        await group.disconnect_from_server(first)
        assert network.open == ["b"]
        assert group.sessions == [second]
        assert (list(group.tools), list(group.prompts), list(group.resources)) == (["b.t"], ["b.p"], ["b.r"])
        with pytest.raises(KeyError):
            await group.call_tool("a.t", {})
        with pytest.raises(McpError) as refused:
            await group.disconnect_from_server(first)
        message = "Provided session is not managed or already disconnected."
        assert refused.value.error == types.ErrorData(code=-32602, message=message)
        await group.connect_to_server(a)
        assert list(group.tools) == ["b.t", "a.t"]


async def test_a_group_closes_its_connections(network: Network) -> None:
    """CSN-39"""
    async with ClientSessionGroup(component_name_hook=by_server) as group:
        for parameters in network(make_server("a", tools=["t"]), make_server("b", tools=["t"])):
            await group.connect_to_server(parameters)
        assert network.open == ["a", "b"]
    assert network.open == []


async def test_an_exit_stack_stays_with_its_owner(network: Network) -> None:
    """CSN-39: only the connections are closed."""
    (a,) = network(make_server("a", tools=["t"]))
    closed: list[str] = []
    async with AsyncExitStack() as stack:
        stack.callback(closed.append, "stack")
        async with ClientSessionGroup(exit_stack=stack) as group:
            await group.connect_to_server(a)
        assert (network.open, closed) == ([], [])
    assert closed == ["stack"]


async def test_an_exit_stack_closes_the_connections_of_a_group_that_is_not_entered(network: Network) -> None:
    """CSN-39"""
    (a,) = network(make_server("a", tools=["t"]))
    async with AsyncExitStack() as stack:
        session = await ClientSessionGroup(exit_stack=stack).connect_to_server(a)
        await session.send_ping()
    assert network.open == []


async def test_connections_are_closed_though_closing_one_fails(network: Network) -> None:
    """CSN-39"""
    network.fail_at_close = "b"
    group = ClientSessionGroup(component_name_hook=by_server)
    with pytest.raises(OSError, match="b does not close"):
        async with group:
            for parameters in network(*(make_server(name, tools=["t"]) for name in "abc")):
                await group.connect_to_server(parameters)
    assert network.open == []


async def test_a_failing_handshake_closes_what_was_opened(network: Network) -> None:
    """CSN-31: and the error is raised again."""
    (mute,) = network(make_server("mute"))
    impatient = ClientSessionParameters(read_timeout_seconds=timedelta(milliseconds=20))
    async with ClientSessionGroup() as group:
        with pytest.raises(KeyError, match="nowhere"):
            await group.connect_to_server(StdioServerParameters(command="nowhere"))
        with pytest.raises(McpError, match="Timed out"):
            await group.connect_to_server(mute, impatient)
        assert (network.open, group.sessions, group._session_exit_stacks) == ([], [], {})


async def test_a_list_that_cannot_be_read_closes_the_connection(network: Network) -> None:
    """CSN-31, CSN-33: only an `McpError` is forgiven."""
    server = make_server("a")
    (parameters,) = network(server)

    async def list_prompts(request: types.ListPromptsRequest) -> types.ServerResult:
        return types.ServerResult(types.EmptyResult())

    server.request_handlers[types.ListPromptsRequest] = list_prompts
    async with ClientSessionGroup() as group:
        with pytest.raises(ValueError, match="prompts"):
            await group.connect_to_server(parameters)
        assert (network.open, group.sessions, group._session_exit_stacks) == ([], [], {})


async def test_session_parameters_reach_the_session(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """CSN-31"""
    given: list[dict[str, Any]] = []

    class Session(ClientSession):
        def __init__(self, *streams: Any, **options: Any) -> None:
            given.append(options)
            super().__init__(*streams, **options)

    monkeypatch.setattr(mcp, "ClientSession", Session)

    async def callback(*arguments: Any) -> Any: ...

    options: dict[str, Any] = {
        "read_timeout_seconds": timedelta(seconds=5),
        "sampling_callback": callback,
        "elicitation_callback": callback,
        "list_roots_callback": callback,
        "logging_callback": callback,
        "message_handler": callback,
        "client_info": types.Implementation(name="c", version="2"),
    }
    (a,) = network(make_server("a"))
    async with ClientSessionGroup() as group:
        await group.connect_to_server(a, ClientSessionParameters(**options))
        await group.connect_to_server(a)
    assert given == [options, dict.fromkeys(options)]


def test_defaults_of_the_parameters() -> None:
    """CSN-31"""
    sse = SseServerParameters(url="http://x")
    assert (sse.headers, sse.timeout, sse.sse_read_timeout) == (None, 5, 300)
    http = StreamableHttpParameters(url="http://x")
    assert (http.headers, http.terminate_on_close) == (None, True)
    assert (http.timeout, http.sse_read_timeout) == (timedelta(seconds=30), timedelta(seconds=300))


@pytest.fixture
def served(network: Network) -> Callable[..., Any]:
    """A stand-in of an HTTP transport that keeps its arguments and serves `a`."""
    (parameters,) = network(make_server("a", tools=["t"]))

    def transport(given: dict[str, Any], *more: Any) -> Any:
        @asynccontextmanager
        async def client(**options: Any) -> AsyncGenerator[Any, None]:
            given.update(options)
            async with network.stdio_client(parameters) as streams:
                yield (*streams, *more)

        return client

    return transport


async def test_sse_parameters(served: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """CSN-31"""
    given: dict[str, Any] = {}
    monkeypatch.setattr(session_group, "sse_client", served(given))
    async with ClientSessionGroup() as group:
        await group.connect_to_server(
            SseServerParameters(url="http://x/sse", headers={"a": "b"}, timeout=1, sse_read_timeout=2)
        )
        assert list(group.tools) == ["t"]
    assert given == {"url": "http://x/sse", "headers": {"a": "b"}, "timeout": 1, "sse_read_timeout": 2}


async def test_streamable_http_parameters(served: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """CSN-31: the HTTP client is the group's, and is closed with the connection."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(session_group, "streamable_http_client", served(given, lambda: None))
    parameters = StreamableHttpParameters(
        url="http://x/mcp",
        headers={"a": "b"},
        timeout=timedelta(seconds=3),
        sse_read_timeout=timedelta(seconds=4),
        terminate_on_close=False,
    )
    async with ClientSessionGroup() as group:
        session = await group.connect_to_server(parameters)
        assert list(group.tools) == ["t"]
        http_client = given.pop("http_client")
        assert given == {"url": "http://x/mcp", "terminate_on_close": False}
        assert http_client.headers["a"] == "b"
        assert http_client.timeout.as_dict() == {"connect": 3.0, "write": 3.0, "pool": 3.0, "read": 4.0}
        assert not http_client.is_closed
        await group.disconnect_from_server(session)
        assert http_client.is_closed


SERVER = """
import anyio
import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

server = Server("real")

@server.list_tools()
async def list_tools():
    return [types.Tool(name="greet", inputSchema={"type": "object"})]

@server.call_tool()
async def call_tool(name, arguments):
    return [types.TextContent(type="text", text="hello")]

async def main():
    async with stdio_server() as streams:
        await server.run(*streams, server.create_initialization_options())

anyio.run(main)
"""


async def test_a_real_server(tmp_path: Path) -> None:
    """CSN-31, CSN-39: entered and left in different tasks."""
    script = tmp_path / "server.py"
    script.write_text(textwrap.dedent(SERVER))
    parameters = StdioServerParameters(command=sys.executable, args=[str(script)])
    group = ClientSessionGroup()
    await group.__aenter__()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(group.connect_to_server, parameters)
        assert text_of(await group.call_tool("greet", {})) == "hello"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(group.__aexit__, None, None, None)


async def test_private_names(network: Network) -> None:
    """CSN-50, TCL-66"""
    # TCL-66: tests patch what stands under these names, which are looked up when used (see the fixtures).
    assert session_group.mcp is mcp
    (a,) = network(make_server("a", tools=["t"], prompts=["p"], resources=["r"]))
    stack = contextlib.AsyncExitStack()
    async with stack, ClientSessionGroup(exit_stack=stack) as group:
        assert group._exit_stack is stack
        info, session = await group._establish_session(a, ClientSessionParameters())
        assert (info.name, group.sessions, network.open) == ("a", [], ["a"])
        assert isinstance(group._session_exit_stacks[session], contextlib.AsyncExitStack)
        await group.connect_with_session(info, session)
        assert group._tool_to_session == {"t": session}
        names = ClientSessionGroup._ComponentNames(prompts={"p"}, resources={"r"}, tools={"t"})
        assert group._sessions == {session: names}
        assert (group._tools, group._prompts, group._resources) == (group.tools, group.prompts, group.resources)
        assert ClientSessionGroup._ComponentNames().tools == set()
        # Closed also where its components were never taken in.
        _, other = await group._establish_session(a, ClientSessionParameters())
        await group.disconnect_from_server(other)
        assert network.open == ["a"]
