"""The item a read-resource handler yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class ReadResourceContents:
    """One part of a resource.

    Attributes:
        content: text, or bytes (sent as base64).
        mime_type: `text/plain` for text and `application/octet-stream` for bytes if None.
        meta: `_meta` of the part.
    """

    content: str | bytes
    mime_type: str | None = None
    meta: dict[str, Any] | None = None
