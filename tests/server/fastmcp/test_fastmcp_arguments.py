"""From a signature to the input schema, and from a client's arguments to a call."""

import asyncio
import enum
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, NewType, Optional, TypeVar

import pytest
from pydantic import BaseModel, Field, Json, SecretStr, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import InvalidSignature, ToolError
from mcp.server.fastmcp.utilities.func_metadata import ArgModelBase, FuncMetadata, func_metadata
from mcp.shared.memory import create_connected_server_and_client_session as connect

pytestmark = pytest.mark.anyio

T = TypeVar("T")
UserId = NewType("UserId", str)
Count = NewType("Count", int)


class Point(BaseModel):
    x: int
    y: int = 0


class Colour(enum.Enum):
    RED = "red"


class Level(enum.Enum):
    LOW = 1


def schema(fn: Callable[..., Any]) -> dict[str, Any]:
    return func_metadata(fn).arg_model.model_json_schema(by_alias=True)


def properties(fn: Callable[..., Any]) -> dict[str, Any]:
    return schema(fn)["properties"]


async def call(fn: Callable[..., Any], arguments: dict[str, Any], is_async: bool = False) -> Any:
    return await func_metadata(fn).call_fn_with_arg_validation(fn, is_async, arguments, None)


def test_root_of_the_schema():
    """ARG-1, ARG-2: the title is the function's own name."""

    def make(user_id: int): ...

    def empty(): ...

    mcp = FastMCP()
    mcp.add_tool(make, name="renamed")
    assert mcp._tool_manager.list_tools()[0].parameters == {
        "properties": {"user_id": {"title": "User Id", "type": "integer"}},
        "required": ["user_id"],
        "title": "makeArguments",
        "type": "object",
    }
    assert schema(empty) == {"properties": {}, "title": "emptyArguments", "type": "object"}


async def test_parameters_without_annotation_take_anything():
    """ARG-3, ARG-4"""

    def fn(user_id: int, whatever, other=5):  # pyright: ignore
        return user_id, whatever, other  # pyright: ignore

    assert properties(fn) == {
        "user_id": {"title": "User Id", "type": "integer"},
        "whatever": {"title": "whatever", "type": "string"},
        "other": {"default": 5, "title": "other", "type": "string"},
    }
    assert await call(fn, {"user_id": "1", "whatever": {"a": [1]}, "other": None}) == (1, {"a": [1]}, None)


async def test_defaults():
    """ARG-5, ARG-38: shown, not required, not checked, and copied for each call."""

    def fn(x: int = "bad", items: list[int] = []) -> Any:  # pyright: ignore # noqa: B006
        items.append(1)
        return x, items

    assert schema(fn) == {
        "properties": {
            "x": {"default": "bad", "title": "X", "type": "integer"},
            "items": {"default": [], "items": {"type": "integer"}, "title": "Items", "type": "array"},
        },
        "title": "fnArguments",
        "type": "object",
    }
    metadata = func_metadata(fn)
    for _ in range(2):
        assert await metadata.call_fn_with_arg_validation(fn, False, {}, None) == ("bad", [1])


async def test_fields_contribute():
    """ARG-6, ARG-7"""

    def fn(
        a: int = Field(description="first", ge=0),
        b: Annotated[int, Field(description="second", le=9)] = 3,
        c: list[int] = Field(default_factory=list),
        d: Annotated[int, "only a comment"] = 4,
    ) -> Any:
        return a, b, c, d

    assert schema(fn) == {
        "properties": {
            "a": {"description": "first", "minimum": 0, "title": "A", "type": "integer"},
            "b": {"default": 3, "description": "second", "maximum": 9, "title": "B", "type": "integer"},
            "c": {"items": {"type": "integer"}, "title": "C", "type": "array"},
            "d": {"default": 4, "title": "D", "type": "integer"},
        },
        "required": ["a"],
        "title": "fnArguments",
        "type": "object",
    }
    assert await call(fn, {"a": 1}) == (1, 3, [], 4)


def test_optional_without_default_is_required():
    """ARG-8"""

    def fn(x: Optional[int]): ...  # noqa: UP045

    assert schema(fn)["required"] == ["x"]
    assert properties(fn)["x"] == {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "X"}


async def test_nested_models_are_referenced_and_handed_over():
    """ARG-9, ARG-21"""

    def fn(point: Point) -> Any:
        return point

    assert properties(fn) == {"point": {"$ref": "#/$defs/Point"}}
    assert set(schema(fn)["$defs"]) == {"Point"}
    assert await call(fn, {"point": {"x": 1}}) == Point(x=1)
    model = func_metadata(fn).arg_model.model_validate({"point": {"x": 1}})
    assert model.model_dump_one_level() == {"point": Point(x=1)}


async def test_keyword_only_and_positional_only():
    """ARG-10, ARG-19"""

    def fn(a: int, b: int = 2, /, *, c: int) -> Any:
        return a, b, c

    assert list(properties(fn)) == ["a", "b", "c"]
    assert await call(fn, {"a": 1, "c": 3}) == (1, 2, 3)


