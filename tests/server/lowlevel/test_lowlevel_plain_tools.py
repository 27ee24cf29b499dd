"""Tools that a server lists again and again arrive in memory as they would over a wire."""

import enum
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

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
