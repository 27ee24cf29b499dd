"""Abstract resource.

Source: specification 2025-11-25, page "Resources".
"""

import abc
from typing import Annotated, Any

from pydantic import AnyUrl, BaseModel, ConfigDict, Field, UrlConstraints, ValidationInfo, field_validator

from mcp.types import Annotations, Icon

# RFC 6838 names and RFC 2045 parameters, whose values may be quoted.
MIME_TYPE_PATTERN = (
    r"^[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+\-]*/[a-zA-Z0-9!#$&^_.+\-]+"
    r'(;\s*[a-zA-Z0-9\-_.]+=([a-zA-Z0-9\-_.]+|"([^"\\]|\\.)*"))*$'
)


class Resource(BaseModel, abc.ABC):
    """Something that clients can read at a URI.

    Args:
        uri: Where it is; normalised, so that `http://EXAMPLE.com` becomes `http://example.com/`.
        name: Its name; the URI if not given.
        title: A name for people.
        description: What it is.
        mime_type: What its content is.
        icons: Pictures for user interfaces.
        annotations: For whom it is, and how important.
        meta: `_meta` of the resource; None for none.
    """

    model_config = ConfigDict(validate_default=True, defer_build=True)

    uri: Annotated[AnyUrl, UrlConstraints(host_required=False)]
    name: str | None = None
    title: str | None = None
    description: str | None = None
    mime_type: str = Field(default="text/plain", pattern=MIME_TYPE_PATTERN)
    icons: list[Icon] | None = None
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = None

    @field_validator("name", mode="before")
    @classmethod
    def _name_or_uri(cls, name: str | None, info: ValidationInfo) -> str:
        if name:
            return name
        uri = info.data.get("uri")
        if uri is None:
            raise ValueError("Either name or uri must be provided")
        return str(uri)

    @abc.abstractmethod
    async def read(self) -> str | bytes:
        """The content: text, or bytes.

        Raises:
            ValueError: It cannot be read.
        """
        ...
