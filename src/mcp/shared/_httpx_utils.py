"""The HTTP client factory that transports take as a parameter, and redirects that never leave the origin.

A redirect is followed only if it keeps the method, stays on scheme, host and port (or upgrades http to https, both on
their default ports), and brings no user information of its own. Everything else is handed to the caller as it came:
credentials and bodies go nowhere they were not addressed to.
"""

import logging
import os
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import httpx

if TYPE_CHECKING:
    from httpx_sse import EventSource

logger = logging.getLogger(__name__)

__all__ = ["MCP_DEFAULT_SSE_READ_TIMEOUT", "MCP_DEFAULT_TIMEOUT", "create_mcp_http_client"]

MCP_DEFAULT_TIMEOUT = 30.0
MCP_DEFAULT_SSE_READ_TIMEOUT = 300.0

_AUTH_MAX_REDIRECTS = 5
_AUTH_MAX_BODY = 1024 * 1024
_AUTH_TIMEOUT = dict.fromkeys(("connect", "read", "write", "pool"), MCP_DEFAULT_TIMEOUT)
_TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class McpHttpClientFactory(Protocol):
    """Makes the HTTP client of a transport; called with keywords."""

    def __call__(
        self,
        headers: dict[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        auth: httpx.Auth | None = None,
    ) -> httpx.AsyncClient: ...


def create_mcp_http_client(
    headers: dict[str, str] | None = None,
    timeout: httpx.Timeout | None = None,
    auth: httpx.Auth | None = None,
) -> httpx.AsyncClient:
    """Make an HTTP client with the timeouts MCP needs. The caller enters and closes it.

    Args:
        headers: Sent with every request.
        timeout: Default: 30 s to connect, write and get a connection, 300 s between two reads.
        auth: Authenticates every request, e.g. an `OAuthClientProvider`.
    """
    if timeout is None:
        timeout = httpx.Timeout(MCP_DEFAULT_TIMEOUT, read=MCP_DEFAULT_SSE_READ_TIMEOUT)
    return httpx.AsyncClient(headers=headers, timeout=timeout, auth=auth, verify=_tls_context())


def _tls_context() -> ssl.SSLContext:
    # Reading the certificates takes longer than many requests together.
    return _make_tls_context(ssl.SSLContext, *(os.environ.get(name) for name in _TLS_VARIABLES))


@lru_cache(maxsize=4)
def _make_tls_context(*circumstances: object) -> ssl.SSLContext:
    return httpx.create_ssl_context()


def redirect_location(response: httpx.Response) -> httpx.URL | None:
    """Return the absolute target of a redirect; None if the response is none or its Location is unusable."""
    if not response.has_redirect_location:
        return None
    try:
        target = response.request.url.join(response.headers["location"])
    except (httpx.InvalidURL, ValueError):
        return None
    return target if target.host and target.scheme in _DEFAULT_PORTS else None


def redirect_note(response: httpx.Response) -> str:
    """Return ` (redirected to {url}; not followed)` for a redirect, otherwise an empty string."""
    target = redirect_location(response)
    return "" if target is None else f" (redirected to {without_secrets(target)}; not followed)"


def without_secrets(url: httpx.URL) -> httpx.URL:
    """Return a URL fit for messages: no user information, query or fragment."""
    return url.copy_with(userinfo=b"", query=None, fragment=None)


def next_request_within_origin(response: httpx.Response) -> httpx.Request | None:
    """Return the request that follows a redirect, headers and body included; None if it may not be followed."""
    target = redirect_location(response)
    if target is None:
        return None
    request = response.request
    if (
        not _method_kept(request.method, response.status_code)
        or not _same_origin_or_upgrade(request.url, target)
        or _own_userinfo(response.headers["location"])
    ):
        return None
    if response.next_request is not None:
        return response.next_request
    headers = request.headers.copy()
    headers.pop("host", None)
    if not target.fragment and request.url.fragment:
        target = target.copy_with(fragment=request.url.fragment)
    body: dict[str, Any]
    try:
        body = {"content": request.content}
    except httpx.RequestNotRead:
        body = {"stream": request.stream}
    return httpx.Request(request.method, target, headers=headers, extensions=request.extensions, **body)


async def request_within_origin(
    client: httpx.AsyncClient, method: str, url: httpx.URL | str, **kwargs: Any
) -> httpx.Response:
    """Send a request, follow redirects within its origin, and return the response with its body read.

    Args:
        client: Its `follow_redirects` does not count, its `max_redirects` does.
        method: HTTP method.
        url: Where to send it.
        kwargs: What `client.build_request` takes, and `auth`.
    """
    async with stream_within_origin(client, method, url, **kwargs) as response:
        await response.aread()
        return response


@asynccontextmanager
async def stream_within_origin(
    client: httpx.AsyncClient, method: str, url: httpx.URL | str, **kwargs: Any
) -> AsyncGenerator[httpx.Response, None]:
    """Like `request_within_origin`, as a context manager whose body is still to be read."""
    auth = kwargs.pop("auth", httpx.USE_CLIENT_DEFAULT)
    kwargs.pop("follow_redirects", None)
    request: httpx.Request | None = client.build_request(method, url, **kwargs)
    history: list[httpx.Response] = []
    while True:
        response = await client.send(request, auth=auth, stream=True, follow_redirects=False)
        request = None
        try:
            if len(history) < client.max_redirects:
                request = next_request_within_origin(response)
            if request is None:
                response.history = history
                yield response
                return
        finally:
            await response.aclose()
        history = [*history, response]


@asynccontextmanager
async def sse_within_origin(
    client: httpx.AsyncClient, url: httpx.URL | str, *, headers: dict[str, str] | None = None
) -> AsyncGenerator["EventSource", None]:
    """Open a stream of server-sent events by GET, following redirects within the origin.

    Args:
        client: See `request_within_origin`.
        url: Where to connect.
        headers: Added to, and stronger than, `Accept: text/event-stream` and `Cache-Control: no-store`.
    """
    from httpx_sse import EventSource

    merged = httpx.Headers({"Accept": "text/event-stream", "Cache-Control": "no-store"})
    merged.update(headers)
    async with stream_within_origin(client, "GET", url, headers=merged) as response:
        yield EventSource(response)


class RedirectAwareAuth(ABC, httpx.Auth):
    """Base of authentication flows whose own requests stay within their origin and within limits.

    They follow at most five redirects in a row, have 30 s for each network operation, and of their answers at most
    1 MiB is read.
    """

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Run the flow for one request; httpx drives this.

        Args:
            request: The request to authenticate; what its redirects mean is the sender's business.
        """
        async with aclosing(self._auth_flow(request)) as flow:
            try:
                wanted = await anext(flow)
                while True:
                    if wanted is request:
                        response = yield wanted
                    else:
                        # Not built by the client, so nothing else limits it.
                        wanted.extensions.setdefault("timeout", _AUTH_TIMEOUT)
                        response = limit_body((yield wanted))
                        for _ in range(_AUTH_MAX_REDIRECTS):
                            follow_up = next_request_within_origin(response)
                            if follow_up is None:
                                break
                            response = limit_body((yield follow_up))
                    wanted = await flow.asend(response)
            except StopAsyncIteration:
                return

    @abstractmethod
    def _auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Yield requests to be sent, get their responses, and end when the last one is the answer."""


def limit_body(response: httpx.Response) -> httpx.Response:
    """Make a response whose body is still to be read end after 1 MiB or 30 s; such a cut is logged."""
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _LimitedStream(response.stream)
    return response


class _LimitedStream(httpx.AsyncByteStream):
    # Cutting instead of raising: httpx reads the body once more after each step of an authentication flow, and what was
    # cut is no valid document anyway.
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = _AUTH_MAX_BODY
        deadline = anyio.current_time() + MCP_DEFAULT_TIMEOUT
        parts = aiter(self._stream)
        try:
            while left > 0:
                part: bytes | None = None
                with anyio.move_on_after(deadline - anyio.current_time()):
                    try:
                        part = await anext(parts)
                    except StopAsyncIteration:
                        return
                if part is None:
                    break
                yield part[:left]
                left -= len(part)
            logger.warning("Body of an authorization response cut: more than %d bytes or too slow", _AUTH_MAX_BODY)
        finally:
            if isinstance(parts, AsyncGenerator):
                await parts.aclose()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _method_kept(method: str, status_code: int) -> bool:
    if method in ("GET", "HEAD"):
        return True
    return status_code in (307, 308) or (status_code == 301 and method != "POST")


def _same_origin_or_upgrade(source: httpx.URL, target: httpx.URL) -> bool:
    if source.host != target.host:
        return False
    before, after = source.port or _DEFAULT_PORTS.get(source.scheme), target.port or _DEFAULT_PORTS[target.scheme]
    if source.scheme == target.scheme:
        return before == after
    return (source.scheme, before, target.scheme, after) == ("http", 80, "https", 443)


def _own_userinfo(location: str) -> bool:
    return bool(httpx.URL(location).userinfo)
