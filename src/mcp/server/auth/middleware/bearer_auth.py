"""Bearer authentication and scope checks as starlette pieces.

Specification: basic/authorization, "Access Token Usage" and "Error Handling" (2025-11-25); RFC 6750.
"""

import json
import logging
import time
from typing import Any, TypedDict

from pydantic import AnyHttpUrl
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.shared.auth_utils import same_resource

logger = logging.getLogger(__name__)


class AuthenticatedUser(SimpleUser):
    """The bearer of a valid token; its display name is the client's id.

    Args:
        auth_info: What the verifier knows of the token.
    """

    def __init__(self, auth_info: AccessToken) -> None:
        super().__init__(auth_info.client_id)
        self.access_token = auth_info
        self.scopes = auth_info.scopes


class AuthorizationContext(TypedDict):
    """Who acts: a session serves only the principal that opened it."""

    client_id: str
    issuer: str | None
    subject: str | None


def authorization_context(user: AuthenticatedUser) -> AuthorizationContext:
    """Return the principal behind a user; the issuer comes from the claim `iss`."""
    token = user.access_token
    return AuthorizationContext(
        client_id=token.client_id, issuer=(token.claims or {}).get("iss"), subject=token.subject
    )


class BearerAuthBackend(AuthenticationBackend):
    """Authenticates connections by `Authorization: Bearer`.

    Args:
        token_verifier: Decides whether a token is valid; its exceptions become HTTP 500.
        resource_server_url: If set, only tokens issued for this resource pass (RFC 8707).
    """

    def __init__(self, token_verifier: TokenVerifier, *, resource_server_url: AnyHttpUrl | None = None) -> None:
        self.token_verifier = token_verifier
        self.resource_server_url = resource_server_url

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, AuthenticatedUser] | None:
        """Return the scopes and the user of a valid token, or None."""
        authorization = conn.headers.get("authorization", "")
        token = authorization[7:].strip()
        if authorization[:7].lower() != "bearer " or not token:
            return None
        access = await self.token_verifier.verify_token(token)
        if access is None or (access.expires_at and access.expires_at < time.time()):
            return None
        if not self._is_meant_for_us(access):
            return None
        return AuthCredentials(access.scopes), AuthenticatedUser(access)

    def _is_meant_for_us(self, access: AccessToken) -> bool:
        if self.resource_server_url is None:
            return True
        expected = str(self.resource_server_url)
        if access.resource is not None and same_resource(access.resource, expected):
            return True
        logger.warning("Token refused: it was issued for resource %r, this server is %r", access.resource, expected)
        return False


class RequireAuthMiddleware:
    """Lets only authenticated requests with all required scopes reach an application.

    Args:
        app: The ASGI application behind it.
        required_scopes: Needed all; empty: any valid token passes.
        resource_metadata_url: Named in `WWW-Authenticate`, so that clients find the authorization server (RFC 9728).
    """

    def __init__(
        self,
        app: Any,
        required_scopes: list[str],
        resource_metadata_url: AnyHttpUrl | None = None,
    ) -> None:
        self.app = app
        self.required_scopes = required_scopes
        self.resource_metadata_url = resource_metadata_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, or answer 401 `invalid_token` or 403 `insufficient_scope`."""
        if not isinstance(scope.get("user"), AuthenticatedUser):
            await self._send_auth_error(
                send, status_code=401, error="invalid_token", description="Authentication required"
            )
            return
        granted = getattr(scope.get("auth"), "scopes", ())
        for required in self.required_scopes:
            if required not in granted:
                await self._send_auth_error(
                    send, status_code=403, error="insufficient_scope", description=f"Required scope: {required}"
                )
                return
        await self.app(scope, receive, send)

    async def _send_auth_error(self, send: Send, status_code: int, error: str, description: str) -> None:
        """Send an error as JSON, with a challenge that names all required scopes. Meant to be overridden."""
        challenge = [("error", error), ("error_description", description)]
        if self.resource_metadata_url is not None:
            challenge.append(("resource_metadata", str(self.resource_metadata_url)))
        if self.required_scopes:
            challenge.append(("scope", " ".join(self.required_scopes)))
        body = json.dumps({"error": error, "error_description": description}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"www-authenticate", b"Bearer " + ", ".join(_auth_param(*pair) for pair in challenge).encode()),
        ]
        await send({"type": "http.response.start", "status": status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _auth_param(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'
