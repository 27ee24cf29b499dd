"""How user functions run: coroutine functions on the event loop, plain ones inline or in a worker thread.

A plain function runs inline by default, on the event loop's thread, because code that is tied to a thread expects
that; one that blocks holds up every request of the server, and is reported.
"""

import functools
import inspect
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from mcp.server.fastmcp.utilities._callables import is_async_callable
from mcp.server.fastmcp.utilities.logging import get_logger

logger = get_logger(__name__)

WORKER_THREADS = 40
"""How many plain functions may run in threads at once, per event loop; further ones wait."""

BLOCKING_SECONDS = 1.0
"""A plain function that runs inline for longer is reported."""

sync_in_threads: ContextVar[bool] = ContextVar("sync_in_threads", default=False)
"""Whether plain functions that do not say so themselves run in worker threads; a server sets it for its requests."""

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("mcp_worker_threads")


@contextmanager
def _threaded() -> Generator[None, None, None]:
    token = sync_in_threads.set(True)
    try:
        yield
    finally:
        sync_in_threads.reset(token)


_INLINE: AbstractContextManager[None] = nullcontext()


def sync_functions(*, in_threads: bool) -> AbstractContextManager[None]:
    """A context in which plain functions run in worker threads, if `in_threads`."""
    return _threaded() if in_threads else _INLINE


def prepared(
    fn: Callable[..., Any], is_async: bool, *, run_in_thread: bool | None, kind: str, name: str
) -> tuple[Callable[..., Any], bool]:
    """The function to call in the place of a user function, and whether calling it gives a coroutine.

    Args:
        fn: The user function.
        is_async: Whether calling it gives a coroutine; such a function is returned as it is.
        run_in_thread: Whether it runs in a worker thread; None for the server's setting.
        kind: What it is (`tool`, `resource`, `prompt`), for the report that it blocked.
        name: Its name, likewise.
    """
    if is_async:
        return fn, True
    if _wants_thread(run_in_thread):
        return functools.partial(_in_thread, fn), True
    return functools.partial(_watched, fn, kind, name), False


async def called(
    fn: Callable[..., Any],
    arguments: dict[str, Any],
    *,
    run_in_thread: bool | None,
    kind: str,
    name: str,
) -> Any:
    """Call a user function, and wait for what it returns if that can be awaited.

    Args:
        fn: The user function.
        arguments: By parameter name.
        run_in_thread: As for `prepared`.
        kind: As for `prepared`.
        name: As for `prepared`.
    """
    if _wants_thread(run_in_thread) and not is_async_callable(fn):
        return await _in_thread(fn, **arguments)
    # A coroutine function only makes its coroutine here, at once.
    result = _watched(fn, kind, name, **arguments)
    return await result if inspect.isawaitable(result) else result


def _wants_thread(run_in_thread: bool | None) -> bool:
    return sync_in_threads.get() if run_in_thread is None else run_in_thread


def _watched(fn: Callable[..., Any], kind: str, name: str, /, *args: Any, **kwargs: Any) -> Any:
    started = time.perf_counter()
    try:
        return fn(*args, **kwargs)
    finally:
        seconds = time.perf_counter() - started
        if seconds > BLOCKING_SECONDS:
            logger.warning(
                "The %s '%s' blocked the server for %.1f seconds. Make it a coroutine function, or run it in a thread: "
                "FastMCP(sync_in_threads=True), FASTMCP_SYNC_IN_THREADS=true, or run_in_thread=True where it is "
                "registered",
                kind,
                name,
                seconds,
            )


async def _in_thread(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(WORKER_THREADS)
        _limiter.set(limiter)
    # A thread cannot be stopped. A cancelled request leaves it behind rather than wait for it.
    (result,) = await anyio.to_thread.run_sync(
        functools.partial(_boxed, fn, *args, **kwargs), abandon_on_cancel=True, limiter=limiter
    )
    return await result if inspect.isawaitable(result) else result


def _boxed(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> tuple[Any]:
    # Trio takes a coroutine that comes out of a thread for a mistake.
    return (fn(*args, **kwargs),)
