"""Handlers and callbacks that block the event loop with plain Python code: what still holds."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import anyio
import pytest

from mcp import types
from mcp.client.session import ClientSession
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_connected_server_and_client_session

pytestmark = pytest.mark.anyio


async def test_an_answer_behind_a_blocked_loop_is_not_lost(no_leaks: Any) -> None:
    """The loop was blocked for longer than the timeout: the request still ends, and the session is in order."""
    server: Server[Any, Any] = Server("blocks")

    @server.call_tool(validate_input=False)
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        if name == "block":
            time.sleep(0.3)
        return [types.TextContent(type="text", text=name)]

    outcomes: list[str] = []

    async def call(session: ClientSession, name: str) -> None:
        try:
            result = await session.call_tool(name, read_timeout_seconds=timedelta(seconds=0.1))
            assert isinstance(result.content[0], types.TextContent)
            outcomes.append(result.content[0].text)
        except McpError as error:
            if error.error.code != 408:
                raise
            outcomes.append("timed out")

    async with no_leaks():
        async with create_connected_server_and_client_session(server) as session:
            with anyio.fail_after(10):
                async with anyio.create_task_group() as tasks:
                    for name in ("block", "a", "b"):
                        tasks.start_soon(call, session, name)
                assert len(outcomes) == 3 and set(outcomes) <= {"block", "a", "b", "timed out"}
                assert (await session.call_tool("after")).content[0].text == "after"
            assert not any(session.statistics())


async def test_a_client_callback_that_blocks(no_leaks: Any) -> None:
    server: Server[Any, Any] = Server("logs")

    @server.call_tool(validate_input=False)
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        for number in range(3):
            await server.request_context.session.send_log_message("info", number)
        return [types.TextContent(type="text", text=name)]

    async def block(params: types.LoggingMessageNotificationParams) -> None:
        time.sleep(0.1)

    async with no_leaks():
        async with create_connected_server_and_client_session(server, logging_callback=block) as session:
            with anyio.fail_after(10):
                assert (await session.call_tool("x")).content[0].text == "x"
            assert not any(session.statistics())


async def test_tools_in_threads_leave_the_loop_free(no_leaks: Any) -> None:
    """TOOL-23: with `sync_in_threads`, a tool that blocks stops nobody else, and its call can time out."""
    mcp = FastMCP("threads", sync_in_threads=True)

    @mcp.tool()
    def block() -> str:
        time.sleep(0.6)
        return "blocked"

    @mcp.tool()
    def quick() -> str:
        return "quick"

    async with create_connected_server_and_client_session(mcp) as session:
        await session.list_tools()
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                with pytest.raises(McpError) as raised:
                    await session.call_tool("block", read_timeout_seconds=timedelta(seconds=0.2))
                assert raised.value.error.code == 408

            tasks.start_soon(call)
            started = time.monotonic()
            with anyio.fail_after(10):
                assert (await session.call_tool("quick")).content[0].text == "quick"
            assert time.monotonic() - started < 0.5
