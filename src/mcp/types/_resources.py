"""Resources, resource templates and subscriptions.

Source: specification 2025-11-25, page "Resources".
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, Field

from mcp.types._base import (
    OPEN,
    Annotations,
    BaseMetadata,
    Icon,
    NotificationOf,
    NotificationParams,
    PaginatedRequestOf,
    PaginatedResult,
    RequestOf,
    RequestParams,
    ResourceUri,
    Result,
)


class ListResourcesRequest(PaginatedRequestOf[Literal["resources/list"]]):
    """Sent from the client to request a list of resources the server has."""

    method: Literal["resources/list"] = "resources/list"


class Resource(BaseMetadata):
    """A known resource that the server is capable of reading."""

    model_config = OPEN

    uri: ResourceUri
    description: str | None = None
    mimeType: str | None = None
    size: int | None = None
    """Size of the raw content in bytes."""
    icons: list[Icon] | None = None
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class ResourceTemplate(BaseMetadata):
    """A template description for resources available on the server."""

    model_config = OPEN

    uriTemplate: str
    """An RFC 6570 template."""
    description: str | None = None
    mimeType: str | None = None
    icons: list[Icon] | None = None
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class ListResourcesResult(PaginatedResult):
    """The server's response to a resources/list request from the client."""

    resources: list[Resource]


class ListResourceTemplatesRequest(PaginatedRequestOf[Literal["resources/templates/list"]]):
    """Sent from the client to request a list of resource templates the server has."""

    method: Literal["resources/templates/list"] = "resources/templates/list"


class ListResourceTemplatesResult(PaginatedResult):
    """The server's response to a resources/templates/list request from the client."""

    resourceTemplates: list[ResourceTemplate]


class ReadResourceRequestParams(RequestParams):
    """Parameters for a `resources/read` request."""

    model_config = OPEN

    uri: ResourceUri


class ReadResourceRequest(RequestOf[ReadResourceRequestParams, Literal["resources/read"]]):
    """Sent from the client to the server, to read a specific resource URI."""

    method: Literal["resources/read"] = "resources/read"
    params: ReadResourceRequestParams


class ResourceContents(BaseModel):
    """The contents of a specific resource or sub-resource."""

    model_config = OPEN

    uri: ResourceUri
    mimeType: str | None = None
    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class TextResourceContents(ResourceContents):
    """Text of a resource."""

    text: str


class BlobResourceContents(ResourceContents):
    """Binary contents of a resource; `blob` is base64."""

    blob: str


# The first that fits, in this order: trying both on each would copy large contents twice.
EitherResourceContents: TypeAlias = Annotated[
    TextResourceContents | BlobResourceContents, Field(union_mode="left_to_right")
]


class ReadResourceResult(Result):
    """The server's response to a resources/read request from the client."""

    contents: list[EitherResourceContents]


class ResourceListChangedNotification(
    NotificationOf[NotificationParams | None, Literal["notifications/resources/list_changed"]]
):
    """An optional notification from the server that the list of resources it offers has changed."""

    method: Literal["notifications/resources/list_changed"] = "notifications/resources/list_changed"
    params: NotificationParams | None = None


class SubscribeRequestParams(RequestParams):
    """Parameters for a `resources/subscribe` request."""

    model_config = OPEN

    uri: ResourceUri


class SubscribeRequest(RequestOf[SubscribeRequestParams, Literal["resources/subscribe"]]):
    """Sent from the client to be notified (resources/updated) whenever a particular resource changes."""

    method: Literal["resources/subscribe"] = "resources/subscribe"
    params: SubscribeRequestParams


class UnsubscribeRequestParams(RequestParams):
    """Parameters for a `resources/unsubscribe` request."""

    model_config = OPEN

    uri: ResourceUri


class UnsubscribeRequest(RequestOf[UnsubscribeRequestParams, Literal["resources/unsubscribe"]]):
    """Sent from the client to request cancellation of resources/updated notifications from the server."""

    method: Literal["resources/unsubscribe"] = "resources/unsubscribe"
    params: UnsubscribeRequestParams


class ResourceUpdatedNotificationParams(NotificationParams):
    """Parameters for a `notifications/resources/updated` notification."""

    model_config = OPEN

    uri: ResourceUri


class ResourceUpdatedNotification(
    NotificationOf[ResourceUpdatedNotificationParams, Literal["notifications/resources/updated"]]
):
    """A notification from the server that a resource has changed and may need to be read again."""

    method: Literal["notifications/resources/updated"] = "notifications/resources/updated"
    params: ResourceUpdatedNotificationParams
