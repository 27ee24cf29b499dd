"""Errors of the client's OAuth flow."""


class OAuthFlowError(Exception):
    """The flow failed, or was stopped because something in it cannot be trusted.

    Args:
        message: What happened.
        error: The server's OAuth error code, where it gave one.
        error_description: The server's words for it, where it gave any.
    """

    def __init__(self, message: str = "", *, error: str | None = None, error_description: str | None = None) -> None:
        super().__init__(message)
        self.error = error
        self.error_description = error_description


class OAuthTokenError(OAuthFlowError):
    """No token could be had from the token endpoint."""


class OAuthRegistrationError(OAuthFlowError):
    """The client could not be registered."""
