"""The six closed unions of messages: requests, notifications and results of each side.

Source: specification 2025-11-25, page "Base Protocol", section "Messages".
"""

from typing import TypeAlias

from mcp.types._base import CLOSED, EmptyResult, RootModelOf
from mcp.types._completion import CompleteRequest, CompleteResult
from mcp.types._elicitation import ElicitCompleteNotification, ElicitRequest, ElicitResult
from mcp.types._lifecycle import (
    CancelledNotification,
    InitializedNotification,
    InitializeRequest,
    InitializeResult,
    PingRequest,
    ProgressNotification,
)
from mcp.types._logging import LoggingMessageNotification, SetLevelRequest
from mcp.types._prompts import (
    GetPromptRequest,
    GetPromptResult,
    ListPromptsRequest,
    ListPromptsResult,
    PromptListChangedNotification,
)
from mcp.types._resources import (
    ListResourcesRequest,
    ListResourcesResult,
    ListResourceTemplatesRequest,
    ListResourceTemplatesResult,
    ReadResourceRequest,
    ReadResourceResult,
    ResourceListChangedNotification,
    ResourceUpdatedNotification,
    SubscribeRequest,
    UnsubscribeRequest,
)
from mcp.types._roots import ListRootsRequest, ListRootsResult, RootsListChangedNotification
from mcp.types._sampling import CreateMessageRequest, CreateMessageResult, CreateMessageResultWithTools
from mcp.types._tasks import (
    CancelTaskRequest,
    CancelTaskResult,
    CreateTaskResult,
    GetTaskPayloadRequest,
    GetTaskPayloadResult,
    GetTaskRequest,
    GetTaskResult,
    ListTasksRequest,
    ListTasksResult,
    TaskStatusNotification,
)
from mcp.types._tools import (
    CallToolRequest,
    CallToolResult,
    ListToolsRequest,
    ListToolsResult,
    ToolListChangedNotification,
)

ClientRequestType: TypeAlias = (
    PingRequest
    | InitializeRequest
    | CompleteRequest
    | SetLevelRequest
    | GetPromptRequest
    | ListPromptsRequest
    | ListResourcesRequest
    | ListResourceTemplatesRequest
    | ReadResourceRequest
    | SubscribeRequest
    | UnsubscribeRequest
    | CallToolRequest
    | ListToolsRequest
    | GetTaskRequest
    | GetTaskPayloadRequest
    | ListTasksRequest
    | CancelTaskRequest
)
"""What `ClientRequest` holds."""

ClientNotificationType: TypeAlias = (
    CancelledNotification
    | ProgressNotification
    | InitializedNotification
    | RootsListChangedNotification
    | TaskStatusNotification
)
"""What `ClientNotification` holds."""

ClientResultType: TypeAlias = (
    EmptyResult
    | CreateMessageResult
    | CreateMessageResultWithTools
    | ListRootsResult
    | ElicitResult
    | GetTaskResult
    | GetTaskPayloadResult
    | ListTasksResult
    | CancelTaskResult
    | CreateTaskResult
)
"""What `ClientResult` holds."""

ServerRequestType: TypeAlias = (
    PingRequest
    | CreateMessageRequest
    | ListRootsRequest
    | ElicitRequest
    | GetTaskRequest
    | GetTaskPayloadRequest
    | ListTasksRequest
    | CancelTaskRequest
)
"""What `ServerRequest` holds."""

ServerNotificationType: TypeAlias = (
    CancelledNotification
    | ProgressNotification
    | LoggingMessageNotification
    | ResourceUpdatedNotification
    | ResourceListChangedNotification
    | ToolListChangedNotification
    | PromptListChangedNotification
    | ElicitCompleteNotification
    | TaskStatusNotification
)
"""What `ServerNotification` holds."""

ServerResultType: TypeAlias = (
    EmptyResult
    | InitializeResult
    | CompleteResult
    | GetPromptResult
    | ListPromptsResult
    | ListResourcesResult
    | ListResourceTemplatesResult
    | ReadResourceResult
    | CallToolResult
    | ListToolsResult
    | GetTaskResult
    | GetTaskPayloadResult
    | ListTasksResult
    | CancelTaskResult
    | CreateTaskResult
)
"""What `ServerResult` holds."""


class ClientRequest(RootModelOf[ClientRequestType]):
    """Any request a client may send, under `.root`."""

    model_config = CLOSED

    root: ClientRequestType


class ClientNotification(RootModelOf[ClientNotificationType]):
    """Any notification a client may send, under `.root`."""

    model_config = CLOSED

    root: ClientNotificationType


class ClientResult(RootModelOf[ClientResultType]):
    """Any result a client may answer with, under `.root`."""

    model_config = CLOSED

    root: ClientResultType


class ServerRequest(RootModelOf[ServerRequestType]):
    """Any request a server may send, under `.root`."""

    model_config = CLOSED

    root: ServerRequestType


class ServerNotification(RootModelOf[ServerNotificationType]):
    """Any notification a server may send, under `.root`."""

    model_config = CLOSED

    root: ServerNotificationType


class ServerResult(RootModelOf[ServerResultType]):
    """Any result a server may answer with, under `.root`."""

    model_config = CLOSED

    root: ServerResultType
