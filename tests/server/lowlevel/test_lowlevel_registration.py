"""What a server is made of: LLS-1 to LLS-9, and the handlers that decorators register: LLS-25 to LLS-37."""

import base64
import functools
import importlib.metadata
from collections.abc import Callable
from typing import Any

import pytest

from mcp import types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.lowlevel.func_inspection import create_call_wrapper
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.lowlevel.server import lifespan
from mcp.server.models import InitializationOptions

pytestmark = pytest.mark.anyio

PAGE = types.ListToolsRequest(params=types.PaginatedRequestParams(cursor="c"))


@pytest.fixture
def server() -> Server[Any]:
    return Server("s")


async def call(server: Server[Any], request: Any) -> dict[str, Any]:
    """Call the registered handler as programs do (posthog, mcp-proxy): the request in, a `ServerResult` out."""
    result = await server.request_handlers[type(request)](request)
    assert isinstance(result, types.ServerResult)
    return result.model_dump(by_alias=True, mode="json", exclude_none=True)


# Construction and capabilities


async def test_construction() -> None:
    """LLS-1: only ping is handled."""
    icons = [types.Icon(src="i")]
    server = Server("n", "v", "i", "https://w", icons, lifespan)
    assert (server.name, server.version, server.instructions, server.website_url, server.icons) == (
        "n",
        "v",
        "i",
        "https://w",
        icons,
    )
    assert server.lifespan is lifespan
    assert list(server.request_handlers) == [types.PingRequest]
    assert server.notification_handlers == {}
    assert await call(server, types.PingRequest()) == {}
    bare = Server("n")
    assert (bare.version, bare.instructions, bare.website_url, bare.icons) == (None, None, None, None)


async def test_the_default_lifespan_yields_an_empty_dict(server: Server[Any]) -> None:
    """LLS-2."""
    async with lifespan(server) as context:
        assert context == {}


def test_initialization_options() -> None:
    """LLS-3, LLS-4."""
    server = Server("n", "v", "i", "https://w", [types.Icon(src="i")])
    assert server.create_initialization_options() == InitializationOptions(
        server_name="n",
        server_version="v",
        capabilities=types.ServerCapabilities(experimental={}),
        instructions="i",
        website_url="https://w",
        icons=[types.Icon(src="i")],
    )


