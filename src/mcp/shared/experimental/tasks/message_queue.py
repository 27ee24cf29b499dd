"""Queue of messages a task wants delivered with its result; interface and in-memory version."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

import anyio

from mcp.shared.experimental.tasks.resolver import Resolver
from mcp.types import JSONRPCNotification, JSONRPCRequest, RequestId


@dataclass
class QueuedMessage:
    """A message of a task that waits for the client to ask for the task's result.

    Attributes:
        resolver: completed with the answer, for a request.
        original_request_id: the id under which the answer will come.
    """

    type: Literal["request", "notification"]
    message: JSONRPCRequest | JSONRPCNotification
    timestamp: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    resolver: Resolver[dict[str, Any]] | None = None
    original_request_id: RequestId | None = None


class TaskMessageQueue(ABC):
    """First in, first out, for each task."""

    @abstractmethod
    async def enqueue(self, task_id: str, message: QueuedMessage) -> None:
        """Put a message at the end."""

    @abstractmethod
    async def dequeue(self, task_id: str) -> QueuedMessage | None:
        """Take the first message, None if there is none."""

    @abstractmethod
    async def peek(self, task_id: str) -> QueuedMessage | None:
        """Look at the first message, None if there is none."""

    @abstractmethod
    async def is_empty(self, task_id: str) -> bool:
        """Whether nothing waits."""

    @abstractmethod
    async def clear(self, task_id: str) -> list[QueuedMessage]:
        """Take everything."""

    @abstractmethod
    async def wait_for_message(self, task_id: str) -> None:
        """Wait until there is a message."""

    @abstractmethod
    async def notify_message_available(self, task_id: str) -> None:
        """Wake those who wait for a message."""


class InMemoryTaskMessageQueue(TaskMessageQueue):
    """Keeps the messages in this process."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[QueuedMessage]] = {}
        self._events: dict[str, anyio.Event] = {}

    async def enqueue(self, task_id: str, message: QueuedMessage) -> None:
        """Put a message at the end and wake those who wait."""
        self._queues.setdefault(task_id, deque()).append(message)
        await self.notify_message_available(task_id)

    async def dequeue(self, task_id: str) -> QueuedMessage | None:
        """Take the first message."""
        queue = self._queues.get(task_id)
        if not queue:
            return None
        message = queue.popleft()
        if not queue:
            del self._queues[task_id]
        return message

    async def peek(self, task_id: str) -> QueuedMessage | None:
        """Look at the first message."""
        queue = self._queues.get(task_id)
        return queue[0] if queue else None

    async def is_empty(self, task_id: str) -> bool:
        """Whether nothing waits."""
        return not self._queues.get(task_id)

    async def clear(self, task_id: str) -> list[QueuedMessage]:
        """Take everything."""
        return list(self._queues.pop(task_id, ()))

    async def wait_for_message(self, task_id: str) -> None:
        """Wait until there is a message; returns at once if there is one."""
        if self._queues.get(task_id):
            return
        event = self._events.setdefault(task_id, anyio.Event())
        try:
            await event.wait()
        finally:
            # The last one to give up leaves nothing behind.
            if self._events.get(task_id) is event and not event.statistics().tasks_waiting:
                del self._events[task_id]

    async def notify_message_available(self, task_id: str) -> None:
        """Wake those who wait for a message."""
        event = self._events.pop(task_id, None)
        if event is not None:
            event.set()

    def cleanup(self, task_id: str | None = None) -> None:
        """Forget one task, or all."""
        if task_id is None:
            self._queues.clear()
            self._events.clear()
        else:
            self._queues.pop(task_id, None)
            self._events.pop(task_id, None)
