"""Resource templates: which URIs they match, and what they make of them."""

from typing import Any

import pytest
from pydantic import AnyUrl

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.resources import FunctionResource, ResourceManager, ResourceTemplate
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.types import Annotations

pytestmark = pytest.mark.anyio


def template(uri: str) -> ResourceTemplate:
    return ResourceTemplate(uri_template=uri, name="n", description=None, fn=lambda: None, parameters={})


@pytest.mark.parametrize(
    ("uri_template", "uri", "values"),
    [
        # TMPL-1
        ("r://{a}", "r://x", {"a": "x"}),
        ("r://{a}", "r://x/y", None),
        ("r://{a}/z", "r://x/z", {"a": "x"}),
        ("r://{a}", "q://x", None),
        ("r://{a}", "r://x\n", {"a": "x\n"}),
        ("r://{a}/z", "r://x/z\n", None),
        # TMPL-2
        ("r://{a}-{b}", "r://1-2-3", {"a": "1-2", "b": "3"}),
        ("r://{a}{b}", "r://xyz", {"a": "xy", "b": "z"}),
        # TMPL-3
        ("r://oc/{a}", "r://oc/", None),
        ("r://{a}/{b}", "r:///b", None),
        # TMPL-4
        ("r://{a}", "r://a%20b", {"a": "a%20b"}),
        ("r://{a}", "r://a%2Fb", {"a": "a%2Fb"}),
        ("r://{a}", "r://..%2f..", {"a": "..%2f.."}),
        # TMPL-6
        ("http://h/{p}", "http://h/a?x=1", {"p": "a?x=1"}),
        ("http://h/{p}", "http://h/a?x=/1", None),
        # TMPL-7
        ("r://q.x/{x}", "r://qax/1", None),
        ("r://q.x/{x}?a=(b)", "r://q.x/1?a=(b)", {"x": "1"}),
        ("r://q.x/{x}?a=(b)", "r://q.x/1a=b", None),
        ("r://a+b/[c]/{x}", "r://a+b/[c]/1", {"x": "1"}),
        # TMPL-13
        ("r://none", "r://none", {}),
        ("r://{x", "r://{x", {}),
    ],
)
def test_matching(uri_template: str, uri: str, values: dict[str, str] | None):
    """TMPL-1, TMPL-2, TMPL-3, TMPL-4, TMPL-6, TMPL-7, TMPL-13"""
    assert template(uri_template).matches(uri) == values


def test_matching_follows_a_changed_template():
    """TMPL-13"""
    changed = template("r://{a}")
    assert changed.matches("r://x") == {"a": "x"}
    changed.uri_template = "s://{b}"
    assert changed.matches("r://x") is None
    assert changed.matches("s://x") == {"b": "x"}


async def test_values_arrive_as_the_client_sends_them():
    """TMPL-4, TMPL-5"""
    mcp = FastMCP()
    mcp.resource("r://h/{a}", name="n")(lambda a: a)  # pyright: ignore
    async with connect(mcp) as client:
        for sent, arrives in (("r://h/é", "%C3%A9"), ("r://h/a%20b", "a%20b")):
            (contents,) = (await client.read_resource(AnyUrl(sent))).contents
            assert contents.text == arrives  # pyright: ignore


def test_repeated_placeholders_are_refused():
    """TMPL-8"""
    mcp = FastMCP()
    with pytest.raises(ValueError, match="the same placeholder more than once"):
        mcp.resource("r://d/{a}/{a}", name="n")(lambda a: a)  # pyright: ignore
    assert mcp._resource_manager.list_templates() == []


async def test_context_is_given_where_there_is_one():
    """TMPL-11, CTX-12"""

    def fn(a: str, ctx: Context[Any, Any, Any] | None = None) -> Any:
        return [a, ctx is not None]

    manager = ResourceManager()
    added = manager.add_template(fn, "r://{a}")
    assert added.context_kwarg == "ctx"
    for context in (None, Context()):
        resource = await manager.get_resource("r://x", context=context)
        assert resource is not None
        assert await resource.read() == f'[\n  "x",\n  {"true" if context else "false"}\n]'


async def test_resource_holds_what_the_function_returned():
    """TMPL-12"""
    calls: list[str] = []

    async def fn(a: str) -> str:
        calls.append(a)
        return a.upper()

    made = ResourceTemplate.from_function(
        fn,
        "r://{a}",
        title="T",
        mime_type="text/html",
        annotations=Annotations(priority=1),
        icons=[],
        meta={"k": 1},
    )
    resource = await made.create_resource("r://x", {"a": "x"})
    assert calls == ["x"]
    assert isinstance(resource, FunctionResource)
    assert [await resource.read(), await resource.read()] == ["X", "X"]
    assert calls == ["x"]
    assert str(resource.uri) == "r://x"
    for attribute in ("name", "title", "description", "mime_type", "icons", "annotations", "meta"):
        assert getattr(resource, attribute) == getattr(made, attribute)
    assert "fn" not in made.model_dump()
    assert ResourceTemplate.from_function(fn, "r://x", context_kwarg="a").parameters["properties"] == {}


async def test_positional_only_parameters():
    """ARG-19: of templates too."""

    def fn(a: int, /) -> int:
        return a + 1

    made = ResourceTemplate.from_function(fn, "r://{a}")
    assert await (await made.create_resource("r://1", {"a": "1"})).read() == "2"