@pytest.mark.parametrize("kind", ["args", "kwargs"])
def test_variadic_parameters_are_refused(kind: str):
    """ARG-19"""

    def args(*args: int): ...

    def kwargs(**kwargs: int): ...

    with pytest.raises(InvalidSignature, match=rf"^Parameter {kind} of {kind} takes any number of arguments"):
        func_metadata({"args": args, "kwargs": kwargs}[kind])


def test_leading_underscore_is_refused():
    """ARG-11"""
    from mcp.server.fastmcp import Context

    def fn(_x: int): ...

    def with_context(_ctx: Context): ...

    with pytest.raises(InvalidSignature) as caught:
        func_metadata(fn)
    assert str(caught.value) == "Parameter _x of fn cannot start with '_'"
    with pytest.raises(InvalidSignature) as caught:
        FastMCP().add_tool(with_context)
    assert str(caught.value) == "Parameter _ctx of with_context cannot start with '_'"


@pytest.mark.parametrize("annotation", ["Missing", "int | 'x'", "1 +"])
def test_annotations_that_cannot_be_evaluated(annotation: str):
    """ARG-12"""

    def fn(x): ...  # pyright: ignore

    fn.__annotations__["x"] = annotation
    with pytest.raises(InvalidSignature) as caught:
        func_metadata(fn)  # pyright: ignore
    assert str(caught.value) == "Unable to evaluate type annotations for callable 'fn'"


def test_references_inside_annotations_are_those_of_the_module():
    """ARG-12: a name in quotes inside another type is found as well."""

    def fn(points: "list['Point']", other: Optional["Point"] = None): ...

    assert set(schema(fn)["$defs"]) == {"Point"}


def test_types_without_schema_are_refused():
    """ARG-13"""

    def fn(callback: Callable[[], int]): ...

    with pytest.raises(PydanticInvalidForJsonSchema):
        FastMCP().add_tool(fn)


def test_bare_and_arbitrary_types():
    """ARG-14"""

    def fn(a: list, b: dict, c: bytes): ...  # pyright: ignore

    assert properties(fn) == {  # pyright: ignore
        "a": {"items": {}, "title": "A", "type": "array"},
        "b": {"additionalProperties": True, "title": "B", "type": "object"},
        "c": {"format": "binary", "title": "C", "type": "string"},
    }
    assert func_metadata(fn).arg_model.model_config["arbitrary_types_allowed"] is True  # pyright: ignore


RESERVED = ["model_dump", "json", "copy", "schema", "validate", "dict", "construct", "register", "parse_obj"]
RESERVED_DATA = ["model_config", "model_fields", "model_extra", "model_fields_set", "model_computed_fields"]


@pytest.mark.parametrize("name", [*RESERVED, *RESERVED_DATA, "model_x", "model_dump_one_level", "model_dump_x"])
@pytest.mark.parametrize("default", ["", "=7"])
async def test_names_of_model_attributes_can_be_parameters(name: str, default: str):
    """ARG-15, ARG-16, ARG-17: schema, wire and function see the plain name."""
    scope: dict[str, Any] = {}
    exec(f"def fn({name}: int{default}): return {name}", scope)
    fn = scope["fn"]
    assert list(properties(fn)) == [name]
    assert schema(fn).get("required", []) == ([] if default else [name])
    assert await call(fn, {name: "5"}) == 5
    if default:
        assert await call(fn, {}) == 7
    stored = next(iter(func_metadata(fn).arg_model.model_fields))
    assert stored == (f"field_{name}" if hasattr(ArgModelBase, name) else name)


async def test_stored_name_that_is_taken():
    """ARG-15"""

    def fn(copy: int, field_copy: int) -> Any:
        return copy, field_copy

    assert list(properties(fn)) == ["copy", "field_copy"]
    assert await call(fn, {"copy": 1, "field_copy": 2}) == (1, 2)


async def test_alias_is_published_and_the_parameter_called():
    """ARG-18, ARG-36: JSON text is recognised under the alias too."""

    def fn(x: Annotated[list[int], Field(alias="xA")], copy: Annotated[int, Field(alias="cC")] = 0) -> Any:
        return x, copy

    assert list(properties(fn)) == ["xA", "cC"]
    assert await call(fn, {"xA": "[1, 2]", "cC": 3}) == ([1, 2], 3)
    model = func_metadata(fn).arg_model.model_validate({"xA": [1]})
    assert model.model_dump_one_level() == {"xA": [1], "cC": 0}


async def test_skipped_names_are_left_out():
    """ARG-20"""

    def fn(a: int, b: Any) -> Any:
        return a, b

    metadata = func_metadata(fn, skip_names=["b"])
    assert list(metadata.arg_model.model_fields) == ["a"]
    assert await metadata.call_fn_with_arg_validation(fn, False, {"a": 1}, {"b": "direct"}) == (1, "direct")


