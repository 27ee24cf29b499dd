"""Clients are entered and left wherever programs like, and what they leave behind is nothing."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx
import pytest

from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

pytestmark = pytest.mark.anyio


async def in_another_task(function: Any, *args: Any) -> Any:
    results: list[Any] = []

    async def run() -> None:
        results.append(await function(*args))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
    return results[0]


@pytest.mark.parametrize("order", ["first in, last out", "first in, first out"])
async def test_entered_and_left_in_different_tasks(tools: Any, serve: Any, order: str) -> None:
    """TCL-26, TCL-47: any task, any order."""
    async with serve() as server:
        with anyio.fail_after(5):
            first, second = streamable_http_client(server.url), streamable_http_client(server.url)
            read, write, _ = await in_another_task(first.__aenter__)
            other_read, other_write, _ = await second.__aenter__()
            session = ClientSession(read, write)
            await in_another_task(session.__aenter__)
            await session.initialize()
            async with ClientSession(other_read, other_write) as other:
                await other.initialize()
                await session.send_ping()
            await in_another_task(session.__aexit__, None, None, None)
            leaving = [first, second] if order == "first in, first out" else [second, first]
            for manager in leaving:
                await in_another_task(manager.__aexit__, None, None, None)
    assert len(server.seen("DELETE")) == 2


async def test_exit_stack_closed_elsewhere(tools: Any, serve: Any) -> None:
    stack = AsyncExitStack()
    async with serve() as server:
        with anyio.fail_after(5):

            async def connect() -> ClientSession:
                read, write, _ = await stack.enter_async_context(streamable_http_client(server.url))
                session = await stack.enter_async_context(ClientSession(read, write))
                await session.initialize()
                return session

            session = await in_another_task(connect)
            await session.send_ping()
            await in_another_task(stack.aclose)
    assert len(server.seen("DELETE")) == 1


@pytest.fixture
async def connected(serve: Any, anyio_backend: str) -> AsyncGenerator[Any, None]:
    async with serve() as server, streamable_http_client(server.url) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            yield server, session
    assert len(server.seen("DELETE")) == 1


async def test_in_a_fixture(connected: Any) -> None:
    server, session = connected
    await session.send_ping()
    assert len(server.seen("ping")) == 1


async def test_the_body_raises(tools: Any, serve: Any) -> None:
    """The exception of the body leaves as it is."""
    async with serve() as server:
        with anyio.fail_after(5), pytest.raises(LookupError, match="mine"):
            async with tools.session(server.url):
                raise LookupError("mine")
    assert len(server.seen("DELETE")) == 1


async def test_the_body_is_cancelled(tools: Any, serve: Any) -> None:
    """TCL-47: promptly, and the session is ended all the same."""
    started = anyio.Event()

    async def stall(call: Any) -> None:
        started.set()
        await call.until_gone()

    async with serve(tools_call=stall) as server:
        with anyio.fail_after(3):
            async with anyio.create_task_group() as tasks:

                async def run() -> None:
                    async with tools.session(server.url) as session:
                        await session.call_tool("x")

                tasks.start_soon(run)
                await started.wait()
                tasks.cancel_scope.cancel()
    assert len(server.seen("DELETE")) == 1


async def test_entering_is_cancelled(tools: Any, serve: Any) -> None:
    """TCL-17: a server that never names its endpoint keeps nobody."""

    arrived, gone = anyio.Event(), anyio.Event()

    async def stall(call: Any) -> None:
        await call.events(b": wait\n\n", end=False)
        arrived.set()
        await call.until_gone()
        gone.set()

    async with serve(stall) as server:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:

                async def enter() -> None:
                    async with sse_client(server.url):
                        raise AssertionError("entered")

                tasks.start_soon(enter)
                await arrived.wait()
                tasks.cancel_scope.cancel()
            await gone.wait()


async def test_closing_the_session_closes_the_streams(tools: Any, serve: Any) -> None:
    """TCL-25"""
    async with serve() as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                async with ClientSession(read, write) as session:
                    await session.initialize()
                with pytest.raises(anyio.ClosedResourceError):
                    await write.send(tools.request(1))
                with pytest.raises(anyio.ClosedResourceError):
                    await read.receive()


async def test_clones_keep_the_connection(tools: Any, serve: Any) -> None:
    async with serve() as server:
        with anyio.fail_after(5):
            async with streamable_http_client(server.url) as (read, write, _):
                clone = write.clone()
                await write.aclose()
                await clone.send(tools.request(1))
                assert not isinstance(await read.receive(), Exception)
                assert write.statistics().open_send_streams == 1
                assert read.statistics().open_send_streams == 1
                await clone.aclose()
                with pytest.raises(anyio.EndOfStream):
                    await read.receive()
                assert read.statistics().open_send_streams == 0


async def test_context_variables_reach_the_http_client(tools: Any, serve: Any) -> None:
    """A request is sent in the context of whoever makes it: tracing finds its parent."""
    from contextvars import ContextVar

    variable: ContextVar[str] = ContextVar("variable", default="none")
    seen: list[tuple[str, str]] = []

    async def look(request: httpx.Request) -> None:
        seen.append((request.content.decode(), variable.get()))

    async with serve() as server, httpx.AsyncClient(event_hooks={"request": [look]}) as client:
        with anyio.fail_after(5):
            async with tools.session(server.url, http_client=client) as session:
                variable.set("mine")
                await session.send_ping()
    assert [value for body, value in seen if '"ping"' in body] == ["mine"]
