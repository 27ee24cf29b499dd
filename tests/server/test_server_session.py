"""`ServerSession`: LLS-48 to LLS-60, LLS-64 to LLS-70."""

import contextlib
import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.models import InitializationOptions
from mcp.server.session import InitializationState, ServerSession
from mcp.server.validation import check_sampling_tools_capability, validate_sampling_tools
from mcp.shared.exceptions import McpError
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.shared.session import RequestResponder
from mcp.types import SamplingMessage, TextContent, ToolResultContent, ToolUseContent

pytestmark = pytest.mark.anyio

OPTIONS = InitializationOptions(
    server_name="s",
    server_version="1",
    capabilities=types.ServerCapabilities(),
    instructions="i",
    website_url="https://w",
    icons=[types.Icon(src="i")],
)
REFUSED = {"error": {"code": -32602, "message": "Invalid request parameters", "data": ""}}


@pytest.fixture
def connect(raw_peer: Any) -> Any:
    """`connect(**capabilities)`: an initialized session whose messages are read, and the client at its other end."""

    @contextlib.asynccontextmanager
    async def make(**capabilities: Any) -> Any:
        async with raw_peer() as peer, ServerSession(peer.read_stream, peer.write_stream, OPTIONS) as session:
            async with anyio.create_task_group() as tasks:

                async def answer_pings() -> None:
                    async for message in session.incoming_messages:
                        if isinstance(message, RequestResponder):
                            with message:
                                await message.respond(types.ServerResult(types.EmptyResult()))

                tasks.start_soon(answer_pings)
                await peer.initialize(**capabilities)
                yield session, peer
                tasks.cancel_scope.cancel()

    return make


# Initialization


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1", "2025-11-25"),
        ("", "2025-11-25"),
        (3, "2025-11-25"),
    ],
)
async def test_initialize(raw_peer: Any, asked: Any, agreed: str) -> None:
    """LLS-48, LLS-4, LLS-52: initialized as soon as the answer is written."""
    async with raw_peer() as peer, ServerSession(peer.read_stream, peer.write_stream, OPTIONS) as session:
        assert session.client_params is None
        assert session._initialization_state is InitializationState.NotInitialized
        params = {"protocolVersion": asked, "capabilities": {"roots": {}}, "clientInfo": {"name": "c", "version": "1"}}
        assert await peer.ask(0, "initialize", params) == {
            "result": {
                "protocolVersion": agreed,
                "capabilities": {},
                "serverInfo": {"name": "s", "version": "1", "websiteUrl": "https://w", "icons": [{"src": "i"}]},
                "instructions": "i",
            }
        }
        await anyio.wait_all_tasks_blocked()
        assert session._initialization_state is InitializationState.Initialized
        assert session.client_params is not None
        assert session.client_params is session._client_params
        assert session.client_params.protocolVersion == asked
        # Without notifications/initialized.
        await peer.send(id=1, method="tools/list")
        assert isinstance(await session.incoming_messages.receive(), RequestResponder)


@pytest.mark.parametrize(
    "params",
    [
        None,
        {},
        {"protocolVersion": None, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}},
        {"protocolVersion": "1", "capabilities": {}, "clientInfo": {}},
    ],
)
async def test_initialize_with_wrong_params(raw_peer: Any, params: Any) -> None:
    """LLS-48, SES-23."""
    async with raw_peer() as peer, ServerSession(peer.read_stream, peer.write_stream, OPTIONS) as session:
        assert await peer.ask(0, "initialize", params) == REFUSED
        assert session._initialization_state is InitializationState.NotInitialized
        # And once more, properly.
        await peer.initialize()


async def test_a_client_may_repeat_its_initialize(connect: Any) -> None:
    """LLS-48: some keep a connection and shake hands again whenever they come back to it."""
    async with connect() as (session, peer):
        before = session.client_params
        params = before.model_dump(mode="json", by_alias=True, exclude_none=True)
        params["_meta"] = {"traceparent": "another"}
        answer = await peer.ask(1, "initialize", params)
        assert answer["result"]["protocolVersion"] == before.protocolVersion
        assert session.client_params is before
        await peer.silent()