async def test_only_the_model_checks_arguments_and_leniently():
    """ARG-30, ARG-31, ARG-32"""
    mcp = FastMCP()

    @mcp.tool()
    def fn(a: int = 0, b: bool = False) -> list[Any]:  # pyright: ignore
        return [a, b]

    async with connect(mcp) as client:
        result = await client.call_tool("fn", {"a": "5", "b": "true", "extra": 1})
        assert result.structuredContent == {"result": [5, True]}
        result = await client.call_tool("fn")
        assert result.structuredContent == {"result": [0, False]}
        result = await client.call_tool("fn", {"a": "x"})
        assert result.isError
        text: str = result.content[0].text  # pyright: ignore
        assert text.startswith("Error executing tool fn: 1 validation error for fnArguments\na\n")


class Text(str):
    pass


@pytest.mark.parametrize(
    "annotation",
    [
        str,
        Text,
        Optional[str],  # noqa: UP045
        str | list[str],
        Annotated[str | None, Field(description="d")],
        Any,
        object,
        T,
        UserId,
        Literal["a", 1],
        Colour,
        bytes,
        SecretStr,
        Json[list[int]],
        Json[list[int]] | None,
        dict[str, Any] | Json[Any],
    ],
)
def test_text_is_never_parsed_where_it_is_accepted(annotation: Any):
    """ARG-33, ARG-35: decided by the declared type, so that text that looks like JSON arrives as it is."""

    def fn(x): ...  # pyright: ignore

    fn.__annotations__["x"] = annotation
    metadata = func_metadata(fn)  # pyright: ignore
    for text in ('{"a":1}', "[1]", "null"):
        assert metadata.pre_parse_json({"x": text}) == {"x": text}


def test_parameters_without_annotation_are_never_parsed():
    """ARG-33"""
    metadata = func_metadata(lambda x: x)  # pyright: ignore
    assert metadata.pre_parse_json({"x": "[1]"}) == {"x": "[1]"}


@pytest.mark.parametrize(
    "annotation",
    [int, list[int], Point, dict[str, Any], Optional[int], Count, Level, Literal[1, 2], Annotated[list[str], "x"]],  # noqa: UP045
)
@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1, 2]", [1, 2]),
        ("null", None),
        ("5", "5"),
        ("1.5", "1.5"),
        ("true", "true"),
        ('"x"', '"x"'),
        ("[1,", "[1,"),
        ("nope", "nope"),
        ("", ""),
        ("[" * 10_000, "[" * 10_000),
        (7, 7),
        (["[1]"], ["[1]"]),
    ],
)
def test_json_text_is_parsed_where_the_type_is_no_string(annotation: Any, text: Any, parsed: Any):
    """ARG-33, ARG-34, ARG-36, ARG-37: only objects, arrays and null are replaced, only at the top."""

    def fn(x): ...  # pyright: ignore

    fn.__annotations__["x"] = annotation
    given = {"x": text, "unknown": "[1]"}
    before = dict(given)
    assert func_metadata(fn).pre_parse_json(given) == {"x": parsed, "unknown": "[1]"}  # pyright: ignore
    assert given == before


async def test_null_in_text_for_an_optional_number():
    """ARG-35"""

    def fn(x: int | None) -> Any:
        return x

    assert await call(fn, {"x": "null"}) is None


async def test_async_functions_are_awaited():
    """TOOL-19: also a coroutine that a plain function returns."""

    async def fn(x: int) -> int:
        return x + 1

    assert await call(fn, {"x": 1}, is_async=True) == 2
    assert await call(lambda x: fn(x), {"x": 2}) == 3  # pyright: ignore


async def test_models_made_by_hand():
    """ARG-21: programs build `FuncMetadata` themselves, and assign another model to it."""

    class Arguments(ArgModelBase):
        items: list[int]
        NAME: ClassVar[str] = "x"

    def fn(items: list[int]) -> Any:
        return items

    metadata = FuncMetadata(arg_model=Arguments)
    assert await metadata.call_fn_with_arg_validation(fn, False, {"items": "[1]"}, None) == [1]
    assert metadata.output_schema is None

    class Others(ArgModelBase):
        items: str

    metadata.arg_model = Others
    assert await metadata.call_fn_with_arg_validation(fn, False, {"items": "[1]"}, None) == "[1]"


async def test_wrong_arguments_raise_before_the_call():
    """ARG-30, TOOL-66"""
    called: list[int] = []

    def fn(x: int) -> None:
        called.append(x)

    with pytest.raises(ValidationError):
        await call(fn, {"x": "a"})
    mcp = FastMCP()
    mcp.add_tool(fn)
    with pytest.raises(ToolError) as caught:
        await mcp.call_tool("fn", {"x": "a"})
    assert isinstance(caught.value.__cause__, ValidationError)
    assert called == []


def test_registration_needs_no_event_loop():
    """DIR-1"""
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    FastMCP().add_tool(lambda x: x, name="x")  # pyright: ignore
