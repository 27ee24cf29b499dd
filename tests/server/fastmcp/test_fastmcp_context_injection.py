"""Which parameter gets the context."""

import functools
from collections.abc import Callable
from typing import Annotated, Any, Generic, Optional, TypeVar

import pytest

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.exceptions import InvalidSignature
from mcp.server.fastmcp.tools import Tool
from mcp.server.fastmcp.utilities.context_injection import find_context_parameter, inject_context
from mcp.server.session import ServerSession
from mcp.shared.memory import create_connected_server_and_client_session as connect

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class OwnContext(Context[Any, Any, Any]):
    pass


class Box(Generic[T]):
    pass


@pytest.mark.parametrize(
    "annotation",
    [
        Context,
        "Context",
        OwnContext,
        Context[ServerSession, None],
        Context[ServerSession, None, Any],
        Context[ServerSession, None, Any] | None,
        Optional[Context],  # noqa: UP045
        Annotated[Context, "x"],
        list[Context],
    ],
)
def test_annotation_decides(annotation: Any):
    """CTX-INJ-1, CTX-INJ-2, CTX-INJ-3: the name is free, and the schema does not show it."""

    def fn(x: int, anything): ...  # pyright: ignore

    fn.__annotations__["anything"] = annotation
    assert find_context_parameter(fn) == "anything"  # pyright: ignore
    tool = Tool.from_function(fn)  # pyright: ignore
    assert list(tool.parameters["properties"]) == ["x"]


@pytest.mark.parametrize("annotation", [int, list[int], "Missing", dict[str, list[Context]], Box[int]])
def test_other_annotations(annotation: Any):
    """CTX-INJ-1, CTX-INJ-4: what cannot be resolved is no context."""

    def fn(ctx): ...  # pyright: ignore

    assert find_context_parameter(fn) is None  # pyright: ignore
    fn.__annotations__["ctx"] = annotation
    assert find_context_parameter(fn) is None  # pyright: ignore


async def test_parameter_merely_called_ctx_is_an_argument():
    """CTX-INJ-2"""
    mcp = FastMCP()
    mcp.add_tool(lambda ctx: ctx, name="echo")  # pyright: ignore
    (block,) = await mcp.call_tool("echo", {"ctx": "x"})
    assert block.text == "x"  # pyright: ignore


async def test_clients_cannot_supply_it():
    """CTX-INJ-3, CTX-12: it is the context of the request, a new one for each."""
    mcp = FastMCP()
    seen: list[Context] = []

    @mcp.tool()
    def tool(x: int, c: Context) -> bool:  # pyright: ignore
        seen.append(c)
        return isinstance(c, Context)

    async with connect(mcp) as client:
        for _ in range(2):
            result = await client.call_tool("tool", {"x": 1, "c": "forged"})
            assert result.structuredContent == {"result": True}
    assert seen[0] is not seen[1]
    assert [c.request_id for c in seen] == ["1", "3"]


def test_two_context_parameters_are_refused():
    """CTX-INJ-5"""

    def fn(a: Context, x: int, b: Context | None = None): ...

    with pytest.raises(InvalidSignature) as caught:
        FastMCP().add_tool(fn)
    assert str(caught.value) == "Function fn: only one parameter can take the Context, not a, b"


async def test_return_annotation_is_no_parameter():
    """CTX-INJ-6"""

    def fn(x: int) -> Context:
        return Context()

    assert find_context_parameter(fn) is None
    mcp = FastMCP()
    mcp.add_tool(fn)
    _, structured = await mcp.call_tool("fn", {"x": 1})  # pyright: ignore
    assert structured == {}


async def test_callable_objects_methods_classes_and_partials():
    """CTX-INJ-7"""

    class Thing:
        def __init__(self, x: int, ctx: Context) -> None:
            self.ctx = ctx

        def __call__(self, y: int, inner: Context) -> bool:
            return isinstance(inner, Context)

        def method(self, z: int, here: Context) -> bool:
            return isinstance(here, Context)

    thing = Thing(1, Context())
    given: dict[str, tuple[Callable[..., Any], str]] = {
        "object": (thing, "inner"),
        "method": (thing.method, "here"),
        "class": (Thing, "ctx"),
        "partial": (functools.partial(thing.method, z=1), "here"),
    }
    for fn, name in given.values():
        assert find_context_parameter(fn) == name
    mcp = FastMCP()
    mcp.add_tool(thing, name="object")
    _, structured = await mcp.call_tool("object", {"y": 1})  # pyright: ignore
    assert structured == {"result": True}


def test_context_that_a_partial_gives_is_not_replaced():
    """CTX-INJ-7"""

    def fn(ctx: Context, x: int): ...

    assert find_context_parameter(functools.partial(fn, Context())) is None
    assert find_context_parameter(functools.partial(fn, ctx=Context())) is None


async def test_run_without_context_passes_none():
    """CTX-INJ-8"""

    def fn(x: int, ctx: Context) -> Any:
        return x, ctx

    assert await Tool.from_function(fn).run({"x": 1}) == (1, None)


async def test_positional_only_context():
    """ARG-19"""

    def fn(ctx: Context, /, x: int) -> Any:
        return x, isinstance(ctx, Context)

    assert await Tool.from_function(fn).run({"x": 1}, context=Context()) == (1, True)


def test_inject_context():
    """CTX-INJ-8"""

    def fn(x: int, ctx: Context): ...

    context = Context()
    given = {"x": 1}
    assert inject_context(fn, given, context, "ctx") == {"x": 1, "ctx": context}
    assert inject_context(fn, given, None, "ctx") == {"x": 1}
    assert inject_context(fn, given, context, None) == {"x": 1}
    assert given == {"x": 1}
