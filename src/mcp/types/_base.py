"""Bases, metadata and aliases that every area of the protocol shares.

Source: specification 2025-11-25, page "Base Protocol".
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import AnyUrl, BaseModel, ConfigDict, Field, RootModel, UrlConstraints

LATEST_PROTOCOL_VERSION = "2025-11-25"
"""The newest revision of the protocol that this API offers in `initialize`."""

DEFAULT_NEGOTIATED_VERSION = "2025-03-26"
"""The revision assumed for an HTTP request without `MCP-Protocol-Version` header."""

# Models are built on first use: a program touches a fraction of them, and building all costs more than the rest
# of the import.
OPEN = ConfigDict(extra="allow", defer_build=True)
CLOSED = ConfigDict(defer_build=True)

ProgressToken: TypeAlias = str | int
"""Chosen by the requestor in `_meta` of a request, repeated in every progress notification about it."""

Cursor: TypeAlias = str
"""An opaque position in a paginated list."""

Role: TypeAlias = Literal["user", "assistant"]
"""Who says a message, or whom content is meant for."""

RequestId: TypeAlias = Annotated[int, Field(strict=True)] | str
"""The id of a JSON-RPC request: a string or an integer, never null; `1` and `"1"` are different ids."""

AnyFunction: TypeAlias = Callable[..., Any]
"""Any callable; for decorators."""

ResourceUri: TypeAlias = Annotated[AnyUrl, UrlConstraints(host_required=False)]
StrictInt: TypeAlias = Annotated[int, Field(strict=True)]

RequestParamsT = TypeVar("RequestParamsT", bound="RequestParams | dict[str, Any] | None")
NotificationParamsT = TypeVar("NotificationParamsT", bound="NotificationParams | dict[str, Any] | None")
MethodT = TypeVar("MethodT", bound=str)


class TaskMetadata(BaseModel):
    """Metadata for augmenting a request with task execution."""

    model_config = OPEN

    ttl: StrictInt | None = None
    """How long to keep the task from its creation, in milliseconds."""


class RequestParams(BaseModel):
    """Common params for any request."""

    model_config = CLOSED

    class Meta(BaseModel):
        """Members of `_meta`; unknown ones are kept."""

        model_config = OPEN

        progressToken: ProgressToken | None = None
        """Given if the caller wants progress notifications."""

    task: TaskMetadata | None = None
    """Given if the request is to be run as a task."""
    meta: Meta | None = Field(alias="_meta", default=None)


class PaginatedRequestParams(RequestParams):
    """Common parameters for paginated requests."""

    cursor: Cursor | None = None
    """`nextCursor` of the page before; None for the first page."""


class NotificationParams(BaseModel):
    """Parameters that every notification may carry."""

    model_config = CLOSED

    class Meta(BaseModel):
        """Members of `_meta`; unknown ones are kept."""

        model_config = OPEN

    meta: Meta | None = Field(alias="_meta", default=None)


class Request(BaseModel, Generic[RequestParamsT, MethodT]):
    """Base of all requests; `params` is the model of that method."""

    model_config = OPEN

    method: MethodT
    params: RequestParamsT


class PaginatedRequest(Request[PaginatedRequestParams | None, MethodT], Generic[MethodT]):
    """Base of the `*/list` requests."""

    params: PaginatedRequestParams | None = None


class Notification(BaseModel, Generic[NotificationParamsT, MethodT]):
    """Base of all notifications."""

    model_config = OPEN

    method: MethodT
    params: NotificationParamsT


# Type checkers see `RequestOf[P, M]` as `Request[P, M]`. At run time it is `Request[Any, Any]` for all: our classes
# declare the fields themselves, so a parametrised base of their own would only be one more model to make at import.
if TYPE_CHECKING:
    RequestOf = Request
    PaginatedRequestOf = PaginatedRequest
    NotificationOf = Notification
    RootModelOf = RootModel
else:

    class _Same:
        def __init__(self, model):
            self.model = model

        def __getitem__(self, _parameters):
            return self.model

    RequestOf = _Same(Request[Any, Any])
    PaginatedRequestOf = _Same(PaginatedRequest[Any])
    NotificationOf = _Same(Notification[Any, Any])
    RootModelOf = _Same(RootModel[Any])


class Result(BaseModel):
    """Base of all results; unknown members are kept."""

    model_config = OPEN

    meta: dict[str, Any] | None = Field(alias="_meta", default=None)


class PaginatedResult(Result):
    """Base of the results of `*/list` requests; `nextCursor` is opaque, None on the last page."""

    nextCursor: Cursor | None = None


class EmptyResult(Result):
    """A result without members of its own."""


class BaseMetadata(BaseModel):
    """Base interface for metadata with name (identifier) and title (display name) properties."""

    model_config = CLOSED

    name: str
    """Identifies the object in requests."""
    title: str | None = None
    """Shown to people; see `mcp.shared.metadata_utils.get_display_name`."""


class Icon(BaseModel):
    """An optionally-sized icon that can be displayed in a user interface."""

    model_config = OPEN

    src: str
    """An HTTP(S) URL or a `data:` URI."""
    mimeType: str | None = None
    sizes: list[str] | None = None
    """Each `WxH` in pixels (`48x48`), or `any` for scalable formats."""


class Implementation(BaseMetadata):
    """Describes the MCP implementation."""

    model_config = OPEN

    version: str
    websiteUrl: str | None = None
    icons: list[Icon] | None = None


class Annotations(BaseModel):
    """Optional annotations for the client."""

    model_config = OPEN

    audience: list[Role] | None = None
    """Whom the object is meant for."""
    priority: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    """Importance from 0 (optional) to 1 (required)."""
