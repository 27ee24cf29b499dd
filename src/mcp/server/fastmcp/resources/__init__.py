"""Resources of the high-level server."""

from mcp.server.fastmcp.resources.base import Resource
from mcp.server.fastmcp.resources.resource_manager import ResourceManager
from mcp.server.fastmcp.resources.templates import ResourceTemplate
from mcp.server.fastmcp.resources.types import (
    BinaryResource,
    DirectoryResource,
    FileResource,
    FunctionResource,
    HttpResource,
    TextResource,
)

__all__ = [
    "BinaryResource",
    "DirectoryResource",
    "FileResource",
    "FunctionResource",
    "HttpResource",
    "Resource",
    "ResourceManager",
    "ResourceTemplate",
    "TextResource",
]
