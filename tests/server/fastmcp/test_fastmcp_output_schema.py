"""From a return annotation to an output schema."""

import collections.abc
import datetime
import decimal
import enum
import logging
import pathlib
import typing
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, NamedTuple, NewType, NoReturn, Optional, TypeVar

import pytest
from pydantic import BaseModel, Field, RootModel
from typing_extensions import NotRequired, Required, TypeAliasType, TypedDict

from mcp.server.fastmcp import Audio, Image
from mcp.server.fastmcp.exceptions import InvalidSignature
from mcp.server.fastmcp.utilities.func_metadata import FuncMetadata, StrictJsonSchema, func_metadata
from mcp.types import CallToolResult, ContentBlock, TextContent

T = TypeVar("T")
Score = NewType("Score", int)
Table = TypeAliasType("Table", dict[str, int])


class Model(BaseModel):
    x: int = Field(description="d", alias="xx")


class Box(BaseModel, Generic[T]):
    value: T


class Node(BaseModel):
    value: int
    next: "Node | None" = None


class ListRoot(RootModel[list[int]]):
    pass


class DictRoot(RootModel[dict[str, int]]):
    pass


class Record(TypedDict):
    a: int
    copy: NotRequired[Annotated[str, Field(description="text")]]


class Partial(TypedDict, total=False):
    a: int
    b: Required[int]


@dataclass
class Data:
    a: int
    b: list[int] = field(default_factory=list)
    c: str = "z"
    _hidden: int = 0
    d: ClassVar[int] = 1
    e: InitVar[int] = 2


@dataclass
class Slotted:
    __slots__ = ("a",)
    a: int


class Plain:
    a: int
    b: str = "q"
    _p: int = 3
    C: ClassVar[int] = 4

    def __init__(self, a: int) -> None:
        self.a = a


class Derived(Plain):
    z: float = 1


class Shown:
    x: int

    @property
    def x(self) -> int:  # pyright: ignore
        return 1


class Bare:
    def __init__(self, a: int) -> None:
        self.a = a


class Hidden:
    _a: int


class Odd:
    a: int = object()  # pyright: ignore


class Colour(enum.Enum):
    value_type: int = 1  # pyright: ignore
    RED = "red"


class Pair(NamedTuple):
    a: int


def metadata(annotation: Any, structured_output: bool | None = None) -> FuncMetadata:
    def fn() -> Any: ...

    fn.__annotations__["return"] = annotation
    return func_metadata(fn, structured_output=structured_output)


def wrapped(member: dict[str, Any]) -> dict[str, Any]:
    return {
        "properties": {"result": {"title": "Result", **member}},
        "required": ["result"],
        "title": "fnOutput",
        "type": "object",
    }


INTEGERS = {"items": {"type": "integer"}, "type": "array"}


@pytest.mark.parametrize("annotation", [str, int, Model, list[int], dict[str, int], Image])
def test_never_structured_on_request(annotation: Any):
    """OUT-1"""
    found = metadata(annotation, structured_output=False)
    assert (found.output_schema, found.output_model, found.wrap_output) == (None, None, False)


def test_structured_output_needs_an_annotation():
    """OUT-2"""

    def fn(): ...

    assert func_metadata(fn).output_schema is None
    with pytest.raises(InvalidSignature) as caught:
        func_metadata(fn, structured_output=True)
    assert str(caught.value) == "Function fn: return annotation required for structured output"


@pytest.mark.parametrize("annotation", [complex, list, Any, list[Image], Annotated[CallToolResult, "x"]])
def test_structured_output_needs_a_type_with_a_schema(annotation: Any):
    """OUT-3"""
    shown = "x" if typing.get_origin(annotation) is Annotated else annotation
    with pytest.raises(InvalidSignature) as caught:
        metadata(annotation, structured_output=True)
    assert str(caught.value) == f"Function fn: return type {shown} is not serializable for structured output"


@pytest.mark.parametrize("structured_output", [None, True])
def test_result_made_by_the_tool_has_no_schema(structured_output: bool | None):
    """OUT-4"""

    class Own(CallToolResult):
        pass

    assert metadata(CallToolResult, structured_output).output_schema is None
    assert metadata(Own, structured_output).output_schema is None


@pytest.mark.parametrize("annotation", [Final[int], ClassVar[int], Final])
def test_qualifiers_are_refused(annotation: Any):
    """OUT-5"""
    with pytest.raises(InvalidSignature) as caught:
        metadata(annotation)
    assert str(caught.value) == "Function fn: return annotation contains an invalid type qualifier"
    assert metadata(annotation, structured_output=False).output_schema is None


