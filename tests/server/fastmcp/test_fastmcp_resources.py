"""Registering, listing and reading resources."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import AnyUrl, ValidationError

from mcp.server.fastmcp import Context, FastMCP, Icon
from mcp.server.fastmcp.exceptions import ResourceError
from mcp.server.fastmcp.resources import FunctionResource, Resource, ResourceManager, TextResource
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.types import Annotations, BlobResourceContents, ElicitRequestURLParams, TextResourceContents

pytestmark = pytest.mark.anyio

MANAGER = "mcp.server.fastmcp.resources.resource_manager"


def text_resource(uri: str, text: str = "x", **kwargs: Any) -> TextResource:
    return TextResource(uri=AnyUrl(uri), text=text, **kwargs)


async def read(mcp: FastMCP, uri: str) -> TextResourceContents | BlobResourceContents:
    async with connect(mcp) as client:
        (contents,) = (await client.read_resource(AnyUrl(uri))).contents
    return contents


async def error_of(mcp: FastMCP, uri: str) -> Any:
    async with connect(mcp) as client:
        with pytest.raises(McpError) as caught:
            await client.read_resource(AnyUrl(uri))
    return caught.value.error


def test_decorator_without_uri_is_refused():
    """RES-REG-1"""
    with pytest.raises(TypeError) as caught:
        FastMCP().resource(lambda: "x")  # pyright: ignore
    assert str(caught.value) == (
        "The @resource decorator was used incorrectly. "
        "Did you forget to call it? Use @resource('uri') instead of @resource"
    )


@pytest.mark.parametrize("uri", ["r://fixed", "r://{a}"])
async def test_decorator_takes_all_options_and_returns_the_function(uri: str):
    """RES-REG-2, RES-LIST-1, RES-LIST-2, RES-LIST-3"""
    mcp = FastMCP()
    options: dict[str, Any] = {
        "name": "n",
        "title": "T",
        "description": "D",
        "mime_type": "text/html",
        "icons": [Icon(src="s")],
        "annotations": Annotations(priority=0.5),
        "meta": {"k": 1},
    }
    fn: Callable[..., str] = (lambda: "x") if uri == "r://fixed" else (lambda a: a)  # pyright: ignore
    assert mcp.resource(uri, **options)(fn) is fn
    async with connect(mcp) as client:
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resourceTemplates
    (entry,) = [*resources, *templates]
    assert entry.model_dump(by_alias=True, mode="json", exclude_none=True) == {
        "uri" if uri == "r://fixed" else "uriTemplate": uri,
        "name": "n",
        "title": "T",
        "description": "D",
        "mimeType": "text/html",
        "icons": [{"src": "s"}],
        "annotations": {"priority": 0.5},
        "_meta": {"k": 1},
    }
    with pytest.raises(TypeError):
        mcp.resource(uri, "name")  # pyright: ignore


@pytest.mark.parametrize(
    ("uri", "fn", "is_template"),
    [
        ("r://x", lambda: 1, False),
        ("r://{a}", lambda a: 1, True),  # pyright: ignore
        ("r://{x", lambda: 1, False),
    ],
)
def test_template_or_static(uri: str, fn: Callable[..., Any], is_template: bool):
    """RES-REG-3"""
    mcp = FastMCP()
    mcp.resource(uri, name="n")(fn)
    assert len(mcp._resource_manager.list_templates()) == is_template
    assert len(mcp._resource_manager.list_resources()) == (not is_template)


@pytest.mark.parametrize(
    ("uri", "fn"),
    [
        ("r://{a}", lambda b: 1),  # pyright: ignore
        ("r://{a}", lambda: 1),
        ("r://x", lambda a: 1),  # pyright: ignore
        ("r://{a}", lambda a, b=1: 1),  # pyright: ignore
        ("r://{a}/{b}", lambda a: 1),  # pyright: ignore
        ("r://{a*}", lambda a: 1),  # pyright: ignore
        ("r://{?a}", lambda a: 1),  # pyright: ignore
        ("r://{+a}", lambda a: 1),  # pyright: ignore
        ("r://{}", lambda a: 1),  # pyright: ignore
    ],
)
def test_placeholders_and_parameters_must_agree(uri: str, fn: Callable[..., Any]):
    """RES-REG-4, RES-REG-5"""
    with pytest.raises(ValueError, match=r"^Mismatch between URI parameters .* and function parameters "):
        FastMCP().resource(uri, name="n")(fn)


def test_context_is_no_placeholder():
    """RES-REG-4"""

    def fn(a: str, ctx: Context) -> str:
        return a

    mcp = FastMCP()
    mcp.resource("r://{a}")(fn)
    (template,) = mcp._resource_manager.list_templates()
    assert (template.context_kwarg, list(template.parameters["properties"])) == ("ctx", ["a"])
    with pytest.raises(ValueError, match=r"^Mismatch"):
        mcp.resource("r://{a}/{ctx}")(fn)


async def test_defaults():
    """RES-REG-6"""
    mcp = FastMCP()

    @mcp.resource("r://doc")
    def documented() -> str:  # pyright: ignore
        """Doc."""
        return "x"

    @mcp.resource("r://silent/{a}")
    def silent(a: str) -> str:  # pyright: ignore
        return a

    (resource,) = await mcp.list_resources()
    (template,) = await mcp.list_resource_templates()
    assert (resource.name, resource.description, resource.mimeType) == ("documented", "Doc.", "text/plain")
    assert (template.name, template.description, template.mimeType) == ("silent", "", "text/plain")


@pytest.mark.parametrize("uri", ["r://x", "r://{a}"])
def test_lambda_needs_a_name(uri: str):
    """RES-REG-7"""
    fn: Callable[..., Any] = (lambda: 1) if uri == "r://x" else (lambda a: 1)  # pyright: ignore
    with pytest.raises(ValueError, match=r"^You must provide a name for lambda functions$"):
        FastMCP().resource(uri)(fn)


async def test_static_uri_is_checked_and_normalised():
    """RES-REG-8, RES-REG-9, RES-READ-1"""
    mcp = FastMCP()
    with pytest.raises(ValidationError):
        mcp.resource("relative", name="n")(lambda: 1)
    mcp.resource("http://EXAMPLE.com", name="n")(lambda: "static")
    mcp.resource("{anything}", name="n")(lambda anything: "template")  # pyright: ignore
    assert [str(resource.uri) for resource in await mcp.list_resources()] == ["http://example.com/"]
    assert (await read(mcp, "http://Example.COM/")).text == "static"  # pyright: ignore


GOOD_TYPES = [
    "text/html",
    "text/html;profile=mcp-app",
    "text/plain; charset=utf-8",
    "application/vnd.x+json",
    "x-foo/bar",
    'text/plain; charset="utf-8"',
    'text/plain; title="a \\" b"',
]
BAD_TYPES = ["text", "text/", "/html", "text/html;", "text/html charset=x", "a b/c", 'text/plain; a="b', "-x/y"]


@pytest.mark.parametrize("uri", ["r://x", "r://{a}"])
def test_mime_types(uri: str):
    """RES-REG-10, RES-REG-11, RES-REG-12: also of templates, at once."""
    fn: Callable[..., Any] = (lambda: 1) if uri == "r://x" else (lambda a: 1)  # pyright: ignore
    mcp = FastMCP()
    for mime_type in GOOD_TYPES:
        mcp.resource(uri, name="n", mime_type=mime_type)(fn)
    for mime_type in BAD_TYPES:
        with pytest.raises(ValidationError):
            mcp.resource(uri, name="n", mime_type=mime_type)(fn)


@pytest.mark.parametrize("warn", [True, False])
def test_duplicates(caplog: pytest.LogCaptureFixture, warn: bool):
    """RES-REG-13, RES-REG-14: the first resource stays, the last template replaces."""
    mcp = FastMCP(warn_on_duplicate_resources=warn)
    manager = mcp._resource_manager
    first = text_resource("r://x")
    assert manager.add_resource(first) is first
    with caplog.at_level(logging.WARNING):
        assert manager.add_resource(text_resource("r://x")) is first
        one = manager.add_template(lambda a: 1, "r://{a}", name="one")  # pyright: ignore
        two = manager.add_template(lambda a: 2, "r://{a}", name="two")  # pyright: ignore
    assert manager.list_templates() == [two]
    assert one is not two
    expected = ["Resource already exists: r://x", "Resource already exists: r://{a}"] if warn else []
    assert [record.getMessage() for record in caplog.records if record.name == MANAGER] == expected


async def test_resource_objects():
    """RES-REG-15"""

    class Counting(Resource):
        async def read(self) -> str:
            return "own"

    mcp = FastMCP()
    mcp.add_resource(Counting(uri=AnyUrl("r://own"), name="n"))
    assert (await read(mcp, "r://own")).text == "own"  # pyright: ignore


@pytest.mark.parametrize("name", [None, ""])
def test_name_is_the_uri_if_not_given(name: str | None):
    """RES-REG-16"""
    assert text_resource("r://x", name=name).name == "r://x"
    with pytest.raises(ValidationError, match="Either name or uri must be provided"):
        TextResource(text="x")  # pyright: ignore


async def test_arguments_are_coerced_and_results_are_not():
    """RES-REG-17, TMPL-10"""
    mcp = FastMCP()

    @mcp.resource("r://{x}")
    def fn(x: int) -> bytes:  # pyright: ignore
        return {"x": x}  # pyright: ignore

    assert (await read(mcp, "r://5")).text == '{\n  "x": 5\n}'  # pyright: ignore
    error = await error_of(mcp, "r://a")
    assert error.code == 0
    assert error.message.startswith("Error creating resource from template: 1 validation error for ")


async def test_registering_is_silent_and_listing_is_one_page():
    """RES-REG-18, RES-LIST-1"""
    mcp = FastMCP()
    seen: list[Any] = []

    async def note(message: Any) -> None:
        seen.append(message)

    async with connect(mcp, message_handler=note) as client:
        for uri in ("r://b", "r://a"):
            mcp.add_resource(text_resource(uri))
            mcp.resource(uri + "/{x}", name="n")(lambda x: x)  # pyright: ignore
        page = await client.list_resources(cursor="any")
        assert ([str(entry.uri) for entry in page.resources], page.nextCursor) == (["r://b", "r://a"], None)
        templates = await client.list_resource_templates(cursor="any")
        assert [entry.uriTemplate for entry in templates.resourceTemplates] == ["r://b/{x}", "r://a/{x}"]
    assert seen == []


async def test_size_is_never_listed():
    """RES-LIST-2"""
    mcp = FastMCP()
    mcp.add_resource(text_resource("r://x", meta={}))
    (entry,) = await mcp.list_resources()
    assert entry.model_dump(by_alias=True, mode="json", exclude_none=True) == {
        "uri": "r://x",
        "name": "r://x",
        "mimeType": "text/plain",
        "_meta": {},
    }


async def test_static_resources_come_before_templates_in_order():
    """RES-READ-1"""
    mcp = FastMCP()
    mcp.resource("r://{a}/x", name="one")(lambda a: "first")  # pyright: ignore
    mcp.resource("r://{a}/{b}", name="two")(lambda a, b: "second")  # pyright: ignore
    mcp.resource("r://s/x", name="static")(lambda: "static")
    assert (await read(mcp, "r://s/x")).text == "static"  # pyright: ignore
    assert (await read(mcp, "r://t/x")).text == "first"  # pyright: ignore
    assert (await read(mcp, "r://t/y")).text == "second"  # pyright: ignore


@pytest.mark.parametrize(
    ("value", "mime_type", "contents"),
    [
        ("t", None, {"text": "t", "mimeType": "text/plain"}),
        (b"b", None, {"blob": "Yg==", "mimeType": "text/plain"}),
        (b"b", "image/png", {"blob": "Yg==", "mimeType": "image/png"}),
        (None, None, {"text": "null", "mimeType": "text/plain"}),
        ({"a": [1]}, "application/json", {"text": '{\n  "a": [\n    1\n  ]\n}', "mimeType": "application/json"}),
        (object, None, {"text": "\"<class 'object'>\"", "mimeType": "text/plain"}),
        (text_resource("r://inner", "inner", mime_type="text/html"), None, {"text": "inner", "mimeType": "text/plain"}),
    ],
)
@pytest.mark.parametrize("uri", ["r://x", "r://{a}"])
async def test_contents(uri: str, value: Any, mime_type: str | None, contents: dict[str, Any]):
    """RES-READ-2, RES-READ-3, RES-READ-4, RES-READ-5"""
    fn: Callable[..., Any] = (lambda: value) if uri == "r://x" else (lambda a: value)  # pyright: ignore
    mcp = FastMCP()
    mcp.resource(uri, name="n", mime_type=mime_type, meta={"k": 1})(fn)
    found = await read(mcp, "r://x")
    assert found.model_dump(by_alias=True, mode="json", exclude_none=True) == {
        "uri": "r://x",
        "_meta": {"k": 1},
        **contents,
    }


async def test_functions_are_called_on_reading_only():
    """RES-READ-6"""
    mcp = FastMCP()
    calls: list[int] = []

    @mcp.resource("r://x")
    async def fn() -> str:  # pyright: ignore
        calls.append(1)
        return str(len(calls))

    async with connect(mcp) as client:
        await client.list_resources()
        assert calls == []
    assert (await read(mcp, "r://x")).text == "1"  # pyright: ignore
    assert (await read(mcp, "r://x")).text == "2"  # pyright: ignore


async def test_unknown_uri():
    """RES-READ-7"""
    error = await error_of(FastMCP(), "r://nope")
    assert (error.code, error.message, error.data) == (-32002, "Unknown resource: r://nope", {"uri": "r://nope"})


async def test_failing_functions(caplog: pytest.LogCaptureFixture):
    """RES-READ-8, RES-READ-9: and the server serves on."""
    mcp = FastMCP()

    @mcp.resource("r://bad")
    def bad() -> str:  # pyright: ignore
        raise RuntimeError("bad")

    @mcp.resource("t://{a}")
    def worse(a: str) -> str:  # pyright: ignore
        raise RuntimeError("worse")

    async with connect(mcp) as client:
        with pytest.raises(McpError) as caught:
            await client.read_resource(AnyUrl("r://bad"))
        assert (caught.value.error.code, caught.value.error.message) == (0, "Error reading resource r://bad: bad")
        (record,) = [record for record in caplog.records if record.name == "mcp.server.fastmcp.server"]
        assert record.getMessage() == "Error reading resource r://bad"
        assert record.exc_info is not None
        with pytest.raises(McpError) as caught:
            await client.read_resource(AnyUrl("t://x"))
        expected = (0, "Error creating resource from template: worse")
        assert (caught.value.error.code, caught.value.error.message) == expected
        mcp.add_resource(text_resource("r://good"))
        assert (await client.read_resource(AnyUrl("r://good"))).contents


async def test_url_elicitation_reaches_the_client():
    """TOOL-64: from resources too."""
    elicitation = ElicitRequestURLParams(message="m", url="u", elicitationId="1")
    mcp = FastMCP()

    def fail(*_: str) -> str:
        raise UrlElicitationRequiredError([elicitation])

    mcp.resource("r://x", name="n")(lambda: fail())
    mcp.resource("t://{a}", name="n")(lambda a: fail())  # pyright: ignore
    for uri in ("r://x", "t://x"):
        assert (await error_of(mcp, uri)).code == -32042


async def test_direct_reading():
    """RES-READ-10, DIR-1"""
    mcp = FastMCP()
    mcp.add_resource(text_resource("r://x", "t", meta={"k": 1}))
    mcp.resource("r://bad", name="n")(lambda: 1 / 0)
    for uri in ("r://x", AnyUrl("r://x")):
        (item,) = await mcp.read_resource(uri)
        assert (item.content, item.mime_type, item.meta) == ("t", "text/plain", {"k": 1})
    with pytest.raises(ValueError, match=r"^Unknown resource: r://nope$"):
        await mcp.read_resource("r://nope")
    with pytest.raises(ResourceError, match=r"^Error reading resource r://bad: division by zero$"):
        await mcp.read_resource("r://bad")


async def test_manager_that_finds_nothing():
    """RES-READ-7: a replaced manager may return None."""

    class Empty(ResourceManager):
        async def get_resource(self, uri: Any, context: Any = None) -> None:
            return None

    mcp = FastMCP()
    mcp._resource_manager = Empty()
    assert (await error_of(mcp, "r://x")).code == -32002


async def test_subscriptions_are_not_offered():
    """RES-READ-11"""
    async with connect(FastMCP()) as client:
        capabilities = client.get_server_capabilities()
        assert capabilities is not None
        assert capabilities.resources is not None
        assert capabilities.resources.subscribe is False
        for request in (client.subscribe_resource, client.unsubscribe_resource):
            with pytest.raises(McpError) as caught:
                await request(AnyUrl("r://x"))
            assert (caught.value.error.code, caught.value.error.message) == (-32601, "Method not found")


@pytest.mark.parametrize("uri", ["r://STATIC", "r://static#frag", "r://static/"])
async def test_host_case_and_fragments_count(uri: str):
    """RES-READ-12"""
    mcp = FastMCP()
    mcp.add_resource(text_resource("r://static"))
    assert (await error_of(mcp, uri)).message == f"Unknown resource: {uri}"


async def test_static_resource_with_context():
    """TMPL-9: a function with only a context is a static resource."""
    mcp = FastMCP()

    @mcp.resource("r://sync")
    def sync(c: Context) -> str:  # pyright: ignore
        """Doc."""
        return c.request_id

    @mcp.resource("r://async")
    async def coroutine(c: Context) -> str:  # pyright: ignore
        return c.request_id

    assert [entry.name for entry in await mcp.list_resources()] == ["sync", "coroutine"]
    assert (await mcp.list_resources())[0].description == "Doc."
    assert await mcp.list_resource_templates() == []
    assert (await read(mcp, "r://sync")).text == "1"  # pyright: ignore
    assert (await read(mcp, "r://async")).text == "1"  # pyright: ignore


async def test_function_resource_from_function():
    """RES-REG-6, RCLS-12"""

    def fn() -> str:
        """Doc."""
        return "x"

    resource = FunctionResource.from_function(fn, "r://x")
    assert (resource.name, resource.description, str(resource.uri)) == ("fn", "Doc.", "r://x")
    assert await resource.read() == "x"
