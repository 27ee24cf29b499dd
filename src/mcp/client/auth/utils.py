"""Helpers of the OAuth flow: reading challenges, discovery URLs, building and reading messages.

Specification: basic/authorization (2025-11-25); RFC 7591, 8414 and 9728.
"""

import logging
from urllib.parse import urljoin, urlsplit

from httpx import Request, Response
from pydantic import AnyUrl, ValidationError

from mcp.client.auth._challenge import find_parameter
from mcp.client.auth._decisions import application_type, oauth_error
from mcp.client.auth.exceptions import OAuthFlowError, OAuthRegistrationError, OAuthTokenError
from mcp.shared._httpx_utils import redirect_note
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from mcp.types import LATEST_PROTOCOL_VERSION

logger = logging.getLogger(__name__)

_PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"
_AUTHORIZATION_SERVER = "/.well-known/oauth-authorization-server"
_OPENID = "/.well-known/openid-configuration"


def extract_field_from_www_auth(response: Response, field_name: str) -> str | None:
    """Return a parameter of the challenge in `WWW-Authenticate`, quoted there or not; None if it is absent."""
    return find_parameter(response.headers.get_list("www-authenticate"), field_name)


def extract_scope_from_www_auth(response: Response) -> str | None:
    """Return the scopes that a challenge asks for, separated by spaces; None if it names none."""
    return extract_field_from_www_auth(response, "scope")


def extract_resource_metadata_from_www_auth(response: Response) -> str | None:
    """Return the metadata URL that a 401 or 403 names (RFC 9728 section 5.1); None otherwise."""
    if response.status_code not in (401, 403):
        return None
    return extract_field_from_www_auth(response, "resource_metadata")


def build_protected_resource_metadata_discovery_urls(www_auth_url: str | None, server_url: str) -> list[str]:
    """Return where to look for protected resource metadata, best first.

    Args:
        www_auth_url: What the challenge named, if anything.
        server_url: URL of the MCP server; its path comes after the well-known part, then the root is tried.
    """
    parts = urlsplit(server_url)
    base = f"{parts.scheme}://{parts.netloc}"
    urls = [www_auth_url] if www_auth_url else []
    if parts.path not in ("", "/"):
        urls.append(urljoin(base, _PROTECTED_RESOURCE + parts.path))
    urls.append(urljoin(base, _PROTECTED_RESOURCE))
    return urls


def get_client_metadata_scopes(
    www_authenticate_scope: str | None,
    protected_resource_metadata: ProtectedResourceMetadata | None,
    authorization_server_metadata: OAuthMetadata | None = None,
) -> str | None:
    """Return the scopes to ask for: those of the challenge, else all of the resource's, else all of the server's.

    Specification: basic/authorization, "Scope Selection Strategy" (2025-11-25).
    """
    if www_authenticate_scope is not None:
        return www_authenticate_scope
    for metadata in (protected_resource_metadata, authorization_server_metadata):
        if metadata is not None and metadata.scopes_supported is not None:
            return " ".join(metadata.scopes_supported)
    return None


def build_oauth_authorization_server_metadata_discovery_urls(
    auth_server_url: str | None,
    server_url: str,
) -> list[str]:
    """Return where to look for authorization server metadata, best first (RFC 8414 and OpenID Connect discovery).

    Args:
        auth_server_url: The issuer, if protected resource metadata named one.
        server_url: URL of the MCP server, whose origin is the issuer otherwise.
    """
    parts = urlsplit(auth_server_url or server_url)
    base = f"{parts.scheme}://{parts.netloc}"
    if not auth_server_url:
        return [urljoin(base, _AUTHORIZATION_SERVER)]
    path = parts.path.rstrip("/")
    if not path:
        return [urljoin(base, _AUTHORIZATION_SERVER), urljoin(base, _OPENID)]
    return [urljoin(base, _AUTHORIZATION_SERVER + path), urljoin(base, _OPENID + path), urljoin(base, path + _OPENID)]


async def handle_protected_resource_response(response: Response) -> ProtectedResourceMetadata | None:
    """Return the metadata of a 200 response; None for another status or an invalid body."""
    if response.status_code != 200:
        return None
    try:
        return ProtectedResourceMetadata.model_validate_json(await response.aread())
    except ValidationError:
        logger.warning("Invalid protected resource metadata at %s", _address(response))
        return None


async def handle_auth_metadata_response(response: Response) -> tuple[bool, OAuthMetadata | None]:
    """Return whether to try the next URL, and the metadata if this response has them.

    A status of 3xx or 4xx and an invalid body mean that the next URL is worth a try.
    """
    if response.status_code == 200:
        try:
            return True, OAuthMetadata.model_validate_json(await response.aread())
        except ValidationError:
            logger.debug("Invalid authorization server metadata at %s", _address(response))
            return True, None
    return 300 <= response.status_code < 500, None


