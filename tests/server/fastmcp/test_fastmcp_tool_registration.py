"""Registering tools: names, descriptions, duplicates, odd callables, and how they are listed."""

import functools
import logging
from typing import Any

import pytest

from mcp.server.fastmcp import Context, FastMCP, Icon
from mcp.server.fastmcp.exceptions import InvalidSignature, ToolError
from mcp.server.fastmcp.tools import Tool, ToolManager
from mcp.server.fastmcp.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.shared.metadata_utils import get_display_name
from mcp.shared.tool_name_validation import validate_and_warn_tool_name, validate_tool_name
from mcp.types import Tool as ListedTool
from mcp.types import ToolAnnotations

pytestmark = pytest.mark.anyio

MANAGER = "mcp.server.fastmcp.tools.tool_manager"
NAMES = "mcp.shared.tool_name_validation"


def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def messages(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == logger]


def test_decorator_without_parentheses_is_refused():
    """TOOL-1"""
    mcp = FastMCP()
    with pytest.raises(TypeError) as caught:
        mcp.tool(add)  # pyright: ignore
    assert str(caught.value) == (
        "The @tool decorator was used incorrectly. Did you forget to call it? Use @tool() instead of @tool"
    )


async def test_decorator_takes_all_options_and_returns_the_function():
    """TOOL-2, TOOL-14: what is given is listed, and what is not given is not on the wire."""
    mcp = FastMCP()
    icon = Icon(src="https://example.com/i.png")
    annotations = ToolAnnotations(readOnlyHint=True)
    decorated = mcp.tool(
        name="sum",
        title="Sum",
        description="Adds",
        annotations=annotations,
        icons=[icon],
        meta={"k": 1},
        structured_output=False,
    )(add)
    mcp.add_tool(add)
    assert decorated is add

    given, bare = await mcp.list_tools()
    assert given.model_dump(by_alias=True, exclude_none=True) == {
        "name": "sum",
        "title": "Sum",
        "description": "Adds",
        "inputSchema": {
            "properties": {
                "a": {"title": "A", "type": "integer"},
                "b": {"default": 1, "title": "B", "type": "integer"},
            },
            "required": ["a"],
            "title": "addArguments",
            "type": "object",
        },
        "annotations": {"readOnlyHint": True},
        "icons": [{"src": "https://example.com/i.png"}],
        "_meta": {"k": 1},
    }
    assert set(bare.model_dump(by_alias=True, exclude_none=True)) == {
        "name",
        "description",
        "inputSchema",
        "outputSchema",
    }


@pytest.mark.parametrize("name", [None, ""])
def test_name_is_that_of_the_function_unless_given(name: str | None):
    """TOOL-3"""
    assert Tool.from_function(add, name=name).name == "add"
    assert Tool.from_function(add, name="plus").name == "plus"


def test_lambda_needs_a_name(caplog: pytest.LogCaptureFixture):
    """TOOL-4: the warning about the name comes first."""
    mcp = FastMCP()
    with caplog.at_level(logging.WARNING, NAMES), pytest.raises(ValueError) as caught:
        mcp.add_tool(lambda x: x)  # pyright: ignore
    assert str(caught.value) == "You must provide a name for lambda functions"
    assert messages(caplog, NAMES)[0] == 'Tool name validation warning for "<lambda>":'
    mcp.add_tool(lambda x: x, name="same")  # pyright: ignore
    assert mcp._tool_manager.get_tool("same") is not None


def test_description_is_given_or_the_raw_docstring_or_empty():
    """TOOL-5"""

    def indented():
        """One.

        Two.
        """

    def silent(): ...

    assert Tool.from_function(indented).description == indented.__doc__
    assert Tool.from_function(indented, description="x").description == "x"
    assert Tool.from_function(silent).description == ""
    assert Tool.from_function(functools.partial(indented), name="p").description == indented.__doc__


@pytest.mark.parametrize("warn", [True, False])
def test_first_registration_of_a_name_stays(caplog: pytest.LogCaptureFixture, warn: bool):
    """TOOL-6, TOOL-8"""
    manager = ToolManager(warn_on_duplicate_tools=warn)
    first = manager.add_tool(add)
    with caplog.at_level(logging.WARNING):
        assert manager.add_tool(add, description="other") is first
    expected = ["Tool already exists: add"] if warn else []
    assert messages(caplog, MANAGER) == expected
    assert all(record.levelno == logging.WARNING for record in caplog.records)


def test_last_of_given_tools_stays(caplog: pytest.LogCaptureFixture):
    """TOOL-7"""
    tools = [Tool.from_function(add, description="1"), Tool.from_function(add, description="2")]
    with caplog.at_level(logging.WARNING):
        mcp = FastMCP(tools=tools)
    assert messages(caplog, MANAGER) == ["Tool already exists: add"]
    assert mcp._tool_manager.list_tools() == [tools[1]]


def test_bad_signature_raises_even_for_a_duplicate():
    """TOOL-9"""
    manager = ToolManager()
    manager.add_tool(add)

    def bad(_x: int): ...

    with pytest.raises(InvalidSignature):
        manager.add_tool(bad, name="add")


