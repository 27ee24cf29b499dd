"""Task-augmented requests (experimental in revision 2025-11-25).

Source: specification 2025-11-25, page "Tasks".
"""

from datetime import datetime
from typing import Any, Literal, TypeAlias, cast

from pydantic import BaseModel, SerializationInfo, SerializerFunctionWrapHandler, model_serializer, model_validator

from mcp.types._base import (
    OPEN,
    NotificationOf,
    NotificationParams,
    PaginatedRequestOf,
    PaginatedResult,
    RequestOf,
    RequestParams,
    Result,
    StrictInt,
)

TaskExecutionMode: TypeAlias = Literal["forbidden", "optional", "required"]
"""Whether a tool may, may not or must be called as a task."""

TaskStatus: TypeAlias = Literal["working", "input_required", "completed", "failed", "cancelled"]
"""State of a task; the last three are final."""

TASK_FORBIDDEN: Literal["forbidden"] = "forbidden"
TASK_OPTIONAL: Literal["optional"] = "optional"
TASK_REQUIRED: Literal["required"] = "required"

TASK_STATUS_WORKING: Literal["working"] = "working"
TASK_STATUS_INPUT_REQUIRED: Literal["input_required"] = "input_required"
TASK_STATUS_COMPLETED: Literal["completed"] = "completed"
TASK_STATUS_FAILED: Literal["failed"] = "failed"
TASK_STATUS_CANCELLED: Literal["cancelled"] = "cancelled"


class RelatedTaskMetadata(BaseModel):
    """Metadata for associating messages with a task."""

    model_config = OPEN

    taskId: str


class Task(BaseModel):
    """Data associated with a task."""

    model_config = OPEN

    taskId: str
    status: TaskStatus
    statusMessage: str | None = None
    createdAt: datetime
    lastUpdatedAt: datetime
    ttl: StrictInt | None
    """How long the task is kept from its creation, in milliseconds; None for ever."""
    pollInterval: StrictInt | None = None
    """How long to wait between two `tasks/get`, in milliseconds."""

    # `ttl` is required and nullable: null (no expiry) is always sent, and read from peers that leave it out.
    @model_validator(mode="before")
    @classmethod
    def _missing_ttl_is_null(cls, data: Any) -> Any:
        if isinstance(data, dict) and "ttl" not in data:
            return {**cast("dict[str, Any]", data), "ttl": None}
        return cast("Any", data)

    # A return annotation would take the place of the model in the JSON schema of what is dumped.
    @model_serializer(mode="wrap")
    def _keep_null_ttl(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo):
        dumped: dict[str, Any] = handler(self)
        wanted = (info.include is None or "ttl" in info.include) and (info.exclude is None or "ttl" not in info.exclude)
        if info.exclude_none and wanted and getattr(self, "ttl", ...) is None:
            dumped["ttl"] = None
        return dumped


class CreateTaskResult(Result):
    """A response to a task-augmented request."""

    task: Task


class GetTaskRequestParams(RequestParams):
    """Parameters for a `tasks/get` request."""

    model_config = OPEN

    taskId: str


class GetTaskRequest(RequestOf[GetTaskRequestParams, Literal["tasks/get"]]):
    """A request to retrieve the state of a task."""

    method: Literal["tasks/get"] = "tasks/get"
    params: GetTaskRequestParams


class GetTaskResult(Result, Task):
    """The response to a tasks/get request."""


class GetTaskPayloadRequestParams(RequestParams):
    """Parameters for a `tasks/result` request."""

    model_config = OPEN

    taskId: str


class GetTaskPayloadRequest(RequestOf[GetTaskPayloadRequestParams, Literal["tasks/result"]]):
    """A request to retrieve the result of a completed task."""

    method: Literal["tasks/result"] = "tasks/result"
    params: GetTaskPayloadRequestParams


class GetTaskPayloadResult(Result):
    """The response to a tasks/result request."""


class CancelTaskRequestParams(RequestParams):
    """Parameters for a `tasks/cancel` request."""

    model_config = OPEN

    taskId: str


class CancelTaskRequest(RequestOf[CancelTaskRequestParams, Literal["tasks/cancel"]]):
    """A request to cancel a task."""

    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: CancelTaskRequestParams


class CancelTaskResult(Result, Task):
    """The response to a tasks/cancel request."""


class ListTasksRequest(PaginatedRequestOf[Literal["tasks/list"]]):
    """A request to retrieve a list of tasks."""

    method: Literal["tasks/list"] = "tasks/list"


class ListTasksResult(PaginatedResult):
    """The response to a tasks/list request."""

    tasks: list[Task]


class TaskStatusNotificationParams(NotificationParams, Task):
    """Parameters for a `notifications/tasks/status` notification."""

    model_config = OPEN


class TaskStatusNotification(NotificationOf[TaskStatusNotificationParams, Literal["notifications/tasks/status"]]):
    """An optional notification from the receiver to the requestor, informing them that a task's status has changed."""

    method: Literal["notifications/tasks/status"] = "notifications/tasks/status"
    params: TaskStatusNotificationParams
