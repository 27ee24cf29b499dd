"""What an HTTP response means for the message that it answers: decisions without I/O.

Source: specification 2025-11-25, page "Transports", section "Sending Messages to the Server".
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, cast

from mcp.shared._codec import parse_json, read_message
from mcp.shared.exceptions import McpError
from mcp.types import JSONRPCMessage, RequestId


class Answer(Enum):
    """The kinds of response."""

    ACCEPTED = auto()
    """Taken note of; nothing more comes."""
    JSON = auto()
    """The body is a message."""
    EVENTS = auto()
    """The body is a stream of events."""
    UNREADABLE = auto()
    """A success in a form that is none of ours."""
    LOST = auto()
    """The server does not know the session, or the endpoint."""
    REDIRECT = auto()
    """A redirect that may not be followed, else it would have been."""
    REFUSED = auto()
    """Any other failure."""


def classify(status: int, content_type: str) -> Answer:
    """Tell the kind of a response.

    Args:
        status: HTTP status.
        content_type: value of the Content-Type header, empty if there is none.
    """
    if status == 202:
        return Answer.ACCEPTED
    if 200 <= status < 300:
        kind = content_type.lstrip().lower()
        if kind.startswith("application/json"):
            return Answer.JSON
        if kind.startswith("text/event-stream"):
            return Answer.EVENTS
        return Answer.UNREADABLE
    if status == 404:
        return Answer.LOST
    return Answer.REDIRECT if 300 <= status < 400 else Answer.REFUSED


def read_body(body: bytes | str) -> list[JSONRPCMessage | McpError]:
    """Read the messages of a JSON body: one, or those of a batch (revision 2025-03-26).

    What cannot be read is in its place in the list: a `ProtocolError`, or an `McpError` for an error without id.
    """
    try:
        value = parse_json(body)
    except McpError as error:
        return [error]
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [_read(value) for value in values]


def _read(value: Any) -> JSONRPCMessage | McpError:
    try:
        return read_message(value)
    except McpError as error:
        return error


def same_id(received: RequestId, sent: RequestId) -> bool:
    """Whether a response is for a request; some servers make strings of numbers."""
    return received == sent or (type(received) is not type(sent) and str(received) == str(sent))
