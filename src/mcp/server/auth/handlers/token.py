"""The token endpoint."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, AnyUrl, BaseModel, Field, RootModel, ValidationError
from starlette.requests import Request

from mcp.server.auth._forms import NO_CACHE, read_form
from mcp.server.auth.errors import stringify_pydantic_error
from mcp.server.auth.json_response import PydanticJSONResponse
from mcp.server.auth.middleware.client_auth import AuthenticationError, ClientAuthenticator
from mcp.server.auth.provider import (
    AuthorizationCode,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    TokenError,
    TokenErrorCode,
)
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp.shared.auth_utils import same_resource


class AuthorizationCodeRequest(BaseModel):
    """Exchange of an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""

    grant_type: Literal["authorization_code"]
    code: str
    redirect_uri: AnyUrl | None = None
    client_id: str
    client_secret: str | None = None
    code_verifier: str
    resource: str | None = None


class RefreshTokenRequest(BaseModel):
    """Exchange of a refresh token (RFC 6749 section 6)."""

    grant_type: Literal["refresh_token"]
    refresh_token: str
    scope: str | None = None
    client_id: str
    client_secret: str | None = None
    resource: str | None = None


class TokenRequest(
    RootModel[Annotated[AuthorizationCodeRequest | RefreshTokenRequest, Field(discriminator="grant_type")]]
):
    """Either kind of request, told apart by `grant_type`."""

    root: Annotated[AuthorizationCodeRequest | RefreshTokenRequest, Field(discriminator="grant_type")]


class TokenErrorResponse(BaseModel):
    """An error (RFC 6749 section 5.2)."""

    error: TokenErrorCode
    error_description: str | None = None
    error_uri: AnyHttpUrl | None = None


class TokenSuccessResponse(RootModel[OAuthToken]):
    """The tokens."""

    root: OAuthToken


def _check_grant_type(grant_type: str, client: OAuthClientInformationFull) -> None:
    if grant_type not in client.grant_types:
        raise TokenError(
            "unsupported_grant_type", f"Unsupported grant type (supported grant types are {client.grant_types})"
        )


def _check_resource(requested: str | None, granted: str | None) -> None:
    # Providers that do not keep the resource cannot be held to it.
    if requested is not None and granted is not None and not same_resource(requested, granted):
        raise TokenError("invalid_target", "resource does not match the one that was authorized")


def _check_code(
    request: AuthorizationCodeRequest,
    code: AuthorizationCode | None,
    client: OAuthClientInformationFull,
    now: float,
) -> AuthorizationCode:
    if code is None or code.client_id != client.client_id:
        raise TokenError("invalid_grant", "authorization code does not exist")
    if code.expires_at < now:
        raise TokenError("invalid_grant", "authorization code has expired")
    expected = str(code.redirect_uri) if code.redirect_uri_provided_explicitly else None
    presented = None if request.redirect_uri is None else str(request.redirect_uri)
    if presented != expected:
        raise TokenError("invalid_request", "redirect_uri did not match the one used when creating auth code")
    digest = hashlib.sha256(request.code_verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=")
    if not hmac.compare_digest(challenge, code.code_challenge.encode()):
        raise TokenError("invalid_grant", "incorrect code_verifier")
    _check_resource(request.resource, code.resource)
    return code


def _check_refresh_token(
    request: RefreshTokenRequest, token: RefreshToken | None, client: OAuthClientInformationFull, now: float
) -> tuple[RefreshToken, list[str]]:
    if token is None or token.client_id != client.client_id:
        raise TokenError("invalid_grant", "refresh token does not exist")
    if token.expires_at and token.expires_at < now:
        raise TokenError("invalid_grant", "refresh token has expired")
    scopes = request.scope.split() if request.scope else token.scopes
    for scope in scopes:
        if scope not in token.scopes:
            raise TokenError("invalid_scope", f"cannot request scope `{scope}` not provided by refresh token")
    _check_resource(request.resource, token.resource)
    return token, scopes


@dataclass
class TokenHandler:
    """Serves `/token`.

    Args:
        provider: Holds codes and tokens.
        client_authenticator: Runs before anything else is looked at.
    """

    provider: OAuthAuthorizationServerProvider[Any, Any, Any]
    client_authenticator: ClientAuthenticator

    def response(self, obj: TokenSuccessResponse | TokenErrorResponse) -> PydanticJSONResponse:
        """Return an answer: 200 with tokens, or 400 with an error; never cached."""
        status = 200 if isinstance(obj, TokenSuccessResponse) else 400
        return PydanticJSONResponse(content=obj, status_code=status, headers=NO_CACHE)

    async def handle(self, request: Request) -> PydanticJSONResponse:
        """Answer a token request."""
        try:
            client = await self.client_authenticator.authenticate_request(request)
        except AuthenticationError as error:
            refusal = TokenErrorResponse(error="unauthorized_client", error_description=error.message)
            return PydanticJSONResponse(content=refusal, status_code=401, headers=NO_CACHE)
        # The client may have named itself only in the Authorization header.
        form = {"client_id": client.client_id, **await read_form(request)}
        try:
            token_request = TokenRequest.model_validate(form).root
        except ValidationError as error:
            unknown = any(detail["type"] == "union_tag_invalid" for detail in error.errors())
            code = "unsupported_grant_type" if unknown else "invalid_request"
            return self.response(TokenErrorResponse(error=code, error_description=stringify_pydantic_error(error)))
        try:
            _check_grant_type(token_request.grant_type, client)
            if isinstance(token_request, AuthorizationCodeRequest):
                tokens = await self._exchange_code(token_request, client)
            else:
                tokens = await self._exchange_refresh_token(token_request, client)
        except TokenError as error:
            return self.response(TokenErrorResponse(error=error.error, error_description=error.error_description))
        return self.response(TokenSuccessResponse(root=tokens))

    async def _exchange_code(self, request: AuthorizationCodeRequest, client: OAuthClientInformationFull) -> OAuthToken:
        found = await self.provider.load_authorization_code(client, request.code)
        code = _check_code(request, found, client, time.time())
        return await self.provider.exchange_authorization_code(client, code)

    async def _exchange_refresh_token(
        self, request: RefreshTokenRequest, client: OAuthClientInformationFull
    ) -> OAuthToken:
        found = await self.provider.load_refresh_token(client, request.refresh_token)
        token, scopes = _check_refresh_token(request, found, client, time.time())
        return await self.provider.exchange_refresh_token(client, token, scopes)
