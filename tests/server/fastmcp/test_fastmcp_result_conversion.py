"""What a tool returned, as content and structured content, on the wire."""

import datetime
import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import pytest
from pydantic import BaseModel, Field, RootModel
from typing_extensions import NotRequired, TypedDict

from mcp.server.fastmcp import Audio, FastMCP, Image
from mcp.server.fastmcp.utilities.func_metadata import FuncMetadata, func_metadata
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.types import (
    AudioContent,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Model(BaseModel):
    x: int = Field(default=1, alias="xx")
    y: int | None = None


class Nested(BaseModel):
    scores: dict[str, list[float]] = {}
    any: Any = None


class ListRoot(RootModel[list[int]]):
    pass


class DictRoot(RootModel[dict[str, int]]):
    pass


class Record(TypedDict):
    a: int
    b: NotRequired[str]


class Outer(TypedDict):
    inner: Record


@dataclass
class Data:
    a: int
    b: list[int] = field(default_factory=list)


class Plain:
    a: int
    copy: str = "q"

    def __init__(self, a: int) -> None:
        self.a = a


class Colour(enum.Enum):
    RED = "red"


class Strange:
    def __str__(self) -> str:
        return "strange"


async def call(annotation: Any, value: Any) -> CallToolResult:
    """Call a tool with that return annotation (`...` for none) that returns that value."""

    def fn() -> Any:
        return value() if callable(value) and not isinstance(value, type) else value

    if annotation is ...:
        del fn.__annotations__["return"]
    else:
        fn.__annotations__["return"] = annotation
    mcp = FastMCP()
    mcp.add_tool(fn)
    async with connect(mcp) as client:
        return await client.call_tool("fn", {})


def texts(result: CallToolResult) -> list[str]:
    return [block.text for block in result.content]  # pyright: ignore


@pytest.mark.parametrize(
    ("annotation", "value", "content", "structured"),
    [
        (Model, Model(xx=2), ['{\n  "xx": 2,\n  "y": null\n}'], {"xx": 2, "y": None}),
        (Model, {"xx": "5"}, ['{\n  "xx": "5"\n}'], {"xx": 5, "y": None}),
        (Data, Data(1), ['{\n  "a": 1,\n  "b": []\n}'], {"a": 1, "b": []}),
        (Data, {"a": 1}, ['{\n  "a": 1\n}'], {"a": 1, "b": []}),
        (Plain, {"a": 5}, ['{\n  "a": 5\n}'], {"a": 5, "copy": "q"}),
        (int, "5", ["5"], {"result": 5}),
        (list[int], [1, 2], ["1", "2"], {"result": [1, 2]}),
        (list[int], [], [], {"result": []}),
        (list[Model], [Model(xx=1)], ['{\n  "xx": 1,\n  "y": null\n}'], {"result": [{"xx": 1, "y": None}]}),
        (tuple[int, str], (1, "a"), ["1", "a"], {"result": [1, "a"]}),
        (dict[str, int], {"a": 1}, ['{\n  "a": 1\n}'], {"a": 1}),
        (set[int], {1}, ["[\n  1\n]"], {"result": [1]}),
        (bytes, b"q", ['"q"'], {"result": "q"}),
        (T, [None], [], {"result": [None]}),
    ],
)
async def test_both_forms_are_sent(annotation: Any, value: Any, content: list[str], structured: dict[str, Any]):
    """RES-1, RES-11: the text shows what was returned, the structure what it was made into."""
    result = await call(annotation, value)
    assert texts(result) == content
    assert result.structuredContent == structured
    assert result.isError is False


async def test_objects_are_read_by_attribute():
    """RES-1, RES-7"""
    result = await call(Plain, Plain(4))
    assert result.structuredContent == {"a": 4, "copy": "q"}
    assert texts(result)[0].startswith('"<')


@pytest.mark.parametrize("annotation", [..., None, int | None])
async def test_none(annotation: Any):
    """RES-2"""
    result = await call(annotation, None)
    assert result.content == []
    assert result.structuredContent == (None if annotation is ... else {"result": None})


@pytest.mark.parametrize("text", ["", "hello", "  two\nlines ", "héé ☃", '{"a": 1}'])
@pytest.mark.parametrize("annotation", [..., str])
async def test_text_is_verbatim(annotation: Any, text: str):
    """RES-3, RES-17"""
    result = await call(annotation, text)
    assert texts(result) == [text]
    assert result.structuredContent == (None if annotation is ... else {"result": text})


BLOCKS = [
    TextContent(type="text", text="t", _meta={"k": 1}),
    ImageContent(type="image", data="eA==", mimeType="image/png"),
    AudioContent(type="audio", data="eA==", mimeType="audio/wav"),
    ResourceLink(type="resource_link", name="n", uri="r://x"),  # pyright: ignore
    EmbeddedResource(type="resource", resource=TextResourceContents(uri="r://x", text="t")),  # pyright: ignore
]


async def test_content_blocks_and_media():
    """RES-4, RES-5, RES-6: as they are, flattened, without None."""
    for block in BLOCKS:
        assert (await call(..., block)).content == [block]
    media = (await call(..., [[Image(data=b"x"), None], (Audio(data=b"x"), [[]]), "s", BLOCKS[0]])).content
    assert media == [BLOCKS[1], BLOCKS[2], TextContent(type="text", text="s"), BLOCKS[0]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (1.5, "1.5"),
        (True, "true"),
        ({"a": [1, "é"]}, '{\n  "a": [\n    1,\n    "é"\n  ]\n}'),
        (Model(), '{\n  "xx": 1,\n  "y": null\n}'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), '"2026-01-02T03:04:05"'),
        (Colour.RED, '"red"'),
        (float("nan"), "NaN"),
        (b"q", '"q"'),
        (Strange(), '"strange"'),
        ({"a": Strange()}, '{\n  "a": "strange"\n}'),
        ({1}, "[\n  1\n]"),
        (frozenset([2]), "[\n  2\n]"),
    ],
)
async def test_everything_else_is_json_text(value: Any, text: str):
    """RES-7, RES-8"""
    result = await call(..., value)
    assert texts(result) == [text]
    assert result.structuredContent is None


