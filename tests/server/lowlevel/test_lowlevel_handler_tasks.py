"""The tasks that handlers run in: LLS-10, LLS-15, LLS-17, LLS-18, whatever the program does with its event loop."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from mcp import types
from mcp.server.lowlevel import Server

pytestmark = pytest.mark.anyio

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


class Handled:
    """A server whose only handler begins, waits, and ends as it is told; what happened is in `events`."""

    def __init__(self, at_the_end: Callable[[], Any] | None = None) -> None:
        self.server: Server[Any] = Server("s")
        self.events: list[str] = []
        self.begun = anyio.Event()

        @self.server.list_tools()
        async def list_tools() -> list[types.Tool]:
            self.events.append("begun")
            self.begun.set()
            try:
                await anyio.sleep_forever()
            finally:
                if at_the_end is not None:
                    await at_the_end()
                self.events.append("ended")
            return []

    async def run(self, peer: Any, **options: Any) -> None:
        try:
            await self.server.run(
                peer.read_stream, peer.write_stream, self.server.create_initialization_options(), **options
            )
        finally:
            self.events.append("left")


async def a_moment() -> None:
    with anyio.CancelScope(shield=True):
        for _ in range(10):
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("end", ["hang up", "cancel"])
async def test_handlers_end_before_the_run_does(raw_peer: Any, end: str) -> None:
    """LLS-18: also those that clean up, and several of them."""
    handled = Handled(a_moment)
    with anyio.fail_after(5):
        async with raw_peer() as peer, anyio.create_task_group() as tasks:
            tasks.start_soon(handled.run, peer)
            await peer.initialize()
            for number in range(3):
                await peer.send(id=number, method="tools/list")
            await peer.silent()
            if end == "hang up":
                peer.hang_up()
            else:
                tasks.cancel_scope.cancel()
    assert handled.events == ["begun"] * 3 + ["ended"] * 3 + ["left"]


async def test_a_handler_that_waits_again_is_cancelled_again(raw_peer: Any) -> None:
    """LLS-18: cancellation lasts, as it does everywhere in anyio."""

    async def wait_again() -> None:
        for _ in range(3):
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                handled.events.append("again")

    handled = Handled(wait_again)
    with anyio.fail_after(5):
        async with raw_peer() as peer, anyio.create_task_group() as tasks:
            tasks.start_soon(handled.run, peer)
            await peer.initialize()
            await peer.send(id=1, method="tools/list")
            await peer.silent()
            peer.hang_up()
    assert handled.events == ["begun", "again", "again", "again", "ended", "left"]


async def test_one_handler_fails_among_others(raw_peer: Any) -> None:
    """LLS-15: the others are cancelled and awaited, and the error is in the group that `run()` raises."""
    handled = Handled(a_moment)
    error = ValueError("wrong")

    @handled.server.list_prompts()
    async def list_prompts() -> list[types.Prompt]:
        raise error

    groups: list[Any] = []

    async def run(peer: Any) -> None:
        try:
            await handled.run(peer, raise_exceptions=True)
        except BaseException as group:
            groups.append(group)

    with anyio.fail_after(5):
        async with raw_peer() as peer, anyio.create_task_group() as tasks:
            tasks.start_soon(run, peer)
            await peer.initialize()
            await peer.send(id=1, method="tools/list")
            await peer.silent()
            await peer.send(id=2, method="prompts/list")
    assert handled.events == ["begun", "ended", "left"]
    assert [group.exceptions for group in groups] == [(error,)]


async def test_a_handler_that_ends_its_own_server(raw_peer: Any) -> None:
    """LLS-17."""
    server: Server[Any] = Server("s")
    scope = anyio.CancelScope()
    events: list[str] = []

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            events.append("ended")
        return []

    async def run(peer: Any) -> None:
        with scope:
            await server.run(peer.read_stream, peer.write_stream, server.create_initialization_options())
        events.append("left")

    with anyio.fail_after(5):
        async with raw_peer() as peer, anyio.create_task_group() as tasks:
            tasks.start_soon(run, peer)
            await peer.initialize()
            await peer.send(id=1, method="tools/list")
    assert events == ["ended", "left"]


@on_asyncio
@pytest.mark.parametrize("times", [1, 2])
async def test_the_task_of_the_run_is_cancelled(raw_peer: Any, times: int) -> None:
    """LLS-18: by asyncio's own means, and by somebody impatient."""
    handled = Handled(a_moment)
    async with raw_peer() as peer:
        task = asyncio.create_task(handled.run(peer))
        await peer.initialize()
        await peer.send(id=1, method="tools/list")
        await peer.silent()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)
    assert handled.events == ["begun", "ended", "left"]


@on_asyncio
async def test_somebody_cancels_the_task_of_a_handler(raw_peer: Any) -> None:
    """LLS-17: such as a program that cancels all tasks. The server serves on."""
    handled = Handled()
    async with raw_peer() as peer, anyio.create_task_group() as tasks:
        tasks.start_soon(handled.run, peer)
        await peer.initialize()
        await peer.send(id=1, method="tools/list")
        await peer.silent()
        (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "mcp message handler"]
        task.cancel()
        answer = await peer.receive()
        assert (answer["id"], answer["error"]["code"]) == (1, 0)
        await peer.silent()
        peer.hang_up()
    assert handled.events == ["begun", "ended", "left"]


def recording_factory(names: list[str]) -> Any:
    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        names.append(options.get("name") or "")
        return asyncio.Task(coroutine, loop=loop, **options)

    return make


@on_asyncio
async def test_a_task_factory_of_the_program(raw_peer: Any) -> None:
    """LLS-10: makes the tasks of handlers too, so that tracing sees them."""
    names: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_task_factory(recording_factory(names))
    try:
        handled = Handled()
        async with raw_peer() as peer, anyio.create_task_group() as tasks:
            tasks.start_soon(handled.run, peer)
            await peer.initialize()
            await peer.silent()
            names.clear()
            await peer.send(id=1, method="tools/list")
            await peer.silent()
            assert len(names) == 2
            peer.hang_up()
    finally:
        loop.set_task_factory(None)
    assert handled.events == ["begun", "ended", "left"]


@on_asyncio
@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in Python 3.12")
async def test_eager_tasks(raw_peer: Any) -> None:
    """LLS-10: a handler never runs within the loop that reads the messages, which it could wait for."""
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
    try:
        server: Server[Any] = Server("s")

        @server.list_tools()
        async def list_tools() -> list[types.Tool]:
            await server.request_context.session.send_ping()
            return []

        async with raw_peer() as peer, anyio.create_task_group() as tasks:
            options = server.create_initialization_options()
            tasks.start_soon(server.run, peer.read_stream, peer.write_stream, options)
            await peer.initialize()
            await peer.send(id=1, method="tools/list")
            ping = await peer.receive()
            await peer.send(id=ping["id"], result={})
            assert await peer.receive() == {"id": 1, "result": {"tools": []}}
            peer.hang_up()
    finally:
        loop.set_task_factory(None)
