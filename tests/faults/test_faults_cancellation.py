"""Calls cancelled at random points: the session, the server and everybody else's calls go on. SES-14"""

from __future__ import annotations

import random
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from mcp import types
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_connected_server_and_client_session

pytestmark = pytest.mark.anyio

ECHO = str(Path(__file__).parent / "programs" / "echo.py")


class Counted:
    """A server whose tool takes a few turns of the event loop and gives back what it got."""

    def __init__(self) -> None:
        self.running = 0
        self.sessions: list[ServerSession] = []
        self.server: Server[Any, Any] = Server("counted")
        self.server.list_tools()(self.list_tools)
        self.server.call_tool(validate_input=False)(self.call_tool)

    async def list_tools(self) -> list[types.Tool]:
        return [types.Tool(name="echo", inputSchema={"type": "object"})]

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        session = self.server.request_context.session
        if session not in self.sessions:
            self.sessions.append(session)
        self.running += 1
        try:
            for _ in range(arguments["turns"]):
                await anyio.lowlevel.checkpoint()
            if arguments.get("stubborn"):
                with anyio.CancelScope(shield=True):
                    await anyio.lowlevel.checkpoint()
            return [types.TextContent(type="text", text=str(arguments["number"]))]
        finally:
            self.running -= 1


async def call_and_cancel(session: ClientSession, number: int, chance: random.Random, answered: list[int]) -> None:
    """Call the tool; cancel the waiting, or let it time out, after a random number of turns; or let it be."""
    arguments = {"number": number, "turns": chance.randrange(12), "stubborn": chance.random() < 0.2}
    fate = chance.random()
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:

            async def cancel_later(turns: int) -> None:
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                scope.cancel()

            if fate < 0.6:
                tasks.start_soon(cancel_later, chance.randrange(15))
            timeout = timedelta(microseconds=chance.randrange(1, 2000)) if fate > 0.85 else timedelta(seconds=30)
            try:
                result = await session.call_tool("echo", arguments, read_timeout_seconds=timeout)
            except McpError as error:
                if error.error.code != 408:
                    raise
            else:
                # Never somebody else's answer.
                assert isinstance(result.content[0], types.TextContent)
                assert result.content[0].text == str(number)
                answered.append(number)
            tasks.cancel_scope.cancel()


async def idle(session: Any) -> None:
    """Wait until a session has nothing left to do."""
    with anyio.fail_after(10):
        while any(session.statistics()):
            await anyio.sleep(0.005)


async def test_a_thousand_calls_cancelled_at_random_points_in_memory(no_leaks: Any) -> None:
    counted = Counted()
    answered: list[int] = []
    chance = random.Random(20261121)
    async with no_leaks():
        async with create_connected_server_and_client_session(counted.server) as session:
            for start in range(0, 1000, 50):
                with anyio.fail_after(30):
                    async with anyio.create_task_group() as tasks:
                        for number in range(start, start + 50):
                            tasks.start_soon(call_and_cancel, session, number, chance, answered)
            with anyio.fail_after(5):
                result = await session.call_tool("echo", {"number": -1, "turns": 0})
            assert isinstance(result.content[0], types.TextContent) and result.content[0].text == "-1"
            await idle(session)
            (server_session,) = counted.sessions
            await idle(server_session)
            assert counted.running == 0
            assert not session._progress_callbacks
    assert 100 < len(answered) < 1000


async def test_calls_cancelled_at_random_points_over_stdio(no_leaks: Any) -> None:
    answered: list[int] = []
    chance = random.Random(11)
    async with no_leaks():
        parameters = StdioServerParameters(command=sys.executable, args=[ECHO])
        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            await session.initialize()
            for start in range(0, 200, 20):
                with anyio.fail_after(30):
                    async with anyio.create_task_group() as tasks:
                        for number in range(start, start + 20):
                            tasks.start_soon(call_and_cancel, session, number, chance, answered)
            with anyio.fail_after(10):
                result = await session.call_tool("echo", {"number": -1, "turns": 0})
                statistics = await session.call_tool("statistics")
            assert isinstance(result.content[0], types.TextContent) and result.content[0].text == "-1"
            # Only the request that asks is in work.
            assert isinstance(statistics.content[0], types.TextContent)
            assert statistics.content[0].text == "[0, 1, 0]"
            await idle(session)
    assert 10 < len(answered) < 200


async def test_a_handler_that_survives_its_cancellation(no_leaks: Any) -> None:
    """It may go on and answer in vain; the session and later calls do not notice."""
    server: Server[Any, Any] = Server("survivor")
    started, finish, finished = anyio.Event(), anyio.Event(), anyio.Event()

    @server.call_tool(validate_input=False)
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        if name == "survive":
            started.set()
            while not finish.is_set():
                try:
                    with anyio.CancelScope(shield=True):
                        await finish.wait()
                except BaseException:
                    continue
            finished.set()
        return [types.TextContent(type="text", text=name)]

    async with no_leaks():
        async with create_connected_server_and_client_session(server) as session:
            with anyio.fail_after(5), pytest.raises(McpError) as raised:
                await session.call_tool("survive", read_timeout_seconds=timedelta(seconds=0.1))
            assert raised.value.error.code == 408
            await started.wait()
            with anyio.fail_after(5):
                assert (await session.call_tool("other")).content[0].text == "other"
                finish.set()
                await finished.wait()
                assert (await session.call_tool("other")).content[0].text == "other"
            await idle(session)


async def test_leaving_a_session_with_calls_in_flight(no_leaks: Any) -> None:
    server: Server[Any, Any] = Server("slow")
    running: list[str] = []
    errors: list[Exception] = []

    @server.call_tool(validate_input=False)
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        running.append(name)
        try:
            await anyio.sleep_forever()
        finally:
            running.pop()

    async def call(session: ClientSession) -> None:
        try:
            await session.call_tool("stuck")
        except McpError as error:
            errors.append(error)

    async with no_leaks():
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                async with create_connected_server_and_client_session(server) as session:
                    for _ in range(100):
                        tasks.start_soon(call, session)
                    while len(running) < 100:
                        await anyio.sleep(0.005)
        assert len(errors) == 100 and all(error.error.code == -32000 for error in errors)
        assert not running