def test_the_version_falls_back_to_that_of_the_package(server: Server[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """LLS-3."""
    import mcp.server.lowlevel.server as module

    assert server.create_initialization_options().server_version == importlib.metadata.version("mcp")

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(module, "_version", None)
    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert server.create_initialization_options().server_version == "unknown"
    monkeypatch.setattr(module, "_version", None)


@pytest.mark.parametrize(
    ("decorators", "capabilities"),
    [
        pytest.param([], {}, id="none"),
        pytest.param(["list_prompts"], {"prompts": {"listChanged": True}}, id="prompts"),
        pytest.param(["list_resources"], {"resources": {"subscribe": False, "listChanged": False}}, id="resources"),
        pytest.param(
            ["list_resources", "subscribe_resource"],
            {"resources": {"subscribe": True, "listChanged": False}},
            id="subscriptions",
        ),
        pytest.param(["subscribe_resource"], {}, id="subscriptions without resources"),
        pytest.param(["list_tools"], {"tools": {"listChanged": True}}, id="tools"),
        pytest.param(["set_logging_level"], {"logging": {}}, id="logging"),
        pytest.param(["completion"], {"completions": {}}, id="completion"),
        pytest.param(
            ["call_tool", "read_resource", "get_prompt", "list_resource_templates", "unsubscribe_resource"],
            {},
            id="no lists",
        ),
    ],
)
def test_capabilities(server: Server[Any], decorators: list[str], capabilities: Any) -> None:
    """LLS-5, LLS-6, LLS-7, LLS-8: of the handlers registered by now, with the flags of the options."""
    before = server.get_capabilities(NotificationOptions(), {})

    async def handler(*_: Any) -> Any: ...

    for decorator in decorators:
        assert getattr(server, decorator)()(handler) is handler
    options = NotificationOptions(prompts_changed=True, tools_changed=True)
    found = server.get_capabilities(options, {"x": {"y": 1}})
    assert found.model_dump(exclude_none=True) == {"experimental": {"x": {"y": 1}}, **capabilities}
    assert before == types.ServerCapabilities(experimental={})


def test_notification_options() -> None:
    """LLS-8."""
    options = NotificationOptions()
    assert (options.prompts_changed, options.resources_changed, options.tools_changed) == (False, False, False)
    options = NotificationOptions(True, True, True)
    assert (options.prompts_changed, options.resources_changed, options.tools_changed) == (True, True, True)


def test_capabilities_may_be_replaced_on_the_instance(server: Server[Any]) -> None:
    """LLS-3, and used in the wild (mcp-use): `get_capabilities` is looked up on the instance."""
    mine = types.ServerCapabilities(tools=types.ToolsCapability(listChanged=True))
    server.get_capabilities = lambda options, experimental: mine  # type: ignore[method-assign]
    assert server.create_initialization_options().capabilities is mine


def test_a_later_registration_replaces_an_earlier_one(server: Server[Any]) -> None:
    """LLS-9."""

    @server.list_tools()
    async def first() -> list[types.Tool]:
        return []

    registered = server.request_handlers[types.ListToolsRequest]

    @server.list_tools()
    async def second() -> list[types.Tool]:
        return []

    assert server.request_handlers[types.ListToolsRequest] is not registered


async def test_handlers_may_be_stored_directly(raw_client: Any, server: Server[Any]) -> None:
    """LLS-9: they get the typed request, with its envelope (TYP-8)."""
    seen: list[Any] = []

    async def handler(request: types.CallToolRequest) -> types.ServerResult:
        seen.append(request)
        return types.ServerResult(types.CallToolResult(content=[]))

    async def note(notification: types.RootsListChangedNotification) -> None:
        seen.append(notification)

    server.request_handlers[types.CallToolRequest] = handler
    server.notification_handlers[types.RootsListChangedNotification] = note
    async with raw_client(server) as peer:
        await peer.send(method="notifications/roots/list_changed")
        assert await peer.ask(1, "tools/call", {"name": "t"}) == {"result": {"content": [], "isError": False}}
    notification, request = sorted(seen, key=lambda item: item.method)
    assert isinstance(request, types.CallToolRequest)
    assert request.params.name == "t"
    assert request.model_extra == {"jsonrpc": "2.0", "id": 1}
    assert isinstance(notification, types.RootsListChangedNotification)


# Lists

TOOL = types.Tool(name="t", inputSchema={"type": "object"})
LISTS = [
    ("list_prompts", types.ListPromptsRequest, types.ListPromptsResult, "prompts", types.Prompt(name="p")),
    (
        "list_resources",
        types.ListResourcesRequest,
        types.ListResourcesResult,
        "resources",
        types.Resource(name="r", uri="test://r"),  # type: ignore[arg-type]
    ),
    ("list_tools", types.ListToolsRequest, types.ListToolsResult, "tools", TOOL),
    (
        "list_resource_templates",
        types.ListResourceTemplatesRequest,
        types.ListResourceTemplatesResult,
        "resourceTemplates",
        types.ResourceTemplate(name="t", uriTemplate="test://{x}"),
    ),
]


@pytest.mark.parametrize(("decorator", "request_type", "result_type", "member", "item"), LISTS)
async def test_lists(
    server: Server[Any], decorator: str, request_type: Any, result_type: Any, member: str, item: Any
) -> None:
    """LLS-25, LLS-27 to LLS-29: both styles, and either may return the whole result."""
    register = getattr(server, decorator)
    request = request_type(params=types.PaginatedRequestParams(cursor="c"))
    dumped = item.model_dump(by_alias=True, mode="json", exclude_none=True)

    @register()
    async def old() -> Any:
        return [item]

    assert await call(server, request) == {member: [dumped]}

    @register()
    async def old_whole() -> Any:
        return result_type(**{member: [item]}, nextCursor="n")

    assert await call(server, request) == {member: [dumped], "nextCursor": "n"}

    async def new(request: Any) -> Any:
        cursor = request.params.cursor if request.params is not None else None
        return result_type(**{member: []}, nextCursor=cursor)

    new.__annotations__["request"] = request_type
    register()(new)
    assert await call(server, request) == {member: [], "nextCursor": "c"}
    # LLS-28: no params, no object.
    assert await call(server, request_type()) == {member: []}

    async def new_list(request: Any) -> Any:
        return [item]

    new_list.__annotations__["request"] = request_type
    register()(new_list)
    assert await call(server, request) == {member: [dumped]}


async def with_default(request: types.ListToolsRequest = PAGE) -> Any: ...
async def unannotated(request: Any = None) -> Any: ...
async def other(request: types.ListPromptsRequest | None = None) -> Any: ...
async def optional(request: types.ListToolsRequest | None = None) -> Any: ...
async def nothing() -> Any: ...
async def unresolvable(request: "Missing" = None) -> Any: ...  # type: ignore[name-defined] # noqa: F821
async def variadic(*requests: types.ListToolsRequest) -> Any: ...
async def keywords(**requests: types.ListToolsRequest) -> Any: ...


@pytest.mark.parametrize(
    "function", [with_default, unannotated, other, optional, nothing, unresolvable, variadic, keywords, print]
)
def test_old_style(function: Callable[..., Any]) -> None:
    """LLS-25, LLS-26: called with no arguments."""
    calls: list[Any] = []

    @functools.wraps(function)
    def recorded(*arguments: Any, **named: Any) -> str:
        calls.append((arguments, named))
        return "result"

    assert create_call_wrapper(recorded, types.ListToolsRequest)(PAGE) == "result"
    assert calls == [((), {})]


async def plain(request: types.ListToolsRequest) -> Any:
    return request


async def positional(request: types.ListToolsRequest, /) -> Any:
    return request


async def keyword_only(*, request: types.ListToolsRequest) -> Any:
    return request


async def after_others(other: int = 1, *, request: types.ListToolsRequest) -> Any:
    return request


async def as_text(anything: "types.ListToolsRequest") -> Any:
    return anything


class Methods:
    async def method(self, request: types.ListToolsRequest) -> Any:
        return request

    async def __call__(self, request: types.ListToolsRequest) -> Any:
        return request


@pytest.mark.parametrize(
    "function", [plain, positional, keyword_only, after_others, as_text, Methods().method, Methods()]
)
async def test_new_style(function: Callable[..., Any]) -> None:
    """LLS-25: called with the request."""
    assert await create_call_wrapper(function, types.ListToolsRequest)(PAGE) is PAGE


async def test_no_signature_at_all() -> None:
    """LLS-26."""

    class Odd:
        __signature__ = "nonsense"

        def __call__(self) -> str:
            return "called"

    assert create_call_wrapper(Odd(), types.ListToolsRequest)(PAGE) == "called"


async def test_tool_names_are_checked(server: Server[Any], caplog: pytest.LogCaptureFixture) -> None:
    """LLS-30: on every list, with warnings only."""

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [types.Tool(name="bad name", inputSchema={})]

    for _ in range(2):
        assert (await call(server, types.ListToolsRequest()))["tools"][0]["name"] == "bad name"
    assert caplog.messages.count('Tool name validation warning for "bad name":') == 2


# Other handlers


async def test_prompts(server: Server[Any]) -> None:
    """LLS-31."""
    seen: list[Any] = []

    @server.get_prompt()
    async def get_prompt(name: str, arguments: dict[str, str] | None) -> types.GetPromptResult:
        seen.append((name, arguments))
        return types.GetPromptResult(messages=[], description="d")

    for arguments in ({"a": "b"}, None):
        params = types.GetPromptRequestParams(name="p", arguments=arguments)
        assert await call(server, types.GetPromptRequest(params=params)) == {"messages": [], "description": "d"}
    assert seen == [("p", {"a": "b"}), ("p", None)]


@pytest.mark.parametrize(
    ("returned", "contents"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(
            [ReadResourceContents("t"), ReadResourceContents(b"\x00")],
            [{"mimeType": "text/plain", "text": "t"}, {"mimeType": "application/octet-stream", "blob": "AA=="}],
            id="defaults",
        ),
        pytest.param(
            (ReadResourceContents("t", "text/x", {"k": 1}),),
            [{"mimeType": "text/x", "text": "t", "_meta": {"k": 1}}],
            id="a tuple, meta",
        ),
        pytest.param(
            [ReadResourceContents(b"", "image/png", {})],
            [{"mimeType": "image/png", "blob": "", "_meta": {}}],
            id="empty",
        ),
    ],
)
async def test_resource_contents(server: Server[Any], returned: Any, contents: Any) -> None:
    """LLS-32."""

    @server.read_resource()
    async def read_resource(uri: Any) -> Any:
        return returned

    params = types.ReadResourceRequestParams(uri="TEST://Host/a b")  # type: ignore[arg-type]
    assert await call(server, types.ReadResourceRequest(params=params)) == {
        "contents": [{"uri": "test://Host/a%20b", **content} for content in contents]
    }


@pytest.mark.parametrize(
    ("returned", "content"),
    [
        ("text", {"mimeType": "text/plain", "text": "text"}),
        (b"bytes", {"mimeType": "application/octet-stream", "blob": base64.b64encode(b"bytes").decode()}),
    ],
)
async def test_bare_contents(server: Server[Any], returned: Any, content: Any) -> None:
    """LLS-33: still work, with a warning."""

    @server.read_resource()
    async def read_resource(uri: Any) -> Any:
        return returned

    params = types.ReadResourceRequestParams(uri="test://x")  # type: ignore[arg-type]
    text = r"^Returning str or bytes from read_resource is deprecated\. Use Iterable\[ReadResourceContents\] instead\.$"
    with pytest.warns(DeprecationWarning, match=text):
        assert await call(server, types.ReadResourceRequest(params=params)) == {
            "contents": [{"uri": "test://x", **content}]
        }


@pytest.mark.parametrize("returned", [None, 1, object()])
async def test_no_contents(server: Server[Any], returned: Any) -> None:
    """LLS-33."""

    @server.read_resource()
    async def read_resource(uri: Any) -> Any:
        return returned

    params = types.ReadResourceRequestParams(uri="test://x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^Unexpected return type from read_resource: <class '"):
        await call(server, types.ReadResourceRequest(params=params))


@pytest.mark.parametrize(
    ("decorator", "request_type", "params", "argument"),
    [
        ("set_logging_level", types.SetLevelRequest, {"level": "alert"}, "alert"),
        ("subscribe_resource", types.SubscribeRequest, {"uri": "test://x"}, "test://x"),
        ("unsubscribe_resource", types.UnsubscribeRequest, {"uri": "test://x"}, "test://x"),
    ],
)
async def test_handlers_without_a_result(
    server: Server[Any], decorator: str, request_type: Any, params: Any, argument: str
) -> None:
    """LLS-35: what they return is ignored."""
    seen: list[Any] = []

    async def handler(value: Any) -> Any:
        seen.append(str(value))
        return "ignored"

    assert getattr(server, decorator)()(handler) is handler
    request = request_type.model_validate({"method": request_type.model_fields["method"].default, "params": params})
    assert await call(server, request) == {}
    assert seen == [argument]


@pytest.mark.parametrize(
    ("returned", "completion"),
    [
        (types.Completion(values=["a"], total=1, hasMore=False), {"values": ["a"], "total": 1, "hasMore": False}),
        (None, {"values": []}),
    ],
)
async def test_completion(server: Server[Any], returned: Any, completion: Any) -> None:
    """LLS-36."""
    seen: list[Any] = []

    @server.completion()
    async def complete(*arguments: Any) -> Any:
        seen.append(arguments)
        return returned

    ref = types.PromptReference(type="ref/prompt", name="p")
    argument = types.CompletionArgument(name="a", value="v")
    params = types.CompleteRequestParams(ref=ref, argument=argument)
    assert await call(server, types.CompleteRequest(params=params)) == {"completion": completion}
    assert seen == [(ref, argument, None)]


async def test_progress(server: Server[Any]) -> None:
    """LLS-37: four positional arguments."""
    seen: list[Any] = []

    @server.progress_notification()
    async def progress(*arguments: Any) -> None:
        seen.append(arguments)

    params = types.ProgressNotificationParams(progressToken="t", progress=1)
    await server.notification_handlers[types.ProgressNotification](types.ProgressNotification(params=params))
    assert seen == [("t", 1.0, None, None)]