@pytest.mark.parametrize("annotation", [Optional[CallToolResult], CallToolResult | str, int | CallToolResult])  # noqa: UP045
def test_result_in_a_union_is_refused(annotation: Any):
    """OUT-6"""
    with pytest.raises(InvalidSignature) as caught:
        metadata(annotation)
    assert str(caught.value) == (
        "Function fn: CallToolResult cannot be used in Union or Optional types. "
        "To return empty results, use: CallToolResult(content=[])"
    )


@pytest.mark.parametrize("annotation", [Callable[[], int], list[Image], dict[str, Bare], Odd])
def test_unusable_types_are_logged(annotation: Any, caplog: pytest.LogCaptureFixture):
    """OUT-7"""
    with caplog.at_level(logging.INFO):
        assert metadata(annotation).output_schema is None
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("Cannot create schema for type ")


@pytest.mark.parametrize(
    "annotation",
    [
        Any,
        object,
        list,
        dict,
        tuple,
        set,
        Bare,
        Hidden,
        Colour,
        datetime.datetime,
        datetime.date,
        decimal.Decimal,
        uuid.UUID,
        pathlib.Path,
        Pair,
        complex,
        Callable,
        type,
        Image,
        Audio,
        CallToolResult,
    ],
)
def test_types_without_structured_output(annotation: Any):
    """OUT-8, OUT-9"""
    assert metadata(annotation).output_schema is None


