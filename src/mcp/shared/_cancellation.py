"""Telling a cancellation that somebody asked for from one that only looks like it.

On asyncio, awaiting a task that was cancelled raises the same `CancelledError` as being cancelled oneself, and a task
can be cancelled past all cancel scopes. Left alone, such an error ends the task it runs through (a receive loop, the
handling of a request), and with it the whole task group, without a word to anybody who waits.
"""

from __future__ import annotations

import math

import anyio


class StrayCancellationError(Exception):
    """A piece of a program was cancelled, and not by the scopes it runs in."""

    def __init__(self) -> None:
        super().__init__("The handler was cancelled")


def failure(error: BaseException) -> Exception:
    """What a piece of a program raised, as an ordinary exception; to be called in `except BaseException`.

    Returns `error` if it is one, and a `StrayCancellationError` for a cancellation that no scope around asked for. All
    else (a cancellation that was asked for, the end of the process) is raised again.
    """
    if isinstance(error, Exception):
        return error
    if isinstance(error, anyio.get_cancelled_exc_class()) and anyio.current_effective_deadline() > -math.inf:
        stray = StrayCancellationError()
        stray.__cause__ = error
        return stray
    raise error
