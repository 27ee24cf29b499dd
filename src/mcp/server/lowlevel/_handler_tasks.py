"""The tasks that messages are handled in, one for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

import anyio
from anyio.abc import TaskGroup
from typing_extensions import Self

from mcp.shared.session import RequestResponder

_TASK_NAME = "mcp message handler"


class HandlerTasks:
    """Runs functions in tasks of their own while inside. On leaving, those that still run are cancelled and awaited.

    On asyncio these are plain tasks, each in one cancel scope: a task of an anyio task group costs three times as much,
    which is a tenth of all that a small request costs. In other event loops, and where the program has a task factory
    of its own, they belong to the group.

    Args:
        group: the task group in whose body this is used. An error of a function goes there, and ends it.
    """

    def __init__(self, group: TaskGroup) -> None:
        self._group = group
        self._loop = _plain_asyncio_loop()
        self._running: dict[asyncio.Task[None], anyio.CancelScope] = {}
        self._all_done: anyio.Event | None = None

    def start(self, function: Callable[..., Awaitable[None]], message: Any, *args: Any) -> None:
        """Run `function(message, *args)`. A request that is cancelled meanwhile has its work cancelled."""
        scope = _scope_around(message)
        if self._loop is None:
            self._group.start_soon(_run, scope, function, message, *args, name=_TASK_NAME)
            return
        task = self._loop.create_task(self._run_or_fail(scope, function, message, *args), name=_TASK_NAME)
        self._running[task] = scope
        task.add_done_callback(self._done)

    async def _run_or_fail(
        self, scope: anyio.CancelScope, function: Callable[..., Awaitable[None]], *args: Any
    ) -> None:
        try:
            with scope:
                await function(*args)
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self._group.start_soon(_fail, error)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if self._all_done is not None and not self._running:
            self._all_done.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        for scope in self._running.values():
            scope.cancel()
        cancelled: asyncio.CancelledError | None = None
        while self._running:
            self._all_done = anyio.Event()
            try:
                with anyio.CancelScope(shield=True):
                    await self._all_done.wait()
            except asyncio.CancelledError as error:
                # Not by a scope, but by the task's own `cancel`; nobody is left behind all the same.
                cancelled = error
        if cancelled is not None:
            raise cancelled


def _scope_around(message: object) -> anyio.CancelScope:
    scope = anyio.CancelScope()
    if isinstance(message, RequestResponder):
        message._work_in(scope)  # pyright: ignore[reportPrivateUsage]
    return scope


async def _run(scope: anyio.CancelScope, function: Callable[..., Awaitable[None]], *args: Any) -> None:
    with scope:
        await function(*args)


async def _fail(error: BaseException) -> None:
    raise error


def _plain_asyncio_loop() -> asyncio.AbstractEventLoop | None:
    """The running event loop, if it is one of asyncio that makes its tasks itself."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None
    # Without a task of its own it only carries another event loop, such as trio as a guest.
    if task is None:
        return None
    loop = task.get_loop()
    return loop if loop.get_task_factory() is None else None