@pytest.mark.parametrize(
    ("annotation", "member"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (bytes, {"format": "binary", "type": "string"}),
        (list[int], INTEGERS),
        (typing.List[int], INTEGERS),  # noqa: UP006
        (Sequence[int], INTEGERS),
        (set[int], {**INTEGERS, "uniqueItems": True}),
        (tuple[int], {"maxItems": 1, "minItems": 1, "prefixItems": [{"type": "integer"}], "type": "array"}),
        (Mapping[str, int], {"additionalProperties": {"type": "integer"}, "type": "object"}),
        (typing.Dict[str, int], {"additionalProperties": {"type": "integer"}, "type": "object"}),  # noqa: UP006
        (dict[int, str], {"additionalProperties": {"type": "string"}, "type": "object"}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (str | int, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        (Literal["a"], {"const": "a", "type": "string"}),
        (T, {}),
        (Score, {"type": "integer"}),
        (collections.abc.Iterable[int], INTEGERS),
    ],
)
def test_types_wrapped_as_result(annotation: Any, member: dict[str, Any]):
    """OUT-8"""
    found = metadata(annotation)
    assert found.output_schema == wrapped(member)
    assert found.wrap_output is True
    assert found.output_model is not None


def test_shared_models_leave_schemas_separate():
    """OUT-8: the schema of one tool may be changed without touching that of another."""

    def first() -> int: ...  # pyright: ignore

    def second() -> int: ...  # pyright: ignore

    one, two = func_metadata(first), func_metadata(second)
    assert one.output_schema is not None
    assert two.output_schema is not None
    assert (one.output_schema["title"], two.output_schema["title"]) == ("firstOutput", "secondOutput")
    one.output_schema["title"] = "changed"
    one.output_schema["properties"]["result"]["description"] = "changed"
    assert two.output_schema == {**wrapped({"type": "integer"}), "title": "secondOutput"}
    assert func_metadata(first).output_schema == {**wrapped({"type": "integer"}), "title": "firstOutput"}


@pytest.mark.parametrize("annotation", [dict[str, int], Table])
def test_dictionaries_with_text_keys(annotation: Any):
    """OUT-8"""
    found = metadata(annotation)
    assert found.output_schema == {
        "additionalProperties": {"type": "integer"},
        "title": "fnDictOutput",
        "type": "object",
    }
    assert found.wrap_output is False


@pytest.mark.parametrize(
    ("annotation", "properties", "required"),
    [
        (Model, {"xx": {"description": "d", "title": "Xx", "type": "integer"}}, ["xx"]),
        (
            Record,
            {
                "a": {"title": "A", "type": "integer"},
                "copy": {"default": None, "description": "text", "title": "Copy", "type": "string"},
            },
            ["a"],
        ),
        (
            Partial,
            {
                "a": {"default": None, "title": "A", "type": "integer"},
                "b": {"title": "B", "type": "integer"},
            },
            ["b"],
        ),
        (
            Data,
            {
                "a": {"title": "A", "type": "integer"},
                "b": {**INTEGERS, "title": "B"},
                "c": {"default": "z", "title": "C", "type": "string"},
            },
            ["a"],
        ),
        (Slotted, {"a": {"title": "A", "type": "integer"}}, ["a"]),
        (
            Plain,
            {"a": {"title": "A", "type": "integer"}, "b": {"default": "q", "title": "B", "type": "string"}},
            ["a"],
        ),
        (
            Derived,
            {
                "a": {"title": "A", "type": "integer"},
                "b": {"default": "q", "title": "B", "type": "string"},
                "z": {"default": 1, "title": "Z", "type": "number"},
            },
            ["a"],
        ),
        (Shown, {"x": {"title": "X", "type": "integer"}}, ["x"]),
    ],
)
def test_classes_with_fields_are_objects_themselves(annotation: Any, properties: dict[str, Any], required: list[str]):
    """OUT-8, OUT-11, OUT-13: aliases are used, and what has a default is optional."""
    found = metadata(annotation)
    assert found.output_schema == {
        "properties": properties,
        "required": required,
        "title": annotation.__name__,
        "type": "object",
    }
    assert found.wrap_output is False


def test_generic_models_and_content_blocks():
    """OUT-8"""
    assert metadata(Box[int]).output_schema == {
        "properties": {"value": {"title": "Value", "type": "integer"}},
        "required": ["value"],
        "title": "Box[int]",
        "type": "object",
    }
    block = metadata(TextContent).output_schema
    assert block is not None
    assert block["required"] == ["type", "text"]
    for annotation in (ContentBlock, list[ContentBlock]):
        found = metadata(annotation)
        assert found.wrap_output
        assert found.output_schema is not None
        result = found.output_schema["properties"]["result"]
        choices = (result.get("items") or result)["anyOf"]
        assert [choice["$ref"].rpartition("/")[2] for choice in choices] == [
            "TextContent",
            "ImageContent",
            "AudioContent",
            "ResourceLink",
            "EmbeddedResource",
        ]


@pytest.mark.parametrize(
    ("inner", "same_as"), [(Model, Model), (list[int], list[int]), (dict[str, int], dict[str, int])]
)
def test_annotated_result_takes_the_schema_of_its_metadata(inner: Any, same_as: Any):
    """OUT-8"""
    found, expected = metadata(Annotated[CallToolResult, inner, "x"]), metadata(same_as)
    assert found.output_schema == expected.output_schema
    assert found.wrap_output == expected.wrap_output


def test_field_metadata():
    """OUT-10"""
    note = Field(description="D")
    assert metadata(Annotated[int, Field(gt=3, description="D")]).output_schema == wrapped(
        {"description": "D", "exclusiveMinimum": 3, "type": "integer"}
    )
    assert metadata(Annotated[dict[str, int], note]).output_schema == metadata(dict[str, int]).output_schema
    assert metadata(Annotated[Model, note]).output_schema == metadata(Model).output_schema


def test_self_referential_model_has_an_object_at_the_root():
    """OUT-12"""
    schema = metadata(Node).output_schema
    assert schema is not None
    assert schema["type"] == "object"
    assert list(schema["properties"]) == ["value", "next"]
    assert schema["$defs"]["Node"]["properties"] == schema["properties"]


@pytest.mark.parametrize(
    "annotation", [list[Image], Iterator[Bare], AsyncIterator[int], Awaitable[int], NoReturn, "Iterator[Image]"]
)
def test_what_has_no_schema_is_not_structured(annotation: Any):
    """OUT-14"""
    assert metadata(annotation).output_schema is None


def test_typed_dict_that_pydantic_refuses_is_not_structured():
    """OUT-14: inside other types pydantic wants that of typing_extensions, before Python 3.12."""
    old = typing.TypedDict("old", {"a": int})  # noqa: UP013
    assert metadata(old).output_schema is not None
    metadata(list[old])  # pyright: ignore


def test_root_models():
    """OUT-15"""
    found = metadata(ListRoot)
    assert found.wrap_output
    assert found.output_schema is not None
    assert found.output_schema["type"] == "object"
    assert found.output_schema["required"] == ["result"]
    found = metadata(DictRoot)
    assert not found.wrap_output
    assert found.output_schema == {
        "additionalProperties": {"type": "integer"},
        "title": "DictRoot",
        "type": "object",
    }


def test_strict_schemas_refuse_what_they_cannot_describe():
    """OUT-7"""
    with pytest.raises(ValueError, match="JSON schema warning: non-serializable-default - "):
        StrictJsonSchema().emit_warning("non-serializable-default", "x")


def test_annotations_in_quotes():
    """OUT-8"""
    assert metadata("int").output_schema == wrapped({"type": "integer"})
    assert metadata("Node").output_schema == metadata(Node).output_schema
