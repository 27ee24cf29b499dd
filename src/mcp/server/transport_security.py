"""Host, origin and content-type checks against DNS rebinding, and the limit on request bodies.

Specification: basic/transports, "Security Warning" (2025-11-25).
"""

import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

DEFAULT_MAX_REQUEST_BODY_SIZE = 4 * 1024 * 1024

_PORT = re.compile(rb"[0-9]{1,5}\Z")


class TransportSecuritySettings(BaseModel):
    """Which Host and Origin headers an HTTP transport accepts.

    Args:
        enable_dns_rebinding_protection: Check Host and Origin at all.
        allowed_hosts: Exact values, or `name:*` for that name with any port. Empty refuses every request.
        allowed_origins: Likewise for Origin, e.g. `http://localhost:*`. A request without Origin always passes.
    """

    enable_dns_rebinding_protection: bool = True
    allowed_hosts: list[str] = []
    allowed_origins: list[str] = []


class Refusal(NamedTuple):
    """The answer to a request that failed a check: an HTTP status and its plain-text body."""

    status_code: int
    text: str


class _AllowList:
    """A list of header values, compiled; compiled again when the list it came from was changed."""

    __slots__ = ("_bases", "_exact", "_source")

    def __init__(self) -> None:
        self._source: list[str] | None = None

    def admits(self, value: bytes, source: list[str]) -> bool:
        if source != self._source:
            self._source = list(source)
            self._exact = frozenset(entry.encode() for entry in source)
            self._bases = frozenset(entry[:-2].encode() for entry in source if entry.endswith(":*"))
        if value in self._exact:
            return True
        base, colon, port = value.rpartition(b":")
        return bool(colon) and base in self._bases and _PORT.match(port) is not None


class TransportSecurityMiddleware:
    """Checks content type, Host and Origin of requests to an HTTP transport.

    Args:
        settings: What to accept; None checks only the content type.
    """

    def __init__(self, settings: TransportSecuritySettings | None = None) -> None:
        self.settings = settings or TransportSecuritySettings(enable_dns_rebinding_protection=False)
        self._hosts = _AllowList()
        self._origins = _AllowList()

    def check_headers(self, headers: Iterable[tuple[bytes, bytes]], *, is_post: bool = False) -> Refusal | None:
        """Check the raw header list of an ASGI scope (names in lower case).

        Args:
            headers: `scope["headers"]`.
            is_post: Whether the content type must be JSON.

        Returns:
            What to answer instead, or None if the request may pass. Refusals of Host and Origin are logged.
        """
        content_type = b""
        hosts: list[bytes] = []
        origins: list[bytes] = []
        for name, value in headers:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origins.append(value)
            elif name == b"content-type" and not content_type:
                content_type = value
        if is_post and not content_type.lower().startswith(b"application/json"):
            return Refusal(400, "Invalid Content-Type header")
        settings = self.settings
        if not settings.enable_dns_rebinding_protection:
            return None
        if len(hosts) != 1 or not self._hosts.admits(hosts[0], settings.allowed_hosts):
            logger.warning("Invalid Host header: %s", _shown(hosts))
            return Refusal(421, "Invalid Host header")
        for origin in origins:
            if origin and not self._origins.admits(origin, settings.allowed_origins):
                logger.warning("Invalid Origin header: %s", _shown(origins))
                return Refusal(403, "Invalid Origin header")
        return None

    async def validate_request(self, request: "HTTPConnection", is_post: bool = False) -> "Response | None":
        """Check a request.

        Args:
            request: Any starlette connection.
            is_post: Whether the content type must be JSON.

        Returns:
            The response to send instead (400, 421 or 403, plain text), or None if the request may pass.
        """
        refusal = self.check_headers(request.scope["headers"], is_post=is_post)
        if refusal is None:
            return None
        from starlette.responses import Response

        return Response(refusal.text, status_code=refusal.status_code)


class RequestBodyLimitMiddleware:
    """Answers 413 to requests whose body is too large; the application sees only complete, small enough bodies.

    Args:
        app: The application behind it. Scopes other than HTTP reach it untouched.
        max_body_size: Largest body in bytes that passes.

    Raises:
        ValueError: `max_body_size` is not positive.
    """

    def __init__(self, app: "ASGIApp", max_body_size: int) -> None:
        if max_body_size <= 0:
            raise ValueError("max_request_body_size must be a positive number of bytes")
        self.app = app
        self.max_body_size = max_body_size

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Buffer the body, then run the application with it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _declared_length(scope["headers"]) > self.max_body_size:
            await _answer(send, 413, b"Request body too large")
            return
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                # The client went away: nobody reads this, but middleware around us counts on an answer.
                await _answer(send, 408, b"")
                return
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.max_body_size:
                await _answer(send, 413, b"Request body too large")
                return
            more = message.get("more_body", False)
        body: Message | None = {"type": "http.request", "body": b"".join(parts), "more_body": False}

        async def receive_buffered() -> "Message":
            nonlocal body
            if body is None:
                return await receive()
            message, body = body, None
            return message

        await self.app(scope, receive_buffered, send)


def _shown(values: list[bytes]) -> str | None:
    return ", ".join(value.decode("latin-1") for value in values) or None


def _declared_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    for name, value in headers:
        if name == b"content-length":
            try:
                return int(value)
            except ValueError:
                return 0
    return 0


async def _answer(send: "Send", status: int, text: bytes) -> None:
    headers = [(b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
