"""One authorization at a time, without a lock that is held while a request is on the wire."""

from types import TracebackType
from typing import Literal

import anyio
from typing_extensions import Self


class SingleFlight:
    """Knows the attempt that is being made, if any: whoever finds one waits for its end instead of making another.

    Attributes:
        current: The present attempt.
    """

    def __init__(self) -> None:
        self.current: Flight | None = None

    def lead(self) -> "Flight":
        """Start an attempt; to be used as a context manager, without waiting in between. None must be under way."""
        self.current = Flight(self)
        return self.current


class Flight:
    """One attempt.

    Attributes:
        outcome: None until the end; `abandoned` if its leader was cancelled before there was a result.
        error: Why it failed.
    """

    def __init__(self, owner: SingleFlight) -> None:
        self.outcome: Literal["done", "failed", "abandoned"] | None = None
        self.error: Exception | None = None
        self._owner = owner
        self._landed = anyio.Event()

    async def wait(self) -> None:
        """Wait for the end."""
        await self._landed.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.outcome = "done"
        elif isinstance(error, Exception):
            self.outcome, self.error = "failed", error
        else:
            self.outcome = "abandoned"
        self._owner.current = None
        self._landed.set()
