"""Comparison of URLs in authorization: resource identifiers (RFC 8707), origins, this machine; and token expiry."""

import time
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

from pydantic import AnyUrl, HttpUrl

DEFAULT_PORTS = {"http": 80, "https": 443}


def resource_url_from_server_url(url: str | HttpUrl | AnyUrl) -> str:
    """Return the resource identifier of an MCP server: its URL with lower-case scheme and host and no fragment.

    Path, query, trailing slash, user information and port stay as they are. Specification: basic/authorization,
    "Canonical Server URI" (2025-11-25).
    """
    parts = urlsplit(str(url))
    userinfo, at, host = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme.lower(), f"{userinfo}{at}{host.lower()}", parts.path, parts.query, ""))


def check_resource_allowed(requested_resource: str, configured_resource: str) -> bool:
    """Tell whether a configured resource covers a requested one.

    Both must have the same scheme, host and port (a default port may be left out), and the configured path must equal
    the requested path or be a parent of it on a segment border; query and a trailing slash do not count.

    Args:
        requested_resource: The URL that is to be reached.
        configured_resource: The resource identifier that metadata names.
    """
    try:
        requested, configured = urlsplit(requested_resource), urlsplit(configured_resource)
    except ValueError:
        return False
    origin = _origin(requested)
    if origin is None or origin != _origin(configured):
        return False
    return _as_folder(requested.path).startswith(_as_folder(configured.path))


def calculate_token_expiry(expires_in: int | str | None) -> float | None:
    """Return the Unix time in seconds at which a token received now expires; None if its lifetime is unknown."""
    return None if expires_in is None else time.time() + int(expires_in)


def same_resource(one: str, other: str) -> bool:
    """Tell whether two resource identifiers are equal, up to case of the host, default port and one trailing slash."""
    try:
        first, second = urlsplit(one), urlsplit(other)
    except ValueError:
        return False
    origin = _origin(first)
    return origin is not None and origin == _origin(second) and _rest(first) == _rest(second)


def is_loopback(host: str | None) -> bool:
    """Tell whether a host is exactly `localhost`, in 127.0.0.0/8, or `::1` (with or without brackets)."""
    if host == "localhost":
        return True
    try:
        return ip_address((host or "").removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def url_origin(url: str) -> str:
    """Return scheme, host and port of a URL in one comparable form; a default port is left out."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    if parts.port is None or parts.port == DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{parts.port}"


def _as_folder(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def _rest(parts: SplitResult) -> tuple[str, ...]:
    return parts.netloc.rpartition("@")[0], parts.path.removesuffix("/"), parts.query, parts.fragment


def _origin(parts: SplitResult) -> tuple[str, str, int | None] | None:
    scheme = parts.scheme.lower()
    try:
        port = parts.port
    except ValueError:
        return None
    if not scheme or not parts.hostname:
        return None
    return scheme, parts.hostname, port or DEFAULT_PORTS.get(scheme)