def validate_metadata_issuer(oauth_metadata: OAuthMetadata, expected_issuer: str) -> None:
    """Check that metadata describe the issuer they were fetched for (RFC 8414 section 3.3).

    Raises:
        OAuthFlowError: They name another one.
    """
    if not issuers_match(str(oauth_metadata.issuer), expected_issuer):
        raise OAuthFlowError(
            f"Authorization server metadata issuer mismatch: {oauth_metadata.issuer} != {expected_issuer}"
        )


def issuers_match(a: str, b: str) -> bool:
    """Tell whether two issuers are equal as strings, except that a bare origin and the same with `/` are."""
    return a == b or _with_root_path(a) == _with_root_path(b)


def create_oauth_metadata_request(url: str) -> Request:
    """Return a request for a metadata document."""
    return Request("GET", url, headers={"MCP-Protocol-Version": LATEST_PROTOCOL_VERSION})


def create_client_registration_request(
    auth_server_metadata: OAuthMetadata | None,
    client_metadata: OAuthClientMetadata,
    auth_base_url: str,
) -> Request:
    """Return a registration request (RFC 7591).

    Args:
        auth_server_metadata: Name the endpoint, if known.
        client_metadata: Sent as JSON, without members that are None; `application_type` is derived if it is.
        auth_base_url: Origin of the fallback `/register`.
    """
    if auth_server_metadata is not None and auth_server_metadata.registration_endpoint is not None:
        url = str(auth_server_metadata.registration_endpoint)
    else:
        url = urljoin(auth_base_url, "/register")
    document = client_metadata.model_dump(mode="json", exclude_none=True)
    if not client_metadata.scope:
        document.pop("scope", None)
    kind = client_metadata.application_type or application_type(client_metadata.redirect_uris)
    if kind is not None:
        document["application_type"] = kind
    return Request("POST", url, json=document)


async def handle_registration_response(response: Response) -> OAuthClientInformationFull:
    """Return the client that a registration response describes. An `issuer` in it does not count.

    Raises:
        OAuthRegistrationError: The registration was refused, or the response is invalid.
    """
    body = await response.aread()
    if response.status_code not in (200, 201):
        raise OAuthRegistrationError(
            f"Registration failed: {response.status_code}{redirect_note(response)} {response.text}",
            **oauth_error(body),
        )
    try:
        client = OAuthClientInformationFull.model_validate_json(body)
    except ValidationError as error:
        raise OAuthRegistrationError(f"Invalid registration response: {error}") from error
    if not client.client_id:
        raise OAuthRegistrationError("Invalid registration response: client_id is missing")
    client.issuer = None
    return client


def is_valid_client_metadata_url(url: str | None) -> bool:
    """Tell whether a URL can be a client id (client id metadata documents): https with a path other than `/`."""
    if not url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and parts.path not in ("", "/")


def credentials_match_issuer(
    client_info: OAuthClientInformationFull,
    issuer: str,
    client_metadata_url: str | None,
) -> bool:
    """Tell whether a client may be used at an issuer.

    Credentials without recorded issuer, and a client id that is the client's own metadata URL, may be used anywhere.
    """
    if client_info.issuer is None or client_info.client_id == client_metadata_url:
        return True
    return issuers_match(client_info.issuer, issuer)


def should_use_client_metadata_url(oauth_metadata: OAuthMetadata | None, client_metadata_url: str | None) -> bool:
    """Tell whether the client's metadata URL serves as its id instead of a registration."""
    return bool(
        client_metadata_url
        and oauth_metadata is not None
        and oauth_metadata.client_id_metadata_document_supported is True
    )


def create_client_info_from_metadata_url(
    client_metadata_url: str, redirect_uris: list[AnyUrl] | None = None
) -> OAuthClientInformationFull:
    """Return the public client whose id is its metadata URL."""
    return OAuthClientInformationFull(
        client_id=client_metadata_url, token_endpoint_auth_method="none", redirect_uris=redirect_uris
    )


async def handle_token_response_scopes(response: Response) -> OAuthToken:
    """Return the tokens in a token response. The granted scope may be narrower than the one asked for.

    Raises:
        OAuthTokenError: The body is not a token response.
    """
    try:
        return OAuthToken.model_validate_json(await response.aread())
    except ValidationError as error:
        raise OAuthTokenError(f"Invalid token response: {error}") from error


def _with_root_path(issuer: str) -> str:
    scheme, separator, rest = issuer.partition("://")
    bare = separator and rest and not any(sign in rest for sign in "/?#")
    return issuer + "/" if scheme and bare else issuer


def _address(response: Response) -> str:
    # Responses made by hand have no request.
    try:
        return str(response.request.url)
    except RuntimeError:
        return "unknown address"
