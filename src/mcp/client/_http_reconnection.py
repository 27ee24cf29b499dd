"""When to open an event stream again: decisions without I/O.

Source: specification 2025-11-25, page "Transports", section "Resumability and Redelivery".
"""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum, auto

from mcp.client._sse_events import ServerEvent

BACKOFF_LIMIT = 30.0
"""Seconds between two attempts, at most, before jitter."""

IMMEDIATE_END = 1.0
"""Seconds; a stream that ends sooner, and without an event, has served nobody."""

MIN_DELAY = 0.1
"""Seconds between two streams, whatever the server says."""


class StreamPosition:
    """Where a stream stands: the event to go on after, and how long to wait before.

    Args:
        last_event_id: where it stands from the beginning.
    """

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None
        self.events = 0

    def note(self, event: ServerEvent) -> None:
        """Take an event that has come."""
        self.events += 1
        if event.id:
            self.last_event_id = event.id
        if event.retry is not None:
            self.retry_ms = event.retry

    def delay(self, default_ms: int) -> float:
        """Seconds to wait before the next attempt."""
        return (default_ms if self.retry_ms is None else self.retry_ms) / 1000


class Listening(Enum):
    """How an attempt at the standalone stream went."""

    SERVED = auto()
    """It was open for a while, or brought an event."""
    FRUITLESS = auto()
    """It ended at once, without an event."""
    FAILED = auto()
    """No connection, or a failure of the server that may pass."""
    REFUSED = auto()
    """A refusal, or an answer that is no event stream."""
    UNSUPPORTED = auto()
    """There is no use in trying again: no such stream, the session is not known, or nobody reads."""


def classify_refusal(status: int) -> Listening:
    """How an attempt went that was answered with a status other than 2xx."""
    if status in (404, 405) or 300 <= status < 400:
        return Listening.UNSUPPORTED
    return Listening.FAILED if status >= 500 or status in (408, 425, 429) else Listening.REFUSED


class ListeningSchedule:
    """When to try the standalone stream again: exponential backoff with jitter.

    Args:
        max_refusals: how many refusals in a row are enough.
        jitter: gives numbers from 0 to 1.
    """

    def __init__(self, *, max_refusals: int, jitter: Callable[[], float] = random.random) -> None:
        self._max_refusals = max_refusals
        self._jitter = jitter
        self._failures = 0
        self._refusals = 0

    def next_delay(self, went: Listening, wanted: float) -> float | None:
        """Seconds to wait before the next attempt, None if there shall be none.

        Args:
            went: how this attempt went.
            wanted: seconds that the server, or the default, wants between two attempts.
        """
        if went is Listening.UNSUPPORTED:
            return None
        self._refusals = self._refusals + 1 if went is Listening.REFUSED else 0
        if self._refusals >= self._max_refusals:
            return None
        wanted = max(wanted, MIN_DELAY)
        if went is Listening.SERVED:
            self._failures = 0
            return wanted
        backoff = min(wanted * 2 ** min(self._failures, 16), BACKOFF_LIMIT)
        self._failures += 1
        return max(wanted, backoff) * (1 + self._jitter() / 2)
