"""`ClientSession`: CSN-1 to CSN-27."""

import contextlib
import logging
from datetime import timedelta
from typing import Any

import anyio
import pytest
from pydantic import AnyUrl, ValidationError

from mcp import types
from mcp.client.session import DEFAULT_CLIENT_INFO, LISTING_TIMEOUT, MAX_CONCURRENT_CALLBACKS, ClientSession
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.types import ErrorData, PaginatedRequestParams

pytestmark = pytest.mark.anyio


@pytest.fixture
def connect(raw_peer: Any) -> Any:
    """`connect(...)`: a session, not initialized, and the server at its other end."""

    @contextlib.asynccontextmanager
    async def make(**options: Any) -> Any:
        async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream, **options) as session:
            yield session, peer

    return make


@contextlib.asynccontextmanager
async def running(call: Any) -> Any:
    """Run a call; yields a list that gets what it returns or raises when the block is left."""
    outcome: list[Any] = []

    async def run() -> None:
        try:
            outcome.append(await call)
        except Exception as error:
            outcome.append(error)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            yield outcome


async def asked(peer: Any, call: Any, answer: Any) -> tuple[dict[str, Any], Any]:
    """Run a call while the server answers it: what was asked, and what came of the call."""
    async with running(call) as outcome:
        request = await peer.receive()
        await peer.send(id=request.pop("id"), **answer)
    return request, outcome[0]


async def callback(*_: Any) -> Any:
    raise AssertionError


# Initialize


async def test_the_default_client_info(connect: Any) -> None:
    """CSN-1, CSN-2."""
    async with connect() as (session, peer), running(session.initialize()) as outcome:
        assert await peer.accept() == {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "mcp", "version": "0.1.0"},
        }
    assert types.Implementation(name="mcp", version="0.1.0") == DEFAULT_CLIENT_INFO
    assert isinstance(outcome[0], types.InitializeResult)
    assert outcome[0].serverInfo.name == "raw"


@pytest.mark.parametrize(
    ("options", "capabilities"),
    [
        ({"sampling_callback": callback}, {"sampling": {}}),
        (
            {
                "sampling_callback": callback,
                "sampling_capabilities": types.SamplingCapability(tools=types.SamplingToolsCapability()),
            },
            {"sampling": {"tools": {}}},
        ),
        ({"sampling_capabilities": types.SamplingCapability(tools=types.SamplingToolsCapability())}, {}),
        ({"elicitation_callback": callback}, {"elicitation": {"form": {}, "url": {}}}),
        ({"list_roots_callback": callback}, {"roots": {"listChanged": True}}),
        ({"logging_callback": callback, "message_handler": callback}, {}),
        (
            {"sampling_callback": callback, "elicitation_callback": callback, "list_roots_callback": callback},
            {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {"listChanged": True}},
        ),
    ],
)
async def test_capabilities_follow_from_the_callbacks(connect: Any, options: Any, capabilities: Any) -> None:
    """CSN-2, CSN-3."""
    info = types.Implementation(name="me", version="2", title="Me")
    async with connect(**options, client_info=info) as (session, peer), running(session.initialize()):
        params = await peer.accept()
        assert params["capabilities"] == capabilities
        assert params["clientInfo"] == {"name": "me", "version": "2", "title": "Me"}


@pytest.mark.parametrize("version", ["2026-07-28", "1", 7])
async def test_an_unknown_version(connect: Any, version: Any) -> None:
    """CSN-4: nothing more is sent, the session stays open."""
    async with connect() as (session, peer):
        answer = {"protocolVersion": version, "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
        _, error = await asked(peer, session.initialize(), {"result": answer})
        assert isinstance(error, RuntimeError)
        assert str(error) == f"Unsupported protocol version from the server: {version}"
        assert session.get_server_capabilities() is None
        await peer.silent()


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_known_versions(connect: Any, version: str) -> None:
    """CSN-5: the notification is sent and capabilities are there once it has returned."""
    async with connect() as (session, peer):
        assert session.get_server_capabilities() is None
        answer = {
            "protocolVersion": version,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "s", "version": "1"},
        }
        sent_by_then: list[int] = []

        async def initialize() -> types.InitializeResult:
            result = await session.initialize()
            sent_by_then.append(peer.write_stream.statistics().current_buffer_used)
            return result

        _, result = await asked(peer, initialize(), {"result": answer})
        assert result.protocolVersion == version
        assert session.get_server_capabilities() == types.ServerCapabilities(tools=types.ToolsCapability())
        assert sent_by_then == [1]
        assert await peer.receive() == {"method": "notifications/initialized"}


