"""Roots: directories that the client offers.

Source: specification 2025-11-25, page "Roots".
"""

from typing import Any, Literal

from pydantic import BaseModel, Field, FileUrl

from mcp.types._base import OPEN, NotificationOf, NotificationParams, RequestOf, RequestParams, Result


class ListRootsRequest(RequestOf[RequestParams | None, Literal["roots/list"]]):
    """Sent from the server to request a list of root URIs from the client."""

    method: Literal["roots/list"] = "roots/list"
    params: RequestParams | None = None


class Root(BaseModel):
    """Represents a root directory or file that the server can operate on."""

    model_config = OPEN

    uri: FileUrl
    name: str | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class ListRootsResult(Result):
    """The client's response to a roots/list request from the server."""

    roots: list[Root]


class RootsListChangedNotification(
    NotificationOf[NotificationParams | None, Literal["notifications/roots/list_changed"]]
):
    """A notification from the client to the server, informing it that the list of roots has changed."""

    method: Literal["notifications/roots/list_changed"] = "notifications/roots/list_changed"
    params: NotificationParams | None = None
