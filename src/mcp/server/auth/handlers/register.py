"""The dynamic client registration endpoint (RFC 7591).

Redirect URIs may have any scheme, so that native applications can use their own; a provider that wants only https and
loopback URIs raises `RegistrationError("invalid_redirect_uri")` in `register_client`.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, RootModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from mcp.server.auth._forms import NO_STORE
from mcp.server.auth.errors import stringify_pydantic_error
from mcp.server.auth.json_response import PydanticJSONResponse
from mcp.server.auth.provider import OAuthAuthorizationServerProvider, RegistrationError, RegistrationErrorCode
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata


class RegistrationRequest(RootModel[OAuthClientMetadata]):
    """The metadata a client sends."""

    root: OAuthClientMetadata


class RegistrationErrorResponse(BaseModel):
    """An error (RFC 7591 section 3.2.2)."""

    error: RegistrationErrorCode
    error_description: str | None


def _parse(body: bytes) -> OAuthClientMetadata:
    try:
        return RegistrationRequest.model_validate_json(body).root
    except ValidationError as error:
        raise RegistrationError("invalid_client_metadata", stringify_pydantic_error(error)) from error


def _accepted(metadata: OAuthClientMetadata, options: ClientRegistrationOptions) -> OAuthClientMetadata:
    """Fill in defaults and check what this server supports; raises RegistrationError."""
    changes: dict[str, object] = {}
    if metadata.token_endpoint_auth_method is None:
        changes["token_endpoint_auth_method"] = "client_secret_post"
    if metadata.scope is None:
        if options.default_scopes is not None:
            changes["scope"] = " ".join(options.default_scopes)
    elif options.valid_scopes is not None:
        invalid = sorted(set(metadata.scope.split()) - set(options.valid_scopes))
        if invalid:
            text = f"Requested scopes are not valid: {{{', '.join(invalid)}}}"
            raise RegistrationError("invalid_client_metadata", text)
    if not {"authorization_code", "refresh_token"} <= set(metadata.grant_types):
        text = "grant_types must be authorization_code and refresh_token"
        raise RegistrationError("invalid_client_metadata", text)
    if "code" not in metadata.response_types:
        text = "response_types must include 'code' for authorization_code grant"
        raise RegistrationError("invalid_client_metadata", text)
    if metadata.redirect_uris is None:
        text = "redirect_uris: at least one is needed for authorization_code grant"
        raise RegistrationError("invalid_redirect_uri", text)
    if metadata.token_endpoint_auth_method == "private_key_jwt":
        text = "token_endpoint_auth_method: private_key_jwt is not supported"
        raise RegistrationError("invalid_client_metadata", text)
    return metadata.model_copy(update=changes)


def _issue(metadata: OAuthClientMetadata, options: ClientRegistrationOptions, now: int) -> OAuthClientInformationFull:
    """Return the client with new credentials."""
    secret: str | None = None
    expires_at: int | None = None
    if metadata.token_endpoint_auth_method != "none":
        secret = secrets.token_hex(32)
        lifetime = options.client_secret_expiry_seconds
        expires_at = 0 if lifetime is None else now + lifetime
    return OAuthClientInformationFull(
        **dict(metadata),
        client_id=str(uuid4()),
        client_id_issued_at=now,
        client_secret=secret,
        client_secret_expires_at=expires_at,
    )


@dataclass
class RegistrationHandler:
    """Serves `/register`.

    Args:
        provider: Stores the client.
        options: Scopes and lifetimes.
    """

    provider: OAuthAuthorizationServerProvider[Any, Any, Any]
    options: ClientRegistrationOptions

    async def handle(self, request: Request) -> Response:
        """Answer a registration request: 201 with the client, or 400 with an error."""
        body = await request.body()
        try:
            metadata = _accepted(_parse(body), self.options)
            client = _issue(metadata, self.options, int(time.time()))
            await self.provider.register_client(client)
        except RegistrationError as error:
            refusal = RegistrationErrorResponse(error=error.error, error_description=error.error_description)
            return PydanticJSONResponse(status_code=400, content=refusal, headers=NO_STORE)
        return PydanticJSONResponse(status_code=201, content=client, headers=NO_STORE)
