"""Interface by which a session hands responses to someone else first."""

from __future__ import annotations

from typing import Any, Protocol

from mcp.types import ErrorData, RequestId


class ResponseRouter(Protocol):
    """Is asked before the session matches a response with its own requests; the first one that takes it, keeps it."""

    def route_response(self, request_id: RequestId, response: dict[str, Any]) -> bool:
        """Take the result of a request, or return False to leave it."""
        ...

    def route_error(self, request_id: RequestId, error: ErrorData) -> bool:
        """Take the error of a request, or return False to leave it."""
        ...
