"""Complete HTTP answers, each as two ASGI messages."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic_core import to_json

from mcp.server._http.checks import Refusal

if TYPE_CHECKING:
    from starlette.types import Scope, Send

logger = logging.getLogger(__name__)

Header = tuple[bytes, bytes]

_JSON_TYPE: Header = (b"content-type", b"application/json")


async def send_answer(send: Send, status: int, body: bytes, headers: Iterable[Header] = ()) -> None:
    """Send a whole answer. It is no error if the client has gone meanwhile."""
    length = (b"content-length", str(len(body)).encode())
    try:
        await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
        await send({"type": "http.response.body", "body": body})
    except OSError:
        # How ASGI servers may report that.
        logger.debug("The client went away before it was answered")


async def send_json(send: Send, status: int, body: bytes, headers: Iterable[Header] = ()) -> None:
    """Send a whole answer whose content type is JSON; the body may be empty."""
    await send_answer(send, status, body, (_JSON_TYPE, *headers))


async def send_refusal(send: Send, refusal: Refusal, headers: Iterable[Header] = ()) -> None:
    """Send a JSON-RPC error (TSV-25)."""
    await send_json(send, refusal.status, refusal_body(refusal), (*refusal.headers, *headers))


async def send_to_nobody(send: Send) -> None:
    """End a request whose client has gone. No server passes it on, but some middleware insists on an answer."""
    await send_answer(send, 408, b"")


def refusal_body(refusal: Refusal) -> bytes:
    """The JSON-RPC error of a refusal; programs match the literal id."""
    error_id = b"null" if refusal.id_known_bad else b'"server-error"'
    return b'{"jsonrpc":"2.0","id":%b,"error":{"code":%d,"message":%b}}' % (
        error_id,
        refusal.code,
        to_json(refusal.message),
    )


def event_stream_headers(scope: Scope, content_type: bytes, cache_control: bytes) -> list[Header]:
    """The headers of an event stream. Only HTTP/1 knows the header `connection`."""
    headers = [
        (b"content-type", content_type),
        (b"cache-control", cache_control),
        (b"x-accel-buffering", b"no"),
    ]
    if str(scope.get("http_version", "1.1")).startswith("1"):
        headers.append((b"connection", b"keep-alive"))
    return headers
