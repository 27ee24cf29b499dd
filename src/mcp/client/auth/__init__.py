"""OAuth for clients: `OAuthClientProvider` authenticates the requests of an HTTP client."""

from mcp.client.auth._authorization_response import AuthorizationResponse
from mcp.client.auth.exceptions import OAuthFlowError, OAuthRegistrationError, OAuthTokenError
from mcp.client.auth.oauth2 import OAuthClientProvider, PKCEParameters, TokenStorage

__all__ = [
    "AuthorizationResponse",
    "OAuthClientProvider",
    "OAuthFlowError",
    "OAuthRegistrationError",
    "OAuthTokenError",
    "PKCEParameters",
    "TokenStorage",
]
