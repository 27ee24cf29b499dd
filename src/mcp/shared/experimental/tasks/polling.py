"""Polling a task until it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio

from mcp.shared.experimental.tasks.helpers import is_terminal
from mcp.types import GetTaskResult


async def poll_until_terminal(
    get_task: Callable[[str], Awaitable[GetTaskResult]],
    task_id: str,
    default_interval_ms: int = 500,
) -> AsyncIterator[GetTaskResult]:
    """Yield the state of a task again and again, the last time when it is over.

    Args:
        get_task: asks for the state.
        task_id: which task.
        default_interval_ms: milliseconds between two looks, where the task names no `pollInterval`.
    """
    while True:
        status = await get_task(task_id)
        yield status
        if is_terminal(status.status):
            return
        interval = status.pollInterval if status.pollInterval is not None else default_interval_ms
        await anyio.sleep(interval / 1000)
