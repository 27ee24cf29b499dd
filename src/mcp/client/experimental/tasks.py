"""What `session.experimental` offers on the client: start, read, list, cancel, poll tasks.

Source: specification 2025-11-25, page "Tasks".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol, TypeVar

import mcp.types as types
from mcp.shared.experimental.tasks.polling import poll_until_terminal

ResultT = TypeVar("ResultT", bound=types.Result)


class RequestSender(Protocol):
    """A client session, as far as it is needed here; the session itself stands above."""

    async def send_request(self, request: types.ClientRequest, result_type: type[Any]) -> Any:
        """Send a request and wait for its result."""
        ...


class ExperimentalClientFeatures:
    """Tasks that run on the server, as the client end of a connection sees them.

    Args:
        session: the session.
    """

    def __init__(self, session: RequestSender) -> None:
        self._session = session

    async def call_tool_as_task(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        *,
        ttl: int = 60000,
        meta: dict[str, Any] | None = None,
    ) -> types.CreateTaskResult:
        """Call a tool as a task; returns as soon as the task is made.

        Args:
            ttl: milliseconds that the server shall keep the task.
            meta: members for `_meta`.
        """
        params = types.CallToolRequestParams(
            name=name,
            arguments=arguments,
            task=types.TaskMetadata(ttl=ttl),
            _meta=types.RequestParams.Meta.model_validate(meta) if meta is not None else None,
        )
        return await self._ask(types.CallToolRequest(params=params), types.CreateTaskResult)

    async def get_task(self, task_id: str) -> types.GetTaskResult:
        """The state of a task (`tasks/get`)."""
        params = types.GetTaskRequestParams(taskId=task_id)
        return await self._ask(types.GetTaskRequest(params=params), types.GetTaskResult)

    async def get_task_result(self, task_id: str, result_type: type[ResultT]) -> ResultT:
        """The result of a task (`tasks/result`); waits until there is one.

        Args:
            result_type: model of the result, e.g. `CallToolResult`.
        """
        params = types.GetTaskPayloadRequestParams(taskId=task_id)
        return await self._ask(types.GetTaskPayloadRequest(params=params), result_type)

    async def list_tasks(self, cursor: str | None = None) -> types.ListTasksResult:
        """One page of this session's tasks (`tasks/list`)."""
        params = types.PaginatedRequestParams(cursor=cursor) if cursor is not None else None
        return await self._ask(types.ListTasksRequest(params=params), types.ListTasksResult)

    async def cancel_task(self, task_id: str) -> types.CancelTaskResult:
        """Cancel a task (`tasks/cancel`)."""
        params = types.CancelTaskRequestParams(taskId=task_id)
        return await self._ask(types.CancelTaskRequest(params=params), types.CancelTaskResult)

    def poll_task(self, task_id: str) -> AsyncIterator[types.GetTaskResult]:
        """Yield the state of a task again and again until it is over."""
        return poll_until_terminal(self.get_task, task_id)

    async def _ask(self, request: Any, result_type: type[ResultT]) -> ResultT:
        return await self._session.send_request(types.ClientRequest(request), result_type)
