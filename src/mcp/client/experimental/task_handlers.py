"""Handlers a client supplies when the server runs tasks on it, with their defaults.

Source: specification 2025-11-25, page "Tasks".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import mcp.types as types
from mcp.shared.context import RequestContext
from mcp.shared.session import RequestResponder


class GetTaskHandlerFnT(Protocol):
    """Answers `tasks/get`."""

    async def __call__(
        self, context: RequestContext[Any, Any], params: types.GetTaskRequestParams
    ) -> types.GetTaskResult | types.ErrorData:
        """Return the state of the task, or an error to answer with."""
        ...


class GetTaskResultHandlerFnT(Protocol):
    """Answers `tasks/result`."""

    async def __call__(
        self, context: RequestContext[Any, Any], params: types.GetTaskPayloadRequestParams
    ) -> types.GetTaskPayloadResult | types.ErrorData:
        """Return the result of the task, or an error to answer with."""
        ...


class ListTasksHandlerFnT(Protocol):
    """Answers `tasks/list`."""

    async def __call__(
        self, context: RequestContext[Any, Any], params: types.PaginatedRequestParams | None
    ) -> types.ListTasksResult | types.ErrorData:
        """Return one page of tasks, or an error to answer with."""
        ...


class CancelTaskHandlerFnT(Protocol):
    """Answers `tasks/cancel`."""

    async def __call__(
        self, context: RequestContext[Any, Any], params: types.CancelTaskRequestParams
    ) -> types.CancelTaskResult | types.ErrorData:
        """Return the cancelled task, or an error to answer with."""
        ...


class TaskAugmentedSamplingFnT(Protocol):
    """Starts `sampling/createMessage` as a task."""

    async def __call__(
        self,
        context: RequestContext[Any, Any],
        params: types.CreateMessageRequestParams,
        task_metadata: types.TaskMetadata,
    ) -> types.CreateTaskResult | types.ErrorData:
        """Return the task that was made, or an error to answer with."""
        ...


class TaskAugmentedElicitationFnT(Protocol):
    """Starts `elicitation/create` as a task."""

    async def __call__(
        self,
        context: RequestContext[Any, Any],
        params: types.ElicitRequestParams,
        task_metadata: types.TaskMetadata,
    ) -> types.CreateTaskResult | types.ErrorData:
        """Return the task that was made, or an error to answer with."""
        ...


def _unsupported(method: str) -> types.ErrorData:
    return types.ErrorData(code=types.METHOD_NOT_FOUND, message=f"{method} not supported")


async def default_get_task_handler(
    context: RequestContext[Any, Any], params: types.GetTaskRequestParams
) -> types.GetTaskResult | types.ErrorData:
    """Refuse `tasks/get` (code -32601)."""
    return _unsupported("tasks/get")


async def default_get_task_result_handler(
    context: RequestContext[Any, Any], params: types.GetTaskPayloadRequestParams
) -> types.GetTaskPayloadResult | types.ErrorData:
    """Refuse `tasks/result` (code -32601)."""
    return _unsupported("tasks/result")


async def default_list_tasks_handler(
    context: RequestContext[Any, Any], params: types.PaginatedRequestParams | None
) -> types.ListTasksResult | types.ErrorData:
    """Refuse `tasks/list` (code -32601)."""
    return _unsupported("tasks/list")


async def default_cancel_task_handler(
    context: RequestContext[Any, Any], params: types.CancelTaskRequestParams
) -> types.CancelTaskResult | types.ErrorData:
    """Refuse `tasks/cancel` (code -32601)."""
    return _unsupported("tasks/cancel")


async def default_task_augmented_sampling(
    context: RequestContext[Any, Any],
    params: types.CreateMessageRequestParams,
    task_metadata: types.TaskMetadata,
) -> types.CreateTaskResult | types.ErrorData:
    """Refuse sampling as a task (code -32600)."""
    return types.ErrorData(code=types.INVALID_REQUEST, message="Task-augmented sampling not supported")


async def default_task_augmented_elicitation(
    context: RequestContext[Any, Any],
    params: types.ElicitRequestParams,
    task_metadata: types.TaskMetadata,
) -> types.CreateTaskResult | types.ErrorData:
    """Refuse elicitation as a task (code -32600)."""
    return types.ErrorData(code=types.INVALID_REQUEST, message="Task-augmented elicitation not supported")


@dataclass
class ExperimentalTaskHandlers:
    """What a client does when the server runs tasks on it; giving a handler declares its capability."""

    get_task: GetTaskHandlerFnT = default_get_task_handler
    get_task_result: GetTaskResultHandlerFnT = default_get_task_result_handler
    list_tasks: ListTasksHandlerFnT = default_list_tasks_handler
    cancel_task: CancelTaskHandlerFnT = default_cancel_task_handler
    augmented_sampling: TaskAugmentedSamplingFnT = default_task_augmented_sampling
    augmented_elicitation: TaskAugmentedElicitationFnT = default_task_augmented_elicitation

    def build_capability(self) -> types.ClientTasksCapability | None:
        """What to declare; None if nothing."""
        lists = self.list_tasks is not default_list_tasks_handler
        cancels = self.cancel_task is not default_cancel_task_handler
        samples = self.augmented_sampling is not default_task_augmented_sampling
        elicits = self.augmented_elicitation is not default_task_augmented_elicitation
        if not (lists or cancels or samples or elicits):
            return None
        requests = None
        if samples or elicits:
            requests = types.ClientTasksRequestsCapability(
                sampling=(
                    types.TasksSamplingCapability(createMessage=types.TasksCreateMessageCapability())
                    if samples
                    else None
                ),
                elicitation=(
                    types.TasksElicitationCapability(create=types.TasksCreateElicitationCapability())
                    if elicits
                    else None
                ),
            )
        return types.ClientTasksCapability(
            list=types.TasksListCapability() if lists else None,
            cancel=types.TasksCancelCapability() if cancels else None,
            requests=requests,
        )

    @staticmethod
    def handles_request(request: types.ServerRequest) -> bool:
        """Whether this is one of the `tasks/*` requests."""
        return isinstance(
            request.root,
            types.GetTaskRequest | types.GetTaskPayloadRequest | types.ListTasksRequest | types.CancelTaskRequest,
        )

    async def handle_request(
        self,
        ctx: RequestContext[Any, Any],
        responder: RequestResponder[types.ServerRequest, types.ClientResult],
    ) -> None:
        """Answer one of the `tasks/*` requests."""
        with responder:
            answer = await self.answer(ctx, responder.request)
            if isinstance(answer, types.ErrorData):
                await responder.respond(answer)
            elif answer is not None:
                await responder.respond(types.ClientResult(answer))

    async def answer(self, ctx: RequestContext[Any, Any], request: types.ServerRequest) -> Any:
        """The answer to a request that has to do with tasks; None if it has nothing to do with them."""
        root = request.root
        if isinstance(root, types.GetTaskRequest):
            return await self.get_task(ctx, root.params)
        if isinstance(root, types.GetTaskPayloadRequest):
            return await self.get_task_result(ctx, root.params)
        if isinstance(root, types.ListTasksRequest):
            return await self.list_tasks(ctx, root.params)
        if isinstance(root, types.CancelTaskRequest):
            return await self.cancel_task(ctx, root.params)
        if isinstance(root, types.CreateMessageRequest) and root.params.task is not None:
            return await self.augmented_sampling(ctx, root.params, root.params.task)
        if isinstance(root, types.ElicitRequest) and root.params.task is not None:
            return await self.augmented_elicitation(ctx, root.params, root.params.task)
        return None


# Older names of the defaults.
default_task_augmented_sampling_callback = default_task_augmented_sampling
default_task_augmented_elicitation_callback = default_task_augmented_elicitation
