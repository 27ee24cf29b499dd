"""Running a program's main coroutine."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import TypeVar

import anyio

Result = TypeVar("Result")


def run(function: Callable[[], Awaitable[Result]], *, on_uvloop: bool = False) -> Result:
    """Run `function` in an event loop of its own.

    Args:
        function: what to run.
        on_uvloop: use uvloop if it is installed, as uvicorn's own `run` does.

    Raises:
        KeyboardInterrupt: The program was interrupted; on Python 3.10 anyio lets it appear as a cancellation.
    """
    try:
        if on_uvloop and find_spec("uvloop") is not None:
            return anyio.run(function, backend_options={"use_uvloop": True})
        return anyio.run(function)
    except asyncio.CancelledError:
        if sys.version_info >= (3, 11):
            raise
        raise KeyboardInterrupt from None
