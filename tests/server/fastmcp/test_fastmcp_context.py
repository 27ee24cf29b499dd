"""The context handed to functions."""

from typing import Any

import anyio
import pytest
from pydantic import AnyUrl

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.context import set_client_log_level
from mcp.server.session import ServerSession
from mcp.shared.context import RequestContext
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ClientRequest,
    LoggingMessageNotificationParams,
)

pytestmark = pytest.mark.anyio

OUTSIDE = "Context is not available outside of a request"


def tool(fn: Any) -> FastMCP:
    mcp = FastMCP()
    mcp.add_tool(fn, name="tool")
    return mcp


async def call(mcp: FastMCP, **kwargs: Any) -> CallToolResult:
    async with connect(mcp) as client:
        return await client.call_tool("tool", {}, **kwargs)


def texts(result: CallToolResult) -> list[str]:
    return [block.text for block in result.content]  # pyright: ignore


def test_construction():
    """CTX-1, DIR-2"""
    mcp = FastMCP()
    made: Context[ServerSession, Any, Any] = Context(fastmcp=mcp)
    assert made.fastmcp is mcp
    assert isinstance(mcp.get_context(), Context)
    assert mcp.get_context().fastmcp is mcp
    assert Context[ServerSession, dict[str, int]].__mro__[1] is Context


async def test_outside_of_a_request():
    """CTX-2, CTX-11"""
    context = FastMCP().get_context()
    for name in ("request_context", "request_id", "session", "client_id"):
        with pytest.raises(ValueError) as caught:
            getattr(context, name)
        assert str(caught.value) == OUTSIDE
    for log in (context.debug, context.info, context.warning, context.error):
        with pytest.raises(ValueError, match=rf"^{OUTSIDE}$"):
            await log("x")
    with pytest.raises(ValueError, match=rf"^{OUTSIDE}$"):
        await context.report_progress(1)
    with pytest.raises(ValueError, match=rf"^{OUTSIDE}$"):
        _ = Context().fastmcp
    with pytest.raises(AssertionError, match=rf"^{OUTSIDE}$"):
        await Context().read_resource("r://x")
    await context.close_sse_stream()
    await context.close_standalone_sse_stream()


async def test_attributes_may_be_set_from_outside():
    """CTX-1: programs set `_fastmcp` and `_request_context` on a context."""
    context, mcp = Context(), FastMCP()
    context._fastmcp = mcp
    assert context.fastmcp is mcp
    request_context: Any = RequestContext(7, None, None, None)
    context._request_context = request_context
    assert context.request_context is request_context
    assert context.model_copy().fastmcp is mcp


async def test_request_id_is_text():
    """CTX-3"""

    async def fn(ctx: Context) -> Any:
        return [ctx.request_id, ctx.request_context.request_id]

    assert texts(await call(tool(fn))) == ["1", "1"]
    assert isinstance(Context(request_context=RequestContext(5, None, None, None)).request_id, str)  # pyright: ignore


async def test_client_id_is_a_member_of_meta():
    """CTX-4"""

    async def fn(ctx: Context) -> Any:
        return str(ctx.client_id)

    mcp = tool(fn)
    assert texts(await call(mcp)) == ["None"]
    async with connect(mcp) as client:
        for meta, expected in (({"client_id": "me"}, "me"), ({"other": 1}, "None")):
            params = CallToolRequestParams.model_validate({"name": "tool", "_meta": meta})
            result = await client.send_request(ClientRequest(CallToolRequest(params=params)), CallToolResult)
            assert texts(result) == [expected]


async def test_session_server_and_http_request():
    """CTX-5, CTX-13"""
    seen: list[Any] = []

    async def fn(ctx: Context) -> None:
        seen.extend([ctx.session, ctx.fastmcp, ctx.request_context.request, ctx.request_context.lifespan_context])

    mcp = tool(fn)
    await call(mcp)
    session, server, request, lifespan_context = seen
    assert isinstance(session, ServerSession)
    assert (server, request, lifespan_context) == (mcp, None, {})


async def test_progress():
    """CTX-6"""

    async def fn(ctx: Context) -> None:
        await ctx.report_progress(1)
        await ctx.report_progress(2.5, 5, "half")

    mcp = tool(fn)
    seen: list[Any] = []

    async def on_progress(*args: Any) -> None:
        seen.append(args)

    await call(mcp)
    result = await call(mcp, progress_callback=on_progress)
    assert not result.isError
    assert seen == [(1.0, None, None), (2.5, 5.0, "half")]


class Recorder:
    """A session that notes what is sent."""

    client_params = None

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send_log_message(self, **kwargs: Any) -> None:
        self.sent.append(kwargs)

    async def send_progress_notification(self, **kwargs: Any) -> None:
        self.sent.append(kwargs)


def recording(request_id: Any = 3, meta: Any = None) -> tuple[Context[Any, Any, Any], Recorder]:
    recorder: Any = Recorder()
    return Context(request_context=RequestContext(request_id, meta, recorder, None)), recorder


async def test_messages_name_the_request_they_belong_to():
    """CTX-6, CTX-7, CTX-8: with the id as text, as in 1.30.0."""
    meta = CallToolRequestParams.Meta(progressToken="t")
    context, recorder = recording(meta=meta)
    await context.report_progress(1, message="m")
    await context.log("info", {"any": ["JSON"]}, logger_name="L")  # pyright: ignore
    assert recorder.sent == [
        {"progress_token": "t", "progress": 1, "total": None, "message": "m", "related_request_id": "3"},
        {"level": "info", "data": {"any": ["JSON"]}, "logger": "L", "related_request_id": "3"},
    ]


