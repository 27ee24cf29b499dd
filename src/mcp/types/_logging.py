"""Log messages from server to client.

Source: specification 2025-11-25, page "Logging".
"""

from typing import Any, Literal, TypeAlias

from mcp.types._base import OPEN, NotificationOf, NotificationParams, RequestOf, RequestParams

LoggingLevel: TypeAlias = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
"""The severities of RFC 5424, lowest first."""


class SetLevelRequestParams(RequestParams):
    """Parameters for a `logging/setLevel` request."""

    model_config = OPEN

    level: LoggingLevel


class SetLevelRequest(RequestOf[SetLevelRequestParams, Literal["logging/setLevel"]]):
    """A request from the client to the server, to enable or adjust logging."""

    method: Literal["logging/setLevel"] = "logging/setLevel"
    params: SetLevelRequestParams


class LoggingMessageNotificationParams(NotificationParams):
    """Parameters for a `notifications/message` notification."""

    model_config = OPEN

    level: LoggingLevel
    logger: str | None = None
    data: Any


class LoggingMessageNotification(NotificationOf[LoggingMessageNotificationParams, Literal["notifications/message"]]):
    """JSONRPCNotification of a log message passed from server to client."""

    method: Literal["notifications/message"] = "notifications/message"
    params: LoggingMessageNotificationParams
