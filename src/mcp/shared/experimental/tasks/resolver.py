"""A one-shot future on anyio."""

from __future__ import annotations

from typing import Generic, TypeVar, cast

import anyio

T = TypeVar("T")


class Resolver(Generic[T]):
    """A value, or an exception, that comes later; any number of tasks may wait for it."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._value: T | None = None
        self._exception: BaseException | None = None

    def set_result(self, value: T) -> None:
        """Complete with a value.

        Raises:
            RuntimeError: completed already.
        """
        self._complete()
        self._value = value

    def set_exception(self, exc: BaseException) -> None:
        """Complete with an exception.

        Raises:
            RuntimeError: completed already.
        """
        self._complete()
        self._exception = exc

    def _complete(self) -> None:
        if self._event.is_set():
            raise RuntimeError("Resolver already completed")
        self._event.set()

    async def wait(self) -> T:
        """Wait for the value; raises the exception if it completed with one."""
        await self._event.wait()
        if self._exception is not None:
            raise self._exception
        return cast("T", self._value)

    def done(self) -> bool:
        """Whether it is completed."""
        return self._event.is_set()
