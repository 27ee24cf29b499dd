"""A starlette response that serializes pydantic models."""

from typing import Any

from starlette.responses import JSONResponse


class PydanticJSONResponse(JSONResponse):
    """A JSON response whose content is a pydantic model; members that are None are left out."""

    def render(self, content: Any) -> bytes:
        """Serialize the model, straight to bytes."""
        return content.__pydantic_serializer__.to_json(content, exclude_none=True)
