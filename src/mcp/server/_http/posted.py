"""The body of a POST: one message, or a batch from a client of revision 2025-03-26."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, cast

from mcp.server._http.checks import Refusal
from mcp.shared._codec import parse_json, read_message, usable_id
from mcp.shared.exceptions import McpError, ProtocolError
from mcp.types import INVALID_PARAMS, INVALID_REQUEST, JSONRPCMessage, JSONRPCRequest

UNWELCOME_BATCH = Refusal(400, INVALID_PARAMS, "Validation error: a batch is not a message")


class Posted(NamedTuple):
    """What a POST brought.

    `items` are in order; an `McpError` among them is an error response without id. `requests` are those of the items
    that want an answer.
    """

    items: list[JSONRPCMessage | McpError]
    requests: list[JSONRPCRequest]
    batch: bool

    @property
    def initialize(self) -> JSONRPCRequest | None:
        """The one request that opens a session, if this is it."""
        if len(self.requests) == 1 and self.requests[0].method == "initialize":
            return self.requests[0]
        return None


def read_posted(data: bytes) -> Posted | Refusal:
    """Read the body of a POST (rows 10 and 11 of TSV-26). Whether a batch is welcome is the caller's question."""
    try:
        value = parse_body(data)
    except ProtocolError as error:
        return Refusal(400, error.error.code, error.error.message)
    if not isinstance(value, list):
        item = _read_item(value)
        if isinstance(item, Refusal):
            return item
        root = None if isinstance(item, McpError) else item.root
        return Posted([item], [root] if isinstance(root, JSONRPCRequest) else [], False)
    return _read_batch(cast("list[Any]", value))


def parse_body(data: bytes) -> Any:
    """Parse JSON in UTF-8, or in what the first bytes announce (a byte order mark, UTF-16, UTF-32).

    Raises:
        ProtocolError: not JSON (code -32700).
    """
    try:
        return parse_json(data)
    except ProtocolError:
        encoding = json.detect_encoding(data)
        if encoding == "utf-8":
            raise
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            text = None
        if text is None:
            raise
        return parse_json(text)


def version_of(initialize: JSONRPCRequest) -> str | None:
    """The revision that an `initialize` request asks for."""
    version = (initialize.params or {}).get("protocolVersion")
    return version if isinstance(version, str) else None


def _read_batch(values: list[Any]) -> Posted | Refusal:
    if not values:
        return Refusal(400, INVALID_PARAMS, "Validation error: the batch is empty")
    items: list[JSONRPCMessage | McpError] = []
    requests: list[JSONRPCRequest] = []
    for value in values:
        item = _read_item(value)
        if isinstance(item, Refusal):
            return item
        items.append(item)
        if not isinstance(item, McpError) and isinstance(item.root, JSONRPCRequest):
            requests.append(item.root)
    if any(request.method == "initialize" for request in requests):
        return Refusal(400, INVALID_REQUEST, "Invalid Request: initialize must not be part of a batch")
    if len({(type(request.id), request.id) for request in requests}) < len(requests):
        return Refusal(400, INVALID_REQUEST, "Request id already in use")
    return Posted(items, requests, True)


def _read_item(value: Any) -> JSONRPCMessage | McpError | Refusal:
    try:
        return read_message(value)
    except ProtocolError as error:
        if isinstance(value, dict) and "method" in value and "id" in value and usable_id(cast("Any", value)) is None:
            return Refusal(400, INVALID_REQUEST, error.error.message, id_known_bad=True)
        text = error.error.message.removeprefix("Invalid Request: ")
        return Refusal(400, INVALID_PARAMS, f"Validation error: {text}")
    except McpError as error:
        return error
