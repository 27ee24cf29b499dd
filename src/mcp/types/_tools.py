"""Tools: listing, calling, results.

Source: specification 2025-11-25, page "Tools".
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from mcp.types._base import (
    OPEN,
    BaseMetadata,
    Icon,
    NotificationOf,
    NotificationParams,
    PaginatedRequestOf,
    PaginatedResult,
    RequestOf,
    RequestParams,
    Result,
)
from mcp.types._content import TaggedContentBlock
from mcp.types._tasks import TaskExecutionMode


class ListToolsRequest(PaginatedRequestOf[Literal["tools/list"]]):
    """Sent from the client to request a list of tools the server has."""

    method: Literal["tools/list"] = "tools/list"


class ToolAnnotations(BaseModel):
    """Additional properties describing a Tool to clients."""

    model_config = OPEN

    title: str | None = None
    readOnlyHint: bool | None = None
    """The tool changes nothing; False if not given."""
    destructiveHint: bool | None = None
    """A change may destroy, and not only add; True if not given."""
    idempotentHint: bool | None = None
    """Calling again with the same arguments changes nothing more; False if not given."""
    openWorldHint: bool | None = None
    """The tool deals with external entities, as a web search does; True if not given."""


class ToolExecution(BaseModel):
    """Execution-related properties for a tool."""

    model_config = OPEN

    taskSupport: TaskExecutionMode | None = None


class Tool(BaseMetadata):
    """Definition for a tool the client can call."""

    model_config = OPEN

    description: str | None = None
    inputSchema: dict[str, Any]
    outputSchema: dict[str, Any] | None = None
    icons: list[Icon] | None = None
    annotations: ToolAnnotations | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)
    execution: ToolExecution | None = None


class ListToolsResult(PaginatedResult):
    """The server's response to a tools/list request from the client."""

    tools: list[Tool]


class CallToolRequestParams(RequestParams):
    """Parameters for a `tools/call` request."""

    model_config = OPEN

    name: str
    arguments: dict[str, Any] | None = None


class CallToolRequest(RequestOf[CallToolRequestParams, Literal["tools/call"]]):
    """Used by the client to invoke a tool provided by the server."""

    method: Literal["tools/call"] = "tools/call"
    params: CallToolRequestParams


class CallToolResult(Result):
    """The server's response to a tool call."""

    content: list[TaggedContentBlock]
    structuredContent: dict[str, Any] | None = None
    isError: bool = False


class ToolListChangedNotification(
    NotificationOf[NotificationParams | None, Literal["notifications/tools/list_changed"]]
):
    """An optional notification from the server that the list of tools it offers has changed."""

    method: Literal["notifications/tools/list_changed"] = "notifications/tools/list_changed"
    params: NotificationParams | None = None
