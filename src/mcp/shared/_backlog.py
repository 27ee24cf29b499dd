"""What waits for a handler that holds up the order of messages. Plain code: no streams, no clock, no event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeAlias, TypeVar

from mcp.shared.message import SessionMessage
from mcp.types import ProgressNotification, RequestId

NotificationT = TypeVar("NotificationT")

Item: TypeAlias = NotificationT | SessionMessage | Exception


class Backlog(Generic[NotificationT]):
    """What came in while a handler waits for the answer of a request of its own.

    The answer has to overtake what came before it; all else keeps its order where order can be seen:

    - notifications wait, and so do exceptions for the handler of messages;
    - a response waits if progress of its request waits;
    - what belongs to requests sent since never waits: the handler may be waiting for them.

    Args:
        owner: the loop that runs the handler, and delivers what has waited when the handler is done.
        first_new: id of the first request sent since.
    """

    def __init__(self, owner: object, first_new: int) -> None:
        self.owner = owner
        self._first_new = first_new
        self._items: deque[tuple[Item[NotificationT], RequestId | None]] = deque()

    def add(self, item: Item[NotificationT]) -> None:
        """Let something wait."""
        self._items.append((item, None))

    def holds(self, notification: NotificationT, typed: object) -> bool:
        """Let a notification wait, unless it must not.

        Args:
            notification: the notification, as it will be delivered.
            typed: its own model.
        """
        token = typed.params.progressToken if isinstance(typed, ProgressNotification) else None
        if isinstance(token, int) and token >= self._first_new:
            return False
        self._items.append((notification, token))
        return True

    def holds_response(self, request_id: RequestId, response: SessionMessage) -> bool:
        """Let a response wait, if it has to."""
        if not any(token == request_id for _, token in self._items):
            return False
        self._items.append((response, None))
        return True

    def __iter__(self) -> Iterator[Item[NotificationT]]:
        """Take what waits, the oldest first; what is added meanwhile too."""
        while self._items:
            yield self._items.popleft()[0]

    def take_responses(self) -> list[SessionMessage]:
        """Take the responses alone: the connection has ended, and nobody must go on waiting for them."""
        responses = [item for item, _ in self._items if isinstance(item, SessionMessage)]
        self._items = deque(entry for entry in self._items if not isinstance(entry[0], SessionMessage))
        return responses