async def test_the_order_of_calls_is_the_program_s(connect: Any) -> None:
    """CSN-6, CSN-7: requests before `initialize`, a second one, and what no capability was declared for."""
    async with connect() as (session, peer):
        request, _ = await asked(peer, session.list_prompts(), {"result": {"prompts": []}})
        assert request == {"method": "prompts/list"}
        for _ in range(2):
            async with running(session.initialize()) as outcome:
                await peer.accept()
            assert isinstance(outcome[0], types.InitializeResult)


# Requests

LISTS = [
    ("list_tools", "tools/list", {"tools": []}, types.ListToolsResult),
    ("list_prompts", "prompts/list", {"prompts": []}, types.ListPromptsResult),
    ("list_resources", "resources/list", {"resources": []}, types.ListResourcesResult),
    (
        "list_resource_templates",
        "resources/templates/list",
        {"resourceTemplates": []},
        types.ListResourceTemplatesResult,
    ),
]


@pytest.mark.parametrize(("name", "method", "result", "result_type"), LISTS)
async def test_lists(connect: Any, name: str, method: str, result: Any, result_type: Any) -> None:
    """CSN-8: one page each."""
    meta = types.RequestParams.Meta.model_validate({"k": 1})
    async with connect() as (session, peer):
        call = getattr(session, name)
        for arguments, named, params in (
            ((), {}, None),
            (("c",), {}, {"cursor": "c"}),
            (("",), {}, {"cursor": ""}),
            ((None,), {}, None),
            ((), {"cursor": "c"}, {"cursor": "c"}),
            ((), {"params": PaginatedRequestParams(cursor="p", _meta=meta)}, {"cursor": "p", "_meta": {"k": 1}}),
            ((), {"params": PaginatedRequestParams()}, {}),
            ((), {"params": None}, None),
        ):
            request, found = await asked(peer, call(*arguments, **named), {"result": {**result, "nextCursor": "n"}})
            assert request == {"method": method, **({} if params is None else {"params": params})}
            assert found == result_type(**result, nextCursor="n")
        with pytest.raises(ValueError, match=r"^Cannot specify both cursor and params$"):
            await call("c", params=PaginatedRequestParams(cursor="p"))
        await peer.silent()


URI = "test://X/a b"


