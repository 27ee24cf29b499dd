"""The task store that keeps everything in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import anyio

from mcp.shared.experimental.tasks.helpers import create_task_state, is_terminal
from mcp.shared.experimental.tasks.store import TaskStore
from mcp.types import Result, Task, TaskMetadata, TaskStatus


@dataclass
class StoredTask:
    """A task with its result and the time it vanishes."""

    task: Task
    result: Result | None = None
    expires_at: datetime | None = None


class InMemoryTaskStore(TaskStore):
    """Keeps tasks in this process; expired ones vanish when the store is next used.

    Args:
        page_size: tasks in one page of `list_tasks`.
    """

    def __init__(self, page_size: int = 10) -> None:
        self._page_size = page_size
        self._tasks: dict[str, StoredTask] = {}
        self._update_events: dict[str, anyio.Event] = {}

    async def create_task(self, metadata: TaskMetadata, task_id: str | None = None) -> Task:
        """Make a task; its time to live counts from now."""
        self._drop_expired()
        task = create_task_state(metadata, task_id)
        if task.taskId in self._tasks:
            raise ValueError(f"Task with ID {task.taskId} already exists")
        self._tasks[task.taskId] = StoredTask(task=task, expires_at=_expiry(task))
        return task.model_copy()

    async def get_task(self, task_id: str) -> Task | None:
        """A copy of the task, None if it is unknown or expired."""
        stored = self._tasks.get(task_id)
        if stored is None:
            return None
        if stored.expires_at is not None and stored.expires_at <= datetime.now(timezone.utc):
            self._forget(task_id)
            return None
        return stored.task.model_copy()

    async def update_task(
        self,
        task_id: str,
        status: TaskStatus | None = None,
        status_message: str | None = None,
    ) -> Task:
        """Change a task; its time to live starts anew when it comes to its end."""
        stored = self._stored(task_id)
        task = stored.task
        changed = status is not None and status != task.status
        if changed and is_terminal(task.status):
            raise ValueError(f"Cannot transition from terminal status '{task.status}'")
        if status is not None:
            task.status = status
        if status_message is not None:
            task.statusMessage = status_message
        task.lastUpdatedAt = datetime.now(timezone.utc)
        if changed:
            if is_terminal(task.status):
                stored.expires_at = _expiry(task)
            await self.notify_update(task_id)
        return task.model_copy()

    async def store_result(self, task_id: str, result: Result) -> None:
        """Keep the result of a task."""
        self._stored(task_id).result = result

    async def get_result(self, task_id: str) -> Result | None:
        """The result of a task, None if there is none."""
        stored = self._tasks.get(task_id)
        return None if stored is None else stored.result

    async def list_tasks(self, cursor: str | None = None) -> tuple[list[Task], str | None]:
        """One page in the order of creation; the cursor is the id of the last task of the page before."""
        self._drop_expired()
        ids = list(self._tasks)
        start = 0
        if cursor is not None:
            if cursor not in self._tasks:
                raise ValueError(f"Invalid cursor: {cursor}")
            start = ids.index(cursor) + 1
        page = ids[start : start + self._page_size]
        following = page[-1] if start + self._page_size < len(ids) else None
        return [self._tasks[task_id].task.model_copy() for task_id in page], following

    async def delete_task(self, task_id: str) -> bool:
        """Forget a task."""
        return self._forget(task_id)

    async def wait_for_update(self, task_id: str) -> None:
        """Wait until the status of a task changes."""
        self._stored(task_id)
        event = self._update_events.setdefault(task_id, anyio.Event())
        try:
            await event.wait()
        finally:
            # The last one to give up leaves nothing behind.
            if self._update_events.get(task_id) is event and not event.statistics().tasks_waiting:
                del self._update_events[task_id]

    async def notify_update(self, task_id: str) -> None:
        """Wake those who wait for the task."""
        self._wake(task_id)

    def cleanup(self) -> None:
        """Forget everything."""
        for task_id in list(self._tasks):
            self._forget(task_id)

    def get_all_tasks(self) -> list[Task]:
        """Copies of all tasks, for tests."""
        self._drop_expired()
        return [stored.task.model_copy() for stored in self._tasks.values()]

    def _forget(self, task_id: str) -> bool:
        self._wake(task_id)
        return self._tasks.pop(task_id, None) is not None

    def _wake(self, task_id: str) -> None:
        event = self._update_events.pop(task_id, None)
        if event is not None:
            event.set()

    def _stored(self, task_id: str) -> StoredTask:
        stored = self._tasks.get(task_id)
        if stored is None:
            raise ValueError(f"Task with ID {task_id} not found")
        return stored

    def _drop_expired(self) -> None:
        now = datetime.now(timezone.utc)
        expired = [key for key, stored in self._tasks.items() if stored.expires_at and stored.expires_at <= now]
        for task_id in expired:
            self._forget(task_id)


def _expiry(task: Task) -> datetime | None:
    return None if task.ttl is None else datetime.now(timezone.utc) + timedelta(milliseconds=task.ttl)