@pytest.mark.parametrize("annotation", [..., Iterable[int]])
async def test_generators_are_one_array(annotation: Any):
    """RES-8: read once, though text and structure both need the items."""
    result = await call(annotation, lambda: (i for i in range(2)))
    assert texts(result) == ["[\n  0,\n  1\n]"]
    assert result.structuredContent == (None if annotation is ... else {"result": [0, 1]})


async def test_bytes_that_are_no_text():
    """RES-9"""
    result = await call(..., b"\xff")
    assert result.isError
    assert texts(result)[0].startswith("Error executing tool fn: Error serializing to JSON: invalid utf-8 sequence")


@pytest.mark.parametrize(
    ("annotation", "value", "where"),
    [
        (int, "x", "fnOutput\nresult"),
        (str, 5, "fnOutput\nresult"),
        (str, TextContent(type="text", text="x"), "fnOutput\nresult"),
        (list[int], ["x"], "fnOutput\nresult.0"),
        (Model, {"xx": "q"}, "Model\nxx"),
        (Record, {"a": "q"}, "Record\na"),
        (dict[str, int], {"a": "x"}, "fnDictOutput\na"),
    ],
)
async def test_results_that_do_not_fit(annotation: Any, value: Any, where: str):
    """RES-10"""
    result = await call(annotation, value)
    assert result.isError
    assert result.structuredContent is None
    assert texts(result)[0].startswith(f"Error executing tool fn: 1 validation error for {where}\n  Input should be")


async def test_structured_content_is_checked_against_the_schema():
    """RES-12: what the model dumps may differ from what its schema says."""

    class Lying(BaseModel):
        x: int

        def model_dump(self, **kwargs: Any) -> dict[str, Any]:
            return {"x": "text"}

    result = await call(Lying, Lying(x=1))
    assert result.isError
    assert texts(result) == ["Output validation error: 'text' is not of type 'integer'"]


