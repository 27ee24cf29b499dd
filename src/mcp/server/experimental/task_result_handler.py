"""Serves tasks/result: delivers queued messages, waits, returns the outcome.

Source: specification 2025-11-25, page "Tasks", section "Result Retrieval".
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from mcp.server.experimental._session import TaskSession
from mcp.shared.exceptions import McpError
from mcp.shared.experimental.tasks.helpers import RELATED_TASK_METADATA_KEY, is_terminal, task_not_found
from mcp.shared.experimental.tasks.message_queue import QueuedMessage, TaskMessageQueue
from mcp.shared.experimental.tasks.resolver import Resolver
from mcp.shared.experimental.tasks.store import TaskStore
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.types import (
    INTERNAL_ERROR,
    TASK_STATUS_FAILED,
    ErrorData,
    GetTaskPayloadRequest,
    GetTaskPayloadResult,
    JSONRPCMessage,
    RequestId,
    Task,
)

LOOK_AGAIN = 0.5
"""Seconds after which a waiting `tasks/result` looks at the task, also if nobody said that it changed."""

REMEMBERED_WITHDRAWALS = 256

logger = logging.getLogger(__name__)


class TaskResultHandler:
    """Answers `tasks/result`, and takes the client's answers to what tasks asked meanwhile.

    It is a response router: add it to the session with `add_response_router`.

    Args:
        store: where the tasks are.
        queue: messages of the tasks that wait to be delivered.
    """

    def __init__(self, store: TaskStore, queue: TaskMessageQueue) -> None:
        self._store = store
        self._queue = queue
        self._pending_requests: dict[RequestId, Resolver[dict[str, Any]]] = {}
        self._withdrawn: deque[RequestId] = deque(maxlen=REMEMBERED_WITHDRAWALS)

    async def send_message(self, session: TaskSession, message: SessionMessage) -> None:
        """Put a message of a task on the wire."""
        await session.send_message(message)

    async def handle(
        self,
        request: GetTaskPayloadRequest,
        session: TaskSession,
        request_id: RequestId,
    ) -> GetTaskPayloadResult:
        """Deliver what the task has to say on this request's stream, wait for its end, and return its result.

        Raises:
            McpError: the task is unknown (code -32602), or failed without a result (code 0).
        """
        task_id = request.params.taskId
        while True:
            # Looked at after the delivery, which takes time: what happens during it must not be slept through.
            await self._deliver_queued_messages(task_id, session, request_id)
            task = await self._store.get_task(task_id)
            if task is None:
                raise task_not_found(task_id)
            if is_terminal(task.status):
                await self._deliver_queued_messages(task_id, session, request_id)
                return await self._outcome(task)
            await self._wait_for_task_update(task_id)

    async def _outcome(self, task: Task) -> GetTaskPayloadResult:
        result = await self._store.get_result(task.taskId)
        if result is None and task.status == TASK_STATUS_FAILED:
            raise McpError(ErrorData(code=0, message=task.statusMessage or ""))
        members = result.model_dump(by_alias=True, exclude_none=True) if result is not None else {}
        members["_meta"] = {**members.get("_meta", {}), RELATED_TASK_METADATA_KEY: {"taskId": task.taskId}}
        return GetTaskPayloadResult.model_validate(members)

    async def _deliver_queued_messages(self, task_id: str, session: TaskSession, request_id: RequestId) -> None:
        while (queued := await self._queue.dequeue(task_id)) is not None:
            if queued.resolver is not None:
                if queued.resolver.done():
                    # Withdrawn: nobody waits for the answer any more.
                    continue
                if queued.original_request_id is not None:
                    self._pending_requests[queued.original_request_id] = queued.resolver
            item = SessionMessage(JSONRPCMessage(queued.message), ServerMessageMetadata(related_request_id=request_id))
            try:
                await self.send_message(session, item)
            except BaseException as error:
                # It is in the queue no more, so the task would wait for its answer for ever.
                data = ErrorData(code=INTERNAL_ERROR, message=f"The request could not be delivered: {error!r}")
                self.withdraw(queued, McpError(data))
                raise

    async def _wait_for_task_update(self, task_id: str) -> None:
        """Wait until the status changes or a message is queued, whichever comes first; never long."""
        with anyio.move_on_after(LOOK_AGAIN):
            async with anyio.create_task_group() as tasks:

                async def first(wait: Callable[[str], Awaitable[None]]) -> None:
                    try:
                        await wait(task_id)
                    except Exception as error:
                        # The task vanished, or the store is out of order: the next look will tell.
                        logger.debug("Waiting for task %s failed: %r", task_id, error)
                        await anyio.sleep_forever()
                    tasks.cancel_scope.cancel()

                tasks.start_soon(first, self._store.wait_for_update)
                tasks.start_soon(first, self._queue.wait_for_message)

    def withdraw(self, queued: QueuedMessage, reason: Exception | None = None) -> None:
        """Take a task's request back: it is not sent if it was not yet, and an answer to it is dropped.

        Args:
            queued: the request.
            reason: what its sender gets, if it still waits.
        """
        if queued.resolver is not None and not queued.resolver.done():
            queued.resolver.set_exception(reason or McpError(ErrorData(code=0, message="Request cancelled")))
        request_id = queued.original_request_id
        if request_id is not None and self._pending_requests.pop(request_id, None) is not None:
            self._withdrawn.append(request_id)

    def route_response(self, request_id: RequestId, response: dict[str, Any]) -> bool:
        """Take the result of a task's request."""
        resolver = self._pending_requests.pop(request_id, None)
        if resolver is None or resolver.done():
            return self._is_late(request_id)
        resolver.set_result(response)
        return True

    def route_error(self, request_id: RequestId, error: ErrorData) -> bool:
        """Take the error of a task's request."""
        resolver = self._pending_requests.pop(request_id, None)
        if resolver is None or resolver.done():
            return self._is_late(request_id)
        resolver.set_exception(McpError(error))
        return True

    def _is_late(self, request_id: RequestId) -> bool:
        if request_id not in self._withdrawn:
            return False
        self._withdrawn.remove(request_id)
        return True
