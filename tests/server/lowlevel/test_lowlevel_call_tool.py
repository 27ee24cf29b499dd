"""`call_tool`: LLS-38 to LLS-47."""

import json
import logging
from typing import Any

import pytest

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.lowlevel._handlers import MAX_TOOL_PAGES
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from mcp.types import ErrorData

pytestmark = pytest.mark.anyio

TEXT = types.TextContent(type="text", text="t")
IMAGE = types.ImageContent(type="image", data="AA==", mimeType="image/png")
DUMPED = {"type": "text", "text": "t"}
INTEGER = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def tool(name: str = "t", input_schema: Any = None, output_schema: Any = None) -> types.Tool:
    return types.Tool(name=name, inputSchema=input_schema or {"type": "object"}, outputSchema=output_schema)


class Tools:
    """A server with tools, whose function returns or raises what a test gives it."""

    def __init__(self, *tools: types.Tool, outcome: Any = None, validate_input: bool = True) -> None:
        self.server = Server("s")
        self.tools = list(tools)
        self.outcome = outcome
        self.calls: list[Any] = []
        self.listed = 0

        @self.server.list_tools()
        async def list_tools() -> list[types.Tool]:
            self.listed += 1
            return self.tools

        @self.server.call_tool(validate_input=validate_input)
        async def call_tool(name: str, arguments: dict[str, Any]) -> Any:
            self.calls.append((name, arguments))
            if isinstance(self.outcome, BaseException):
                raise self.outcome
            return self.outcome() if callable(self.outcome) else self.outcome

    async def call(self, name: str = "t", arguments: Any = None) -> dict[str, Any]:
        request = types.CallToolRequest(params=types.CallToolRequestParams(name=name, arguments=arguments))
        result = await self.server.request_handlers[types.CallToolRequest](request)
        assert isinstance(result, types.ServerResult)
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)

    async def list(self) -> None:
        await self.server.request_handlers[types.ListToolsRequest](types.ListToolsRequest())


def failed(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": True}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("wrong"), "wrong"),
        (ValueError(), ""),
        (KeyError("k"), "'k'"),
        (McpError(ErrorData(code=-32602, message="m", data=1)), "m"),
        (TimeoutError("late"), "late"),
    ],
)
async def test_exceptions_are_results(error: Exception, text: str) -> None:
    """LLS-38: also `McpError`."""
    assert await Tools(tool(), outcome=error).call() == failed(text)


async def test_url_elicitation_is_an_error_of_the_protocol() -> None:
    """LLS-38: with its data."""
    elicitation = types.ElicitRequestURLParams(message="m", url="https://e", elicitationId="i")
    error = UrlElicitationRequiredError([elicitation])
    with pytest.raises(UrlElicitationRequiredError) as raised:
        await Tools(tool(), outcome=error).call()
    assert raised.value is error


@pytest.mark.parametrize(("arguments", "given"), [(None, {}), ({}, {}), ({"a": None}, {"a": None})])
async def test_arguments(arguments: Any, given: Any) -> None:
    """LLS-39."""
    tools = Tools(tool(), outcome=[])
    await tools.call(arguments=arguments)
    assert tools.calls == [("t", given)]


# Which definition


async def test_the_list_is_read_for_a_tool_that_is_not_known() -> None:
    """LLS-40: once, and not again."""
    tools = Tools(tool(), outcome=[])
    for _ in range(3):
        await tools.call()
    assert tools.listed == 1


async def test_a_tool_that_is_not_listed(caplog: pytest.LogCaptureFixture) -> None:
    """LLS-40: fastmcp filters this record by its text."""
    tools = Tools(tool("other", INTEGER), outcome=[TEXT])
    for _ in range(2):
        assert await tools.call("t", {"any": "thing"}) == {"content": [DUMPED], "isError": False}
    assert tools.listed == 2
    records = [
        (record.name, record.levelno, record.getMessage())
        for record in caplog.records
        if record.name == "mcp.server.lowlevel.server"
    ]
    assert (
        records
        == [("mcp.server.lowlevel.server", logging.WARNING, "Tool 't' not listed, no validation will be performed")] * 2
    )


