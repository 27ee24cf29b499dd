"""Settings of OAuth on a server."""

import sys
import warnings
from types import FrameType

from pydantic import AnyHttpUrl, BaseModel, Field, model_validator
from typing_extensions import Self


class ClientRegistrationOptions(BaseModel):
    """Whether and how clients may register themselves (RFC 7591).

    Args:
        enabled: Serve `/register`.
        client_secret_expiry_seconds: Lifetime of issued secrets in seconds; None: they do not expire.
        valid_scopes: Scopes a client may register; None: any.
        default_scopes: Scopes of a client that names none.
    """

    enabled: bool = False
    client_secret_expiry_seconds: int | None = None
    valid_scopes: list[str] | None = None
    default_scopes: list[str] | None = None


class RevocationOptions(BaseModel):
    """Whether clients may revoke tokens (RFC 7009).

    Args:
        enabled: Serve `/revoke`.
    """

    enabled: bool = False


class AuthSettings(BaseModel):
    """How a server is protected.

    Args:
        issuer_url: Issuer of the authorization server, https except on the local host.
        service_documentation_url: A page for humans, named in the metadata.
        client_registration_options: See `ClientRegistrationOptions`.
        revocation_options: See `RevocationOptions`.
        required_scopes: Scopes every request needs, all of them.
        resource_server_url: URL of this MCP server as clients see it; None serves no protected resource metadata.
        validate_token_resource: Accept only tokens issued for `resource_server_url`. Left unset while that URL is set,
            tokens for other resources pass too and a `DeprecationWarning` says so.

    Raises:
        ValidationError: `validate_token_resource` is True without `resource_server_url`.

    Specification: basic/authorization, "Token Audience Binding and Validation" (2025-11-25).
    """

    issuer_url: AnyHttpUrl
    service_documentation_url: AnyHttpUrl | None = None
    client_registration_options: ClientRegistrationOptions | None = None
    revocation_options: RevocationOptions | None = None
    required_scopes: list[str] | None = None
    resource_server_url: AnyHttpUrl | None = Field(...)
    validate_token_resource: bool | None = None

    @model_validator(mode="after")
    def _check_token_resource(self) -> Self:
        if self.resource_server_url is None:
            if self.validate_token_resource:
                raise ValueError("validate_token_resource requires resource_server_url")
        elif self.validate_token_resource is None:
            warnings.warn(
                "`AuthSettings.validate_token_resource` is not set, so tokens issued for other resources are accepted. "
                "Set it to True to accept only tokens issued for `resource_server_url`, or to False to keep this.",
                DeprecationWarning,
                stacklevel=_distance_to_caller(),
            )
        return self


def _distance_to_caller() -> int:
    # The warning belongs to whoever builds the settings; pydantic's own frames in between differ from way to way.
    level = 2
    frame: FrameType | None = sys._getframe(level)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0].startswith("pydantic"):
        level += 1
        frame = frame.f_back
    return level
