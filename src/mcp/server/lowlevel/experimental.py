"""What `server.experimental` offers: registering task handlers, switching task support on.

Source: specification 2025-11-25, page "Tasks".
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import mcp.types as types
from mcp.server.experimental.task_scope import task_in_session_scope, task_listable_in_session_scope
from mcp.server.experimental.task_support import TaskSupport
from mcp.server.lowlevel.func_inspection import create_call_wrapper
from mcp.shared.experimental.tasks.helpers import cancel_task, task_not_found
from mcp.shared.experimental.tasks.in_memory_task_store import InMemoryTaskStore
from mcp.shared.experimental.tasks.message_queue import InMemoryTaskMessageQueue, TaskMessageQueue
from mcp.shared.experimental.tasks.store import TaskStore

logger = logging.getLogger(__name__)

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")


class HandlerOwner(Protocol):
    """The server, as far as it is needed here."""

    @property
    def request_context(self) -> Any:
        """The context of the request being handled."""
        ...


class ExperimentalHandlers:
    """Task handlers of a server.

    Args:
        server: the server.
        request_handlers: its table of request handlers.
        notification_handlers: its table of notification handlers.
    """

    def __init__(
        self,
        server: HandlerOwner,
        request_handlers: dict[type, Callable[..., Awaitable[types.ServerResult]]],
        notification_handlers: dict[type, Callable[..., Awaitable[None]]],
    ) -> None:
        self._server = server
        self._request_handlers = request_handlers
        self._notification_handlers = notification_handlers
        self._task_support: TaskSupport | None = None

    @property
    def task_support(self) -> TaskSupport | None:
        """What `enable_tasks` made; None before."""
        return self._task_support

    def update_capabilities(self, capabilities: types.ServerCapabilities) -> None:
        """Declare tasks, if any task handler is registered."""
        has = self._request_handlers.__contains__
        handled = (
            types.GetTaskRequest,
            types.GetTaskPayloadRequest,
            types.ListTasksRequest,
            types.CancelTaskRequest,
        )
        if not any(has(request) for request in handled):
            return
        capabilities.tasks = types.ServerTasksCapability(
            list=types.TasksListCapability() if has(types.ListTasksRequest) else None,
            cancel=types.TasksCancelCapability() if has(types.CancelTaskRequest) else None,
            requests=types.ServerTasksRequestsCapability(
                tools=types.TasksToolsCapability(call=types.TasksCallCapability())
            ),
        )

    def enable_tasks(self, store: TaskStore | None = None, queue: TaskMessageQueue | None = None) -> TaskSupport:
        """Be able to run tasks, with the default handlers where none is registered.

        Args:
            store: keeps the tasks; in memory if None.
            queue: keeps what tasks want to ask the client; in memory if None.
        """
        support = self._task_support = TaskSupport(
            store=store or InMemoryTaskStore(), queue=queue or InMemoryTaskMessageQueue()
        )
        for request_type, handler in (
            (types.GetTaskRequest, self._default_get_task),
            (types.GetTaskPayloadRequest, self._default_get_task_result),
            (types.ListTasksRequest, self._default_list_tasks),
            (types.CancelTaskRequest, self._default_cancel_task),
        ):
            self._request_handlers.setdefault(request_type, handler)
        return support

    # Default handlers

    def _scope(self) -> str | None:
        return self._server.request_context.session._experimental.task_session_scope

    def _check_access(self, task_id: str) -> TaskSupport:
        assert self._task_support is not None
        if not task_in_session_scope(task_id, self._scope()):
            raise task_not_found(task_id)
        return self._task_support

    async def _default_get_task(self, request: types.GetTaskRequest) -> types.ServerResult:
        support = self._check_access(request.params.taskId)
        task = await support.store.get_task(request.params.taskId)
        if task is None:
            raise task_not_found(request.params.taskId)
        return types.ServerResult(types.GetTaskResult.model_validate(task.model_dump()))

    async def _default_get_task_result(self, request: types.GetTaskPayloadRequest) -> types.ServerResult:
        support = self._check_access(request.params.taskId)
        context = self._server.request_context
        return types.ServerResult(await support.handler.handle(request, context.session, context.request_id))

    async def _default_list_tasks(self, request: types.ListTasksRequest) -> types.ServerResult:
        assert self._task_support is not None
        scope = self._scope()
        own: list[types.Task] = []
        cursor: str | None = None
        while True:
            page, cursor = await self._task_support.store.list_tasks(cursor)
            own += [task for task in page if task_listable_in_session_scope(task.taskId, scope)]
            if cursor is None:
                return types.ServerResult(types.ListTasksResult(tasks=own))

    async def _default_cancel_task(self, request: types.CancelTaskRequest) -> types.ServerResult:
        support = self._check_access(request.params.taskId)
        result = await cancel_task(support.store, request.params.taskId)
        support.stop_work(request.params.taskId)
        return types.ServerResult(result)

    # Registration

    def list_tasks(
        self,
    ) -> Callable[
        [Callable[[types.ListTasksRequest], Awaitable[types.ListTasksResult]]],
        Callable[[types.ListTasksRequest], Awaitable[types.ListTasksResult]],
    ]:
        """Register the handler of `tasks/list`."""
        return self._decorator(types.ListTasksRequest)

    def get_task(
        self,
    ) -> Callable[
        [Callable[[types.GetTaskRequest], Awaitable[types.GetTaskResult]]],
        Callable[[types.GetTaskRequest], Awaitable[types.GetTaskResult]],
    ]:
        """Register the handler of `tasks/get`."""
        return self._decorator(types.GetTaskRequest)

    def get_task_result(
        self,
    ) -> Callable[
        [Callable[[types.GetTaskPayloadRequest], Awaitable[types.GetTaskPayloadResult]]],
        Callable[[types.GetTaskPayloadRequest], Awaitable[types.GetTaskPayloadResult]],
    ]:
        """Register the handler of `tasks/result`."""
        return self._decorator(types.GetTaskPayloadRequest)

    def cancel_task(
        self,
    ) -> Callable[
        [Callable[[types.CancelTaskRequest], Awaitable[types.CancelTaskResult]]],
        Callable[[types.CancelTaskRequest], Awaitable[types.CancelTaskResult]],
    ]:
        """Register the handler of `tasks/cancel`."""
        return self._decorator(types.CancelTaskRequest)

    def _decorator(self, request_type: type[RequestT]) -> Any:
        def decorator(func: Callable[[RequestT], Awaitable[Any]]) -> Callable[[RequestT], Awaitable[Any]]:
            call = create_call_wrapper(func, request_type)

            async def handler(request: RequestT) -> types.ServerResult:
                return types.ServerResult(await call(request))

            logger.debug("Registering handler for %s", request_type.__name__)
            self._request_handlers[request_type] = handler
            return func

        return decorator
