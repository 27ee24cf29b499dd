"""Bundles store, queue and task group for a server that runs tasks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import anyio
from anyio.abc import TaskGroup

from mcp.server.experimental._session import TaskSession
from mcp.server.experimental.task_context import ServerTaskContext
from mcp.server.experimental.task_result_handler import TaskResultHandler
from mcp.server.experimental.task_scope import new_session_scope
from mcp.shared.experimental.tasks.in_memory_task_store import InMemoryTaskStore
from mcp.shared.experimental.tasks.message_queue import InMemoryTaskMessageQueue, TaskMessageQueue
from mcp.shared.experimental.tasks.store import TaskStore


@dataclass
class RunningWork:
    """The work on a task, and the means to stop it."""

    context: ServerTaskContext
    scope: anyio.CancelScope


@dataclass
class TaskSupport:
    """What a server needs to run tasks.

    Attributes:
        store: keeps the tasks.
        queue: keeps what tasks want to ask the client.
        handler: answers `tasks/result`.
    """

    store: TaskStore
    queue: TaskMessageQueue
    handler: TaskResultHandler = field(init=False)
    _task_group: TaskGroup | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.handler = TaskResultHandler(self.store, self.queue)
        self.running: dict[str, RunningWork] = {}
        # One server may serve many connections at once, each with a task group of its own.
        self._runs: list[TaskGroup] = []
        self._session_groups: WeakKeyDictionary[TaskSession, TaskGroup] = WeakKeyDictionary()

    @property
    def task_group(self) -> TaskGroup:
        """Where the work on tasks runs.

        Raises:
            RuntimeError: no server with this support is running.
        """
        if self._task_group is None:
            raise RuntimeError("TaskSupport not running. Ensure Server.run() is active.")
        return self._task_group

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None, None]:
        """Be able to run tasks meanwhile; at the end the work on them is cancelled."""
        async with anyio.create_task_group() as group:
            self._runs.append(group)
            self._task_group = group
            try:
                yield
            finally:
                self._runs.remove(group)
                self._task_group = self._runs[-1] if self._runs else None
                group.cancel_scope.cancel()

    def configure_session(self, session: TaskSession, *, stateless: bool = False) -> None:
        """Prepare a session for tasks: answers to what tasks asked find their way, and its task ids are its own.

        A stateless session has no scope: its tasks must be found again from another one.
        """
        session.add_response_router(self.handler)
        if self._task_group is not None:
            self._session_groups[session] = self._task_group
        if not stateless:
            session._experimental.task_session_scope = new_session_scope()  # pyright: ignore[reportPrivateUsage]

    def task_group_of(self, session: TaskSession) -> TaskGroup:
        """Where the work on a session's tasks runs: it ends with that session's connection.

        Raises:
            RuntimeError: no server with this support is running.
        """
        return self._session_groups.get(session) or self.task_group

    def stop_work(self, task_id: str) -> None:
        """Stop the work on a task that was cancelled."""
        work = self.running.get(task_id)
        if work is not None:
            work.context.request_cancellation()
            work.scope.cancel()

    @classmethod
    def in_memory(cls) -> TaskSupport:
        """Support that keeps everything in this process."""
        return cls(store=InMemoryTaskStore(), queue=InMemoryTaskMessageQueue())