async def test_removed_tools_are_gone():
    """TOOL-10, TOOL-11, TOOL-16"""
    mcp = FastMCP()
    mcp.add_tool(add)
    with pytest.raises(ToolError) as caught:
        mcp.remove_tool("ADD")
    assert str(caught.value) == "Unknown tool: ADD"
    async with connect(mcp) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["add"]
        mcp.remove_tool("add")
        assert (await client.list_tools()).tools == []
        result = await client.call_tool("add", {"a": 1})
        assert result.isError
        assert result.content[0].text == "Unknown tool: add"  # pyright: ignore
    assert mcp._tool_manager.get_tool("add") is None


async def test_changes_are_told_only_by_the_program():
    """TOOL-12"""
    mcp = FastMCP()
    seen: list[Any] = []

    @mcp.tool()
    async def grow(ctx: Context) -> str:  # pyright: ignore
        mcp.add_tool(add)
        before = len(seen)
        await ctx.session.send_tool_list_changed()
        return str(before)

    async def note(message: Any) -> None:
        seen.append(message)

    async with connect(mcp, message_handler=note) as client:
        result = await client.call_tool("grow", {})
        await client.send_ping()
    assert result.content[0].text == "0"  # pyright: ignore
    assert [type(message.root).__name__ for message in seen] == ["ToolListChangedNotification"]


async def test_list_is_one_page_in_order_of_registration():
    """TOOL-13"""
    mcp = FastMCP()
    for name in ("c", "a", "b"):
        mcp.add_tool(add, name=name)
    async with connect(mcp) as client:
        for cursor in (None, "anything"):
            page = await client.list_tools(cursor=cursor)
            assert [tool.name for tool in page.tools] == ["c", "a", "b"]
            assert page.nextCursor is None


async def test_empty_meta_is_kept():
    """TOOL-15"""
    mcp = FastMCP()
    mcp.add_tool(add, name="empty", meta={})
    mcp.add_tool(add, name="none")
    empty, none = await mcp.list_tools()
    assert empty.model_dump(by_alias=True, exclude_none=True)["_meta"] == {}
    assert "_meta" not in none.model_dump(by_alias=True, exclude_none=True)


def test_display_name_of_a_tool():
    """TOOL-17"""

    def named(**kwargs: Any) -> ListedTool:
        return ListedTool(name="n", inputSchema={}, **kwargs)

    assert get_display_name(named(title="t", annotations=ToolAnnotations(title="a"))) == "t"
    assert get_display_name(named(annotations=ToolAnnotations(title="a"))) == "a"
    assert get_display_name(named(title="")) == ""
    assert get_display_name(named()) == "n"


def test_tool_is_a_model():
    """TOOL-18"""

    def with_context(x: int, c: Any) -> int:
        return x

    tool = Tool.from_function(with_context, context_kwarg="c")
    assert "fn" not in tool.model_dump()
    assert tool.context_kwarg == "c"
    assert list(tool.parameters["properties"]) == ["x"]
    assert tool.output_schema == tool.fn_metadata.output_schema
    tool.output_schema["title"] = "changed"  # pyright: ignore
    assert tool.output_schema["title"] == "changed"  # pyright: ignore


async def test_callable_objects_and_partials():
    """TOOL-19, TOOL-20: async is found behind partial and `__call__`; a name is found for all."""

    class Adder:
        """Adds."""

        async def __call__(self, a: int, ctx: Context) -> int:
            return a + 1

    async def plus(a: int, b: int) -> int:
        return a + b

    named = Adder()
    named.__name__ = "named"  # pyright: ignore
    mcp = FastMCP()
    mcp.add_tool(named)
    mcp.add_tool(Adder())
    mcp.add_tool(functools.partial(plus, b=2))
    mcp.add_tool(functools.partial(functools.partial(plus, b=3)), name="given")
    tools = mcp._tool_manager.list_tools()
    assert [(tool.name, tool.is_async) for tool in tools] == [
        ("named", True),
        ("Adder", True),
        ("plus", True),
        ("given", True),
    ]
    assert tools[1].description == "Adds."
    assert await mcp.call_tool("Adder", {"a": 1}) == await mcp.call_tool("named", {"a": 1})
    assert (await mcp.call_tool("plus", {"a": 1}))[1] == {"result": 3}  # pyright: ignore
    assert (await mcp.call_tool("given", {"a": 1}))[1] == {"result": 4}  # pyright: ignore


def test_what_cannot_be_called():
    """TOOL-21"""
    mcp = FastMCP()
    with pytest.raises(AttributeError):
        mcp.add_tool(1)  # pyright: ignore
    with pytest.raises(TypeError) as caught:
        mcp.add_tool(1, name="one")  # pyright: ignore
    assert str(caught.value) == "1 is not a callable object"


async def test_class_is_a_tool_that_constructs_it():
    """TOOL-22"""

    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

        def __str__(self) -> str:
            return f"Point({self.x})"

    mcp = FastMCP()
    mcp.add_tool(Point)
    (block,) = await mcp.call_tool("Point", {"x": 3})
    assert block.text == '"Point(3)"'  # pyright: ignore