async def test_log_messages():
    """CTX-7, CTX-8"""

    async def fn(ctx: Context) -> None:
        await ctx.debug("d")
        await ctx.info("i", logger_name="L")
        await ctx.warning("w")
        await ctx.error("e")
        with pytest.raises(TypeError, match="unexpected keyword argument 'extra'"):
            await ctx.info("i", extra=1)

    seen: list[LoggingMessageNotificationParams] = []

    async def on_log(params: LoggingMessageNotificationParams) -> None:
        seen.append(params)

    async with connect(tool(fn), logging_callback=on_log) as client:
        assert not (await client.call_tool("tool", {})).isError
    assert [(params.level, params.data, params.logger) for params in seen] == [
        ("debug", "d", None),
        ("info", "i", "L"),
        ("warning", "w", None),
        ("error", "e", None),
    ]


async def test_log_messages_follow_the_level_of_each_client():
    """CTX-9, SRV-18: all are sent until a client sets a level, which counts for its session only."""

    async def fn(ctx: Context) -> None:
        for level in ("debug", "info", "warning", "error", "unheard-of"):
            if level != "unheard-of" or ctx.client_id == "never":
                await ctx.log(level, level)  # pyright: ignore

    mcp = tool(fn)

    async def levels(*wanted: Any) -> list[list[str]]:
        seen: list[str] = []

        async def on_log(params: LoggingMessageNotificationParams) -> None:
            seen.append(params.level)

        found: list[list[str]] = []
        async with connect(mcp, logging_callback=on_log) as client:
            for level in wanted:
                if level is not None:
                    await client.set_logging_level(level)
                await client.call_tool("tool", {})
                found.append(list(seen))
                seen.clear()
        return found

    everything = ["debug", "info", "warning", "error"]
    assert await levels(None, "warning", "debug", "notice", "emergency") == [
        everything,
        ["warning", "error"],
        everything,
        ["warning", "error"],
        [],
    ]
    assert await levels(None) == [everything]


async def test_level_that_the_protocol_does_not_know_is_sent():
    """CTX-9"""
    context, recorder = recording()
    set_client_log_level(recorder, "error")  # pyright: ignore
    await context.log("shout", "x")  # pyright: ignore
    assert [message["level"] for message in recorder.sent] == ["shout"]


async def test_reading_resources():
    """CTX-10"""

    async def fn(ctx: Context) -> Any:
        return [item.content for uri in ("r://x", AnyUrl("r://x")) for item in await ctx.read_resource(uri)]

    mcp = tool(fn)
    mcp.resource("r://x", name="n")(lambda: "content")
    assert texts(await call(mcp)) == ["content", "content"]


async def test_streams_are_closed_through_the_request():
    """CTX-11"""
    closed: list[str] = []

    async def one() -> None:
        closed.append("own")

    async def two() -> None:
        closed.append("standalone")

    request_context: Any = RequestContext(1, None, None, None, close_sse_stream=one, close_standalone_sse_stream=two)
    context = Context(request_context=request_context)
    await context.close_sse_stream()
    await context.close_standalone_sse_stream()
    assert closed == ["own", "standalone"]


async def test_each_function_kind_gets_a_context():
    """CTX-12"""
    mcp = FastMCP()
    mcp.add_tool(lambda: None, name="none")

    @mcp.tool()
    def t(c: Context) -> str:  # pyright: ignore
        return c.request_id

    @mcp.resource("r://{a}")
    def r(a: str, c: Context) -> str:  # pyright: ignore
        return c.request_id

    @mcp.prompt()
    def p(c: Context) -> str:  # pyright: ignore
        return c.request_id

    async with connect(mcp) as client:
        await client.send_ping()
        (contents,) = (await client.read_resource(AnyUrl("r://x"))).contents
        (message,) = (await client.get_prompt("p")).messages
        result = await client.call_tool("t", {})
    assert [contents.text, message.content.text, *texts(result)] == ["2", "3", "4"]  # pyright: ignore


async def test_subclass_overrides_count():
    """CTX-1: programs override `session`, `request_id`, `log`, and hand out contexts of their own."""

    class Own(Context[Any, Any, Any]):
        @property
        def request_id(self) -> str:
            return "own"

    class OwnServer(FastMCP):
        def get_context(self) -> Any:
            inner = super().get_context()
            return Own(request_context=inner._request_context, fastmcp=self)

    mcp = OwnServer()

    @mcp.tool()
    async def t(c: Context) -> str:  # pyright: ignore
        return c.request_id

    async with connect(mcp) as client:
        assert texts(await client.call_tool("t", {})) == ["own"]


async def test_concurrent_requests_have_contexts_of_their_own():
    """CTX-12"""
    mcp = FastMCP()
    both = anyio.Event()
    waiting: list[str] = []

    @mcp.tool()
    async def t(c: Context) -> str:  # pyright: ignore
        waiting.append(c.request_id)
        if len(waiting) == 2:
            both.set()
        await both.wait()
        return mcp.get_context().request_id

    results: list[list[str]] = []
    async with connect(mcp) as client:

        async def once() -> None:
            results.append(texts(await client.call_tool("t", {})))

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(once)
                tasks.start_soon(once)
    assert len({text for (text,) in results}) == 2
