"""When sessions expire: one queue for all, looked at when the earliest is due.

Plain code: no clock, no event loop. A session that is used again is not moved in the queue; when its old time has come
it is put back under its new one. So a request costs nothing here.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

_SPARE = 64


class ExpiryQueue:
    """Session ids by the time at which to look at them."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._times: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._times)

    def put(self, session_id: str, at: float) -> None:
        """Look at a session at this time, and at no other."""
        self._times[session_id] = at
        heappush(self._heap, (at, session_id))

    def discard(self, session_id: str) -> None:
        """Do not look at a session any more."""
        if self._times.pop(session_id, None) is not None and len(self._heap) > 2 * len(self._times) + _SPARE:
            self._heap = [(at, known) for known, at in self._times.items()]
            heapify(self._heap)

    @property
    def next(self) -> float | None:
        """When to look next; None if there is nothing to look at."""
        self._drop_outdated()
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[str]:
        """Take out the sessions to look at now."""
        due: list[str] = []
        while (at := self.next) is not None and at <= now:
            session_id = heappop(self._heap)[1]
            del self._times[session_id]
            due.append(session_id)
        return due

    def _drop_outdated(self) -> None:
        heap = self._heap
        while heap and self._times.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
