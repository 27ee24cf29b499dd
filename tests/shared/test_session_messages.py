"""What travels between transport and session: plain messages, and those that carry more."""

from typing import Any

import pytest

from mcp import types
from mcp.shared.exceptions import McpError, SessionExpiredError
from mcp.shared.message import (
    ClientMessageMetadata,
    FailedRequestMessage,
    ResultMessage,
    ServerMessageMetadata,
    SessionMessage,
    error_message,
)
from mcp.types import ErrorData, JSONRPCError, JSONRPCMessage, JSONRPCResponse

RESULT = types.ListToolsResult(tools=[])


def test_a_result_is_opened_at_the_first_look() -> None:
    """TYP-29: aliases, JSON types, None omitted; whoever looks gets an ordinary response."""
    item = ResultMessage(request_id=1, result=RESULT, metadata=ServerMessageMetadata(related_request_id=2))
    assert isinstance(item, SessionMessage)
    assert item.unopened is RESULT
    assert item.message == JSONRPCMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={"tools": []}))
    assert item.message is item.message
    assert item.unopened is None
    assert item.metadata == ServerMessageMetadata(related_request_id=2)


def test_a_message_that_is_put_in_counts() -> None:
    """A wrapper around a stream replaces the message."""
    other = JSONRPCMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={"x": 1}))
    item = ResultMessage(request_id=1, result=RESULT)
    item.message = other
    assert item.message is other
    assert item.unopened is None
    assert ResultMessage(other).message is other


@pytest.mark.parametrize(
    ("exception", "error", "seen"),
    [
        (SessionExpiredError(), None, ErrorData(code=32600, message="Session terminated")),
        (KeyError("k"), None, ErrorData(code=-32603, message="'k'")),
        (KeyError(), None, ErrorData(code=-32603, message="KeyError")),
        (McpError(ErrorData(code=1, message="m")), ErrorData(code=2, message="n"), ErrorData(code=2, message="n")),
    ],
)
def test_a_request_that_failed_in_the_transport(exception: Exception, error: Any, seen: ErrorData) -> None:
    """Readers of the stream see an error response; the session raises the exception itself."""
    item = FailedRequestMessage("r", exception, error=error)
    assert item.exception is exception
    root = item.message.root
    assert isinstance(root, JSONRPCError)
    assert (root.id, root.error) == ("r", seen)


@pytest.mark.parametrize("request_id", [0, "a", None])
def test_errors(request_id: Any) -> None:
    root = error_message(request_id, ErrorData(code=1, message="m")).message.root
    assert isinstance(root, JSONRPCError)
    assert root.id == request_id


def test_metadata() -> None:
    """Dataclasses that compare by value."""
    assert ClientMessageMetadata() == ClientMessageMetadata(None, None)
    assert ServerMessageMetadata(1) == ServerMessageMetadata(related_request_id=1)
    message = JSONRPCMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={}))
    assert SessionMessage(message) == SessionMessage(message=message, metadata=None)
