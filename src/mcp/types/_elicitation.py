"""Elicitation: a server asks the user through the client.

Source: specification 2025-11-25, page "Elicitation".
"""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from mcp.types._base import OPEN, NotificationOf, NotificationParams, RequestOf, RequestParams, Result

ElicitRequestedSchema: TypeAlias = dict[str, Any]
"""A JSON Schema: an object whose properties are all primitive."""


class ElicitRequestFormParams(RequestParams):
    """The parameters for a request to elicit non-sensitive information from the user via a form in the client."""

    model_config = OPEN

    mode: Literal["form"] = "form"
    message: str
    requestedSchema: ElicitRequestedSchema


class ElicitRequestURLParams(RequestParams):
    """The parameters for a request to elicit information from the user via a URL in the client."""

    model_config = OPEN

    mode: Literal["url"] = "url"
    message: str
    url: str
    elicitationId: str


ElicitRequestParams: TypeAlias = ElicitRequestURLParams | ElicitRequestFormParams
"""Params of `elicitation/create`, by `mode`."""


class ElicitRequest(RequestOf[ElicitRequestParams, Literal["elicitation/create"]]):
    """A request from the server to elicit additional information from the user via the client."""

    method: Literal["elicitation/create"] = "elicitation/create"
    params: ElicitRequestParams


class ElicitResult(Result):
    """The client's response to an elicitation request."""

    action: Literal["accept", "decline", "cancel"]
    content: dict[str, str | int | float | bool | list[str] | None] | None = None


class ElicitCompleteNotificationParams(NotificationParams):
    """Parameters of `notifications/elicitation/complete`."""

    model_config = OPEN

    elicitationId: str


class ElicitCompleteNotification(
    NotificationOf[ElicitCompleteNotificationParams, Literal["notifications/elicitation/complete"]]
):
    """Tells the client that an out-of-band (URL mode) elicitation is complete."""

    method: Literal["notifications/elicitation/complete"] = "notifications/elicitation/complete"
    params: ElicitCompleteNotificationParams


class ElicitationRequiredErrorData(BaseModel):
    """The `data` of an error with code -32042: URL elicitations to finish before trying again."""

    model_config = OPEN

    elicitations: list[ElicitRequestURLParams]
