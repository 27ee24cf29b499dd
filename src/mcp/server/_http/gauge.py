"""How much of something goes on at present, and the wait for its end."""

from __future__ import annotations

import anyio


class Gauge:
    """Counts what is inside its `with` blocks."""

    def __init__(self) -> None:
        self.count = 0
        self._emptied: anyio.Event | None = None

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1
        if not self.count and self._emptied is not None:
            self._emptied.set()
            self._emptied = None

    async def wait_empty(self) -> None:
        """Wait until nothing goes on."""
        while self.count:
            if self._emptied is None:
                self._emptied = anyio.Event()
            await self._emptied.wait()
