"""The two metadata endpoints (RFC 8414 and RFC 9728)."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from mcp.server.auth.json_response import PydanticJSONResponse
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata

_CACHEABLE = {"Cache-Control": "public, max-age=3600"}


@dataclass
class MetadataHandler:
    """Serves the authorization server metadata."""

    metadata: OAuthMetadata

    async def handle(self, request: Request) -> Response:
        """Answer with the document; caches may keep it for an hour."""
        return PydanticJSONResponse(content=self.metadata, headers=_CACHEABLE)


@dataclass
class ProtectedResourceMetadataHandler:
    """Serves the protected resource metadata."""

    metadata: ProtectedResourceMetadata

    async def handle(self, request: Request) -> Response:
        """Answer with the document; caches may keep it for an hour."""
        return PydanticJSONResponse(content=self.metadata, headers=_CACHEABLE)
