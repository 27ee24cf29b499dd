"""Sampling: a server asks the client's language model.

Source: specification 2025-11-25, page "Sampling".
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, Field

from mcp.types._base import OPEN, RequestOf, RequestParams, Result, Role
from mcp.types._content import AudioContent, ImageContent, TextContent, ToolResultContent, ToolUseContent
from mcp.types._tagged import Tagged
from mcp.types._tools import Tool

SamplingContent: TypeAlias = TextContent | ImageContent | AudioContent
"""Content of a sampling message without tools."""

SamplingMessageContentBlock: TypeAlias = TextContent | ImageContent | AudioContent | ToolUseContent | ToolResultContent
"""Content of a sampling message with tools."""

TaggedSamplingContent: TypeAlias = Annotated[SamplingContent, Tagged()]
TaggedSamplingBlock: TypeAlias = Annotated[SamplingMessageContentBlock, Tagged()]

IncludeContext: TypeAlias = Literal["none", "thisServer", "allServers"]
"""Of which servers the client is to add context to the prompt."""

StopReason: TypeAlias = Literal["endTurn", "stopSequence", "maxTokens", "toolUse"] | str
"""Why the model stopped; clients may have reasons of their own."""


def _as_list(
    content: SamplingMessageContentBlock | list[SamplingMessageContentBlock],
) -> list[SamplingMessageContentBlock]:
    return content if isinstance(content, list) else [content]


class SamplingMessage(BaseModel):
    """Describes a message issued to or received from an LLM API."""

    model_config = OPEN

    role: Role
    content: TaggedSamplingBlock | list[TaggedSamplingBlock]
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)

    @property
    def content_as_list(self) -> list[SamplingMessageContentBlock]:
        """The content as a list, also where it is a single block."""
        return _as_list(self.content)


class ModelHint(BaseModel):
    """Hints to use for model selection."""

    model_config = OPEN

    name: str | None = None


class ModelPreferences(BaseModel):
    """The server's preferences for model selection, requested of the client during sampling."""

    model_config = OPEN

    hints: list[ModelHint] | None = None
    """The first that the client can match counts most."""
    costPriority: float | None = None
    """Weight of low cost, from 0 (none) to 1 (most); so too the other two."""
    speedPriority: float | None = None
    intelligencePriority: float | None = None


class ToolChoice(BaseModel):
    """Controls tool selection behavior for sampling requests."""

    model_config = OPEN

    mode: Literal["auto", "required", "none"] | None = None


class CreateMessageRequestParams(RequestParams):
    """Parameters for a `sampling/createMessage` request."""

    model_config = OPEN

    messages: list[SamplingMessage]
    modelPreferences: ModelPreferences | None = None
    systemPrompt: str | None = None
    includeContext: IncludeContext | None = None
    temperature: float | None = None
    maxTokens: int
    stopSequences: list[str] | None = None
    metadata: dict[str, Any] | None = None
    tools: list[Tool] | None = None
    toolChoice: ToolChoice | None = None


class CreateMessageRequest(RequestOf[CreateMessageRequestParams, Literal["sampling/createMessage"]]):
    """A request from the server to sample an LLM via the client."""

    method: Literal["sampling/createMessage"] = "sampling/createMessage"
    params: CreateMessageRequestParams


class CreateMessageResult(Result):
    """The client's response to a sampling/createMessage request from the server."""

    role: Role
    content: TaggedSamplingContent
    model: str
    stopReason: StopReason | None = None


class CreateMessageResultWithTools(Result):
    """The client's response to sampling with tools: content may be a list and hold tool use."""

    role: Role
    content: TaggedSamplingBlock | list[TaggedSamplingBlock]
    model: str
    stopReason: StopReason | None = None

    @property
    def content_as_list(self) -> list[SamplingMessageContentBlock]:
        """The content as a list, also where it is a single block."""
        return _as_list(self.content)
