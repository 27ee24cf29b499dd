"""What a tool returned, as content blocks.

Source: specification 2025-11-25, page "Tools", section "Tool Result".
"""

from typing import Any, cast

import pydantic_core
from pydantic import BaseModel

from mcp.server.fastmcp.utilities.types import Audio, Image
from mcp.types import AudioContent, ContentBlock, EmbeddedResource, ImageContent, ResourceLink, TextContent

_BLOCKS = (TextContent, ImageContent, AudioContent, ResourceLink, EmbeddedResource)


def to_content(value: Any) -> list[ContentBlock]:
    """Content blocks that say `value`: blocks and media as they are, lists item by item, the rest as text.

    Args:
        value: Any object; what is neither text nor known to pydantic is shown as `str` shows it.

    Raises:
        OSError: A media file cannot be read.
        pydantic_core.PydanticSerializationError: The value has no form in JSON.
    """
    if isinstance(value, str):
        return [TextContent(type="text", text=value)]
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [block for item in cast("list[Any]", value) for block in to_content(item)]
    block = media_block(value)
    return [TextContent(type="text", text=to_json_text(value)) if block is None else block]


def media_block(value: Any) -> ContentBlock | None:
    """The content block that `value` is or, for `Image` and `Audio`, stands for; None for anything else."""
    if isinstance(value, BaseModel):
        return value if isinstance(value, _BLOCKS) else None
    if isinstance(value, Image):
        return value.to_image_content()
    if isinstance(value, Audio):
        return value.to_audio_content()
    return None


def to_json_text(value: Any) -> str:
    """`value` as indented JSON, with `str` for what JSON has no form for."""
    return pydantic_core.to_json(value, fallback=str, indent=2).decode()
