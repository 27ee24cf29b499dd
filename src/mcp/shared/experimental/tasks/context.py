"""The plain task context: status updates, completion, failure, cancellation flag."""

from __future__ import annotations

from mcp.shared.experimental.tasks.store import TaskStore
from mcp.types import TASK_STATUS_COMPLETED, TASK_STATUS_FAILED, Result, Task


class TaskContext:
    """What the code of a task works with, on any side.

    Args:
        task: the task as the store gave it.
        store: where its changes go.
    """

    def __init__(self, task: Task, store: TaskStore) -> None:
        self._task = task
        self._store = store
        self._cancelled = False

    @property
    def task_id(self) -> str:
        """The id of the task."""
        return self._task.taskId

    @property
    def task(self) -> Task:
        """The task as of the last change made here."""
        return self._task

    @property
    def is_cancelled(self) -> bool:
        """Whether cancellation was asked for."""
        return self._cancelled

    def request_cancellation(self) -> None:
        """Ask the work to stop; it has to look at `is_cancelled`."""
        self._cancelled = True

    async def update_status(self, message: str) -> None:
        """Set the status message."""
        self._task = await self._store.update_task(self.task_id, status_message=message)

    async def complete(self, result: Result) -> None:
        """Keep the result and end the task as completed."""
        await self._store.store_result(self.task_id, result)
        self._task = await self._store.update_task(self.task_id, status=TASK_STATUS_COMPLETED)

    async def fail(self, error: str) -> None:
        """End the task as failed, with a message."""
        self._task = await self._store.update_task(self.task_id, status=TASK_STATUS_FAILED, status_message=error)
