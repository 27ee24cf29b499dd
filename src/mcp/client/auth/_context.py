"""What an OAuth client knows: its configuration, what it discovered, its credentials and tokens."""

import base64
import hashlib
import secrets
import string
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Protocol

import anyio
from pydantic import AnyHttpUrl, BaseModel, Field
from typing_extensions import Self

from mcp.client.auth._decisions import basic_credentials, token_auth_method
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from mcp.shared.auth_utils import (
    calculate_token_expiry,
    check_resource_allowed,
    resource_url_from_server_url,
    url_origin,
)

_PKCE_ALPHABET = string.ascii_letters + string.digits + "-._~"
_PKCEText = Annotated[str, Field(min_length=43, max_length=128)]


class PKCEParameters(BaseModel):
    """A PKCE verifier and its S256 challenge (RFC 7636), 43 to 128 characters each."""

    code_verifier: _PKCEText
    code_challenge: _PKCEText

    @classmethod
    def generate(cls) -> Self:
        """Return a new pair with a verifier of 128 random characters."""
        verifier = "".join(secrets.choice(_PKCE_ALPHABET) for _ in range(128))
        digest = hashlib.sha256(verifier.encode()).digest()
        return cls(code_verifier=verifier, code_challenge=base64.urlsafe_b64encode(digest).decode().rstrip("="))


class TokenStorage(Protocol):
    """Where tokens and client credentials outlive the process. Read once, before the first request."""

    async def get_tokens(self) -> OAuthToken | None:
        """Return the stored tokens, or None."""
        ...

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Store tokens; called after each token response."""
        ...

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the stored client, or None. Clients registered by hand are supplied here."""
        ...

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Store a client; called after each registration."""
        ...


@dataclass
class OAuthContext:
    """The state of an OAuth client.

    Args:
        server_url: URL of the MCP server.
        client_metadata: What the client registers as; its `scope` is the one asked for last.
        storage: Where tokens and credentials are kept.
        redirect_handler: Awaited with the URL to open in a browser.
        callback_handler: Awaited for the code and state that came back.
        timeout: Seconds to wait for the callback.
        client_metadata_url: The client's own metadata URL, if it has one.
        protected_resource_metadata: Discovered.
        oauth_metadata: Discovered.
        auth_server_url: The issuer that protected resource metadata named.
        protocol_version: `MCP-Protocol-Version` of the present request.
        client_info: Credentials.
        current_tokens: Tokens.
        token_expiry_time: Unix time in seconds; None: unknown.
        lock: Held while storage is read, never while a request is on the wire.
        published_resource: The resource of the metadata to the letter; parsed, a bare origin would gain a slash.
    """

    server_url: str
    client_metadata: OAuthClientMetadata
    storage: TokenStorage
    redirect_handler: Callable[[str], Awaitable[None]] | None
    callback_handler: Callable[[], Awaitable[tuple[str, str | None]]] | None
    timeout: float = 300.0
    client_metadata_url: str | None = None

    protected_resource_metadata: ProtectedResourceMetadata | None = None
    oauth_metadata: OAuthMetadata | None = None
    auth_server_url: str | None = None
    protocol_version: str | None = None

    client_info: OAuthClientInformationFull | None = None
    current_tokens: OAuthToken | None = None
    token_expiry_time: float | None = None
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    published_resource: str | None = None

    def get_authorization_base_url(self, server_url: str) -> str:
        """Return the origin of a URL."""
        return url_origin(server_url)

    def update_token_expiry(self, token: OAuthToken) -> None:
        """Take the expiry time from tokens received now."""
        self.token_expiry_time = calculate_token_expiry(token.expires_in)

    def is_token_valid(self) -> bool:
        """Tell whether an access token is held that is not known to have expired."""
        if self.current_tokens is None or not self.current_tokens.access_token:
            return False
        return self.token_expiry_time is None or time.time() <= self.token_expiry_time

    def can_refresh_token(self) -> bool:
        """Tell whether a refresh token and a client are held."""
        return bool(self.current_tokens and self.current_tokens.refresh_token and self.client_info)

    def clear_tokens(self) -> None:
        """Forget the tokens; those in the storage stay."""
        self.current_tokens = None
        self.token_expiry_time = None

    def get_resource_url(self) -> str:
        """Return the resource indicator (RFC 8707): that of the metadata if it covers the server, else the server."""
        resource = resource_url_from_server_url(self.server_url)
        if self.protected_resource_metadata is not None:
            configured = str(self.protected_resource_metadata.resource)
            if check_resource_allowed(requested_resource=resource, configured_resource=configured):
                published = self.published_resource
                return published if published and str(AnyHttpUrl(published)) == configured else configured
        return resource

    def should_include_resource_param(self, protocol_version: str | None = None) -> bool:
        """Tell whether to send the resource indicator: with protected resource metadata, or from 2025-06-18 on."""
        if self.protected_resource_metadata is not None:
            return True
        return protocol_version is not None and protocol_version >= "2025-06-18"

    def prepare_token_auth(
        self,
        data: dict[str, str],
        headers: dict[str, str] | None = None,
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return form and headers of a token request with the client's authentication added (RFC 6749 section 2.3)."""
        data, headers = dict(data), dict(headers or {})
        client = self.client_info
        if client is None:
            return data, headers
        method = token_auth_method(client, self.oauth_metadata)
        if method == "client_secret_basic" and client.client_id and client.client_secret:
            headers["Authorization"] = basic_credentials(client.client_id, client.client_secret)
            data.pop("client_secret", None)
        elif method == "client_secret_post" and client.client_secret:
            data["client_secret"] = client.client_secret
        return data, headers
