"""The request context handed to handlers and callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

from typing_extensions import TypeVar

from mcp.shared.message import CloseSSEStreamCallback
from mcp.shared.session import BaseSession
from mcp.types import RequestId, RequestParams

SessionT = TypeVar("SessionT", bound=BaseSession[Any, Any, Any, Any, Any], default=Any)
LifespanContextT = TypeVar("LifespanContextT", default=Any)
RequestT = TypeVar("RequestT", default=Any)


@dataclass
class RequestContext(Generic[SessionT, LifespanContextT, RequestT]):
    """What belongs to the request being handled.

    Attributes:
        request_id: id of the request, as the peer sent it.
        meta: the request's `_meta`, None if it has none.
        session: the session that received the request; talk back through it.
        lifespan_context: what the server's lifespan yielded; None on a client.
        experimental: task features of the request (experimental).
        request: the HTTP request that carried the message, None on other transports.
        close_sse_stream: ends this request's HTTP response early, where the transport supports polling.
        close_standalone_sse_stream: the same for the session's GET stream.
    """

    request_id: RequestId
    meta: RequestParams.Meta | None
    session: SessionT
    lifespan_context: LifespanContextT
    experimental: Any = None
    request: RequestT | None = None
    close_sse_stream: CloseSSEStreamCallback | None = None
    close_standalone_sse_stream: CloseSSEStreamCallback | None = None