async def test_without_a_list_handler(raw_client: Any) -> None:
    """LLS-40; LLS-7: nothing is advertised, and the call works."""
    tools = Tools(outcome=[TEXT])
    del tools.server.request_handlers[types.ListToolsRequest]
    async with raw_client(tools.server, initialize=False) as peer:
        assert "tools" not in (await peer.initialize())["capabilities"]
        answer = await peer.ask(1, "tools/call", {"name": "t"})
        assert answer == {"result": {"content": [DUMPED], "isError": False}}


async def test_a_list_handler_that_fails() -> None:
    """LLS-38."""
    tools = Tools(outcome=[TEXT])

    @tools.server.list_tools()
    async def list_tools() -> list[types.Tool]:
        raise RuntimeError("no list")

    assert await tools.call() == failed("no list")
    assert tools.calls == []


async def test_the_cache_follows_the_list() -> None:
    """LLS-41: an old-style list replaces it, whoever asks for it."""
    tools = Tools(tool(), outcome=[])
    await tools.call()
    tools.tools = [tool("u")]
    await tools.list()
    assert set(tools.server._tool_cache) == {"u"}
    tools.tools = [tool("t", INTEGER), tool("u")]
    await tools.list()
    assert (await tools.call())["isError"]
    assert tools.listed == 3
    # What is listed is what counts, also if the tool is another object of the same name.
    tools.tools = [tool("t"), tool("u")]
    await tools.list()
    assert not (await tools.call())["isError"]


class Pages:
    """A new-style list of several pages."""

    def __init__(self, tools: Tools, pages: list[list[types.Tool]], last: str | None = None) -> None:
        self.cursors: list[Any] = []

        @tools.server.list_tools()
        async def list_tools(request: types.ListToolsRequest) -> types.ListToolsResult:
            cursor = request.params.cursor if request.params is not None else None
            self.cursors.append(cursor)
            number = int(cursor or 0)
            following = str(number + 1) if number + 1 < len(pages) else last
            return types.ListToolsResult(tools=pages[min(number, len(pages) - 1)], nextCursor=following)


async def test_new_style_lists_only_add() -> None:
    """LLS-41, LLS-42: pages are read until the tool is found."""
    tools = Tools(outcome=[])
    pages = Pages(tools, [[tool("a")], [tool("b", INTEGER)], [tool("c")]])
    assert (await tools.call("b"))["isError"]
    assert pages.cursors == [None, "1"]
    assert set(tools.server._tool_cache) == {"a", "b"}
    assert not (await tools.call("a"))["isError"]
    assert not (await tools.call("none"))["isError"]
    assert pages.cursors == [None, "1", None, "1", "2"]


@pytest.mark.parametrize("last", ["0", "1"])
async def test_pages_without_an_end(last: str) -> None:
    """LLS-42: are not read for ever."""
    tools = Tools(outcome=[])
    pages = Pages(tools, [[tool("a")], [tool("b")]], last=last)
    assert not (await tools.call("none"))["isError"]
    assert 2 <= len(pages.cursors) <= MAX_TOOL_PAGES


async def test_a_list_handler_of_the_program() -> None:
    """LLS-9, LLS-40: stored directly, it fills no cache and may return what it likes."""
    tools = Tools(outcome=[])

    async def listing(request: Any) -> Any:
        assert isinstance(request, types.ListToolsRequest)
        return types.ListToolsResult(tools=[tool()])

    tools.server.request_handlers[types.ListToolsRequest] = listing
    assert not (await tools.call())["isError"]


