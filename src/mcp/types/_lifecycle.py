"""Initialization, ping, progress and cancellation.

Source: specification 2025-11-25, pages "Lifecycle", "Ping", "Progress" and "Cancellation".
"""

from typing import Literal

from mcp.types._base import (
    OPEN,
    Implementation,
    NotificationOf,
    NotificationParams,
    ProgressToken,
    RequestId,
    RequestOf,
    RequestParams,
    Result,
)
from mcp.types._capabilities import ClientCapabilities, ServerCapabilities


class InitializeRequestParams(RequestParams):
    """Parameters for an `initialize` request."""

    model_config = OPEN

    protocolVersion: str | int
    capabilities: ClientCapabilities
    clientInfo: Implementation


class InitializeRequest(RequestOf[InitializeRequestParams, Literal["initialize"]]):
    """This request is sent from the client to the server when it first connects, asking it to begin initialization."""

    method: Literal["initialize"] = "initialize"
    params: InitializeRequestParams


class InitializeResult(Result):
    """After receiving an initialize request from the client, the server sends this response."""

    protocolVersion: str | int
    capabilities: ServerCapabilities
    serverInfo: Implementation
    instructions: str | None = None


class InitializedNotification(NotificationOf[NotificationParams | None, Literal["notifications/initialized"]]):
    """This notification is sent from the client to the server after initialization has finished."""

    method: Literal["notifications/initialized"] = "notifications/initialized"
    params: NotificationParams | None = None


class PingRequest(RequestOf[RequestParams | None, Literal["ping"]]):
    """A ping, issued by either the server or the client, to check that the other party is still alive."""

    method: Literal["ping"] = "ping"
    params: RequestParams | None = None


class ProgressNotificationParams(NotificationParams):
    """Parameters for a `notifications/progress` notification."""

    model_config = OPEN

    progressToken: ProgressToken
    progress: float
    """How far it is; grows with each notification."""
    total: float | None = None
    """What `progress` will be at the end, if known."""
    message: str | None = None


class ProgressNotification(NotificationOf[ProgressNotificationParams, Literal["notifications/progress"]]):
    """An out-of-band notification used to inform the receiver of a progress update for a long-running request."""

    method: Literal["notifications/progress"] = "notifications/progress"
    params: ProgressNotificationParams


class CancelledNotificationParams(NotificationParams):
    """Parameters for a `notifications/cancelled` notification."""

    model_config = OPEN

    requestId: RequestId | None = None
    reason: str | None = None


class CancelledNotification(NotificationOf[CancelledNotificationParams, Literal["notifications/cancelled"]]):
    """This notification can be sent by either side to indicate that it is cancelling a previously-issued request."""

    method: Literal["notifications/cancelled"] = "notifications/cancelled"
    params: CancelledNotificationParams
