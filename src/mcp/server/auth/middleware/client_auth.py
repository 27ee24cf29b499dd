"""Authenticates OAuth clients at the token and revocation endpoints (RFC 6749 section 2.3)."""

import base64
import binascii
import hmac
import time
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from mcp.server.auth._forms import read_form
from mcp.server.auth.provider import OAuthAuthorizationServerProvider
from mcp.shared.auth import OAuthClientInformationFull


class AuthenticationError(Exception):
    """A client is not who it says it is.

    Args:
        message: Text for the `error_description` of the answer.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ClientAuthenticator:
    """Authenticates the client of a request by the method it is registered with, and no other.

    Args:
        provider: Knows the clients.
    """

    def __init__(self, provider: OAuthAuthorizationServerProvider[Any, Any, Any]) -> None:
        self.provider = provider

    async def authenticate_request(self, request: Request) -> OAuthClientInformationFull:
        """Return the client.

        Args:
            request: Carries `client_id` in its form, or id and secret as HTTP Basic credentials.

        Raises:
            AuthenticationError: The client is unknown, or its credentials are missing, wrong or expired.
        """
        form = await read_form(request)
        authorization = request.headers.get("Authorization", "")
        client_id = form.get("client_id")
        if not isinstance(client_id, str) or not client_id:
            client_id = _basic_client_id(authorization)
        client = await self.provider.get_client(client_id)
        if client is None:
            raise AuthenticationError("Invalid client_id")
        secret = _presented_secret(client, client_id, authorization, form.get("client_secret"))
        _check_secret(client, secret, time.time())
        return client


def _basic_client_id(authorization: str) -> str:
    try:
        return _basic_credentials(authorization)[0]
    except AuthenticationError as error:
        raise AuthenticationError("Missing client_id") from error


def _basic_credentials(authorization: str) -> tuple[str, str]:
    if authorization[:6].lower() != "basic ":
        raise AuthenticationError("Missing or invalid Basic authentication in Authorization header")
    try:
        client_id, colon, secret = base64.b64decode(authorization[6:]).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise AuthenticationError("Invalid Basic authentication header") from error
    if not colon:
        raise AuthenticationError("Invalid Basic authentication header")
    return unquote(client_id), unquote(secret)


def _presented_secret(
    client: OAuthClientInformationFull, client_id: str, authorization: str, form_secret: object
) -> str | None:
    method = client.token_endpoint_auth_method
    if method == "client_secret_basic":
        basic_id, secret = _basic_credentials(authorization)
        if basic_id != client_id:
            raise AuthenticationError("Client ID mismatch in Basic auth")
        return secret
    if method == "client_secret_post":
        return form_secret if isinstance(form_secret, str) else None
    if method == "none":
        return None
    raise AuthenticationError(f"Unsupported auth method: {method}")


def _check_secret(client: OAuthClientInformationFull, secret: str | None, now: float) -> None:
    if not client.client_secret:
        return
    if not secret:
        raise AuthenticationError("Client secret is required")
    if not hmac.compare_digest(client.client_secret.encode(), secret.encode()):
        raise AuthenticationError("Invalid client_secret")
    if client.client_secret_expires_at and client.client_secret_expires_at < now:
        raise AuthenticationError("Client secret has expired")
