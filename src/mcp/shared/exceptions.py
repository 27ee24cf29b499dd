"""Errors of the protocol, as one tree under `McpError`.

```
McpError
├── RequestTimeoutError          408      no answer within the timeout
├── ConnectionClosedError        -32000   the connection ended before the answer
├── SessionExpiredError          32600    the server does not know the session (any more)
├── OutcomeUnknownError          -32603   the request may or may not have been carried out
├── TaskModeError                -32601   a tool called as a task, or not as one, against its wish
├── ProtocolError                -32700, -32600, -32603   a message that is no valid message
└── UrlElicitationRequiredError  -32042   the user must first visit a URL
```

`mcp.client.http_errors.HTTPStatusError` adds the HTTP statuses; it lives apart, so that this module needs no HTTP
library.
"""

from __future__ import annotations

from typing import Any, cast

from mcp.types import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    URL_ELICITATION_REQUIRED,
    ElicitRequestURLParams,
    ErrorData,
    RequestId,
)

REQUEST_TIMEOUT = 408
"""Error code of a request that timed out; borrowed from HTTP, programs match it."""

SESSION_TERMINATED = 32600
"""Error code of a request whose session the server no longer knows; positive by tradition, programs match it."""


class McpError(Exception):
    """An error that the peer answered with, or that the session raises in its place.

    Args:
        error: code, message and data; the message is the text of the exception.
    """

    error: ErrorData

    def __init__(self, error: ErrorData) -> None:
        super().__init__(error.message)
        self.error = error


class RequestTimeoutError(McpError):
    """No answer came within the timeout (code 408)."""


class ConnectionClosedError(McpError):
    """The connection ended before the answer came (code -32000).

    For a server process the message carries its exit status and the last lines it wrote to stderr.
    """

    def __init__(self, reason: str | None = None) -> None:
        message = f"Connection closed: {reason}" if reason else "Connection closed"
        super().__init__(ErrorData(code=CONNECTION_CLOSED, message=message))


class SessionExpiredError(McpError):
    """The server does not know the session (code 32600, text `Session terminated`)."""

    def __init__(self) -> None:
        super().__init__(ErrorData(code=SESSION_TERMINATED, message="Session terminated"))


class OutcomeUnknownError(McpError):
    """The request was sent, its answer is lost, and repeating it could carry it out twice."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorData(code=INTERNAL_ERROR, message=message))


class ProtocolError(McpError):
    """Something that is no valid JSON-RPC message, or no answer where one had to come.

    Args:
        code: JSON-RPC error code to answer with.
        message: what is wrong.
        request_id: the id of the request to blame, where one could be read.
        answerable: whether the sender waits for an answer, so that one should be sent even without an id.
        response_id: the id of the request that this was to be the answer of, where one could be read.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        request_id: RequestId | None = None,
        answerable: bool = False,
        response_id: RequestId | None = None,
    ) -> None:
        super().__init__(ErrorData(code=code, message=message))
        self.request_id = request_id
        self.answerable = answerable
        self.response_id = response_id


class TaskModeError(McpError):
    """A tool was called as a task although it forbids it, or not as one although it requires it (code -32601)."""


class UrlElicitationRequiredError(McpError):
    """A request needs the user to visit one or more URLs first (code -32042).

    Raise it in a tool, prompt or resource; clients get the elicitations in `error.data`.

    Args:
        elicitations: URL mode elicitations to finish before trying again.
        message: text of the error; a default in singular or plural if None.

    Source: specification 2025-11-25, page "Elicitation", section "URL Elicitation Required Error".
    """

    def __init__(self, elicitations: list[ElicitRequestURLParams], message: str | None = None) -> None:
        if message is None:
            message = f"URL elicitation{'s' if len(elicitations) > 1 else ''} required"
        self._elicitations = elicitations
        super().__init__(
            ErrorData(
                code=URL_ELICITATION_REQUIRED,
                message=message,
                data={"elicitations": [e.model_dump(by_alias=True, exclude_none=True) for e in elicitations]},
            )
        )

    @property
    def elicitations(self) -> list[ElicitRequestURLParams]:
        """The URL mode elicitations to finish before trying again."""
        return self._elicitations

    @classmethod
    def from_error(cls, error: ErrorData) -> UrlElicitationRequiredError:
        """Make the typed error of what a server answered.

        Raises:
            ValueError: the code of `error` is not -32042.
        """
        if error.code != URL_ELICITATION_REQUIRED:
            raise ValueError(f"Expected error code {URL_ELICITATION_REQUIRED}, got {error.code}")
        data: object = error.data
        members = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
        elicitations = [ElicitRequestURLParams.model_validate(item) for item in members.get("elicitations") or ()]
        return cls(elicitations, error.message)
