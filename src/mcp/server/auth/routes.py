"""Routes and metadata documents of authorization and resource servers.

Specification: basic/authorization (2025-11-25); RFC 8414 and RFC 9728.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response
from starlette.types import ASGIApp

from mcp.server.auth.handlers.authorize import AuthorizationHandler
from mcp.server.auth.handlers.metadata import MetadataHandler, ProtectedResourceMetadataHandler
from mcp.server.auth.handlers.register import RegistrationHandler
from mcp.server.auth.handlers.revoke import RevocationHandler
from mcp.server.auth.handlers.token import TokenHandler
from mcp.server.auth.middleware.client_auth import ClientAuthenticator
from mcp.server.auth.provider import OAuthAuthorizationServerProvider
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE, RequestBodyLimitMiddleware
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata
from mcp.shared.auth_utils import is_loopback

AUTHORIZATION_PATH = "/authorize"
TOKEN_PATH = "/token"
REGISTRATION_PATH = "/register"
REVOCATION_PATH = "/revoke"

_METADATA_PATH = "/.well-known/oauth-authorization-server"
_RESOURCE_METADATA_PATH = "/.well-known/oauth-protected-resource"


def validate_issuer_url(url: AnyHttpUrl) -> None:
    """Check an issuer URL (RFC 8414 section 2).

    Args:
        url: https, or http on exactly `localhost`, 127.0.0.0/8 or `::1`; without query and fragment.

    Raises:
        ValueError: It is none of these.
    """
    if url.scheme != "https" and not is_loopback(url.host):
        raise ValueError("Issuer URL must be HTTPS")
    if url.fragment is not None:
        raise ValueError("Issuer URL must not have a fragment")
    if url.query is not None:
        raise ValueError("Issuer URL must not have a query string")


def cors_middleware(
    handler: Callable[[Request], Response | Awaitable[Response]],
    allow_methods: list[str],
) -> ASGIApp:
    """Make an ASGI application of a request handler, open to browsers of any origin, with the body limit inside.

    Args:
        handler: Takes a request, returns a response.
        allow_methods: Methods a preflight request may ask for.
    """
    return CORSMiddleware(
        app=_limited(handler),
        allow_origins=["*"],
        allow_methods=allow_methods,
        # `authorization`: for clients that authenticate by client_secret_basic.
        allow_headers=["mcp-protocol-version", "authorization"],
    )


def create_auth_routes(
    provider: OAuthAuthorizationServerProvider[Any, Any, Any],
    issuer_url: AnyHttpUrl,
    service_documentation_url: AnyHttpUrl | None = None,
    client_registration_options: ClientRegistrationOptions | None = None,
    revocation_options: RevocationOptions | None = None,
) -> list[Route]:
    """Return the endpoints of an authorization server, at the root of the application.

    Args:
        provider: Storage and decisions.
        issuer_url: Also the base of the endpoint URLs in the metadata: if it has a path, mount the routes there. The
            metadata are then served at the path that RFC 8414 asks for as well.
        service_documentation_url: A page for humans.
        client_registration_options: Add `/register` if enabled.
        revocation_options: Add `/revoke` if enabled.

    Raises:
        ValueError: See `validate_issuer_url`.
    """
    validate_issuer_url(issuer_url)
    registration = client_registration_options or ClientRegistrationOptions()
    revocation = revocation_options or RevocationOptions()
    metadata = build_metadata(issuer_url, service_documentation_url, registration, revocation)
    authenticator = ClientAuthenticator(provider)
    routes = [
        _open_route(_METADATA_PATH, MetadataHandler(metadata).handle, ["GET", "OPTIONS"]),
        # Browsers navigate to this one; scripts have no business with it.
        Route(AUTHORIZATION_PATH, endpoint=_limited(AuthorizationHandler(provider).handle), methods=["GET", "POST"]),
        _open_route(TOKEN_PATH, TokenHandler(provider, authenticator).handle, ["POST", "OPTIONS"]),
    ]
    if registration.enabled:
        handler = RegistrationHandler(provider, options=registration)
        routes.append(_open_route(REGISTRATION_PATH, handler.handle, ["POST", "OPTIONS"]))
    if revocation.enabled:
        handler = RevocationHandler(provider, authenticator)
        routes.append(_open_route(REVOCATION_PATH, handler.handle, ["POST", "OPTIONS"]))
    issuer_path = (issuer_url.path or "").rstrip("/")
    if issuer_path:
        routes.append(_open_route(_METADATA_PATH + issuer_path, MetadataHandler(metadata).handle, ["GET", "OPTIONS"]))
    return routes


def build_metadata(
    issuer_url: AnyHttpUrl,
    service_documentation_url: AnyHttpUrl | None,
    client_registration_options: ClientRegistrationOptions,
    revocation_options: RevocationOptions,
) -> OAuthMetadata:
    """Return the authorization server metadata (RFC 8414) that fit `create_auth_routes`."""
    base = str(issuer_url).rstrip("/")
    auth_methods = ["client_secret_post", "client_secret_basic"]
    metadata = OAuthMetadata(
        issuer=issuer_url,
        authorization_endpoint=AnyHttpUrl(base + AUTHORIZATION_PATH),
        token_endpoint=AnyHttpUrl(base + TOKEN_PATH),
        scopes_supported=client_registration_options.valid_scopes,
        response_types_supported=["code"],
        grant_types_supported=["authorization_code", "refresh_token"],
        token_endpoint_auth_methods_supported=auth_methods,
        service_documentation=service_documentation_url,
        code_challenge_methods_supported=["S256"],
    )
    if client_registration_options.enabled:
        metadata.registration_endpoint = AnyHttpUrl(base + REGISTRATION_PATH)
    if revocation_options.enabled:
        metadata.revocation_endpoint = AnyHttpUrl(base + REVOCATION_PATH)
        metadata.revocation_endpoint_auth_methods_supported = list(auth_methods)
    return metadata


def build_resource_metadata_url(resource_server_url: AnyHttpUrl) -> AnyHttpUrl:
    """Return where the metadata of a protected resource are found (RFC 9728 section 3.1).

    Args:
        resource_server_url: The well-known part goes between its host and its path; a query is dropped.
    """
    parts = urlsplit(str(resource_server_url))
    path = "" if parts.path == "/" else parts.path
    return AnyHttpUrl(f"{parts.scheme}://{parts.netloc}{_RESOURCE_METADATA_PATH}{path}")


def create_protected_resource_routes(
    resource_url: AnyHttpUrl,
    authorization_servers: list[AnyHttpUrl],
    scopes_supported: list[str] | None = None,
    resource_name: str | None = None,
    resource_documentation: AnyHttpUrl | None = None,
) -> list[Route]:
    """Return the one route that serves the metadata of a protected resource (RFC 9728).

    Args:
        resource_url: URL of the resource as clients see it.
        authorization_servers: Issuers whose tokens it accepts, at least one.
        scopes_supported: Scopes a client may need.
        resource_name: A name for humans.
        resource_documentation: A page for humans.
    """
    metadata = ProtectedResourceMetadata(
        resource=resource_url,
        authorization_servers=authorization_servers,
        scopes_supported=scopes_supported,
        resource_name=resource_name,
        resource_documentation=resource_documentation,
    )
    path = build_resource_metadata_url(resource_url).path or _RESOURCE_METADATA_PATH
    return [_open_route(path, ProtectedResourceMetadataHandler(metadata).handle, ["GET", "OPTIONS"])]


def _limited(handler: Callable[[Request], Response | Awaitable[Response]]) -> ASGIApp:
    return RequestBodyLimitMiddleware(request_response(handler), DEFAULT_MAX_REQUEST_BODY_SIZE)


def _open_route(path: str, handler: Callable[[Request], Awaitable[Response]], methods: list[str]) -> Route:
    return Route(path, endpoint=cors_middleware(handler, methods), methods=methods)
