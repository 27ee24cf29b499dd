"""What the OAuth client decides, without sending anything: which step is next, which scope, which endpoint, which
credentials, and which metadata can be trusted.

Specification: basic/authorization (2025-11-25; 2026-07-28 where it adds to it).
"""

import base64
import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from pydantic import AnyUrl

from mcp.client.auth.exceptions import OAuthFlowError
from mcp.shared.auth import OAuthClientInformationFull, OAuthMetadata
from mcp.shared.auth_utils import DEFAULT_PORTS, is_loopback, url_origin


class Step(enum.Enum):
    """What to do next about one request."""

    SEND = enum.auto()
    REFRESH = enum.auto()
    AUTHORIZE = enum.auto()
    STEP_UP = enum.auto()
    FINISH = enum.auto()


class Answer(enum.Enum):
    """What the server thought of the token."""

    ACCEPTED = enum.auto()
    UNAUTHORIZED = enum.auto()
    INSUFFICIENT_SCOPE = enum.auto()


@dataclass
class Progress:
    """How far one request has come.

    Args:
        answer: The last answer, None if the request is yet to be sent (again).
        refreshed: A refresh was tried on its behalf.
        authorized: The full flow was made for it.
        shared: It was sent with a token that another request obtained meanwhile.
    """

    answer: Answer | None = None
    refreshed: bool = False
    authorized: bool = False
    shared: bool = False


def classify(status_code: int, challenge_error: str | None) -> Answer:
    """Return what an HTTP status and the `error` of its challenge mean."""
    if status_code == 401:
        return Answer.UNAUTHORIZED
    if status_code == 403 and challenge_error == "insufficient_scope":
        return Answer.INSUFFICIENT_SCOPE
    return Answer.ACCEPTED


def next_step(progress: Progress, *, token_valid: bool, can_refresh: bool) -> Step:
    """Return the next step for a request; each request sees at most one refresh and one full flow.

    Args:
        progress: What was done for it.
        token_valid: A token is held and not known to have expired.
        can_refresh: A refresh token and a client are held.
    """
    fresh = not (progress.refreshed or progress.authorized or progress.shared)
    if progress.answer is None:
        return Step.REFRESH if fresh and can_refresh and not token_valid else Step.SEND
    if progress.answer is Answer.ACCEPTED or progress.authorized:
        return Step.FINISH
    if progress.answer is Answer.INSUFFICIENT_SCOPE:
        return Step.STEP_UP
    if progress.shared:
        return Step.FINISH
    return Step.AUTHORIZE


def merge_scopes(earlier: str | None, challenged: str | None) -> str | None:
    """Return the union of scopes, earlier ones first; None if both are."""
    if earlier is None or challenged is None:
        return challenged if earlier is None else earlier
    return " ".join(dict.fromkeys([*earlier.split(), *challenged.split()]))


def is_no_downgrade(url: str, server_url: str) -> bool:
    """Tell whether a URL that a server named is http(s), and not plain http to another machine where it uses https."""
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    except ValueError:
        return False
    if not parts.hostname or parts.scheme not in DEFAULT_PORTS:
        return False
    return secure or urlsplit(server_url).scheme.lower() != "https"


def check_endpoints(metadata: OAuthMetadata) -> None:
    """Check that an https issuer names no plain http endpoint, the local host excepted.

    Raises:
        OAuthFlowError: Codes and secrets would be sent in the clear.
    """
    if metadata.issuer.scheme != "https":
        return
    for name in ("authorization_endpoint", "token_endpoint", "registration_endpoint"):
        url: AnyUrl | None = getattr(metadata, name)
        if url is not None and url.scheme != "https" and not is_loopback(url.host):
            raise OAuthFlowError(f"Authorization server metadata names an insecure {name}: {url}")


def supports_s256(metadata: OAuthMetadata) -> bool:
    """Tell whether metadata promise PKCE with S256."""
    return "S256" in (metadata.code_challenge_methods_supported or ())


def registration_issuer(metadata: OAuthMetadata | None, server_url: str) -> str | None:
    """Return the issuer that registered a client, None if that is not certain.

    It is certain if the registration went to the endpoint of the issuer's metadata, or to the fallback on its origin.
    """
    if metadata is None:
        return None
    issuer = str(metadata.issuer)
    if metadata.registration_endpoint is None and url_origin(issuer) != url_origin(server_url):
        return None
    return issuer


def application_type(redirect_uris: Iterable[AnyUrl] | None) -> str | None:
    """Return `web` if a redirect URI is on a remote host, `native` for loopback and own schemes, None without any."""
    uris = list(redirect_uris or ())
    if not uris:
        return None
    remote = any(uri.scheme in DEFAULT_PORTS and not is_loopback(uri.host) for uri in uris)
    return "web" if remote else "native"


def secret_expired(client: OAuthClientInformationFull, now: float) -> bool:
    """Tell whether a client's secret has expired (0: never)."""
    return bool(client.client_secret and client.client_secret_expires_at and client.client_secret_expires_at <= now)


def token_auth_method(client: OAuthClientInformationFull, metadata: OAuthMetadata | None) -> str:
    """Return how a client authenticates at the token endpoint.

    A server that issued a secret without naming a method means `client_secret_basic` (RFC 7591 section 2), unless its
    metadata offer only `client_secret_post`.
    """
    if client.token_endpoint_auth_method is not None:
        return client.token_endpoint_auth_method
    if not client.client_secret:
        return "none"
    offered = (metadata.token_endpoint_auth_methods_supported if metadata else None) or ["client_secret_basic"]
    if "client_secret_basic" not in offered and "client_secret_post" in offered:
        return "client_secret_post"
    return "client_secret_basic"


def basic_credentials(client_id: str, secret: str) -> str:
    """Return the value of an Authorization header (RFC 6749 section 2.3.1: both parts are percent-encoded first)."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def authorization_url(endpoint: str, parameters: Mapping[str, str]) -> str:
    """Return an authorization endpoint with parameters added to the query it may have."""
    head, hash_sign, fragment = endpoint.partition("#")
    joint = "" if head.endswith(("?", "&")) else "&" if "?" in head else "?"
    return f"{head}{joint}{urlencode(parameters)}{hash_sign}{fragment}"


def oauth_error(body: bytes) -> dict[str, str | None]:
    """Return `error` and `error_description` of an error body, as far as it has them (RFC 6749 section 5.2)."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    members = cast(dict[str, object], document)
    return {name: value for name in ("error", "error_description") if isinstance(value := members.get(name), str)}
