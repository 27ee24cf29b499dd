"""Running a program's main coroutine."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

Result = TypeVar("Result")


def run(function: Callable[[], Awaitable[Result]]) -> Result:
    """Run `function` in an event loop of its own.

    Raises:
        KeyboardInterrupt: The program was interrupted; on Python 3.10 anyio lets it appear as a cancellation.
    """
    try:
        return anyio.run(function)
    except asyncio.CancelledError:
        if sys.version_info >= (3, 11):
            raise
        raise KeyboardInterrupt from None