async def test_a_program_fills_the_cache() -> None:
    """LLS-40, and used in the wild (posthog): `_tool_cache`, name to `Tool`."""
    tools = Tools(outcome=[])
    tools.server._tool_cache["t"] = tool("t", INTEGER)
    assert (await tools.call())["isError"]
    assert tools.listed == 0
    tools.server._tool_cache["t"] = tool("t")
    assert not (await tools.call())["isError"]


async def test_one_cache_for_all_sessions(raw_client: Any) -> None:
    """LLS-41."""
    tools = Tools(tool(), outcome=[])
    for _ in range(2):
        async with raw_client(tools.server) as peer:
            await peer.ask(1, "tools/call", {"name": "t"})
    assert tools.listed == 1


# Validation


@pytest.mark.parametrize(
    ("schema", "arguments", "text"),
    [
        (INTEGER, {}, "Input validation error: 'a' is a required property"),
        (INTEGER, {"a": "5"}, "Input validation error: '5' is not of type 'integer'"),
        ({"properties": {"a": {"minItems": 2}}}, {"a": [1]}, "Input validation error: [1] is too short"),
        # A format is not asserted; the dialect is that of `$schema`.
        ({"properties": {"a": {"format": "email"}}}, {"a": "x"}, None),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"items": [{"type": "null"}]}}},
            {"a": [1]},
            "Input validation error: 1 is not of type 'null'",
        ),
    ],
)
async def test_input_validation(schema: Any, arguments: Any, text: str | None) -> None:
    """LLS-43: texts that tests of reference servers match; the function is not called."""
    tools = Tools(tool("t", schema), outcome=[])
    result = await tools.call(arguments=arguments)
    assert result == (failed(text) if text is not None else {"content": [], "isError": False})
    assert len(tools.calls) == (text is None)


@pytest.mark.parametrize(
    "schema", [{"type": "nonsense"}, {"$ref": "#/nowhere"}, {"properties": {"a": {"$ref": "https://e.invalid/"}}}]
)
async def test_a_schema_that_cannot_be_used(schema: Any) -> None:
    """LLS-43: the library's text without a prefix."""
    tools = Tools(tool("t", schema), outcome=[])
    result = await tools.call(arguments={"a": 1})
    assert result["isError"]
    assert not result["content"][0]["text"].startswith("Input validation error")
    assert tools.calls == []


async def test_no_input_validation() -> None:
    """LLS-43."""
    tools = Tools(tool("t", INTEGER), outcome=[], validate_input=False)
    assert not (await tools.call(arguments={"a": "x"}))["isError"]


# What the function returns


@pytest.mark.parametrize(
    ("returned", "result"),
    [
        pytest.param([TEXT], {"content": [DUMPED], "isError": False}, id="list"),
        pytest.param([], {"content": [], "isError": False}, id="empty list"),
        pytest.param((TEXT,), {"content": [DUMPED], "isError": False}, id="tuple of one"),
        pytest.param((TEXT,) * 3, {"content": [DUMPED] * 3, "isError": False}, id="tuple of three"),
        pytest.param(lambda: (item for item in [TEXT]), {"content": [DUMPED], "isError": False}, id="generator"),
        pytest.param([DUMPED], {"content": [DUMPED], "isError": False}, id="blocks as dicts"),
        pytest.param(
            {"ä": [1, None]},
            {
                "content": [{"type": "text", "text": json.dumps({"ä": [1, None]}, indent=2)}],
                "structuredContent": {"ä": [1, None]},
                "isError": False,
            },
            id="dict",
        ),
        pytest.param(
            {},
            {"content": [{"type": "text", "text": "{}"}], "structuredContent": {}, "isError": False},
            id="empty dict",
        ),
        pytest.param(
            ([TEXT, IMAGE], {"a": 1}),
            {
                "content": [DUMPED, {"type": "image", "data": "AA==", "mimeType": "image/png"}],
                "structuredContent": {"a": 1},
                "isError": False,
            },
            id="both",
        ),
        pytest.param(
            lambda: ((item for item in [TEXT]), {}),
            {"content": [DUMPED], "structuredContent": {}, "isError": False},
            id="generator and dict",
        ),
        pytest.param(([TEXT], None), {"content": [DUMPED], "isError": False}, id="nothing structured"),
        pytest.param(
            types.CallToolResult(content=[TEXT], structuredContent={"x": 1}, isError=True, _meta={"m": 1}),
            {"_meta": {"m": 1}, "content": [DUMPED], "structuredContent": {"x": 1}, "isError": True},
            id="whole result",
        ),
        pytest.param(None, failed("Unexpected return type from tool: NoneType"), id="None"),
        pytest.param(3, failed("Unexpected return type from tool: int"), id="int"),
        pytest.param(object(), failed("Unexpected return type from tool: object"), id="object"),
    ],
)
async def test_results(returned: Any, result: Any) -> None:
    """LLS-44, LLS-46."""
    assert await Tools(tool(), outcome=returned).call() == result