async def test_a_different_initialize_is_refused(connect: Any) -> None:
    """LLS-48, as decided: the session is unchanged."""
    async with connect() as (session, peer):
        before = session.client_params
        params = {"protocolVersion": "1", "capabilities": {}, "clientInfo": {"name": "other", "version": "1"}}
        assert await peer.ask(1, "initialize", params) == {
            "error": {"code": -32600, "message": "The session is already initialized"}
        }
        assert session.client_params is before
        await peer.silent()


async def test_before_initialization(raw_peer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """LLS-49, LLS-50: what is dropped is logged."""
    async with raw_peer() as peer, ServerSession(peer.read_stream, peer.write_stream, OPTIONS) as session:
        assert await peer.ask(1, "tools/list") == REFUSED
        caplog.clear()
        await peer.send(method="notifications/progress", params={"progressToken": 1, "progress": 1})
        await peer.send(id=2, method="ping")
        # The ping is the first that gets through.
        message: Any = await session.incoming_messages.receive()
        assert isinstance(message.request.root, types.PingRequest)
        dropped = "Failed to validate notification: Received notification before initialization was complete"
        assert caplog.messages == [dropped]
        await peer.send(method="notifications/initialized")
        notification: Any = await session.incoming_messages.receive()
        assert isinstance(notification.root, types.InitializedNotification)
        assert session._initialization_state is InitializationState.Initialized
        assert session.client_params is None


async def test_stateless(raw_peer: Any) -> None:
    """LLS-51: no handshake needed, and one is possible."""
    async with (
        raw_peer() as peer,
        ServerSession(peer.read_stream, peer.write_stream, OPTIONS, stateless=True) as session,
    ):
        assert session._initialization_state is InitializationState.Initialized
        assert not session.check_client_capability(types.ClientCapabilities())
        await peer.send(id=1, method="tools/list")
        assert isinstance(await session.incoming_messages.receive(), RequestResponder)
        assert session.client_params is None
        params = {"protocolVersion": "1", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        assert "result" in await peer.ask(2, "initialize", params)
        assert session.client_params is not None


def test_states() -> None:
    """LLS-52."""
    assert [state.name for state in InitializationState] == ["NotInitialized", "Initializing", "Initialized"]


@pytest.mark.parametrize(
    ("declared", "wanted", "has"),
    [
        ({}, {}, True),
        ({}, {"roots": {}}, False),
        ({"roots": {}}, {"roots": {}}, True),
        ({"roots": {}}, {"roots": {"listChanged": True}}, False),
        ({"roots": {"listChanged": False}}, {"roots": {"listChanged": True}}, False),
        ({"roots": {"listChanged": True}}, {"roots": {"listChanged": True}}, True),
        ({"roots": {}}, {"roots": {"listChanged": False}}, True),
        ({}, {"sampling": {}}, False),
        ({"sampling": {}}, {"sampling": {}}, True),
        ({"sampling": {}}, {"sampling": {"context": {}}}, False),
        ({"sampling": {"context": {}}}, {"sampling": {"context": {}}}, True),
        ({"sampling": {}}, {"sampling": {"tools": {}}}, False),
        ({"sampling": {"tools": {}}}, {"sampling": {"tools": {}}}, True),
        ({}, {"elicitation": {}}, False),
        ({"elicitation": {}}, {"elicitation": {}}, True),
        ({"elicitation": {"url": {}}}, {"elicitation": {}}, True),
        ({"elicitation": {}}, {"elicitation": {"form": {}}}, True),
        ({"elicitation": {"form": {}}}, {"elicitation": {"form": {}}}, True),
        ({"elicitation": {"url": {}}}, {"elicitation": {"form": {}}}, False),
        ({"elicitation": {}}, {"elicitation": {"url": {}}}, False),
        ({"elicitation": {"form": {}, "url": {}}}, {"elicitation": {"form": {}, "url": {}}}, True),
        ({}, {"experimental": {"x": {}}}, False),
        ({"experimental": {"x": {"a": 1}}}, {"experimental": {"x": {"a": 1}}}, True),
        ({"experimental": {"x": {"a": 1}}}, {"experimental": {"x": {"a": 2}}}, False),
        ({"experimental": {"x": {}, "y": {}}}, {"experimental": {"y": {}}}, True),
        ({"experimental": {}}, {"experimental": {}}, True),
        ({"roots": {}}, {"roots": {}, "sampling": {}}, False),
        ({}, {"tasks": {}}, False),
    ],
)
async def test_client_capabilities(connect: Any, declared: Any, wanted: Any, has: bool) -> None:
    """LLS-53."""
    async with connect(**declared) as (session, _):
        assert session.check_client_capability(types.ClientCapabilities.model_validate(wanted)) is has


# Requests to the client


async def asked(peer: Any, call: Any, answer: Any) -> tuple[dict[str, Any], Any]:
    """Run a call while the client answers it: what was asked, and what came of the call."""
    outcome: list[Any] = []

    async def run() -> None:
        try:
            outcome.append(await call)
        except Exception as error:
            outcome.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        request = await peer.receive()
        await peer.send(id=request.pop("id"), **answer)
    return request, outcome[0]


USER = SamplingMessage(role="user", content=TextContent(type="text", text="q"))
SAMPLED = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "a"}}
TOOL = types.Tool(name="t", inputSchema={"type": "object"})


