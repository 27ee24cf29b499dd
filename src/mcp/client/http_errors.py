"""What a failed HTTP exchange raises.

| what happened | what is raised |
|---|---|
| a status of 400 and above, or a redirect that may not be followed | `HTTPStatusError`, both an `McpError` and an `httpx.HTTPStatusError` |
| the server could not be reached at all, the first time | `httpx.ConnectError` and its like, which are no `McpError`s |
| the connection broke, or could not be made again | `mcp.shared.exceptions.ConnectionClosedError` |
| an exception of the authentication | that exception |
"""  # noqa: E501

from __future__ import annotations

from typing import Any, cast

import anyio
import httpx
from pydantic import ValidationError

from mcp.client._http_bodies import read_limited
from mcp.shared._codec import parse_json
from mcp.shared._httpx_utils import redirect_location, without_secrets
from mcp.shared.exceptions import ConnectionClosedError, McpError, ProtocolError
from mcp.types import INTERNAL_ERROR, ErrorData

MAX_ERROR_BODY = 256 * 1024
"""Bytes of the body of a refusal that are read and kept."""

ERROR_BODY_TIMEOUT = 2.0
"""Seconds to wait for the body of a refusal."""

UNREACHABLE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
"""Exceptions that mean that nothing has reached the server."""

_CONNECTION_ERRORS = (httpx.HTTPError, anyio.BrokenResourceError, anyio.ClosedResourceError)
# Those speak of the body as it was on the wire, which an exception does not keep.
_WIRE_HEADERS = ("content-encoding", "content-length", "transfer-encoding")


class HTTPStatusError(McpError, httpx.HTTPStatusError):
    """The server answered with an HTTP status that means failure.

    Args:
        message: names the status and the URL.
        request: the HTTP request.
        response: the HTTP response, with its body read.
        error: the same in terms of JSON-RPC; code -32603 and the message if None.
    """

    def __init__(
        self, message: str, *, request: httpx.Request, response: httpx.Response, error: ErrorData | None = None
    ) -> None:
        httpx.HTTPStatusError.__init__(self, message, request=request, response=response)
        self.error = error or ErrorData(code=INTERNAL_ERROR, message=message)


def status_error(response: httpx.Response, body: bytes, *, code: int | None = None) -> HTTPStatusError:
    """Make the exception for a response that means failure.

    Args:
        response: only its head is used.
        body: its body; a JSON-RPC error in it gives the error its code, data and text.
        code: the code of the error, in place of -32603 and of the one in the body.
    """
    kept = httpx.Response(
        response.status_code,
        headers=[(name, value) for name, value in response.headers.multi_items() if name not in _WIRE_HEADERS],
        content=body,
        request=response.request,
        history=response.history,
    )
    told = error_in(body)
    message = redirect_refusal(response) or _status_text(response)
    if told is not None:
        message = f"{message}: {told.message}"
    error = ErrorData(
        code=code if code is not None else told.code if told is not None else INTERNAL_ERROR,
        message=message,
        data=told.data if told is not None else None,
    )
    return HTTPStatusError(message, request=response.request, response=kept, error=error)


def _status_text(response: httpx.Response) -> str:
    kind = {3: "Redirect response", 4: "Client error", 5: "Server error"}.get(response.status_code // 100, "Answer")
    status = f"{response.status_code} {response.reason_phrase}".strip()
    return f"{kind} '{status}' for url '{without_secrets(response.request.url)}'"


def redirect_refusal(response: httpx.Response) -> str | None:
    """Say which redirect was not followed, and why; None if the response is no redirect."""
    target = redirect_location(response)
    if target is None:
        return None
    location = without_secrets(target)
    if response.request.url.scheme == "https" and target.scheme == "http":
        return (
            f"Redirect to {location} not followed: it would downgrade this HTTPS endpoint to plain HTTP.\n"
            "The server is likely behind a TLS-terminating proxy whose forwarded headers it does not trust,\n"
            f"often combined with a trailing-slash difference. Try {location.copy_with(scheme='https')} instead, "
            "or fix the proxy settings."
        )
    return f"Redirect to {location} not followed; use that URL as the endpoint if it is the intended server"


def error_in(body: bytes) -> ErrorData | None:
    """The JSON-RPC error in the body of a refusal, None if there is none."""
    if body.lstrip()[:1] != b"{":
        return None
    try:
        return ErrorData.model_validate(cast("dict[str, Any]", parse_json(body)).get("error"))
    except (ProtocolError, ValidationError):
        return None


async def read_refusal(response: httpx.Response, *, code: int | None = None) -> HTTPStatusError:
    """Read the body of a response that means failure, within limits, and make the exception for it."""
    body = await read_limited(response, limit=MAX_ERROR_BODY, patience=ERROR_BODY_TIMEOUT)
    return status_error(response, body, code=code)


def exchange_failure(error: Exception, url: str, *, reached: bool) -> Exception:
    """What a request raises for an exception of the exchange that carried it.

    Args:
        error: the exception.
        url: the endpoint.
        reached: whether the server was ever reached.
    """
    if isinstance(error, McpError) or not isinstance(error, _CONNECTION_ERRORS):
        return error
    where = without_secrets(httpx.URL(url))
    what = describe(error)
    failure: Exception
    if not reached and isinstance(error, UNREACHABLE):
        failure = type(error)(f"{what} ({where})")
    elif isinstance(error, httpx.TimeoutException) and not isinstance(error, UNREACHABLE):
        failure = ConnectionClosedError(f"{where} did not answer within the timeout of the HTTP client ({what})")
    else:
        failure = ConnectionClosedError(f"{what} ({where})")
    failure.__cause__ = error
    return failure


def describe(error: Exception) -> str:
    """The text of an exception, its type if it has none."""
    return str(error) or type(error).__name__
