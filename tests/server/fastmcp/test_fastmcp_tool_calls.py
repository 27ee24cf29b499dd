"""Calling tools: errors, cancellation, and direct calls."""

import logging
from typing import Any

import anyio
import pytest

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.fastmcp.tools import Tool, ToolManager
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.types import CallToolResult, ElicitRequestURLParams, ErrorData, TextContent

pytestmark = pytest.mark.anyio

ELICITATION = ElicitRequestURLParams(message="Sign in", url="https://example.com", elicitationId="1")


def raising(error: BaseException) -> FastMCP:
    mcp = FastMCP()

    @mcp.tool()
    async def fail() -> int:  # pyright: ignore
        raise error

    @mcp.tool()
    def fine() -> str:  # pyright: ignore
        return "fine"

    return mcp


def text(result: CallToolResult) -> str:
    return result.content[0].text  # pyright: ignore


async def test_unknown_tool(caplog: pytest.LogCaptureFixture):
    """TOOL-60, TOOL-70"""
    mcp = raising(ValueError())
    async with connect(mcp) as client:
        with caplog.at_level(logging.WARNING):
            result = await client.call_tool("nope", {})
        assert result == CallToolResult(content=[TextContent(type="text", text="Unknown tool: nope")], isError=True)
        assert "Tool 'nope' not listed, no validation will be performed" in caplog.text
        assert text(await client.call_tool("fine", {})) == "fine"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (RuntimeError("bad"), "bad"),
        (ToolError("on purpose"), "on purpose"),
        (KeyError("k"), "'k'"),
        (ValueError(), ""),
        (McpError(ErrorData(code=-5, message="mcp", data={"x": 1})), "mcp"),
        (StopIteration("x"), "coroutine raised StopIteration"),
    ],
)
async def test_exceptions_become_error_results(error: Exception, shown: str):
    """TOOL-61, TOOL-62, TOOL-63, TOOL-65: and the server serves on."""
    async with connect(raising(error)) as client:
        result = await client.call_tool("fail", {})
        assert result.isError
        assert result.structuredContent is None
        assert [block.text for block in result.content] == [f"Error executing tool fail: {shown}"]  # pyright: ignore
        assert text(await client.call_tool("fine", {})) == "fine"


async def test_url_elicitation_is_a_protocol_error():
    """TOOL-64"""
    async with connect(raising(UrlElicitationRequiredError([ELICITATION]))) as client:
        with pytest.raises(McpError) as caught:
            await client.call_tool("fail", {})
        assert caught.value.error.code == -32042
        assert caught.value.error.message == "URL elicitation required"
        assert UrlElicitationRequiredError.from_error(caught.value.error).elicitations == [ELICITATION]
        assert text(await client.call_tool("fine", {})) == "fine"


async def test_direct_calls_raise():
    """TOOL-66"""
    error = KeyError("k")
    mcp = raising(error)
    tool = mcp._tool_manager.get_tool("fail")
    assert tool is not None
    for call in (
        lambda: mcp.call_tool("fail", {}),
        lambda: mcp._tool_manager.call_tool("fail", {}),
        lambda: tool.run({}),
    ):
        with pytest.raises(ToolError) as caught:
            await call()
        assert str(caught.value) == "Error executing tool fail: 'k'"
        assert caught.value.__cause__ is error
    with pytest.raises(ToolError, match=r"^Unknown tool: nope$"):
        await mcp.call_tool("nope", {})


async def test_cancellation_is_not_converted():
    """TOOL-67: a tool that never returns is cancelled with its request, and the server serves on."""
    mcp = FastMCP()
    started, cancelled = anyio.Event(), anyio.Event()

    @mcp.tool()
    async def hang() -> None:  # pyright: ignore
        try:
            started.set()
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    @mcp.tool()
    def fine() -> str:  # pyright: ignore
        return "fine"

    with anyio.fail_after(5):
        async with connect(mcp) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "hang", {})
                await started.wait()
                tasks.cancel_scope.cancel()
            await cancelled.wait()
            assert text(await client.call_tool("fine", {})) == "fine"


async def test_what_a_direct_call_returns():
    """TOOL-68, DIR-1"""
    mcp = FastMCP()
    made = CallToolResult(content=[])
    mcp.add_tool(lambda: 1, name="plain")

    @mcp.tool()
    def structured() -> int:  # pyright: ignore
        return 1

    @mcp.tool()
    def whole() -> CallToolResult:  # pyright: ignore
        return made

    one = TextContent(type="text", text="1")
    assert await mcp.call_tool("plain", {}) == [one]
    assert await mcp.call_tool("structured", {}) == ([one], {"result": 1})
    assert await mcp.call_tool("whole", {}) is made


async def test_manager_returns_the_raw_value():
    """TOOL-69"""
    manager = ToolManager(tools=[Tool.from_function(lambda: {"raw": 1}, name="t")])
    assert await manager.call_tool("t", {}) == {"raw": 1}
    assert (await manager.call_tool("t", {}, convert_result=True))[0].text == '{\n  "raw": 1\n}'


async def test_manager_call_may_be_replaced():
    """TOOL-66: tracing packages wrap `ToolManager.call_tool` on the instance."""
    mcp = raising(ValueError())
    seen: list[Any] = []
    original = mcp._tool_manager.call_tool

    async def traced(name: str, arguments: dict[str, Any], **kwargs: Any) -> Any:
        seen.append((name, sorted(kwargs)))
        return await original(name, arguments, **kwargs)

    mcp._tool_manager.call_tool = traced  # pyright: ignore
    async with connect(mcp) as client:
        await client.call_tool("fine", {})
    assert seen == [("fine", ["context", "convert_result"])]
