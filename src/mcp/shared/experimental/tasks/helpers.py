"""Task ids, initial state, terminal states, default cancellation, metadata keys.

Source: specification 2025-11-25, page "Tasks".
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timezone

from mcp.shared.exceptions import McpError
from mcp.shared.experimental.tasks.context import TaskContext
from mcp.shared.experimental.tasks.store import TaskStore
from mcp.types import (
    INVALID_PARAMS,
    TASK_STATUS_CANCELLED,
    TASK_STATUS_COMPLETED,
    TASK_STATUS_FAILED,
    TASK_STATUS_WORKING,
    CancelTaskResult,
    ErrorData,
    Task,
    TaskMetadata,
    TaskStatus,
)

MODEL_IMMEDIATE_RESPONSE_KEY = "io.modelcontextprotocol/model-immediate-response"
"""Key in `_meta` of a `CreateTaskResult`: text for the model while the task runs."""

RELATED_TASK_METADATA_KEY = "io.modelcontextprotocol/related-task"
"""Key in `_meta` of messages that belong to a task."""


def is_terminal(status: TaskStatus) -> bool:
    """Whether a task in this state is over."""
    return status in (TASK_STATUS_COMPLETED, TASK_STATUS_FAILED, TASK_STATUS_CANCELLED)


def task_not_found(task_id: str) -> McpError:
    """The error for an unknown task (code -32602)."""
    return McpError(ErrorData(code=INVALID_PARAMS, message=f"Task not found: {task_id}"))


async def cancel_task(store: TaskStore, task_id: str) -> CancelTaskResult:
    """Put a task into state `cancelled`.

    Raises:
        McpError: the task is unknown or over already (code -32602).
    """
    task = await store.get_task(task_id)
    if task is None:
        raise task_not_found(task_id)
    if is_terminal(task.status):
        message = f"Cannot cancel task in terminal state '{task.status}'"
        raise McpError(ErrorData(code=INVALID_PARAMS, message=message))
    cancelled = await store.update_task(task_id, status=TASK_STATUS_CANCELLED)
    return CancelTaskResult.model_validate(cancelled.model_dump())


def generate_task_id() -> str:
    """A fresh task id."""
    return str(uuid.uuid4())


def create_task_state(metadata: TaskMetadata, task_id: str | None = None) -> Task:
    """The state of a new task: `working`, with the requested time to live."""
    now = datetime.now(timezone.utc)
    return Task(
        taskId=task_id or generate_task_id(),
        status=TASK_STATUS_WORKING,
        createdAt=now,
        lastUpdatedAt=now,
        ttl=metadata.ttl,
        pollInterval=500,
    )


@asynccontextmanager
async def task_execution(task_id: str, store: TaskStore) -> AsyncGenerator[TaskContext, None]:
    """Work on a task; an exception inside marks it as failed and goes no further.

    Raises:
        ValueError: the task is unknown.
    """
    task = await store.get_task(task_id)
    if task is None:
        raise ValueError(f"Task {task_id} not found")
    context = TaskContext(task, store)
    try:
        yield context
    except Exception as error:
        task = await store.get_task(task_id)
        if task is not None and not is_terminal(task.status):
            await context.fail(str(error))
