"""Makes the caller's access token available through a context variable."""

from contextvars import ContextVar

from starlette.types import ASGIApp, Receive, Scope, Send

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

auth_context_var: ContextVar[AuthenticatedUser | None] = ContextVar("auth_context", default=None)


def get_access_token() -> AccessToken | None:
    """Return the token of the request being handled; None outside of an authenticated request."""
    user = auth_context_var.get()
    return None if user is None else user.access_token


class AuthContextMiddleware:
    """Sets the context variable for authenticated requests, after starlette's `AuthenticationMiddleware`.

    Args:
        app: The ASGI application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; the variable is reset afterwards, whatever happens."""
        user = scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            await self.app(scope, receive, send)
            return
        reset = auth_context_var.set(user)
        try:
            await self.app(scope, receive, send)
        finally:
            auth_context_var.reset(reset)
