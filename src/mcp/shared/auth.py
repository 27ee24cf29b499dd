"""OAuth documents as they stand on the wire: tokens, client metadata, server metadata.

Unknown members are ignored and not kept. Specification: basic/authorization (2025-11-25), RFC 6749, 7591, 8414, 9728.
"""

from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, AnyUrl, BaseModel, ConfigDict, Field, field_validator
from pydantic.json_schema import SkipJsonSchema

# Members of the 2026-07-28 revision; kept out of the JSON schema, which the 1.x API fixes.
_LaterText = SkipJsonSchema[str | None]
_LaterFlag = SkipJsonSchema[bool | None]


class OAuthToken(BaseModel):
    """A token response (RFC 6749 section 5.1).

    Args:
        access_token: The token to send as `Authorization: Bearer`.
        token_type: `Bearer` in any case; stored as `Bearer`. Another type is a validation error.
        expires_in: Lifetime in seconds, counted from the response; None means unknown.
        scope: Granted scopes, separated by spaces.
        refresh_token: Obtains further access tokens, if the server issued one.
    """

    # Error messages end up in logs; tokens do not belong there.
    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int | None = None
    scope: str | None = None
    refresh_token: str | None = None

    @field_validator("token_type", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return "Bearer" if isinstance(value, str) and value.lower() == "bearer" else value


class InvalidScopeError(Exception):
    """A client asked for a scope it is not registered for.

    Args:
        message: Text for the `error_description` of the answer.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRedirectUriError(Exception):
    """A redirect URI is missing or not one of the client's registered ones.

    Args:
        message: Text for the `error_description` of the answer.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class OAuthClientMetadata(BaseModel):
    """What a client says about itself when it registers (RFC 7591 section 2).

    Args:
        redirect_uris: At least one URI, or None for clients that never redirect.
        scope: Scopes the client may ask for, separated by spaces.
        application_type: `native` or `web` (revision 2026-07-28, client registration); derived from the redirect URIs
            when a client registers and left it out.
    """

    redirect_uris: Annotated[list[AnyUrl], Field(min_length=1)] | None = Field(...)
    token_endpoint_auth_method: (
        Literal["none", "client_secret_post", "client_secret_basic", "private_key_jwt"] | None
    ) = None
    grant_types: list[
        Literal["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"] | str
    ] = ["authorization_code", "refresh_token"]
    response_types: list[str] = ["code"]
    scope: str | None = None
    client_name: str | None = None
    client_uri: AnyHttpUrl | None = None
    logo_uri: AnyHttpUrl | None = None
    contacts: list[str] | None = None
    tos_uri: AnyHttpUrl | None = None
    policy_uri: AnyHttpUrl | None = None
    jwks_uri: AnyHttpUrl | None = None
    jwks: Any | None = None
    software_id: str | None = None
    software_version: str | None = None
    application_type: _LaterText = None

    @field_validator("client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri", mode="before")
    @classmethod
    def _empty_is_absent(cls, value: Any) -> Any:
        # Some servers echo optional URLs as empty strings.
        return None if value == "" else value

    def validate_scope(self, requested_scope: str | None) -> list[str] | None:
        """Split a requested scope and check it against the registered one.

        Args:
            requested_scope: Scopes separated by single spaces; None asks for none.

        Raises:
            InvalidScopeError: A scope is not registered for this client.
        """
        if requested_scope is None:
            return None
        requested = requested_scope.split(" ")
        allowed = [] if self.scope is None else self.scope.split(" ")
        for scope in requested:
            if scope not in allowed:
                raise InvalidScopeError(f"Client was not registered with scope {scope}")
        return requested

    def validate_redirect_uri(self, redirect_uri: AnyUrl | None) -> AnyUrl:
        """Return the redirect URI to use.

        Args:
            redirect_uri: The one asked for, or None to use the only registered one. It must equal a registered one
                after URL normalisation; there is no leniency for loopback ports.

        Raises:
            InvalidRedirectUriError: It is not registered, or was left out while not exactly one is registered.
        """
        registered = self.redirect_uris or []
        if redirect_uri is not None:
            if str(redirect_uri) not in map(str, registered):
                raise InvalidRedirectUriError(f"Redirect URI '{redirect_uri}' not registered for client")
            return redirect_uri
        if len(registered) == 1:
            return registered[0]
        raise InvalidRedirectUriError("redirect_uri must be specified when client has multiple registered URIs")


class OAuthClientInformationFull(OAuthClientMetadata):
    """A registered client: its metadata and what the authorization server issued (RFC 7591 section 3.2.1).

    Args:
        client_secret_expires_at: Unix time in seconds; 0 means never.
        issuer: The authorization server that issued these credentials. Recorded by the client, which uses them with no
            other one; never taken from a registration response.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    client_id: str | None = None
    client_secret: str | None = None
    client_id_issued_at: int | None = None
    client_secret_expires_at: int | None = None
    issuer: str | None = None


class OAuthMetadata(BaseModel):
    """Authorization server metadata (RFC 8414 section 2, also read from OpenID Connect discovery)."""

    issuer: AnyHttpUrl
    authorization_endpoint: AnyHttpUrl
    token_endpoint: AnyHttpUrl
    registration_endpoint: AnyHttpUrl | None = None
    scopes_supported: list[str] | None = None
    response_types_supported: list[str] = ["code"]
    response_modes_supported: list[str] | None = None
    grant_types_supported: list[str] | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None
    token_endpoint_auth_signing_alg_values_supported: list[str] | None = None
    service_documentation: AnyHttpUrl | None = None
    ui_locales_supported: list[str] | None = None
    op_policy_uri: AnyHttpUrl | None = None
    op_tos_uri: AnyHttpUrl | None = None
    revocation_endpoint: AnyHttpUrl | None = None
    revocation_endpoint_auth_methods_supported: list[str] | None = None
    revocation_endpoint_auth_signing_alg_values_supported: list[str] | None = None
    introspection_endpoint: AnyHttpUrl | None = None
    introspection_endpoint_auth_methods_supported: list[str] | None = None
    introspection_endpoint_auth_signing_alg_values_supported: list[str] | None = None
    code_challenge_methods_supported: list[str] | None = None
    client_id_metadata_document_supported: bool | None = None
    authorization_response_iss_parameter_supported: _LaterFlag = None


class ProtectedResourceMetadata(BaseModel):
    """Protected resource metadata (RFC 9728 section 2): which authorization servers a resource trusts."""

    resource: AnyHttpUrl
    authorization_servers: Annotated[list[AnyHttpUrl], Field(min_length=1)]
    jwks_uri: AnyHttpUrl | None = None
    scopes_supported: list[str] | None = None
    bearer_methods_supported: list[str] | None = ["header"]
    resource_signing_alg_values_supported: list[str] | None = None
    resource_name: str | None = None
    resource_documentation: AnyHttpUrl | None = None
    resource_policy_uri: AnyHttpUrl | None = None
    resource_tos_uri: AnyHttpUrl | None = None
    tls_client_certificate_bound_access_tokens: bool | None = None
    authorization_details_types_supported: list[str] | None = None
    dpop_signing_alg_values_supported: list[str] | None = None
    dpop_bound_access_tokens_required: bool | None = None
