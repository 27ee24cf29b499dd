"""Machine-to-machine grants: client credentials with a secret or a signed assertion, and the older RFC 7523 provider.

Specification: extension `io.modelcontextprotocol/oauth-client-credentials`; RFC 6749 section 4.4, RFC 7523.
"""

import time
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from pydantic import BaseModel
from typing_extensions import deprecated

from mcp.client.auth.exceptions import OAuthFlowError, OAuthTokenError
from mcp.client.auth.oauth2 import OAuthClientProvider, TokenStorage
from mcp.client.auth.utils import issuers_match
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_JWT_BEARER_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class _FixedClientProvider(OAuthClientProvider):
    """A client known beforehand: no registration, no user, the storage keeps tokens only."""

    def __init__(
        self,
        server_url: str,
        storage: TokenStorage,
        client_info: OAuthClientInformationFull,
        issuer: str | None,
    ) -> None:
        if issuer is None:
            warnings.warn(
                "Omitting `issuer` is deprecated: without it the credentials go to whichever authorization server the "
                "MCP server names. Pass the authorization server's issuer URL.",
                DeprecationWarning,
                stacklevel=3,
            )
        elif urlsplit(issuer).scheme not in ("http", "https") or not urlsplit(issuer).netloc:
            raise ValueError(f"issuer must be the authorization server's http(s) issuer URL, got {issuer!r}")
        client_metadata = OAuthClientMetadata(
            redirect_uris=None,
            grant_types=client_info.grant_types,
            token_endpoint_auth_method=client_info.token_endpoint_auth_method,
            scope=client_info.scope,
        )
        super().__init__(server_url, client_metadata, storage, None, None, 300.0)
        self._fixed_client_info = client_info
        self._issuer = issuer

    async def _load_client_info(self) -> OAuthClientInformationFull | None:
        return self._fixed_client_info

    def _select_authorization_server(self, advertised: list[str]) -> str:
        for candidate in advertised:
            if self._issuer is not None and issuers_match(candidate, self._issuer):
                return candidate
        return super()._select_authorization_server(advertised)

    def _check_configured_issuer(self) -> None:
        if self._issuer is None:
            return
        metadata = self.context.oauth_metadata
        if metadata is not None and issuers_match(str(metadata.issuer), self._issuer):
            return
        self.context.oauth_metadata = None
        self.context.clear_tokens()
        if metadata is None:
            raise OAuthFlowError(f"No authorization server metadata discovered for configured issuer {self._issuer}")
        raise OAuthFlowError(f"Authorization server metadata issuer mismatch: {metadata.issuer} != {self._issuer}")

    async def _perform_authorization(self) -> httpx.Request:
        return await self._exchange_token_client_credentials()

    async def _exchange_token_client_credentials(self) -> httpx.Request:
        raise NotImplementedError


class ClientCredentialsOAuthProvider(_FixedClientProvider):
    """Obtains tokens with a client id and secret.

    Args:
        server_url: URL of the MCP server.
        storage: Keeps tokens.
        client_id: The client's id.
        client_secret: Its secret.
        token_endpoint_auth_method: How they are sent.
        scopes: Scopes to ask for, separated by spaces, if the server names none.
        issuer: The authorization server the credentials belong to; they are sent to no other one. Leaving it out is
            deprecated.

    Raises:
        ValueError: `issuer` is not an http(s) URL.
    """

    def __init__(
        self,
        server_url: str,
        storage: TokenStorage,
        client_id: str,
        client_secret: str,
        token_endpoint_auth_method: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic",
        scopes: str | None = None,
        issuer: str | None = None,
    ) -> None:
        client_info = OAuthClientInformationFull(
            redirect_uris=None,
            client_id=client_id,
            client_secret=client_secret,
            grant_types=["client_credentials"],
            token_endpoint_auth_method=token_endpoint_auth_method,
            scope=scopes,
        )
        super().__init__(server_url, storage, client_info, issuer)

    async def _exchange_token_client_credentials(self) -> httpx.Request:
        """Return the token request."""
        self._check_configured_issuer()
        form = {"grant_type": "client_credentials", **self._resource_parameter(), **self._scope_parameter()}
        if self._fixed_client_info.token_endpoint_auth_method == "client_secret_post":
            form["client_id"] = self._fixed_client_info.client_id or ""
        return self._token_request(form)


