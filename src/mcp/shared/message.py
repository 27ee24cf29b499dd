"""What travels on the streams between a transport and a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from pydantic import BaseModel

from mcp.shared.exceptions import McpError
from mcp.types import INTERNAL_ERROR, ErrorData, JSONRPCError, JSONRPCMessage, JSONRPCResponse, RequestId

ResultT = TypeVar("ResultT", bound=BaseModel)

ResumptionToken: TypeAlias = str

ResumptionTokenUpdateCallback: TypeAlias = Callable[[ResumptionToken], Awaitable[None]]

CloseSSEStreamCallback: TypeAlias = Callable[[], Awaitable[None]]


@dataclass
class ClientMessageMetadata:
    """What a client tells its transport about a message.

    Attributes:
        resumption_token: event id to resume after, instead of sending the request anew.
        on_resumption_token_update: awaited with each event id of the answering stream.
    """

    resumption_token: ResumptionToken | None = None
    on_resumption_token_update: Callable[[ResumptionToken], Awaitable[None]] | None = None


@dataclass
class ServerMessageMetadata:
    """What a server session and its transport tell each other about a message.

    Attributes:
        related_request_id: the client's request that an outgoing message belongs to; it takes that request's stream.
        request_context: the HTTP request that carried an incoming message.
        close_sse_stream: ends the HTTP response of the incoming request early, so that the client polls.
        close_standalone_sse_stream: the same for the session's GET stream.
    """

    related_request_id: RequestId | None = None
    request_context: object | None = None
    close_sse_stream: CloseSSEStreamCallback | None = None
    close_standalone_sse_stream: CloseSSEStreamCallback | None = None


MessageMetadata: TypeAlias = ClientMessageMetadata | ServerMessageMetadata | None


@dataclass
class SessionMessage:
    """A JSON-RPC message with what transport and session need to know about it."""

    message: JSONRPCMessage
    metadata: MessageMetadata = None


class ResultMessage(SessionMessage):
    """An outgoing response that still holds the result as the handler made it.

    A transport of ours writes the result to bytes at once. Whoever looks at `message` (a wrapper around the stream, an
    event store, an in-memory peer) gets an ordinary response, made at the first look.

    Args:
        copy: makes the result that a reader would make of its JSON form. Given if nothing in the result needs a
            conversion to become JSON.
    """

    def __init__(
        self,
        message: JSONRPCMessage | None = None,
        metadata: MessageMetadata = None,
        *,
        request_id: RequestId | None = None,
        result: BaseModel | None = None,
        copy: Callable[[], BaseModel] | None = None,
    ) -> None:
        self._message = message
        self.metadata = metadata
        self.request_id = request_id
        self.result = result
        self._copy = copy

    @property
    def unopened(self) -> BaseModel | None:
        """The result, as long as nobody has asked for `message`; None afterwards."""
        return self.result if self._message is None else None

    @property
    def is_plain(self) -> bool:
        """Whether the result is known to have a JSON form."""
        return self._copy is not None

    def read_as(self, result_type: type[ResultT]) -> ResultT | None:
        """The result as its reader would make it, if that takes neither the JSON form nor a validation; else None."""
        if self._copy is None or type(self.unopened) is not result_type:
            return None
        return cast("ResultT", self._copy())

    @property
    def message(self) -> JSONRPCMessage:
        """The response with the result as plain JSON types."""
        if self._message is None:
            assert self.result is not None
            mode = "json" if self._copy is None else "python"
            dumped = self.result.model_dump(by_alias=True, mode=mode, exclude_none=True)
            response = JSONRPCResponse.model_construct(jsonrpc="2.0", id=self.request_id, result=dumped)
            self._message = JSONRPCMessage.model_construct(response)
        return self._message

    @message.setter
    def message(self, message: JSONRPCMessage) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._message = message


class FailedRequestMessage(SessionMessage):
    """The answer that a transport gives in place of a peer: the request failed with this very exception.

    Args:
        request_id: the id of the request.
        exception: what the session raises from the request.
        metadata: as for any message.
        error: what a reader of the stream itself sees; the error of an `McpError` if None.
    """

    def __init__(
        self,
        request_id: RequestId,
        exception: Exception,
        metadata: MessageMetadata = None,
        *,
        error: ErrorData | None = None,
    ) -> None:
        if error is None:
            error = (
                exception.error
                if isinstance(exception, McpError)
                else ErrorData(code=INTERNAL_ERROR, message=str(exception) or type(exception).__name__)
            )
        response = JSONRPCError.model_construct(jsonrpc="2.0", id=request_id, error=error)
        super().__init__(JSONRPCMessage.model_construct(response), metadata)
        self.exception = exception


def error_message(request_id: RequestId | None, error: ErrorData, metadata: MessageMetadata = None) -> SessionMessage:
    """An error response; `request_id` is None only where the request's own id could not be read."""
    # Not validated: the model has no place for a missing id, and the parts are ours.
    response: Any = JSONRPCError.model_construct(jsonrpc="2.0", id=request_id, error=error)  # pyright: ignore[reportArgumentType]
    return SessionMessage(JSONRPCMessage.model_construct(response), metadata)
