"""Prompts and prompt templates.

Source: specification 2025-11-25, page "Prompts".
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
    Role,
)
from mcp.types._content import TaggedContentBlock


class ListPromptsRequest(PaginatedRequestOf[Literal["prompts/list"]]):
    """Sent from the client to request a list of prompts and prompt templates the server has."""

    method: Literal["prompts/list"] = "prompts/list"


class PromptArgument(BaseModel):
    """Describes an argument that a prompt can accept."""

    model_config = OPEN

    name: str
    description: str | None = None
    required: bool | None = None


class Prompt(BaseMetadata):
    """A prompt or prompt template that the server offers."""

    model_config = OPEN

    description: str | None = None
    arguments: list[PromptArgument] | None = None
    icons: list[Icon] | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class ListPromptsResult(PaginatedResult):
    """The server's response to a prompts/list request from the client."""

    prompts: list[Prompt]


class GetPromptRequestParams(RequestParams):
    """Parameters for a `prompts/get` request."""

    model_config = OPEN

    name: str
    arguments: dict[str, str] | None = None


class GetPromptRequest(RequestOf[GetPromptRequestParams, Literal["prompts/get"]]):
    """Used by the client to get a prompt provided by the server."""

    method: Literal["prompts/get"] = "prompts/get"
    params: GetPromptRequestParams


class PromptMessage(BaseModel):
    """Describes a message returned as part of a prompt."""

    model_config = OPEN

    role: Role
    content: TaggedContentBlock


class GetPromptResult(Result):
    """The server's response to a prompts/get request from the client."""

    description: str | None = None
    messages: list[PromptMessage]


class PromptListChangedNotification(
    NotificationOf[NotificationParams | None, Literal["notifications/prompts/list_changed"]]
):
    """An optional notification from the server that the list of prompts it offers has changed."""

    method: Literal["notifications/prompts/list_changed"] = "notifications/prompts/list_changed"
    params: NotificationParams | None = None
