"""The revocation endpoint (RFC 7009)."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from mcp.server.auth._forms import NO_CACHE, read_form
from mcp.server.auth.errors import stringify_pydantic_error
from mcp.server.auth.json_response import PydanticJSONResponse
from mcp.server.auth.middleware.client_auth import AuthenticationError, ClientAuthenticator
from mcp.server.auth.provider import AccessToken, OAuthAuthorizationServerProvider, RefreshToken
from mcp.shared.auth import OAuthClientInformationFull


class RevocationRequest(BaseModel):
    """The parameters of a revocation request."""

    token: str
    token_type_hint: Literal["access_token", "refresh_token"] | None = None
    client_id: str
    client_secret: str | None


class RevocationErrorResponse(BaseModel):
    """An error."""

    error: Literal["invalid_request", "unauthorized_client"]
    error_description: str | None = None


@dataclass
class RevocationHandler:
    """Serves `/revoke`.

    Args:
        provider: Holds the tokens.
        client_authenticator: Runs before anything else is looked at.
    """

    provider: OAuthAuthorizationServerProvider[Any, Any, Any]
    client_authenticator: ClientAuthenticator

    async def handle(self, request: Request) -> Response:
        """Answer a revocation request: 200 also for tokens that are unknown or belong to another client."""
        try:
            client = await self.client_authenticator.authenticate_request(request)
        except AuthenticationError as error:
            refusal = RevocationErrorResponse(error="unauthorized_client", error_description=error.message)
            return PydanticJSONResponse(status_code=401, content=refusal)
        # Public clients send no secret, and Basic clients send both in the header.
        form = {"client_id": client.client_id, "client_secret": None, **await read_form(request)}
        try:
            revocation = RevocationRequest.model_validate(form)
        except ValidationError as error:
            refusal = RevocationErrorResponse(
                error="invalid_request", error_description=stringify_pydantic_error(error)
            )
            return PydanticJSONResponse(status_code=400, content=refusal)
        token = await self._find(revocation, client)
        if token is not None and token.client_id == client.client_id:
            await self.provider.revoke_token(token)
        return Response(status_code=200, headers=NO_CACHE)

    async def _find(
        self, revocation: RevocationRequest, client: OAuthClientInformationFull
    ) -> AccessToken | RefreshToken | None:
        if revocation.token_type_hint == "refresh_token":
            return await self.provider.load_refresh_token(
                client, revocation.token
            ) or await self.provider.load_access_token(revocation.token)
        return await self.provider.load_access_token(revocation.token) or await self.provider.load_refresh_token(
            client, revocation.token
        )