def static_assertion_provider(token: str) -> Callable[[str], Awaitable[str]]:
    """Return an assertion provider for `PrivateKeyJWTOAuthProvider` that always gives the same JWT.

    Args:
        token: The JWT; the audience asked for does not matter.
    """

    async def provider(audience: str) -> str:
        return token

    return provider


class SignedJWTParameters(BaseModel):
    """What an assertion is made of.

    Args:
        issuer: Claim `iss`, usually the client id.
        subject: Claim `sub`, usually the client id.
        signing_key: Private key (PEM), or the secret of an HMAC algorithm.
        signing_algorithm: JWS algorithm.
        lifetime_seconds: Seconds until `exp`.
        additional_claims: Added last, so they win over the generated ones.
    """

    issuer: str
    subject: str
    signing_key: str
    signing_algorithm: str = "RS256"
    lifetime_seconds: int = 300
    additional_claims: dict[str, Any] | None = None

    def create_assertion_provider(self) -> Callable[[str], Awaitable[str]]:
        """Return an assertion provider for `PrivateKeyJWTOAuthProvider` that signs a new JWT each time."""

        async def provider(audience: str) -> str:
            claims = _claims(self.issuer, self.subject, audience, self.lifetime_seconds, self.additional_claims)
            return _sign(claims, self.signing_key, self.signing_algorithm)

        return provider


class PrivateKeyJWTOAuthProvider(_FixedClientProvider):
    """Obtains tokens with a client id and a signed assertion.

    Args:
        server_url: URL of the MCP server.
        storage: Keeps tokens.
        client_id: The client's id.
        assertion_provider: Awaited with the issuer as audience, returns a JWT.
        scopes: Scopes to ask for, separated by spaces, if the server names none.
        issuer: The authorization server the client belongs to; assertions are sent to no other one. Leaving it out is
            deprecated.

    Raises:
        ValueError: `issuer` is not an http(s) URL.
    """

    def __init__(
        self,
        server_url: str,
        storage: TokenStorage,
        client_id: str,
        assertion_provider: Callable[[str], Awaitable[str]],
        scopes: str | None = None,
        issuer: str | None = None,
    ) -> None:
        client_info = OAuthClientInformationFull(
            redirect_uris=None,
            client_id=client_id,
            grant_types=["client_credentials"],
            token_endpoint_auth_method="private_key_jwt",
            scope=scopes,
        )
        super().__init__(server_url, storage, client_info, issuer)
        self._assertion_provider = assertion_provider

    async def _add_client_authentication_jwt(self, *, token_data: dict[str, Any]) -> None:
        """Add the assertion to a form."""
        if self.context.oauth_metadata is None:
            raise OAuthFlowError("Missing OAuth metadata for private_key_jwt flow")
        token_data["client_assertion"] = await self._assertion_provider(str(self.context.oauth_metadata.issuer))
        token_data["client_assertion_type"] = _ASSERTION_TYPE

    async def _exchange_token_client_credentials(self) -> httpx.Request:
        """Return the token request."""
        self._check_configured_issuer()
        form: dict[str, Any] = {"grant_type": "client_credentials"}
        await self._add_client_authentication_jwt(token_data=form)
        return self._token_request({**form, **self._resource_parameter(), **self._scope_parameter()})

    async def _refresh_form(self) -> dict[str, Any]:
        form = await super()._refresh_form()
        await self._add_client_authentication_jwt(token_data=form)
        return form


class JWTParameters(BaseModel):
    """What the assertion of `RFC7523OAuthClientProvider` is made of.

    Args:
        assertion: A finished JWT; nothing else counts then.
        issuer: Claim `iss`.
        subject: Claim `sub`.
        audience: Claim `aud`.
        claims: Added last, so they win over the generated ones.
        jwt_signing_algorithm: JWS algorithm.
        jwt_signing_key: Private key (PEM), or the secret of an HMAC algorithm.
        jwt_lifetime_seconds: Seconds until `exp`.
    """

    assertion: str | None = None
    issuer: str | None = None
    subject: str | None = None
    audience: str | None = None
    claims: dict[str, Any] | None = None
    jwt_signing_algorithm: str | None = "RS256"
    jwt_signing_key: str | None = None
    jwt_lifetime_seconds: int = 300

    def to_assertion(self, with_audience_fallback: str | None = None) -> str:
        """Return the assertion.

        Args:
            with_audience_fallback: Audience if none is configured.

        Raises:
            OAuthFlowError: Something it needs is missing.
        """
        if self.assertion is not None:
            return self.assertion
        key = _needed(self.jwt_signing_key, "signing key")
        claims = _claims(
            _needed(self.issuer, "issuer"),
            _needed(self.subject, "subject"),
            _needed(self.audience or with_audience_fallback, "audience"),
            self.jwt_lifetime_seconds,
            self.claims,
        )
        return _sign(claims, key, self.jwt_signing_algorithm or "RS256")