@pytest.mark.parametrize(
    "returned",
    [
        pytest.param("text", id="str"),
        pytest.param(b"bytes", id="bytes"),
        pytest.param([1, 2], id="no blocks"),
        pytest.param([{"type": "other"}], id="unknown type"),
        pytest.param((TEXT, TEXT), id="two blocks are misread (LLS-47)"),
        pytest.param(([TEXT], [TEXT]), id="no dict"),
        pytest.param({"a": object()}, id="dict without a JSON form"),
    ],
)
async def test_what_is_no_result(returned: Any) -> None:
    """LLS-44, LLS-47: an error with a text, and nothing structured (LLS-46)."""
    result = await Tools(tool(), outcome=returned).call()
    assert result["isError"]
    assert set(result) == {"content", "isError"}
    assert result["content"][0]["text"]


async def test_a_task_is_sent_as_it_is() -> None:
    """LLS-44."""
    task = types.Task.model_validate(
        {
            "taskId": "i",
            "status": "working",
            "createdAt": "2025-11-25T00:00:00Z",
            "lastUpdatedAt": "2025-11-25T00:00:00Z",
            "ttl": 1,
        }
    )
    tools = Tools(tool("t", None, INTEGER), outcome=types.CreateTaskResult(task=task))
    assert (await tools.call())["task"]["taskId"] == "i"


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        ({"a": 1}, None),
        (([TEXT], {"a": 1}), None),
        ({"a": "x"}, "Output validation error: 'x' is not of type 'integer'"),
        ({}, "Output validation error: 'a' is a required property"),
        ([TEXT], "Output validation error: outputSchema defined but no structured output returned"),
        (([TEXT], None), "Output validation error: outputSchema defined but no structured output returned"),
        # A whole result is the function's own business.
        (types.CallToolResult(content=[], structuredContent={"a": "x"}), None),
        (types.CallToolResult(content=[]), None),
    ],
)
async def test_output_validation(returned: Any, text: str | None) -> None:
    """LLS-45, LLS-46."""
    result = await Tools(tool("t", None, INTEGER), outcome=returned).call()
    if text is None:
        assert not result["isError"]
    else:
        assert result == failed(text)


async def test_an_output_schema_that_cannot_be_used() -> None:
    """LLS-45, LLS-38."""
    result = await Tools(tool("t", None, {"type": "nonsense"}), outcome={}).call()
    assert result["isError"]


async def test_the_error_result_may_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLS-38, and used in the wild (posthog): `_make_error_result` on the instance, inside the `except` block."""
    import sys

    tools = Tools(tool(), outcome=ValueError("wrong"))
    seen: list[Any] = []
    original = tools.server._make_error_result

    def replaced(error_message: str) -> types.ServerResult:
        seen.append((error_message, sys.exc_info()[1]))
        return original(error_message + "!")

    tools.server._make_error_result = replaced  # type: ignore[method-assign]
    assert await tools.call() == failed("wrong!")
    assert seen == [("wrong", tools.outcome)]
