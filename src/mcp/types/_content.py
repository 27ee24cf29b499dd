"""Content blocks of tool results, prompts and sampling messages.

Source: specification 2025-11-25, page "Tools", section "Tool Result", and page "Sampling".
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, Field

from mcp.types._base import OPEN, Annotations
from mcp.types._resources import EitherResourceContents, Resource
from mcp.types._tagged import Tagged


class TextContent(BaseModel):
    """Text provided to or from an LLM."""

    model_config = OPEN

    type: Literal["text"]
    text: str
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class ImageContent(BaseModel):
    """An image provided to or from an LLM."""

    model_config = OPEN

    type: Literal["image"]
    data: str
    """In base64."""
    mimeType: str
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class AudioContent(BaseModel):
    """Audio provided to or from an LLM."""

    model_config = OPEN

    type: Literal["audio"]
    data: str
    """In base64."""
    mimeType: str
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class EmbeddedResource(BaseModel):
    """The contents of a resource, embedded into a prompt or tool call result."""

    model_config = OPEN

    type: Literal["resource"]
    resource: EitherResourceContents
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class ResourceLink(Resource):
    """A resource that the server is capable of reading, included in a prompt or tool call result."""

    type: Literal["resource_link"]


ContentBlock: TypeAlias = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource
"""One part of a tool result or of a prompt message."""

TaggedContentBlock: TypeAlias = Annotated[ContentBlock, Tagged()]

Content: TypeAlias = ContentBlock
"""Older name of `ContentBlock`."""


class ToolUseContent(BaseModel):
    """A request from the assistant to call a tool."""

    model_config = OPEN

    type: Literal["tool_use"]
    name: str
    id: str
    input: dict[str, Any]
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class ToolResultContent(BaseModel):
    """The result of a tool use, provided by the user back to the assistant."""

    model_config = OPEN

    type: Literal["tool_result"]
    toolUseId: str
    content: list[TaggedContentBlock] = []
    structuredContent: dict[str, Any] | None = None
    isError: bool | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)