@deprecated(
    "RFC7523OAuthClientProvider is deprecated. "
    "Use ClientCredentialsOAuthProvider or PrivateKeyJWTOAuthProvider instead."
)
class RFC7523OAuthClientProvider(OAuthClientProvider):
    """Obtains tokens with a JWT as authorization grant, or runs the code flow with a JWT as client authentication.

    Args:
        server_url: URL of the MCP server.
        client_metadata: With the grant type `urn:ietf:params:oauth:grant-type:jwt-bearer` a JWT is the grant; otherwise
            with `private_key_jwt` it authenticates the client.
        storage: See `OAuthClientProvider`.
        redirect_handler: See `OAuthClientProvider`.
        callback_handler: See `OAuthClientProvider`.
        timeout: See `OAuthClientProvider`.
        jwt_parameters: What the JWT is made of.
    """

    def __init__(
        self,
        server_url: str,
        client_metadata: OAuthClientMetadata,
        storage: TokenStorage,
        redirect_handler: Callable[[str], Awaitable[None]] | None = None,
        callback_handler: Callable[[], Awaitable[tuple[str, str | None]]] | None = None,
        timeout: float = 300.0,
        jwt_parameters: JWTParameters | None = None,
    ) -> None:
        super().__init__(server_url, client_metadata, storage, redirect_handler, callback_handler, timeout)
        self.jwt_parameters = jwt_parameters

    async def _perform_authorization(self) -> httpx.Request:
        if _JWT_BEARER_GRANT in self.context.client_metadata.grant_types:
            return await self._exchange_token_jwt_bearer()
        return await super()._perform_authorization()

    async def _exchange_token_authorization_code(
        self, auth_code: str, code_verifier: str, *, token_data: dict[str, Any] | None = None
    ) -> httpx.Request:
        form = dict(token_data or {})
        if self.context.client_metadata.token_endpoint_auth_method == "private_key_jwt":
            self._add_client_authentication_jwt(token_data=form)
        return await super()._exchange_token_authorization_code(auth_code, code_verifier, token_data=form)

    def _add_client_authentication_jwt(self, *, token_data: dict[str, Any]) -> None:
        """Add the assertion to a form."""
        token_data["client_assertion"] = self._assertion()
        token_data["client_assertion_type"] = _ASSERTION_TYPE
        token_data["audience"] = self.context.get_resource_url()

    def _assertion(self) -> str:
        if self.jwt_parameters is None:
            raise OAuthFlowError("Missing JWT parameters")
        if self.context.oauth_metadata is None:
            raise OAuthTokenError("Missing OAuth metadata")
        return self.jwt_parameters.to_assertion(with_audience_fallback=str(self.context.oauth_metadata.issuer))

    async def _exchange_token_jwt_bearer(self) -> httpx.Request:
        """Return the token request whose grant is a JWT."""
        if self.context.client_info is None:
            raise OAuthFlowError("Missing client info")
        form = {
            "grant_type": _JWT_BEARER_GRANT,
            "assertion": self._assertion(),
            **self._resource_parameter(),
            **self._scope_parameter(),
        }
        return httpx.Request(
            "POST",
            self._get_token_endpoint(),
            data=form,
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        )

    async def _refresh_form(self) -> dict[str, Any]:
        form = await super()._refresh_form()
        if self.context.client_metadata.token_endpoint_auth_method == "private_key_jwt":
            self._add_client_authentication_jwt(token_data=form)
        return form


def _needed(value: str | None, name: str) -> str:
    if not value:
        raise OAuthFlowError(f"Missing {name} for JWT bearer grant")
    return value


def _claims(
    issuer: str, subject: str, audience: str, lifetime: int, additional: dict[str, Any] | None
) -> dict[str, Any]:
    now = int(time.time())
    generated: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "exp": now + lifetime,
        "iat": now,
        "jti": str(uuid4()),
    }
    return {**generated, **(additional or {})}


def _sign(claims: dict[str, Any], key: str, algorithm: str) -> str:
    import jwt

    return jwt.encode(claims, key, algorithm=algorithm)
