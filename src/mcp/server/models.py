"""What a server announces about itself in `initialize`."""

from __future__ import annotations

from pydantic import BaseModel

from mcp.types import Icon, ServerCapabilities


class InitializationOptions(BaseModel):
    """Name, version and capabilities of a server, and what else it tells clients first.

    Attributes:
        instructions: how to use the server, for the client's model.
        website_url: where people read more.
        icons: pictures for user interfaces.
    """

    server_name: str
    server_version: str
    capabilities: ServerCapabilities
    instructions: str | None = None
    website_url: str | None = None
    icons: list[Icon] | None = None
