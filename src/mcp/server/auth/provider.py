"""What an authorization server implements, the codes, tokens and errors it deals in, and token verification.

Specification: basic/authorization (2025-11-25); OAuth 2.1.
"""

from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import AnyUrl, BaseModel

from mcp.shared.auth import OAuthClientInformationFull, OAuthToken


class AuthorizationParams(BaseModel):
    """A valid authorization request.

    Args:
        state: To be given back to the client unchanged, if not None.
        scopes: Scopes asked for; None if the request named none.
        code_challenge: PKCE challenge, method S256.
        redirect_uri: Where the code is to be sent.
        redirect_uri_provided_explicitly: Whether the request named it; keep it with the code.
        resource: The resource indicator (RFC 8707), unchecked.
    """

    state: str | None
    scopes: list[str] | None
    code_challenge: str
    redirect_uri: AnyUrl
    redirect_uri_provided_explicitly: bool
    resource: str | None = None


class AuthorizationCode(BaseModel):
    """An authorization code. Subclasses may add fields; they are never shown to clients.

    Args:
        expires_at: Unix time in seconds.
        subject: The user, if known.
    """

    code: str
    scopes: list[str]
    expires_at: float
    client_id: str
    code_challenge: str
    redirect_uri: AnyUrl
    redirect_uri_provided_explicitly: bool
    resource: str | None = None
    subject: str | None = None


class RefreshToken(BaseModel):
    """A refresh token; `expires_at` is Unix time in seconds, None if it does not expire."""

    token: str
    client_id: str
    scopes: list[str]
    expires_at: int | None = None
    resource: str | None = None
    subject: str | None = None


class AccessToken(BaseModel):
    """A verified access token.

    Args:
        client_id: The client it was issued to.
        scopes: What it allows.
        expires_at: Unix time in seconds, None if it does not expire.
        resource: The resource it was issued for (its audience).
        subject: The user it stands for.
        claims: Further claims; `iss` names the issuer.
    """

    token: str
    client_id: str
    scopes: list[str]
    expires_at: int | None = None
    resource: str | None = None
    subject: str | None = None
    claims: dict[str, Any] | None = None


RegistrationErrorCode = Literal[
    "invalid_redirect_uri",
    "invalid_client_metadata",
    "invalid_software_statement",
    "unapproved_software_statement",
]


@dataclass(frozen=True)
class RegistrationError(Exception):
    """A provider refuses a registration (RFC 7591 section 3.2.2)."""

    error: RegistrationErrorCode
    error_description: str | None = None


AuthorizationErrorCode = Literal[
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
]


@dataclass(frozen=True)
class AuthorizeError(Exception):
    """A provider refuses an authorization (RFC 6749 section 4.1.2.1)."""

    error: AuthorizationErrorCode
    error_description: str | None = None


TokenErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
]


@dataclass(frozen=True)
class TokenError(Exception):
    """A provider refuses a token (RFC 6749 section 5.2; `invalid_target`: RFC 8707)."""

    error: TokenErrorCode
    error_description: str | None = None


def _allow_raising(kind: type[Exception]) -> None:
    # Frozen instances refuse every assignment, also those that `contextlib` and `add_note` make on the way of an
    # exception, and the provider's error would be replaced by a FrozenInstanceError.
    frozen = kind.__setattr__

    def set_attribute(self: Exception, name: str, value: object) -> None:
        (BaseException.__setattr__ if name.startswith("__") else frozen)(self, name, value)

    kind.__setattr__ = set_attribute


for _kind in (RegistrationError, AuthorizeError, TokenError):
    _allow_raising(_kind)


class TokenVerifier(Protocol):
    """Verifies bearer tokens."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what is known of a token, or None if it is not valid. Expiry and resource are checked by the caller.

        An exception becomes HTTP 500.
        """


AuthorizationCodeT = TypeVar("AuthorizationCodeT", bound=AuthorizationCode)
RefreshTokenT = TypeVar("RefreshTokenT", bound=RefreshToken)
AccessTokenT = TypeVar("AccessTokenT", bound=AccessToken)


class OAuthAuthorizationServerProvider(Protocol, Generic[AuthorizationCodeT, RefreshTokenT, AccessTokenT]):
    """The storage and decisions behind the endpoints of an authorization server."""

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """Return a registered client, or None."""

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Store a client whose id and secret were just issued.

        Raises:
            RegistrationError: The metadata are not acceptable.
        """

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        """Return the URL to send the user to: an own page, a third party's, or the client's redirect URI with a code.

        Whoever redirects to the client adds `code` (at least 128 bits of entropy, better 160) and `state`, for instance
        by `construct_redirect_uri`.

        Raises:
            AuthorizeError: The request is refused.
        """
        ...

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCodeT | None:
        """Return a code, or None. Expiry and ownership are checked by the caller."""

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCodeT
    ) -> OAuthToken:
        """Use up a code and return tokens that carry on its scopes, resource and subject.

        The code must be invalid afterwards: nobody else sees to that.

        Raises:
            TokenError: The request is refused.
        """
        ...

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshTokenT | None:
        """Return a refresh token, or None. Expiry and ownership are checked by the caller."""

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshTokenT, scopes: list[str]
    ) -> OAuthToken:
        """Return new tokens with the given scopes; both tokens should be replaced and the old ones become invalid.

        Raises:
            TokenError: The request is refused.
        """
        ...

    async def load_access_token(self, token: str) -> AccessTokenT | None:
        """Return an access token, or None. Expiry is checked by the caller."""

    async def revoke_token(self, token: AccessTokenT | RefreshTokenT) -> None:
        """Revoke a token, and the one issued along with it. Unknown tokens are ignored."""


def construct_redirect_uri(redirect_uri_base: str, **params: str | None) -> str:
    """Add parameters to the query of a URI.

    Args:
        redirect_uri_base: Its existing query pairs and fragment are kept.
        params: What to add; None values are left out.
    """
    parts = urlsplit(redirect_uri_base)
    pairs = parse_qsl(parts.query)
    pairs += [(name, value) for name, value in params.items() if value is not None]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


class ProviderTokenVerifier(TokenVerifier):
    """Verifies tokens by looking them up in an authorization server provider.

    Args:
        provider: Its `load_access_token` decides.
    """

    def __init__(
        self, provider: OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]
    ) -> None:
        self.provider = provider

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the provider's access token, or None."""
        return await self.provider.load_access_token(token)