async def test_result_made_by_the_tool_is_untouched():
    """RES-13"""
    made = CallToolResult(content=[BLOCKS[0]], structuredContent={"a": 1}, isError=True, _meta={"m": 1})
    for annotation in (..., CallToolResult):
        assert await call(annotation, made) == made


@pytest.mark.parametrize("annotation", [Annotated[CallToolResult, Model], Model])
async def test_result_made_by_a_tool_with_a_schema(annotation: Any):
    """RES-14, RES-15"""
    good = CallToolResult(content=[], structuredContent={"xx": 5, "y": None})
    assert await call(annotation, good) == good

    bad = await call(annotation, CallToolResult(content=[], structuredContent={"xx": "q"}))
    assert bad.isError
    assert texts(bad)[0].startswith("Error executing tool fn: 1 validation error for Model\nxx\n")

    error = CallToolResult(content=[TextContent(type="text", text="sorry")], isError=True)
    assert await call(annotation, error) == error


async def test_wrapped_result_made_by_the_tool():
    """RES-14"""
    good = CallToolResult(content=[], structuredContent={"result": [1]})
    assert await call(Annotated[CallToolResult, list[int]], good) == good


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("annotation", "make", "path"),
    [
        (float, lambda n: n, "$.result"),
        (float, str, "$.result"),
        (list[float | None], lambda n: [1.0, None, n], "$.result[2]"),
        (dict[str, list[dict[str, float]]], lambda n: {"NaN": [], "a": [{"b": n}]}, "$.a[0].b"),
        (Nested, lambda n: Nested(scores={"x": [0.5, n]}), "$.scores.x[1]"),
    ],
)
async def test_numbers_that_json_cannot_express(
    annotation: Any, make: Callable[[float], Any], path: str, number: float
):
    """RES-16"""
    result = await call(annotation, make(number))
    assert result.isError
    assert texts(result) == [f"Error executing tool fn: {path} is {number}, which JSON cannot express"]


async def test_words_that_look_like_such_numbers_pass():
    """RES-16"""
    result = await call(dict[str, str | float], {"NaN": "Infinity"})
    assert result.structuredContent == {"NaN": "Infinity"}


async def test_numbers_of_unknown_type_become_null():
    """RES-16: the client has no schema to reject it by."""
    result = await call(dict[str, Any], {"a": float("nan")})
    assert result.structuredContent == {"a": None}


async def test_absent_keys_of_a_typed_dict_stay_absent():
    """OUT-16"""
    assert (await call(Record, {"a": 1})).structuredContent == {"a": 1}
    assert (await call(Record, {"a": 1, "b": "x"})).structuredContent == {"a": 1, "b": "x"}
    assert (await call(Record, {"a": 1, "c": 2})).structuredContent == {"a": 1}
    assert (await call(Outer, {"inner": {"a": 1}})).structuredContent == {"inner": {"a": 1}}


async def test_root_models():
    """OUT-15"""
    assert (await call(ListRoot, ListRoot([1]))).structuredContent == {"result": [1]}
    assert (await call(DictRoot, DictRoot({"a": 1}))).structuredContent == {"a": 1}


def test_no_second_check_of_a_model():
    """RES-1: a result that is an instance of the output model is not validated again."""
    checked: list[int] = []

    class Counted(BaseModel):
        x: int

        def model_post_init(self, context: Any, /) -> None:
            checked.append(self.x)

    def fn() -> Counted:
        return Counted(x=1)

    value = fn()
    checked.clear()
    content, structured = func_metadata(fn).convert_result(value)
    assert structured == {"x": 1}
    assert content == [TextContent(type="text", text='{\n  "x": 1\n}')]
    assert checked == []


def test_metadata_made_by_hand_needs_a_model_for_its_schema():
    """RES-12"""
    arguments = func_metadata(lambda: None).arg_model
    with pytest.raises(AssertionError):
        FuncMetadata(arg_model=arguments, output_schema={"type": "object"}).convert_result({})
