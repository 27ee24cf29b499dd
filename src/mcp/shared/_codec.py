"""JSON-RPC messages from and to bytes.

One parse and one validation on the way in: the JSON text becomes plain objects, the members present tell the kind of
message, and that one model validates. One dump on the way out. What fits no kind raises `ProtocolError`.

Source: specification 2025-11-25, page "Base Protocol", section "Messages".
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from mcp.shared.exceptions import McpError, ProtocolError
from mcp.shared.message import ResultMessage, SessionMessage
from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)

RootT = TypeVar("RootT", bound=RootModel[Any])

SERIALIZATION_ERRORS = (PydanticSerializationError, UnicodeEncodeError, RecursionError)
"""What `encode_message` raises for content that has no JSON form."""


class PlainResult:
    """An answer that holds nothing but JSON values: its Python form is its JSON form."""

    def copied(self) -> BaseModel:
        """The result, as its reader would make it of the JSON form."""
        raise NotImplementedError


# One for all: the only name that could ever be added is in it.
_ROOT_ONLY = {"root"}


def wrap_root(union: type[RootT], value: BaseModel) -> RootT:
    """Put a value that is known to be a member under `.root`, without validating it again."""
    wrapped = union.__new__(union)
    set_attribute = object.__setattr__
    set_attribute(wrapped, "__dict__", {"root": value})
    set_attribute(wrapped, "__pydantic_fields_set__", _ROOT_ONLY)
    set_attribute(wrapped, "__pydantic_extra__", None)
    set_attribute(wrapped, "__pydantic_private__", None)
    return wrapped


def parse_json(data: bytes | str) -> Any:
    """Parse JSON text.

    Raises:
        ProtocolError: not JSON (code -32700).
    """
    try:
        return from_json(data)
    except (ValueError, TypeError, RecursionError) as error:
        # A TypeError is what text with lone surrogates gets.
        raise ProtocolError(PARSE_ERROR, f"Parse error: {error}") from error


def parse_message(data: bytes | str) -> JSONRPCMessage:
    """Parse the JSON text of one message.

    Raises:
        ProtocolError: not JSON (code -32700) or not a message (code -32600).
        McpError: an error response without id: the peer could not even read which request it refuses.
    """
    return read_message(parse_json(data))


def read_message(value: Any) -> JSONRPCMessage:
    """Make a message of parsed JSON.

    Raises:
        ProtocolError: not a message (code -32600).
        McpError: an error response without id.
    """
    if type(value) is not dict:
        kind = "a batch" if isinstance(value, list) else f"a JSON {type(value).__name__}"
        raise ProtocolError(INVALID_REQUEST, f"Invalid Request: {kind} is not a message")
    members = cast("dict[str, Any]", value)
    try:
        return wrap_root(JSONRPCMessage, _read_members(members))
    except ValidationError as error:
        reason = f"Invalid Request: {_first_line(error)}"
    except _Refused as refusal:
        reason = f"Invalid Request: {refusal}"
    if "method" in members:
        raise ProtocolError(INVALID_REQUEST, reason, request_id=usable_id(members), answerable="id" in members)
    # A log line may be a JSON object with an id, too.
    raise ProtocolError(INVALID_REQUEST, reason, response_id=usable_id(members) if "jsonrpc" in members else None)


def usable_id(members: dict[str, Any]) -> RequestId | None:
    """The id of a message, None if it has none or one that is neither a string nor an integer."""
    value = members.get("id")
    return value if type(value) is int or type(value) is str else None


class _Refused(Exception):
    """Why a JSON object is no message."""


def _read_members(members: dict[str, Any]) -> BaseModel:
    if "method" in members:
        if "id" not in members:
            return JSONRPCNotification.__pydantic_validator__.validate_python(members)
        if usable_id(members) is None:
            raise _Refused("a request id must be a string or an integer")
        return JSONRPCRequest.__pydantic_validator__.validate_python(members)
    if "error" in members:
        if members.get("id") is None and members.get("jsonrpc") == "2.0":
            raise McpError(ErrorData.model_validate(members["error"]))
        return JSONRPCError.__pydantic_validator__.validate_python(members)
    if "result" in members:
        return JSONRPCResponse.__pydantic_validator__.validate_python(members)
    raise _Refused("neither a method nor a result nor an error")


def _first_line(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def encode_message(item: SessionMessage, end: bytes = b"") -> bytes:
    """The compact JSON text of a message, UTF-8.

    Args:
        item: the message.
        end: what to put behind it, such as a line end; large messages are then copied once less.

    Raises:
        SERIALIZATION_ERRORS: the message holds something that has no JSON form.
    """
    if isinstance(item, ResultMessage) and (result := item.unopened) is not None:
        body = result.__pydantic_serializer__.to_json(result, by_alias=True, exclude_none=True)
        return b'{"jsonrpc":"2.0","id":%b,"result":%b}%b' % (to_json(item.request_id), body, end)
    root = item.message.root
    if isinstance(root, JSONRPCError) and cast("Any", root.id) is None:
        error = to_json(root.error, by_alias=True, exclude_none=True)
        return b'{"jsonrpc":"2.0","id":null,"error":%b}%b' % (error, end)
    return root.__pydantic_serializer__.to_json(root, by_alias=True, exclude_none=True) + end
