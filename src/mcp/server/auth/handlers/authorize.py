"""The authorization endpoint.

Errors are redirected to the client only when both the client and the redirect URI are known to be good; everything else
is answered directly, so that the endpoint is no open redirector. Specification: RFC 6749 section 4.1.2.1.
"""

import logging
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import AnyUrl, BaseModel, RootModel, ValidationError
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mcp.server.auth._forms import NO_STORE, read_form
from mcp.server.auth.errors import stringify_pydantic_error
from mcp.server.auth.json_response import PydanticJSONResponse
from mcp.server.auth.provider import (
    AuthorizationErrorCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    construct_redirect_uri,
)
from mcp.shared.auth import InvalidRedirectUriError, InvalidScopeError, OAuthClientInformationFull

logger = logging.getLogger(__name__)


class AuthorizationRequest(BaseModel):
    """The parameters of an authorization request (RFC 6749 section 4.1.1, RFC 7636, RFC 8707)."""

    client_id: str
    redirect_uri: AnyUrl | None = None
    response_type: Literal["code"]
    code_challenge: str
    code_challenge_method: Literal["S256"] = "S256"
    state: str | None = None
    scope: str | None = None
    resource: str | None = None


class AuthorizationErrorResponse(BaseModel):
    """An error, redirected as query parameters or sent as JSON."""

    error: AuthorizationErrorCode
    error_description: str | None
    error_uri: AnyUrl | None = None
    state: str | None = None


def best_effort_extract_string(key: str, params: FormData | QueryParams | None) -> str | None:
    """Return a parameter of a request that may be invalid otherwise; None if it is missing or an upload."""
    value = None if params is None else params.get(key)
    return value if isinstance(value, str) else None


class AnyUrlModel(RootModel[AnyUrl]):
    """Parses one URL."""

    root: AnyUrl


class _Refused(Exception):
    def __init__(self, error: AuthorizationErrorCode, description: str | None) -> None:
        super().__init__(error, description)
        self.error: AuthorizationErrorCode = error
        self.description = description


def _registered_redirect_uri(
    client: OAuthClientInformationFull | None, params: FormData | QueryParams
) -> AnyUrl | None:
    """Return where errors may be redirected to, or None."""
    if client is None:
        return None
    text = best_effort_extract_string("redirect_uri", params)
    try:
        return client.validate_redirect_uri(None if text is None else AnyUrlModel.model_validate(text).root)
    except (ValidationError, InvalidRedirectUriError):
        return None


def _parse(params: FormData | QueryParams) -> AuthorizationRequest:
    try:
        return AuthorizationRequest.model_validate(dict(params))
    except ValidationError as error:
        wrong_type = any(
            detail["loc"] == ("response_type",) and detail["type"] == "literal_error" for detail in error.errors()
        )
        code = "unsupported_response_type" if wrong_type else "invalid_request"
        raise _Refused(code, stringify_pydantic_error(error)) from error


def _provider_params(request: AuthorizationRequest, client: OAuthClientInformationFull) -> AuthorizationParams:
    try:
        redirect_uri = client.validate_redirect_uri(request.redirect_uri)
    except InvalidRedirectUriError as error:
        raise _Refused("invalid_request", error.message) from error
    try:
        scopes = client.validate_scope(" ".join((request.scope or "").split()) or None)
    except InvalidScopeError as error:
        raise _Refused("invalid_scope", error.message) from error
    return AuthorizationParams(
        state=request.state,
        scopes=scopes,
        code_challenge=request.code_challenge,
        redirect_uri=redirect_uri,
        redirect_uri_provided_explicitly=request.redirect_uri is not None,
        resource=request.resource,
    )


@dataclass
class AuthorizationHandler:
    """Serves `/authorize`.

    Args:
        provider: Knows the clients and decides where the user goes.
    """

    provider: OAuthAuthorizationServerProvider[Any, Any, Any]

    async def handle(self, request: Request) -> Response:
        """Answer an authorization request, by GET with a query or by POST with a form."""
        params = await read_form(request) if request.method == "POST" else request.query_params
        client: OAuthClientInformationFull | None = None
        try:
            client_id = best_effort_extract_string("client_id", params)
            if client_id is not None:
                client = await self.provider.get_client(client_id)
            auth_request = _parse(params)
            if client is None:
                # Never redirected: there is no client whose redirect URI could be trusted.
                raise _Refused("invalid_request", f"Client ID '{auth_request.client_id}' not found")
            target = await self.provider.authorize(client, _provider_params(auth_request, client))
            return RedirectResponse(url=target, status_code=302, headers=NO_STORE)
        except _Refused as refused:
            error, description = refused.error, refused.description
        except AuthorizeError as refused:
            error, description = refused.error, refused.error_description
        except Exception:
            logger.exception("Unexpected error in authorization handler")
            error, description = "server_error", "An unexpected error occurred"
        answer = AuthorizationErrorResponse(
            error=error, error_description=description, state=best_effort_extract_string("state", params)
        )
        redirect_uri = _registered_redirect_uri(client, params)
        if redirect_uri is None:
            return PydanticJSONResponse(status_code=400, content=answer, headers=NO_STORE)
        target = construct_redirect_uri(str(redirect_uri), **answer.model_dump(mode="json", exclude_none=True))
        return RedirectResponse(url=target, status_code=302, headers=NO_STORE)