async def test_create_message(connect: Any) -> None:
    """LLS-54: no check for `sampling` itself; LLS-56."""
    async with connect() as (session, peer):
        request, result = await asked(peer, session.create_message([USER], max_tokens=5), {"result": SAMPLED})
        message = {"role": "user", "content": {"type": "text", "text": "q"}}
        assert request == {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 5}}
        assert type(result) is types.CreateMessageResult
        assert result.model == "m"
        request, _ = await asked(
            peer,
            session.create_message(
                [USER],
                max_tokens=5,
                system_prompt="s",
                include_context="none",
                temperature=0.5,
                stop_sequences=["x"],
                metadata={"k": None},
                model_preferences=types.ModelPreferences(costPriority=1),
            ),
            {"result": SAMPLED},
        )
        assert request["params"] == {
            "messages": [message],
            "maxTokens": 5,
            "systemPrompt": "s",
            "includeContext": "none",
            "temperature": 0.5,
            "stopSequences": ["x"],
            "metadata": {"k": None},
            "modelPreferences": {"costPriority": 1.0},
        }


@pytest.mark.parametrize(("tools", "tool_choice"), [([TOOL], None), ([], None), (None, types.ToolChoice(mode="auto"))])
async def test_tools_need_the_capability(connect: Any, tools: Any, tool_choice: Any) -> None:
    """LLS-54: an empty list counts; nothing is sent."""
    async with connect(sampling={}) as (session, peer):
        with pytest.raises(McpError, match=r"^Client does not support sampling tools capability$") as raised:
            await session.create_message([USER], max_tokens=5, tools=tools, tool_choice=tool_choice)
        assert raised.value.error.code == -32602
        await peer.silent()


@pytest.mark.parametrize(
    ("capabilities", "supported"),
    [
        (None, False),
        (types.ClientCapabilities(), False),
        (types.ClientCapabilities(sampling=types.SamplingCapability()), False),
        (types.ClientCapabilities(sampling=types.SamplingCapability(tools=types.SamplingToolsCapability())), True),
    ],
)
def test_the_check_itself(capabilities: Any, supported: bool) -> None:
    """LLS-54."""
    assert check_sampling_tools_capability(capabilities) is supported
    validate_sampling_tools(capabilities, None, None)
    if supported:
        validate_sampling_tools(capabilities, [TOOL], None)
    else:
        with pytest.raises(McpError):
            validate_sampling_tools(capabilities, [TOOL], None)


