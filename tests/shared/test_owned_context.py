"""`OwnedContext`: a context manager that may be entered and left in any task."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from mcp.shared._owner import OwnedContext, thread_caller

pytestmark = pytest.mark.anyio

mark: ContextVar[str] = ContextVar("mark", default="none")


class Resource:
    """What is owned: a task group, which must be left in the task that entered it."""

    def __init__(self, *, enter: Any = None, leave: Any = None) -> None:
        self.events: list[Any] = []
        self._enter = enter
        self._leave = leave

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Any]:
        self.events.append(("entered", mark.get()))
        async with anyio.create_task_group() as tasks:
            if self._enter is not None:
                await self._enter()
            try:
                yield tasks
            finally:
                self.events.append("left")
                if self._leave is not None:
                    await self._leave()
            tasks.cancel_scope.cancel()


async def fail() -> None:
    raise KeyError("resource")


async def test_the_value_and_the_context_variables() -> None:
    mark.set("caller's")
    resource = Resource()
    async with OwnedContext(resource, "resource") as tasks:
        tasks.start_soon(anyio.sleep_forever)
    assert resource.events == [("entered", "caller's"), "left"]


@pytest.mark.parametrize("options", [{"enter": fail}, {"leave": fail}])
async def test_an_error_of_the_resource(options: Any) -> None:
    """It is raised where it belongs: entering or leaving."""
    owned = OwnedContext(Resource(**options), "resource")
    with pytest.raises(BaseException) as raised:
        await owned.__aenter__()
        assert "leave" in options
        await owned.__aexit__(None, None, None)
    assert "KeyError" in repr(getattr(raised.value, "exceptions", raised.value))


async def test_an_exception_inside_stays_the_caller_s() -> None:
    resource = Resource()
    with pytest.raises(TypeError, match="mine"):
        async with OwnedContext(resource, "resource"):
            raise TypeError("mine")
    assert resource.events[-1] == "left"


async def test_cancelled_while_it_is_entered() -> None:
    """What was half entered is left again, before the caller goes on."""
    resource = Resource(enter=anyio.sleep_forever)
    with anyio.move_on_after(0.02) as scope:
        async with OwnedContext(resource, "resource"):
            raise AssertionError
    assert scope.cancelled_caught
    assert resource.events == [("entered", "none")]


async def test_cancelled_while_it_is_left() -> None:
    resource = Resource(leave=anyio.sleep_forever)
    with anyio.move_on_after(0.02) as scope:
        async with OwnedContext(resource, "resource"):
            pass
    assert scope.cancelled_caught


async def test_the_resource_ends_by_itself() -> None:
    """A task of it fails: the caller is not interrupted, and told on leaving."""
    owned = OwnedContext(Resource(), "resource")
    tasks = await owned.__aenter__()
    tasks.start_soon(fail)
    await anyio.wait_all_tasks_blocked()
    with pytest.raises(BaseException) as raised:
        await owned.__aexit__(None, None, None)
    assert "KeyError" in repr(getattr(raised.value, "exceptions", raised.value))


def with_task(run: Any) -> Any:
    """A resource that runs something in a task group of its own."""

    @asynccontextmanager
    async def resource() -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            yield
            tasks.cancel_scope.cancel()

    return resource


async def test_left_from_within() -> None:
    """By code that runs inside, also inside another one: it does not wait for itself."""
    done = anyio.Event()
    over = anyio.Event()

    async def use_inner() -> None:
        await inner.__aenter__()
        await anyio.sleep_forever()

    async def leave_both() -> None:
        await outer.__aexit__(None, None, None)
        await inner.__aexit__(None, None, None)
        done.set()
        try:
            await anyio.sleep_forever()
        finally:
            over.set()

    outer = OwnedContext(with_task(use_inner), "outer")
    inner = OwnedContext(with_task(leave_both), "inner")
    with anyio.fail_after(5):
        await outer.__aenter__()
        await done.wait()
        await outer.__aexit__(None, None, None)
        await inner.__aexit__(None, None, None)
        await over.wait()


async def test_left_by_a_task_that_was_started_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot know that it would wait for itself, and does not do so for ever."""
    monkeypatch.setattr("mcp.shared._owner.ABANDON_TIMEOUT", 0.02)
    owned = OwnedContext(Resource(), "resource")
    with anyio.fail_after(5):
        tasks = await owned.__aenter__()
        tasks.start_soon(owned.__aexit__, None, None, None)
        await anyio.wait_all_tasks_blocked()
        await owned.__aexit__(None, None, None)


async def test_calls_from_other_threads() -> None:
    call = thread_caller()
    called = anyio.Event()
    await anyio.to_thread.run_sync(call, called.set)
    with anyio.fail_after(5):
        await called.wait()


def test_calls_when_the_loop_is_gone(anyio_backend: str) -> None:
    async def main() -> Any:
        return thread_caller()

    call = anyio.run(main, backend=anyio_backend)
    with pytest.raises(RuntimeError):
        call(print)
