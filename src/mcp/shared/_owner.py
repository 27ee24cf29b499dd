"""Run a context manager in a task of its own.

Task groups and cancel scopes must be left in the task that entered them. Programs enter and leave clients and sessions
wherever they like: in fixtures whose set-up and tear-down run in different tasks, from an `AsyncExitStack` closed
elsewhere. `OwnedContext` enters and leaves the inner context manager in one task of its own and only hands the value
and the outcome over, so that nothing task-bound ever lives in the caller's task.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

import anyio

T = TypeVar("T")

ABANDON_TIMEOUT = 10.0
"""Seconds that whoever is cancelled while entering or leaving waits for the inner context manager to end."""

# The innermost owned context whose tasks the present one belongs to.
_around: contextvars.ContextVar[OwnedContext[Any] | None] = contextvars.ContextVar("owned_context", default=None)

# The event loop itself holds tasks only weakly.
_running: set[asyncio.Task[None]] = set()


def spawn_detached(function: Callable[[], Awaitable[None]], name: str) -> None:
    """Start a task that belongs to no task group. It inherits the context variables and must not raise."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        trio.lowlevel.spawn_system_task(function, name=name, context=contextvars.copy_context())
        return
    task = asyncio.get_running_loop().create_task(cast("Any", function()), name=name)
    _running.add(task)
    task.add_done_callback(_running.discard)


def thread_caller() -> Callable[..., None]:
    """Make a function for other threads to call functions in this event loop with; `RuntimeError` once it is gone."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        token = trio.lowlevel.current_trio_token()

        def call(function: Callable[..., None], *args: Any) -> None:
            try:
                token.run_sync_soon(function, *args)
            except trio.RunFinishedError as error:
                raise RuntimeError("the event loop is gone") from error

        return call
    return cast("Any", asyncio.get_running_loop().call_soon_threadsafe)


class OwnedContext(Generic[T]):
    """An async context manager that may be entered and left in any task.

    Args:
        factory: makes the inner context manager, which is entered and left in one task of its own.
        name: name of that task.

    Leaving asks the inner context manager to leave without an exception, waits for that, and raises what it raised. If
    the caller is cancelled while it waits, the inner one is cancelled too. Code that runs inside (a callback) may leave
    as well; it does not wait, because the inner context manager in turn waits for it.
    """

    def __init__(self, factory: Callable[[], AbstractAsyncContextManager[T]], name: str) -> None:
        self._factory = factory
        self._name = name
        self._scope = anyio.CancelScope()
        self._ready = anyio.Event()
        self._leave = anyio.Event()
        self._finished = anyio.Event()
        self._value: T
        self._error: BaseException | None = None

    async def __aenter__(self) -> T:
        # Neither the factory nor the value is kept: they mostly know what holds this, and what holds itself stays until
        # the garbage collector comes.
        factory = self._factory
        del self._factory
        spawn_detached(partial(self._own, factory), self._name)
        try:
            await self._ready.wait()
        except BaseException:
            await self._abandon()
            raise
        if self._finished.is_set():
            assert self._error is not None
            raise self._error
        value = self._value
        del self._value
        return value

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        self._leave.set()
        if self._is_around():
            return
        try:
            await self._finished.wait()
        except BaseException:
            await self._abandon()
            raise
        if self._error is not None and self._error is not exc_val:
            raise self._error

    async def _abandon(self) -> None:
        self._scope.cancel()
        # Bounded: should the inner context manager wait for this very task in turn, neither would ever go on.
        with anyio.move_on_after(ABANDON_TIMEOUT, shield=True):
            await self._finished.wait()

    def _is_around(self) -> bool:
        owned = _around.get()
        while owned is not None and owned is not self:
            owned = owned._outer
        return owned is self

    async def _own(self, factory: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._outer = _around.get()
        _around.set(self)
        try:
            with self._scope:
                async with factory() as self._value:
                    self._ready.set()
                    await self._leave.wait()
            if not self._ready.is_set():
                self._error = RuntimeError(f"{self._name} was cancelled while starting")
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()
            self._finished.set()