@pytest.mark.parametrize(
    ("name", "valid", "warnings"),
    [
        ("a.B-_9", True, []),
        ("x" * 128, True, []),
        ("", False, ["Tool name cannot be empty"]),
        ("x" * 129, False, ["Tool name exceeds maximum length of 128 characters (current: 129)"]),
        ("-a", True, ["Tool name starts or ends with a dash, which may cause parsing issues in some contexts"]),
        ("a.", True, ["Tool name starts or ends with a dot, which may cause parsing issues in some contexts"]),
    ],
)
def test_tool_name_rules(name: str, valid: bool, warnings: list[str]):
    """NAME-1, NAME-2, NAME-3, NAME-5, NAME-9"""
    result = validate_tool_name(name)
    assert (result.is_valid, result.warnings) == (valid, warnings)
    assert validate_and_warn_tool_name(name) is valid


def test_tool_name_with_invalid_characters():
    """NAME-4, NAME-6: also a final newline counts."""
    result = validate_tool_name("a b,c b!\n")
    assert not result.is_valid
    assert result.warnings == [
        "Tool name contains spaces, which may cause parsing issues",
        "Tool name contains commas, which may cause parsing issues",
        "Tool name contains invalid characters: ' ', ',', '!', '\\n'",
        "Allowed characters are: A-Z, a-z, 0-9, underscore (_), dash (-), and dot (.)",
    ]


async def test_name_is_checked_at_registration_and_at_each_listing(caplog: pytest.LogCaptureFixture):
    """NAME-7, NAME-8"""
    expected = [
        'Tool name validation warning for "a b":',
        "  - Tool name contains spaces, which may cause parsing issues",
        "  - Tool name contains invalid characters: ' '",
        "  - Allowed characters are: A-Z, a-z, 0-9, underscore (_), dash (-), and dot (.)",
        "Tool registration will proceed, but this may cause compatibility issues.",
        "Consider updating the tool name to conform to the MCP tool naming standard.",
        "See SEP-986 (https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-names) "
        "for more details.",
    ]
    mcp = FastMCP()
    with caplog.at_level(logging.WARNING, NAMES):
        mcp.add_tool(add, name="a b")
        assert messages(caplog, NAMES) == expected
        assert {record.levelname for record in caplog.records} == {"WARNING"}
        async with connect(mcp) as client:
            await client.list_tools()
            await client.list_tools()
    assert messages(caplog, NAMES) == expected * 3


async def test_listed_objects_are_kept_until_something_changes():
    """TOOL-13: the schemas of a listed tool are compiled once for each object."""
    mcp = FastMCP()
    mcp.add_tool(add, meta={"k": 1})
    (first,) = await mcp.list_tools()
    assert (await mcp.list_tools())[0] is first

    tool = mcp._tool_manager.get_tool("add")
    assert tool is not None
    tool.parameters = {"type": "object", "properties": {}}
    (second,) = await mcp.list_tools()
    assert second is not first
    assert second.inputSchema == {"type": "object", "properties": {}}

    tool.parameters["additionalProperties"] = False
    (third,) = await mcp.list_tools()
    assert third.inputSchema["additionalProperties"] is False

    # A program that lists its own tools may change what it gets; the next one gets it unchanged.
    third.description = "changed"
    third.inputSchema["x"] = 1
    (fourth,) = await mcp.list_tools()
    assert fourth.description == "Add two numbers."
    assert "x" not in fourth.inputSchema
    fourth.extra = "z"  # pyright: ignore
    assert "extra" not in (await mcp.list_tools())[0].model_dump()


async def test_tools_made_by_hand_and_subclasses_are_served():
    """TOOL-18: programs put `Tool`s of their own, with a hand-made argument model, into the manager."""

    class Doubled(Tool):
        async def run(self, arguments: dict[str, Any], context: Any = None, convert_result: bool = False) -> Any:
            return [*await super().run(arguments, context, convert_result)] * 2

    class Arguments(ArgModelBase):
        word: str

    async def shout(word: str) -> str:
        return word.upper()

    tool = Doubled(
        fn=shout,
        name="shout",
        description="",
        parameters=Arguments.model_json_schema(),
        fn_metadata=FuncMetadata(arg_model=Arguments),
        is_async=True,
    )
    mcp = FastMCP()
    mcp._tool_manager._tools["shout"] = tool
    async with connect(mcp) as client:
        result = await client.call_tool("shout", {"word": "a"})
    assert [block.text for block in result.content] == ["A", "A"]  # pyright: ignore


async def test_subclass_methods_serve_requests():
    """SRV-19: overrides of `list_tools` and `call_tool` win."""

    class Own(FastMCP):
        async def list_tools(self) -> list[ListedTool]:
            return [ListedTool(name="own", inputSchema={"type": "object"})]

        async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
            return await super().call_tool("add", {"a": 41})

    mcp = Own()
    mcp.add_tool(add)
    async with connect(mcp) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["own"]
        result = await client.call_tool("own", {})
    assert result.structuredContent == {"result": 42}
