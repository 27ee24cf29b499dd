"""Tools that a server lists again and again arrive in memory as they would over a wire."""

import enum
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.shared.memory import create_connected_server_and_client_session

pytestmark = pytest.mark.anyio


class Colour(str, enum.Enum):
    RED = "red"


class Name(str):
    """A text with a class of its own."""


def server_of(list_tools: Callable[[], list[types.Tool]]) -> Server[Any]:
    server: Server[Any] = Server("test")

    @server.list_tools()
    async def _() -> list[types.Tool]:
        return list_tools()

    return server


@pytest.mark.parametrize(
    ("schema", "listed"),
    [
        ({"type": "object", "required": ["a"]}, {"type": "object", "required": ["a"]}),
        ({"enum": (1, 2)}, {"enum": [1, 2]}),
        ({"enum": [Colour.RED]}, {"enum": ["red"]}),
        ({"title": Name("x")}, {"title": "x"}),
        ({"default": {"day": date(2025, 1, 2)}}, {"default": {"day": "2025-01-02"}}),
        ({"properties": {1: {}}}, {"properties": {"1": {}}}),
    ],
)
@pytest.mark.parametrize("anew", [False, True])
async def test_schemas_arrive_as_json(schema: dict[str, Any], listed: dict[str, Any], anew: bool) -> None:
    kept = [types.Tool(name="tool", inputSchema=schema)]
    server = server_of(lambda: [types.Tool(name="tool", inputSchema=schema)] if anew else kept)
    async with create_connected_server_and_client_session(server) as session:
        for _ in range(4):
            (tool,) = (await session.list_tools()).tools
            assert repr(tool.inputSchema) == repr(listed)
            assert tool.model_fields_set == {"name", "inputSchema"}


async def test_what_a_client_does_to_its_copy_stays_there() -> None:
    kept = [types.Tool(name="tool", inputSchema={"properties": {"a": {"enum": ["x"]}}}, _meta={"k": {}})]
    async with create_connected_server_and_client_session(server_of(lambda: kept)) as session:
        for _ in range(4):
            (tool,) = (await session.list_tools()).tools
            assert tool.inputSchema == {"properties": {"a": {"enum": ["x"]}}}
            assert tool.meta == {"k": {}}
            tool.inputSchema["properties"]["a"]["enum"].append("y")
            tool.meta["k"]["changed"] = True


async def test_a_tool_that_changes_in_place() -> None:
    kept = [types.Tool(name="tool", inputSchema={"properties": {}})]
    async with create_connected_server_and_client_session(server_of(lambda: kept)) as session:
        for index in range(4):
            kept[0].inputSchema["properties"][str(index)] = {}
            kept[0].description = str(index)
            (tool,) = (await session.list_tools()).tools
            assert list(tool.inputSchema["properties"]) == [str(number) for number in range(index + 1)]
            assert tool.description == str(index)


HINTS = types.ToolAnnotations(title="t", readOnlyHint=True)
ICON = types.Icon(src="data:,")


async def test_a_tool_that_gets_a_member_of_its_own() -> None:
    """One that the model does not know, on a tool that was listed before."""
    kept = [types.Tool(name="tool", inputSchema={})]
    async with create_connected_server_and_client_session(server_of(lambda: kept)) as session:
        for _ in range(3):
            assert (await session.list_tools()).tools[0].model_extra == {}
        kept[0].vendor = {"a": [1]}  # type: ignore[attr-defined]
        for _ in range(3):
            (tool,) = (await session.list_tools()).tools
            assert tool.model_extra == {"vendor": {"a": [1]}}
            tool.vendor["a"].append(2)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "tool",
    [
        types.Tool(name="all", title="t", description="d", inputSchema={"default": None}, outputSchema={"a": [{}]}),
        types.Tool(name="hints", inputSchema={}, annotations=HINTS),
        types.Tool(name="icons", inputSchema={}, icons=[ICON, ICON]),
        types.Tool(name="execution", inputSchema={}, execution=types.ToolExecution(taskSupport="optional")),
        types.Tool(name="more", inputSchema={}, unknown={"kept": 1}),  # type: ignore[call-arg]
        types.Tool(name="meta", inputSchema={}, _meta={"a": {"b": [None]}}),
    ],
    ids=lambda tool: tool.name,
)
async def test_whatever_a_tool_holds(tool: types.Tool) -> None:
    """The client's copy is what it would have read from a wire, and its own."""
    read = types.Tool.model_validate_json(tool.model_dump_json(by_alias=True, exclude_none=True))
    kept = [tool, types.Tool(name="other", inputSchema={})]
    async with create_connected_server_and_client_session(server_of(lambda: kept)) as session:
        for _ in range(4):
            copy = (await session.list_tools()).tools[0]
            assert copy == read
            assert copy.model_fields_set == read.model_fields_set
            assert copy.model_extra == read.model_extra
            assert copy.inputSchema is not tool.inputSchema
            for name in ("annotations", "execution", "meta"):
                mine = getattr(copy, name)
                assert mine is None or mine is not getattr(tool, name)
            copy.title = "changed"
            copy.inputSchema["changed"] = True


async def test_pages() -> None:
    server: Server[Any] = Server("test")
    pages = [[types.Tool(name=name, inputSchema={})] for name in "ab"]

    @server.list_tools()
    async def _(request: types.ListToolsRequest) -> types.ListToolsResult:
        cursor = request.params.cursor if request.params is not None else None
        if cursor is None:
            return types.ListToolsResult(tools=pages[0], nextCursor="b")
        return types.ListToolsResult(tools=pages[1], _meta={"last": True})

    async with create_connected_server_and_client_session(server) as session:
        for _ in range(3):
            # Each page twice in a row, so that it is known the second time.
            for _ in range(3):
                first = await session.list_tools()
                assert (first.tools, first.nextCursor) == (pages[0], "b")
                assert first.model_fields_set == {"tools", "nextCursor"}
            for _ in range(3):
                last = await session.list_tools(params=types.PaginatedRequestParams(cursor="b"))
                assert (last.tools, last.nextCursor, last.meta) == (pages[1], None, {"last": True})


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
async def test_a_tool_that_is_none() -> None:
    """A client refuses it as often as it comes, whether or not it was one before."""
    kept = [types.Tool(name="tool", inputSchema={})]
    async with create_connected_server_and_client_session(server_of(lambda: kept)) as session:
        for _ in range(3):
            assert (await session.list_tools()).tools == kept
        kept[0].description = 5  # type: ignore[assignment]
        for _ in range(3):
            with pytest.raises(ValidationError):
                await session.list_tools()
        kept[0].description = None
        for _ in range(3):
            assert (await session.list_tools()).tools == kept