@pytest.mark.parametrize("content", [SAMPLED["content"], [SAMPLED["content"]] * 2])
async def test_results_with_tools(connect: Any, content: Any) -> None:
    """LLS-56: with tools, be they none, a list of blocks is a result; without it is none."""
    async with connect(sampling={"tools": {}}) as (session, peer):
        answer = {"result": {**SAMPLED, "content": content}}
        request, result = await asked(
            peer,
            session.create_message([USER], max_tokens=5, tools=[TOOL], tool_choice=types.ToolChoice(mode="auto")),
            answer,
        )
        assert request["params"]["tools"] == [{"name": "t", "inputSchema": {"type": "object"}}]
        assert request["params"]["toolChoice"] == {"mode": "auto"}
        assert type(result) is types.CreateMessageResultWithTools
        request, result = await asked(peer, session.create_message([USER], max_tokens=5, tools=[]), answer)
        assert request["params"]["tools"] == []
        assert type(result) is types.CreateMessageResultWithTools
        _, result = await asked(peer, session.create_message([USER], max_tokens=5), answer)
        assert isinstance(result, ValidationError if isinstance(content, list) else types.CreateMessageResult)


def use(*ids: str) -> SamplingMessage:
    blocks: list[Any] = [ToolUseContent(type="tool_use", id=number, name="t", input={}) for number in ids]
    return SamplingMessage(role="assistant", content=blocks)


def results(*ids: str, text: bool = False) -> SamplingMessage:
    blocks: list[Any] = [ToolResultContent(type="tool_result", toolUseId=number, content=[]) for number in ids]
    return SamplingMessage(role="user", content=[*blocks, TextContent(type="text", text="t")] if text else blocks)


MIXED = r"^The last message must contain only tool_result content if any is present$"
ALONE = r"^tool_result requires a previous message containing tool_use$"
NO_USE = r"^tool_result blocks do not match any tool_use in the previous message$"
OTHERS = r"^ids of tool_result blocks and tool_use blocks from previous message do not match$"


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        pytest.param([USER, use("a"), results("a", text=True)], MIXED, id="mixed"),
        pytest.param([results("a")], ALONE, id="alone"),
        pytest.param([USER, results("a")], NO_USE, id="no use"),
        pytest.param([USER, use("a"), results("b")], OTHERS, id="another id"),
        pytest.param([USER, use("a", "b"), results("a")], OTHERS, id="one is missing"),
        pytest.param([USER, use("a"), results("a", "b")], OTHERS, id="one too many"),
        pytest.param([USER, use("a"), USER], OTHERS, id="none"),
        pytest.param([USER, use("a", "b"), results("b", "a")], None, id="in any order"),
        pytest.param([USER, use("a")], None, id="uses in the last one"),
        pytest.param([results("a"), USER], None, id="earlier ones are not looked at"),
        pytest.param([], None, id="nothing"),
    ],
)
async def test_tool_results_answer_tool_uses(connect: Any, messages: Any, text: str | None) -> None:
    """LLS-55: nothing is sent otherwise."""
    async with connect() as (session, peer):
        if text is None:
            await asked(peer, session.create_message(messages, max_tokens=1), {"result": SAMPLED})
        else:
            with pytest.raises(ValueError, match=text):
                await session.create_message(messages, max_tokens=1)
            await peer.silent()


FORM = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("call", "params"),
    [
        (lambda session: session.elicit("m", FORM), {"mode": "form", "message": "m", "requestedSchema": FORM}),
        (lambda session: session.elicit_form("m", FORM), {"mode": "form", "message": "m", "requestedSchema": FORM}),
        (
            lambda session: session.elicit_url("m", "https://e", "i"),
            {"mode": "url", "message": "m", "url": "https://e", "elicitationId": "i"},
        ),
    ],
    ids=["elicit", "form", "url"],
)
@pytest.mark.parametrize(
    "answer", [{"action": "accept", "content": {"a": "x"}}, {"action": "decline"}, {"action": "cancel"}]
)
async def test_elicitation(connect: Any, call: Any, params: Any, answer: Any) -> None:
    """LLS-57: no capability is checked, and declining is a result."""
    async with connect() as (session, peer):
        request, result = await asked(peer, call(session), {"result": answer})
        assert request == {"method": "elicitation/create", "params": params}
        assert isinstance(result, types.ElicitResult)
        assert result.model_dump(exclude_none=True) == answer


