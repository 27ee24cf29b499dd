"""A client against child processes that misbehave: each request ends in time, in an answer or one typed error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import ValidationError

from mcp import types
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import (
    ConnectionClosedError,
    McpError,
    ProtocolError,
    RequestTimeoutError,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_shutdown")]

PEER = str(Path(__file__).parent / "programs" / "peer.py")


@asynccontextmanager
async def connected(behaviour: str, **options: Any) -> AsyncGenerator[ClientSession, None]:
    server = StdioServerParameters(command=sys.executable, args=["-S", "-I", PEER, behaviour])
    with open(os.devnull, "w") as errlog:
        async with stdio_client(server, errlog) as streams, ClientSession(*streams, **options) as session:
            with anyio.fail_after(20):
                await session.initialize()
            yield session


# SES-13: a peer that says nothing of use; the request ends at its timeout, the session lives on.
@pytest.mark.parametrize(
    "behaviour", ["is_silent", "writes_rubbish", "answers_wrong_ids", "answers_half_and_waits", "stops", "is_deaf"]
)
async def test_no_answer_is_a_timeout(behaviour: str, ends: Any, no_leaks: Any) -> None:
    async with no_leaks():
        async with connected(behaviour) as session:
            ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout))
            assert isinstance(ending.error, RequestTimeoutError) and ending.error.error.code == 408
            if behaviour in ("is_silent", "writes_rubbish", "answers_wrong_ids"):
                again = await ends(lambda timeout: session.call_tool("good", read_timeout_seconds=timeout), 5)
                assert again.answer.content[0].text == "fine"
            assert not session._response_streams and not session._progress_callbacks


# SES-3: a peer that is gone; nobody waits for the timeout.
@pytest.mark.parametrize(
    ("behaviour", "text"),
    [("dies", "status 3"), ("dies", "cheese"), ("is_killed", "signal 9"), ("answers_half", ""), ("closes_output", "")],
)
async def test_a_dead_peer_ends_the_request_at_once(behaviour: str, text: str, ends: Any, no_leaks: Any) -> None:
    async with no_leaks():
        async with connected(behaviour) as session:
            ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout), 10)
            assert isinstance(ending.error, ConnectionClosedError) and text in str(ending.error)
            assert ending.seconds < 5
            again = await ends(lambda timeout: session.call_tool("good", read_timeout_seconds=timeout))
            assert isinstance(again.error, anyio.ClosedResourceError | ConnectionClosedError)


# TCL-10: a broken pipe is a closed connection.
async def test_a_peer_that_closes_its_input_ends_later_requests(ends: Any, no_leaks: Any) -> None:
    async with no_leaks():
        async with connected("closes_input") as session:
            first = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout))
            later = await ends(lambda timeout: session.call_tool("good", read_timeout_seconds=timeout))
            assert isinstance(first.error, RequestTimeoutError | ConnectionClosedError)
            assert isinstance(later.error, ConnectionClosedError)


# The answer cannot be read, but it can be seen which request it was for.
@pytest.mark.parametrize("behaviour", ["breaks_its_answer", "answers_too_deep", "answers_no_object"])
async def test_an_unreadable_answer_fails_its_request_at_once(behaviour: str, ends: Any) -> None:
    async with connected(behaviour) as session:
        ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout), 10)
        assert isinstance(ending.error, ProtocolError)
        assert ending.seconds < 5
        again = await ends(lambda timeout: session.call_tool("good", read_timeout_seconds=timeout), 5)
        assert again.answer.content[0].text == "fine"


async def test_a_result_of_another_shape_is_a_validation_error() -> None:
    async with connected("answers_the_wrong_type") as session:
        with anyio.fail_after(5), pytest.raises(ValidationError):
            await session.call_tool("fault")
        with anyio.fail_after(5):
            assert (await session.call_tool("good")).content


async def test_an_error_without_id_fails_the_only_request(ends: Any) -> None:
    async with connected("refuses_without_id") as session:
        ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout), 10)
        assert type(ending.error) is McpError and ending.error.error.code == -32700
        assert ending.seconds < 5


@pytest.mark.parametrize(
    "behaviour",
    [
        "writes_rubbish_then_answers",
        "answers_twice",
        "answers_both_ways",
        "drips",
        "floods_then_answers",
        "floods_requests",
        "asks_with_illegal_ids",
    ],
)
async def test_the_answer_is_found_among_the_noise(behaviour: str, ends: Any, no_leaks: Any) -> None:
    async with no_leaks():
        async with connected(behaviour) as session:
            ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout), 10)
            if behaviour == "answers_both_ways":
                assert type(ending.error) is McpError
            else:
                assert ending.error is None and ending.answer.content[0].text in ("fine", "é" * 40)
            again = await ends(lambda timeout: session.call_tool("good", read_timeout_seconds=timeout), 10)
            assert again.answer.content[0].text == "fine"
            assert not session._response_streams and not session._in_flight


@pytest.mark.parametrize("behaviour", ["floods_for_ever", "streams_one_line_for_ever"])
async def test_a_flood_does_not_keep_a_request_from_timing_out(behaviour: str, ends: Any, no_leaks: Any) -> None:
    async with no_leaks():
        async with connected(behaviour) as session:
            ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout))
            assert isinstance(ending.error, RequestTimeoutError)


async def test_a_slow_notification_handler_meets_a_flood(ends: Any) -> None:
    """What the client does not read stays in the pipe; the request times out all the same."""

    async def stuck(message: Any) -> None:
        await anyio.sleep_forever()

    async with connected("floods_for_ever", message_handler=stuck) as session:
        ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout))
        assert isinstance(ending.error, RequestTimeoutError)


async def test_a_message_larger_than_the_pipe_to_a_deaf_peer(ends: Any, no_leaks: Any) -> None:
    async with no_leaks():
        async with connected("is_deaf") as session:
            first = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout))
            large = await ends(
                lambda timeout: session.call_tool("good", {"text": "x" * 2**20}, read_timeout_seconds=timeout)
            )
            assert isinstance(first.error, RequestTimeoutError) and isinstance(large.error, RequestTimeoutError)


async def test_many_calls_when_the_process_is_killed(ends: Any, no_leaks: Any, kill_child: Any) -> None:
    """All requests in flight end at once, each with an error of its own."""
    async with no_leaks():
        server = StdioServerParameters(command=sys.executable, args=["-S", "-I", PEER, "is_silent"])
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            await session.initialize()
            errors: list[Exception] = []

            async def call() -> None:
                ending = await ends(lambda timeout: session.call_tool("fault", read_timeout_seconds=timeout), 10)
                assert ending.seconds < 5
                errors.append(ending.error)

            async with anyio.create_task_group() as tasks:
                for _ in range(50):
                    tasks.start_soon(call)
                await anyio.wait_all_tasks_blocked()
                kill_child(PEER)
            assert len(errors) == 50 and len({id(error) for error in errors}) == 50
            assert all(isinstance(error, ConnectionClosedError) and "signal 9" in str(error) for error in errors)


@pytest.mark.parametrize("behaviour", ["is_silent", "is_deaf", "floods_for_ever", "stops"])
async def test_leaving_is_quick_whatever_the_peer_does(behaviour: str, no_leaks: Any) -> None:
    async with no_leaks():
        async with connected(behaviour) as session:
            request = types.CallToolRequest(params=types.CallToolRequestParams(name="fault"))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.send_request, types.ClientRequest(request), types.CallToolResult)
                # Under a flood there is always a task that runs.
                with anyio.fail_after(10):
                    while not any(session.statistics()):
                        await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            started = time.monotonic()
        assert time.monotonic() - started < 4


@pytest.mark.parametrize("command", ["/does/not/exist", "/etc/passwd"])
async def test_a_server_that_cannot_start(command: str, no_leaks: Any) -> None:
    async with no_leaks():
        with anyio.fail_after(5), pytest.raises(OSError):
            async with stdio_client(StdioServerParameters(command=command)):
                pytest.fail("started")


@pytest.mark.parametrize("program", ["raise SystemExit('bad config')", "", "print('hello'); import sys; sys.exit(4)"])
async def test_a_server_that_ends_before_the_handshake(program: str, ends: Any, no_leaks: Any) -> None:
    async with no_leaks():
        server = StdioServerParameters(command=sys.executable, args=["-S", "-I", "-c", program])
        with open(os.devnull, "w") as errlog:
            async with stdio_client(server, errlog) as streams, ClientSession(*streams) as session:
                with anyio.fail_after(10), pytest.raises((ConnectionClosedError, anyio.ClosedResourceError)):
                    await session.initialize()
