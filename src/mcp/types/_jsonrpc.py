"""JSON-RPC 2.0 envelopes and error codes.

Source: specification 2025-11-25, page "Base Protocol", section "Messages".
"""

from typing import Any, Literal

from pydantic import BaseModel, model_validator
from typing_extensions import Self

from mcp.types._base import CLOSED, OPEN, NotificationOf, RequestId, RequestOf, RootModelOf

PARSE_ERROR = -32700
"""Error code: the text is no JSON."""

INVALID_REQUEST = -32600
"""Error code: the JSON is no request."""

METHOD_NOT_FOUND = -32601
"""Error code: the receiver does not know the method, or has not declared the capability."""

INVALID_PARAMS = -32602
"""Error code: the params do not fit the method."""

INTERNAL_ERROR = -32603
"""Error code: the receiver failed."""

CONNECTION_CLOSED = -32000
"""Error code, made locally: the connection ended before the response came."""

URL_ELICITATION_REQUIRED = -32042
"""Error code: URL elicitations have to be finished first; `data` is an `ElicitationRequiredErrorData`."""


class JSONRPCRequest(RequestOf[dict[str, Any] | None, str]):
    """A request that expects a response."""

    method: str
    params: dict[str, Any] | None = None
    jsonrpc: Literal["2.0"]
    id: RequestId


class JSONRPCNotification(NotificationOf[dict[str, Any] | None, str]):
    """A notification which does not expect a response."""

    method: str
    params: dict[str, Any] | None = None
    jsonrpc: Literal["2.0"]

    @model_validator(mode="after")
    def _has_no_id(self) -> Self:
        # A request whose id is no string or integer must not pass for a notification: its sender waits for an answer.
        if self.model_extra and "id" in self.model_extra:
            raise ValueError("a request id must be a string or an integer")
        return self


class JSONRPCResponse(BaseModel):
    """A successful response to a request."""

    model_config = OPEN

    jsonrpc: Literal["2.0"]
    id: RequestId
    result: dict[str, Any]


class ErrorData(BaseModel):
    """The `error` member of an error response: a code, a short message and any further data."""

    model_config = OPEN

    code: int
    message: str
    data: Any | None = None


class JSONRPCError(BaseModel):
    """A response that reports an error.

    The id is required here: what comes in without one (the sender could not read the request) is no response to
    anything, and we always have one to send.
    """

    model_config = OPEN

    jsonrpc: Literal["2.0"]
    id: str | int
    error: ErrorData


class JSONRPCMessage(RootModelOf[JSONRPCRequest | JSONRPCNotification | JSONRPCResponse | JSONRPCError]):
    """Refers to any valid JSON-RPC object that can be decoded off the wire, or encoded to be sent."""

    model_config = CLOSED

    root: JSONRPCRequest | JSONRPCNotification | JSONRPCResponse | JSONRPCError
