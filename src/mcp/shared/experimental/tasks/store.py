"""The interface of task stores."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mcp.types import Result, Task, TaskMetadata, TaskStatus


class TaskStore(ABC):
    """Keeps tasks and their results. Implement it to share tasks between processes."""

    @abstractmethod
    async def create_task(self, metadata: TaskMetadata, task_id: str | None = None) -> Task:
        """Make a task in state `working`, under `task_id` or a fresh id.

        Raises:
            ValueError: the id is taken.
        """

    @abstractmethod
    async def get_task(self, task_id: str) -> Task | None:
        """The task as it is now, None if there is none (any more)."""

    @abstractmethod
    async def update_task(
        self,
        task_id: str,
        status: TaskStatus | None = None,
        status_message: str | None = None,
    ) -> Task:
        """Change status or status message, and wake those who wait for the task.

        Raises:
            ValueError: the task is unknown, or in a terminal state that it would leave.
        """

    @abstractmethod
    async def store_result(self, task_id: str, result: Result) -> None:
        """Keep the result of a task.

        Raises:
            ValueError: the task is unknown.
        """

    @abstractmethod
    async def get_result(self, task_id: str) -> Result | None:
        """The result of a task, None if it has none."""

    @abstractmethod
    async def list_tasks(self, cursor: str | None = None) -> tuple[list[Task], str | None]:
        """One page of tasks, and the cursor of the next one.

        Raises:
            ValueError: the cursor is unknown.
        """

    @abstractmethod
    async def delete_task(self, task_id: str) -> bool:
        """Forget a task; whether there was one."""

    @abstractmethod
    async def wait_for_update(self, task_id: str) -> None:
        """Wait until the status of a task changes.

        Raises:
            ValueError: the task is unknown.
        """

    @abstractmethod
    async def notify_update(self, task_id: str) -> None:
        """Wake those who wait for the task."""