async def test_roots_and_ping(connect: Any) -> None:
    """LLS-58, LLS-59."""
    async with connect() as (session, peer):
        assert session._request_id == 0
        request, result = await asked(peer, session.list_roots(), {"result": {"roots": []}})
        assert request == {"method": "roots/list"}
        assert result == types.ListRootsResult(roots=[])
        request, result = await asked(peer, session.send_ping(), {"result": {}})
        assert request == {"method": "ping"}
        assert result == types.EmptyResult()
        error = {"code": -32601, "message": "m", "data": 1}
        _, result = await asked(peer, session.list_roots(), {"error": error})
        assert isinstance(result, McpError)
        assert result.error.model_dump() == error
        assert session._request_id == 3


async def test_a_client_that_does_not_answer(connect: Any) -> None:
    """SES-13: the class that is named is that of the root."""
    async with connect() as (session, peer):
        request = types.ServerRequest(types.ListRootsRequest())
        with pytest.raises(McpError) as raised:
            await session.send_request(request, types.ListRootsResult, timedelta(seconds=0.01))
        assert raised.value.error.code == 408
        assert str(raised.value) == "Timed out while waiting for response to ServerRequest. Waited 0.01 seconds."
        assert (await peer.receive())["method"] == "roots/list"


@pytest.mark.parametrize("related", [None, 0, "r"])
async def test_what_a_message_belongs_to(connect: Any, related: Any) -> None:
    """LLS-60: requests and notifications that take `related_request_id`."""
    calls = [
        lambda session: session.create_message([USER], max_tokens=1, related_request_id=related),
        lambda session: session.elicit("m", FORM, related),
        lambda session: session.elicit_form("m", FORM, related_request_id=related),
        lambda session: session.elicit_url("m", "https://e", "i", related),
        lambda session: session.send_log_message("info", 1, related_request_id=related),
        lambda session: session.send_progress_notification(1, 1, related_request_id=related),
        lambda session: session.send_elicit_complete("i", related),
    ]
    async with connect() as (session, peer):
        for call in calls:
            peer.items.clear()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call, session)
                await peer.receive()
                tasks.cancel_scope.cancel()
            expected = None if related is None else ServerMessageMetadata(related_request_id=related)
            assert peer.items[0].metadata == expected
            if isinstance(peer.items[0].message.root, types.JSONRPCRequest):
                assert (await peer.receive())["method"] == "notifications/cancelled"
                assert peer.items[1].metadata == expected


# Notifications


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        pytest.param(
            lambda session: session.send_log_message("debug", {"a": None}, "l"),
            {"method": "notifications/message", "params": {"level": "debug", "data": {"a": None}, "logger": "l"}},
            id="LLS-64",
        ),
        pytest.param(
            lambda session: session.send_log_message("emergency", "text"),
            {"method": "notifications/message", "params": {"level": "emergency", "data": "text"}},
            id="LLS-64 text",
        ),
        pytest.param(
            lambda session: session.send_log_message("info", None),
            {"method": "notifications/message", "params": {"level": "info"}},
            id="LLS-64 None",
        ),
        pytest.param(
            lambda session: session.send_progress_notification("t", 1, 2, "m"),
            {
                "method": "notifications/progress",
                "params": {"progressToken": "t", "progress": 1.0, "total": 2.0, "message": "m"},
            },
            id="LLS-65",
        ),
        pytest.param(
            lambda session: session.send_progress_notification(0, 0.5),
            {"method": "notifications/progress", "params": {"progressToken": 0, "progress": 0.5}},
            id="LLS-65 least",
        ),
        pytest.param(
            lambda session: session.send_resource_updated("test://X/ a"),
            {"method": "notifications/resources/updated", "params": {"uri": "test://X/%20a"}},
            id="LLS-66 resource updated",
        ),
        pytest.param(
            lambda session: session.send_resource_list_changed(),
            {"method": "notifications/resources/list_changed"},
            id="LLS-66 resources",
        ),
        pytest.param(
            lambda session: session.send_tool_list_changed(),
            {"method": "notifications/tools/list_changed"},
            id="LLS-66 tools",
        ),
        pytest.param(
            lambda session: session.send_prompt_list_changed(),
            {"method": "notifications/prompts/list_changed"},
            id="LLS-66 prompts",
        ),
        pytest.param(
            lambda session: session.send_elicit_complete("i"),
            {"method": "notifications/elicitation/complete", "params": {"elicitationId": "i"}},
            id="LLS-66 elicitation",
        ),
    ],
)
async def test_notifications(connect: Any, call: Any, sent: Any) -> None:
    """LLS-64 to LLS-66: on the standalone stream."""
    async with connect() as (session, peer):
        peer.items.clear()
        await call(session)
        assert await peer.receive() == sent
        assert peer.items[0].metadata is None