@pytest.mark.parametrize(
    ("call", "request_sent", "result"),
    [
        pytest.param(lambda s: s.send_ping(), {"method": "ping"}, {}, id="ping"),
        pytest.param(
            lambda s: s.set_logging_level("debug"),
            {"method": "logging/setLevel", "params": {"level": "debug"}},
            {},
            id="level",
        ),
        pytest.param(
            lambda s: s.read_resource(URI),
            {"method": "resources/read", "params": {"uri": "test://X/a%20b"}},
            {"contents": []},
            id="read",
        ),
        pytest.param(
            lambda s: s.subscribe_resource(AnyUrl(URI)),
            {"method": "resources/subscribe", "params": {"uri": "test://X/a%20b"}},
            {},
            id="subscribe",
        ),
        pytest.param(
            lambda s: s.unsubscribe_resource(URI),
            {"method": "resources/unsubscribe", "params": {"uri": "test://X/a%20b"}},
            {},
            id="unsubscribe",
        ),
        pytest.param(
            lambda s: s.get_prompt("p"),
            {"method": "prompts/get", "params": {"name": "p"}},
            {"messages": []},
            id="prompt",
        ),
        pytest.param(
            lambda s: s.get_prompt("p", {"a": "b"}),
            {"method": "prompts/get", "params": {"name": "p", "arguments": {"a": "b"}}},
            {"messages": []},
            id="prompt with arguments",
        ),
        pytest.param(
            lambda s: s.complete(types.PromptReference(type="ref/prompt", name="p"), {"name": "a", "value": "v"}),
            {
                "method": "completion/complete",
                "params": {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": "v"}},
            },
            {"completion": {"values": []}},
            id="complete",
        ),
        pytest.param(
            lambda s: s.complete(
                types.ResourceTemplateReference(type="ref/resource", uri="t://{a}"),
                {"name": "a", "value": ""},
                {"b": "c"},
            ),
            {
                "method": "completion/complete",
                "params": {
                    "ref": {"type": "ref/resource", "uri": "t://{a}"},
                    "argument": {"name": "a", "value": ""},
                    "context": {"arguments": {"b": "c"}},
                },
            },
            {"completion": {"values": []}},
            id="complete with context",
        ),
    ],
)
async def test_requests(connect: Any, call: Any, request_sent: Any, result: Any) -> None:
    """CSN-10, CSN-11."""
    async with connect() as (session, peer):
        request, found = await asked(peer, call(session), {"result": result})
        assert request == request_sent
        assert found.model_dump(exclude_none=True) == result
        _, error = await asked(peer, call(session), {"error": {"code": 7, "message": "m"}})
        assert isinstance(error, McpError)
        assert error.error == ErrorData(code=7, message="m")


async def test_notifications(connect: Any) -> None:
    """CSN-10."""
    async with connect() as (session, peer):
        await session.send_roots_list_changed()
        assert await peer.receive() == {"method": "notifications/roots/list_changed"}
        await session.send_progress_notification("t", 1, 2, "m")
        assert await peer.receive() == {
            "method": "notifications/progress",
            "params": {"progressToken": "t", "progress": 1.0, "total": 2.0, "message": "m"},
        }
        await session.send_progress_notification(0, 0.5)
        assert await peer.receive() == {
            "method": "notifications/progress",
            "params": {"progressToken": 0, "progress": 0.5},
        }


@pytest.mark.parametrize("uri", ["relative", ""])
async def test_a_relative_uri(connect: Any, uri: str) -> None:
    """CSN-10, TYP-21."""
    async with connect() as (session, peer):
        with pytest.raises(ValidationError):
            await session.read_resource(uri)
        await peer.silent()


# Tools

TEXT = {"content": [{"type": "text", "text": "t"}]}


@pytest.mark.parametrize(
    ("arguments", "named", "params"),
    [
        (("t",), {}, {"name": "t"}),
        (("t", {}), {}, {"name": "t", "arguments": {}}),
        (("t", {"a": None}), {}, {"name": "t", "arguments": {"a": None}}),
        (("t",), {"meta": {"k": {"x": 1}}}, {"name": "t", "_meta": {"k": {"x": 1}}}),
        (
            ("t",),
            {"meta": {"k": 1}, "progress_callback": callback},
            {"name": "t", "_meta": {"k": 1, "progressToken": 0}},
        ),
        (("t", None, timedelta(seconds=5), callback), {}, {"name": "t", "_meta": {"progressToken": 0}}),
    ],
)
async def test_call_tool(connect: Any, arguments: Any, named: Any, params: Any) -> None:
    """CSN-9."""
    async with connect() as (session, peer):
        session._tool_output_schemas["t"] = None
        request, result = await asked(peer, session.call_tool(*arguments, **named), {"result": TEXT})
        assert request == {"method": "tools/call", "params": params}
        assert result.content[0].text == "t"
        assert not result.isError


async def test_a_call_times_out(connect: Any) -> None:
    """CSN-9."""
    async with connect() as (session, peer):
        with pytest.raises(McpError, match=r"^Timed out") as raised:
            await session.call_tool("t", read_timeout_seconds=timedelta(seconds=0.01))
        assert raised.value.error.code == 408
        assert (await peer.receive())["method"] == "tools/call"


async def test_an_error_result_is_returned(connect: Any) -> None:
    """CSN-11: without a look at the list of tools."""
    async with connect() as (session, peer):
        _, result = await asked(peer, session.call_tool("t"), {"result": {**TEXT, "isError": True}})
        assert result.isError
        await peer.silent()


async def test_url_elicitation_arrives_as_a_plain_error(connect: Any) -> None:
    """CSN-11: to be converted with SES-47."""
    elicitation = {"mode": "url", "message": "m", "url": "https://e", "elicitationId": "i"}
    error = {"code": -32042, "message": "m", "data": {"elicitations": [elicitation]}}
    async with connect() as (session, peer):
        _, raised = await asked(peer, session.call_tool("t"), {"error": error})
        assert type(raised) is McpError
        typed = UrlElicitationRequiredError.from_error(raised.error)
        assert [item.elicitationId for item in typed.elicitations] == ["i"]


def listing(*tools: tuple[str, Any], cursor: str | None = None) -> dict[str, Any]:
    listed = [
        {"name": name, "inputSchema": {}, **({} if schema is None else {"outputSchema": schema})}
        for name, schema in tools
    ]
    return {"tools": listed, **({} if cursor is None else {"nextCursor": cursor})}


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


async def test_the_list_is_read_for_an_unknown_tool(connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """CSN-12, CSN-13: once for a listed tool, each time for others."""
    async with connect() as (session, peer):
        for name, lists in (("t", True), ("t", False), ("u", True), ("u", True)):
            async with running(session.call_tool(name)) as outcome:
                request = await peer.receive()
                await peer.send(id=request["id"], result=TEXT)
                if lists:
                    request = await peer.receive()
                    assert request == {"id": request["id"], "method": "tools/list"}
                    await peer.send(id=request["id"], result=listing(("t", None)))
            assert isinstance(outcome[0], types.CallToolResult)
        await peer.silent()
    warning = "Tool u not listed by server, cannot validate any structured content"
    assert [record for record in caplog.record_tuples if record[1] >= logging.WARNING] == [
        ("client", logging.WARNING, warning)
    ] * 2


async def test_every_page_fills_the_cache(connect: Any) -> None:
    """CSN-14: and nothing empties it (fastmcp reads it)."""
    async with connect() as (session, peer):
        await asked(peer, session.list_tools(), {"result": listing(("a", SCHEMA), cursor="2")})
        await asked(
            peer, session.list_tools(params=PaginatedRequestParams(cursor="2")), {"result": listing(("b", None))}
        )
        await peer.send(method="notifications/tools/list_changed")
        await asked(peer, session.list_tools(), {"result": listing(("b", SCHEMA))})
        assert session._tool_output_schemas == {"a": SCHEMA, "b": SCHEMA}


@pytest.mark.parametrize(
    ("schema", "structured", "problem"),
    [
        (SCHEMA, {"a": 1}, None),
        (SCHEMA, {"a": 1, "b": 2}, None),
        (None, {"any": "thing"}, None),
        (None, None, None),
        (SCHEMA, None, "Tool t has an output schema but did not return structured content"),
        ({"type": "nonsense"}, None, "Tool t has an output schema but did not return structured content"),
        (SCHEMA, {}, "Invalid structured content returned by tool t: 'a' is a required property"),
        (SCHEMA, {"a": "x"}, "Invalid structured content returned by tool t: 'x' is not of type 'integer'"),
        ({"type": "nonsense"}, {}, "Invalid schema for tool t: "),
        ({"$ref": "#/nowhere"}, {}, "Invalid schema for tool t: "),
        ({"$ref": "https://e.invalid/s.json"}, {}, "Invalid schema for tool t: "),
    ],
)
async def test_structured_content(connect: Any, schema: Any, structured: Any, problem: str | None) -> None:
    """CSN-15: remote references are never fetched."""
    async with connect() as (session, peer):
        await asked(peer, session.list_tools(), {"result": listing(("t", schema))})
        for _ in range(2):
            result = {**TEXT, **({} if structured is None else {"structuredContent": structured})}
            _, outcome = await asked(peer, session.call_tool("t"), {"result": result})
            if problem is None:
                assert outcome.structuredContent == structured
            else:
                assert type(outcome) is RuntimeError
                assert str(outcome).startswith(problem)


async def test_a_schema_that_changes(connect: Any) -> None:
    """CSN-14, CSN-15: the one listed last counts."""
    async with connect() as (session, peer):
        for schema, fails in ((SCHEMA, True), ({"type": "object"}, False), (SCHEMA, True)):
            await asked(peer, session.list_tools(), {"result": listing(("t", schema))})
            _, outcome = await asked(peer, session.call_tool("t"), {"result": {**TEXT, "structuredContent": {}}})
            assert isinstance(outcome, RuntimeError) is fails
        # A program may put one in, too.
        session._tool_output_schemas["t"] = {"type": "object"}
        _, outcome = await asked(peer, session.call_tool("t"), {"result": {**TEXT, "structuredContent": {}}})
        assert isinstance(outcome, types.CallToolResult)


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"code": -32601, "message": "Method not found"}},
        {"result": {"tools": "none"}},
        {"result": {"tools": [{"name": "t"}]}},
    ],
)
async def test_a_list_that_fails_takes_nothing_away(
    connect: Any, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """CSN-16."""
    async with connect() as (session, peer), running(session.call_tool("t")) as outcome:
        request = await peer.receive()
        await peer.send(id=request["id"], result=TEXT)
        request = await peer.receive()
        await peer.send(id=request["id"], **answer)
    assert isinstance(outcome[0], types.CallToolResult)
    assert "Tool t not listed by server, cannot validate any structured content" in caplog.messages


async def test_a_list_that_never_comes(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """CSN-16, CSN-17: the session's timeout, and a limit where it has none; not that of the call."""
    assert LISTING_TIMEOUT <= 60
    monkeypatch.setattr("mcp.client.session.LISTING_TIMEOUT", 0.02)
    for options in ({}, {"read_timeout_seconds": timedelta(seconds=0.02)}):
        async with connect(**options) as (session, peer):
            call = session.call_tool("t", read_timeout_seconds=timedelta(hours=1))
            async with running(call) as outcome:
                request = await peer.receive()
                await peer.send(id=request["id"], result=TEXT)
                assert (await peer.receive())["method"] == "tools/list"
            assert isinstance(outcome[0], types.CallToolResult)
            assert (await peer.receive())["method"] == "notifications/cancelled"


async def test_a_session_with_a_timeout_has_no_other_limit_for_the_list(
    connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CSN-17."""
    monkeypatch.setattr("mcp.client.session.LISTING_TIMEOUT", 0)
    async with connect(read_timeout_seconds=timedelta(seconds=5)) as (session, peer):
        async with running(session.call_tool("t")) as outcome:
            request = await peer.receive()
            await peer.send(id=request["id"], result=TEXT)
            request = await peer.receive()
            await peer.send(id=request["id"], result=listing(("t", SCHEMA)))
        # The schema arrived.
        assert isinstance(outcome[0], RuntimeError)


async def test_the_connection_ends_after_the_result(connect: Any) -> None:
    """CSN-16."""
    async with connect() as (session, peer), running(session.call_tool("t")) as outcome:
        request = await peer.receive()
        await peer.send(id=request["id"], result=TEXT)
        peer.hang_up()
    assert isinstance(outcome[0], types.CallToolResult)


@pytest.mark.parametrize(("name", "cursors"), [("c", [None, "1", "2"]), ("a", [None]), ("none", [None, "1", "2"])])
async def test_pages_are_read_until_the_tool_is_found(connect: Any, name: str, cursors: Any) -> None:
    """CSN-16."""
    pages = [listing(("a", None), cursor="1"), listing(("b", None), cursor="2"), listing(("c", None))]
    async with connect() as (session, peer), running(session.call_tool(name)) as outcome:
        request = await peer.receive()
        await peer.send(id=request["id"], result=TEXT)
        for cursor, page in zip(cursors, pages, strict=False):
            request = await peer.receive()
            assert request.get("params", {}).get("cursor") == cursor
            await peer.send(id=request["id"], result=page)
    assert isinstance(outcome[0], types.CallToolResult)


async def test_pages_without_an_end(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """CSN-16: are not read for ever."""
    monkeypatch.setattr("mcp.client.session.MAX_TOOL_PAGES", 3)
    async with connect() as (session, peer), running(session.call_tool("t")) as outcome:
        request = await peer.receive()
        await peer.send(id=request["id"], result=TEXT)
        for _ in range(3):
            request = await peer.receive()
            await peer.send(id=request["id"], result=listing(cursor="again"))
    assert isinstance(outcome[0], types.CallToolResult)


# Callbacks

SAMPLE = {"messages": [], "maxTokens": 1}
FORM = {"message": "m", "requestedSchema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("sampling/createMessage", SAMPLE, "Sampling not supported"),
        ("elicitation/create", FORM, "Elicitation not supported"),
        ("roots/list", None, "List roots not supported"),
    ],
)
async def test_without_callbacks(connect: Any, method: str, params: Any, message: str) -> None:
    """CSN-20."""
    async with connect() as (_, peer):
        assert await peer.ask(1, method, params) == {"error": {"code": -32600, "message": message}}


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result", "tasks/list", "tasks/cancel"])
async def test_tasks_without_handlers(connect: Any, method: str) -> None:
    """CSN-22, TSK-31."""
    async with connect() as (_, peer):
        answer = {"error": {"code": -32601, "message": f"{method} not supported"}}
        assert await peer.ask(1, method, {"taskId": "i"}) == answer


async def test_ping(connect: Any) -> None:
    """CSN-21: before `initialize` too."""
    async with connect(message_handler=callback) as (_, peer):
        assert await peer.ask(1, "ping", {"_meta": {"k": 1}}) == {"result": {}}


ROOTS = types.ListRootsResult(roots=[types.Root(uri="file:///r")])  # type: ignore[arg-type]
BLOCK = types.TextContent(type="text", text="a")
MESSAGE = types.CreateMessageResult(role="assistant", model="m", content=BLOCK)
WITH_TOOLS = types.CreateMessageResultWithTools(role="assistant", model="m", content=[BLOCK, BLOCK])
ACCEPTED = types.ElicitResult(action="accept", content={"a": 1})


@pytest.mark.parametrize(
    ("name", "method", "params", "returned", "answer"),
    [
        ("list_roots", "roots/list", None, ROOTS, {"result": {"roots": [{"uri": "file:///r"}]}}),
        (
            "sampling",
            "sampling/createMessage",
            SAMPLE,
            MESSAGE,
            {"result": {"role": "assistant", "model": "m", "content": {"type": "text", "text": "a"}}},
        ),
        (
            "sampling",
            "sampling/createMessage",
            SAMPLE,
            WITH_TOOLS,
            {"result": {"role": "assistant", "model": "m", "content": [{"type": "text", "text": "a"}] * 2}},
        ),
        ("elicitation", "elicitation/create", FORM, ACCEPTED, {"result": {"action": "accept", "content": {"a": 1}}}),
        (
            "elicitation",
            "elicitation/create",
            FORM,
            types.ClientResult(ACCEPTED),
            {"result": {"action": "accept", "content": {"a": 1}}},
        ),
        (
            "sampling",
            "sampling/createMessage",
            SAMPLE,
            ErrorData(code=-1, message="no", data={"k": None}),
            {"error": {"code": -1, "message": "no", "data": {"k": None}}},
        ),
    ],
)
async def test_callbacks(connect: Any, name: str, method: str, params: Any, returned: Any, answer: Any) -> None:
    """CSN-18, CSN-19, CSN-23: handled requests are not passed to the message handler."""
    seen: list[Any] = []
    passed_on: list[Any] = []

    async def answering(context: Any, *given: Any) -> Any:
        seen.append((context, *given))
        return returned

    async def take(message: Any) -> None:
        passed_on.append(message)

    async with connect(**{f"{name}_callback": answering}, message_handler=take) as (session, peer):
        members: dict[str, Any] = {} if params is None else {"params": {**params, "_meta": {"k": 1}}}
        await peer.send(id="r", method=method, **members)
        assert await peer.receive() == {"id": "r", **answer}
        await peer.silent()
        assert passed_on == []
        ((context, *given),) = seen
        assert (context.request_id, context.session, context.lifespan_context) == ("r", session, None)
        if params is None:
            assert given == []
            assert context.meta is None
        else:
            assert given[0].model_dump(by_alias=True, exclude_none=True, mode="json").items() >= params.items()
            assert context.meta.model_extra == {"k": 1}


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        (FORM, types.ElicitRequestFormParams),
        ({**FORM, "mode": "form"}, types.ElicitRequestFormParams),
        ({"mode": "url", "message": "m", "url": "https://e", "elicitationId": "i"}, types.ElicitRequestURLParams),
    ],
)
async def test_elicitation_of_each_mode(connect: Any, params: Any, kind: Any) -> None:
    """CSN-25."""
    seen: list[Any] = []

    async def elicit(context: Any, params: Any) -> Any:
        seen.append(params)
        return types.ElicitResult(action="cancel")

    async with connect(elicitation_callback=elicit) as (_, peer):
        assert await peer.ask(1, "elicitation/create", params) == {"result": {"action": "cancel"}}
    assert [type(params) for params in seen] == [kind]


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (McpError(ErrorData(code=5, message="m", data=[1])), {"code": 5, "message": "m", "data": [1]}),
        (ValueError("wrong"), {"code": 0, "message": "wrong"}),
        (ValueError(), {"code": 0, "message": ""}),
        (anyio.ClosedResourceError(), {"code": 0, "message": ""}),
        (None, {"code": -32603}),
        ({"roots": []}, {"code": -32603}),
        (MESSAGE, {"code": -32603}),
        (types.EmptyResult(), {"code": -32603}),
    ],
)
async def test_a_callback_that_fails(connect: Any, outcome: Any, error: Any) -> None:
    """CSN-27."""

    async def roots(context: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async with connect(list_roots_callback=roots) as (_, peer):
        answer = await peer.ask(1, "roots/list")
        assert answer["error"].items() >= error.items()
        assert ("data" in answer["error"]) == ("data" in error)
        await peer.silent()


async def test_callbacks_run_side_by_side(connect: Any) -> None:
    """CSN-26: while one runs all else is received, and it may use the session itself."""
    release = anyio.Event()

    async def roots(context: Any) -> Any:
        await release.wait()
        await context.session.send_ping()
        return ROOTS

    logged: list[Any] = []

    async def log(params: Any) -> None:
        logged.append(params.data)

    async with connect(list_roots_callback=roots, logging_callback=log) as (session, peer):
        for number in range(2):
            await peer.send(id=number, method="roots/list")
        await peer.send(method="notifications/message", params={"level": "info", "data": 1})
        await asked(peer, session.send_ping(), {"result": {}})
        assert logged == [1]
        release.set()
        answered: list[int] = []
        while len(answered) < 2:
            message = await peer.receive()
            if "method" in message:
                assert message["method"] == "ping"
                await peer.send(id=message["id"], result={})
            else:
                assert message["result"] == {"roots": [{"uri": "file:///r"}]}
                answered.append(message["id"])
        assert sorted(answered) == [0, 1]


async def test_callbacks_are_bounded(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """CSN-26: one too many is refused, not queued without end."""
    assert MAX_CONCURRENT_CALLBACKS >= 100
    monkeypatch.setattr("mcp.client.session.MAX_CONCURRENT_CALLBACKS", 2)
    release = anyio.Event()

    async def roots(context: Any) -> Any:
        await release.wait()
        return ROOTS

    async with connect(list_roots_callback=roots) as (session, peer):
        for number in range(3):
            await peer.send(id=number, method="roots/list")
        assert await peer.receive() == {"id": 2, "error": {"code": -32603, "message": "Too many requests in flight"}}
        release.set()
        assert sorted([(await peer.receive())["id"], (await peer.receive())["id"]]) == [0, 1]
        await peer.silent()
        assert session._in_flight == {}


async def test_notifications_reach_the_handlers(connect: Any) -> None:
    """CSN-23: the logging callback first; exceptions and answers to nothing too."""
    order: list[Any] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        order.append(("log", params.level, params.data, params.logger))

    async def take(message: Any) -> None:
        order.append(message if isinstance(message, Exception) else type(message.root).__name__)

    error = ValueError("of the transport")
    async with connect(logging_callback=log, message_handler=take) as (_, peer):
        await peer.send(method="notifications/message", params={"level": "info", "data": {"a": 1}, "logger": "l"})
        await peer.send(method="notifications/resources/updated", params={"uri": "test://x"})
        await peer.send(method="notifications/elicitation/complete", params={"elicitationId": "i"})
        await peer.out.send(error)
        await peer.send(id=9, result={})
        await peer.silent()
    assert order[:5] == [
        ("log", "info", {"a": 1}, "l"),
        "LoggingMessageNotification",
        "ResourceUpdatedNotification",
        "ElicitCompleteNotification",
        error,
    ]
    assert isinstance(order[5], RuntimeError)
    assert len(order) == 6


async def test_a_logging_callback_that_raises(connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """CSN-24: the message handler does not get that notification; the session continues."""
    seen: list[Any] = []

    async def log(params: Any) -> None:
        if params.data == "bad":
            raise KeyError("log")

    async def take(message: Any) -> None:
        seen.append(message.root.params.data)

    async with connect(logging_callback=log, message_handler=take) as (_, peer):
        for data in ("bad", "good"):
            await peer.send(method="notifications/message", params={"level": "info", "data": data})
        await peer.silent()
    assert seen == ["good"]
    assert caplog.messages == ["Failed to validate notification: 'log'"]


async def test_the_default_handlers_do_nothing(connect: Any) -> None:
    """CSN-23."""
    async with connect() as (_, peer):
        await peer.send(method="notifications/message", params={"level": "info", "data": 1})
        await peer.send(method="notifications/tools/list_changed")
        await peer.send_text("{")
        await peer.send(id=9, result={})
        await peer.silent()


async def test_a_hook_that_fails(connect: Any, raw_peer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """CSN-27: of a session class of the program."""

    class Failing(ClientSession):
        async def _received_request(self, responder: Any) -> None:
            if isinstance(responder.request.root, types.ListRootsRequest):
                raise KeyError("hook")
            if isinstance(responder.request.root, types.PingRequest):
                await super()._received_request(responder)

    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)
        with message:
            await message.respond(types.ClientResult(types.ElicitResult(action="decline")))

    async with raw_peer() as peer, Failing(peer.read_stream, peer.write_stream, message_handler=take) as session:
        assert await peer.ask(1, "roots/list") == {"error": {"code": 0, "message": "'hook'"}}
        # What it leaves goes to the message handler (SES-26).
        assert await peer.ask(2, "elicitation/create", FORM) == {"result": {"action": "decline"}}
        await peer.silent()
        assert session._in_flight == {}
    assert len(seen) == 1


async def test_with_a_server_of_ours() -> None:
    """Both ends: asking back in the middle of a call, in both directions at once."""
    from mcp.server.lowlevel import Server

    server: Server[Any] = Server("s")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [types.Tool(name="t", inputSchema={})]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> Any:
        session = server.request_context.session
        roots = await session.list_roots()
        return [types.TextContent(type="text", text=f"{len(roots.roots)} {arguments['n']}")]

    async def roots(context: Any) -> Any:
        await context.session.send_ping()
        return ROOTS

    async with create_connected_server_and_client_session(server, list_roots_callback=roots) as session:
        texts: list[str] = []

        async def call(number: int) -> None:
            result = await session.call_tool("t", {"n": number})
            texts.append(result.content[0].text)  # type: ignore[union-attr]

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for number in range(50):
                    tasks.start_soon(call, number)
        assert sorted(texts) == sorted(f"1 {number}" for number in range(50))
