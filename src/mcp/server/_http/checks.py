"""What a Streamable HTTP request must look like before it reaches a session.

Plain functions over one reading of the header list; each check returns the answer to send instead, or None. Order and
texts are rules TSV-24 to TSV-30 of the contract.

Source: specification 2025-11-25, page "Transports", sections "Sending Messages to the Server", "Listening for
Messages from the Server", "Session Management" and "Protocol Version Header".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from mcp.shared.version import SUPPORTED_PROTOCOL_VERSIONS
from mcp.types import INTERNAL_ERROR, INVALID_REQUEST

MCP_SESSION_ID_HEADER = "mcp-session-id"
MCP_PROTOCOL_VERSION_HEADER = "mcp-protocol-version"
LAST_EVENT_ID_HEADER = "last-event-id"

CONTENT_TYPE_JSON = "application/json"
CONTENT_TYPE_SSE = "text/event-stream"

UNDECLARED_VERSION = "2025-03-26"
"""The revision that a client speaks which sends no version header."""

RESUMABLE_SINCE = "2025-11-25"
"""The first revision whose clients take an event without data, and come back after the server closed a stream."""


Headers = Iterable[tuple[bytes, bytes]]


class Refusal(NamedTuple):
    """A JSON-RPC error as the answer to an HTTP request.

    `id_known_bad` says that the body was a request whose id is no id: the error then carries the id null.
    """

    status: int
    code: int
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    id_known_bad: bool = False


METHOD_NOT_ALLOWED = Refusal(405, INVALID_REQUEST, "Method Not Allowed", ((b"allow", b"GET, POST, DELETE"),))
NO_TERMINATION = Refusal(405, INVALID_REQUEST, "Method Not Allowed: Session termination not supported")
TERMINATED = Refusal(404, INVALID_REQUEST, "Not Found: Session has been terminated")
SESSION_NOT_FOUND = Refusal(404, INVALID_REQUEST, "Session not found")
TOO_MANY_SESSIONS = Refusal(503, INTERNAL_ERROR, "Too many open sessions")
STREAM_CONFLICT = Refusal(409, INVALID_REQUEST, "Conflict: Only one SSE stream is allowed per session")
ID_IN_USE = Refusal(400, INVALID_REQUEST, "Request id already in use")
POST_FAILED = Refusal(500, INTERNAL_ERROR, "Error handling POST request")
GET_FAILED = Refusal(500, INTERNAL_ERROR, "Error handling GET request")
ANSWER_LOST = Refusal(500, INTERNAL_ERROR, "Error processing request")
NO_ANSWER = Refusal(500, INVALID_REQUEST, "Error processing request: No response received")

_NEEDS_BOTH = Refusal(
    406, INVALID_REQUEST, "Not Acceptable: Client must accept both application/json and text/event-stream"
)
_NEEDS_JSON = Refusal(406, INVALID_REQUEST, "Not Acceptable: Client must accept application/json")
_NEEDS_SSE = Refusal(406, INVALID_REQUEST, "Not Acceptable: Client must accept text/event-stream")
_NOT_JSON = Refusal(415, INVALID_REQUEST, "Unsupported Media Type: Content-Type must be application/json")
_MISSING_SESSION = Refusal(400, INVALID_REQUEST, "Bad Request: Missing session ID")
_WRONG_SESSION = Refusal(404, INVALID_REQUEST, "Not Found: Invalid or expired session ID")


class RequestHead:
    """The headers of a request that the transport looks at; None where there is none."""

    __slots__ = ("accept", "content_type", "last_event_id", "protocol_version", "session_id")

    def __init__(self, headers: Headers) -> None:
        found: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in _LOOKED_AT:
                if name not in found:
                    found[name] = value
                elif name == b"accept":
                    found[name] += b"," + value
        self.accept = found.get(b"accept", b"")
        self.content_type = found.get(b"content-type", b"")
        self.session_id = _text(found.get(b"mcp-session-id"))
        self.protocol_version = _text(found.get(b"mcp-protocol-version"))
        self.last_event_id = _text(found.get(b"last-event-id"))


_LOOKED_AT = frozenset((b"accept", b"content-type", b"mcp-session-id", b"mcp-protocol-version", b"last-event-id"))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def session_id_of(headers: Headers) -> str | None:
    """The session id that a request names; None without the header, which is not the same as an empty one."""
    for name, value in headers:
        if name == b"mcp-session-id":
            return value.decode("latin-1")
    return None


@lru_cache(maxsize=256)
def accepted_types(accept: bytes) -> tuple[bool, bool]:
    """Whether an Accept header names JSON, and whether it names an event stream. Wildcards name neither."""
    types = [part.strip() for part in accept.lower().split(b",")]
    return (
        any(part.startswith(b"application/json") for part in types),
        any(part.startswith(b"text/event-stream") for part in types),
    )


@lru_cache(maxsize=256)
def is_json_type(content_type: bytes) -> bool:
    """Whether a Content-Type header, its parameters aside, is `application/json`."""
    types = content_type.lower().partition(b";")[0].split(b",")
    return any(part.strip() == b"application/json" for part in types)


def check_post(head: RequestHead, *, json_response: bool) -> Refusal | None:
    """Check what a POST accepts and what it brings (rows 8, 8' and 9 of TSV-26)."""
    json_accepted, sse_accepted = accepted_types(head.accept)
    if not json_accepted:
        return _NEEDS_JSON if json_response else _NEEDS_BOTH
    if not (json_response or sse_accepted):
        return _NEEDS_BOTH
    if not is_json_type(head.content_type):
        return _NOT_JSON
    return None


def check_get(head: RequestHead) -> Refusal | None:
    """Check that a GET accepts an event stream (row 8'' of TSV-26)."""
    return None if accepted_types(head.accept)[1] else _NEEDS_SSE


def check_session(head: RequestHead, session_id: str | None) -> Refusal | None:
    """Check that a request names the session `session_id`, if that is not None (rows 12 and 13 of TSV-26)."""
    if session_id is None or head.session_id == session_id:
        return None
    return _WRONG_SESSION if head.session_id else _MISSING_SESSION


def check_version(head: RequestHead) -> Refusal | None:
    """Check that the declared revision, if any, is one we speak (row 14 of TSV-26)."""
    version = head.protocol_version
    if version is None or version in SUPPORTED_PROTOCOL_VERSIONS:
        return None
    text = (
        f"Bad Request: Unsupported protocol version: {version}. "
        f"Supported versions: {', '.join(SUPPORTED_PROTOCOL_VERSIONS)}"
    )
    return Refusal(400, INVALID_REQUEST, text)


def resumes_streams(version: str | None) -> bool:
    """Whether a client of this revision (None: undeclared) takes events without data and comes back (TSV-62)."""
    return version is not None and version >= RESUMABLE_SINCE