async def test_progress_need_not_grow(connect: Any) -> None:
    """LLS-65."""
    async with connect() as (session, peer):
        for amount in (2, 1, -1):
            await session.send_progress_notification("t", amount, total=3)
            params = (await peer.receive())["params"]
            assert (params["progress"], params["total"]) == (amount, 3)
            # As JSON floats: `2.0`, not `2`.
            assert (type(params["progress"]), type(params["total"])) == (float, float)


async def test_log_data_without_a_json_form(connect: Any) -> None:
    """LLS-64: is the caller's error, and the session goes on."""
    async with connect() as (session, peer):
        with pytest.raises(ValueError, match="serialize"):
            await session.send_log_message("info", object())
        await peer.silent()


async def test_a_message_as_it_is(connect: Any) -> None:
    """`send_message` puts any message on the wire."""
    async with connect() as (session, peer):
        notification = types.JSONRPCNotification(jsonrpc="2.0", method="mine", params={"a": None})
        await session.send_message(SessionMessage(types.JSONRPCMessage(notification)))
        assert await peer.receive() == {"method": "mine", "params": {"a": None}}


async def test_subscriptions_are_the_program_s(raw_client: Any) -> None:
    """LLS-67."""
    server: Server[Any] = Server("s")
    subscribed: list[str] = []

    @server.subscribe_resource()
    async def subscribe(uri: Any) -> None:
        subscribed.append(str(uri))

    async with raw_client(server) as peer:
        assert await peer.ask(1, "resources/subscribe", {"uri": "test://x"}) == {"result": {}}
        await peer.silent()
    assert subscribed == ["test://x"]


# Alone


async def test_used_alone(raw_peer: Any) -> None:
    """LLS-69: a program reads the messages itself; unread ones hold up the connection."""
    async with raw_peer() as peer, ServerSession(peer.read_stream, peer.write_stream, OPTIONS) as session:
        # Answered, not forwarded.
        await peer.initialize()
        await peer.send(id=2, method="ping")
        await peer.send_text("{")
        await anyio.wait_all_tasks_blocked()
        assert peer.read_stream.statistics().current_buffer_used == 2
        kinds: list[str] = []
        async for message in session.incoming_messages:
            if isinstance(message, RequestResponder):
                kinds.append(message.request.root.method)
                with message:
                    await message.respond(types.ServerResult(types.EmptyResult()))
                peer.hang_up()
            else:
                kinds.append(type(message).__name__)
        assert kinds == ["ClientNotification", "ping", "ProtocolError"]
        assert await peer.receive() == {"id": 2, "result": {}}


def test_the_module_as_a_command() -> None:
    """LLS-70: `python -m mcp.server` is a bare server over stdio, named mcp, with empty capabilities."""
    lines = [
        {
            "jsonrpc": "2.0",
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "c", "version": "1"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    ran = subprocess.run(
        [sys.executable, "-m", "mcp.server"], input=text, capture_output=True, text=True, timeout=20, check=True
    )
    answer = json.loads(ran.stdout)
    assert answer["id"] == 0
    assert answer["result"]["capabilities"] == {}
    assert answer["result"]["serverInfo"]["name"] == "mcp"
