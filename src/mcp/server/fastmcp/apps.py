"""The HTTP applications of a server. Loading this module loads starlette."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp.server.auth.provider import OAuthAuthorizationServerProvider, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp.settings import Settings
from mcp.server.lowlevel.server import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class StreamableHTTPASGIApp:
    """The endpoint of Streamable HTTP as an ASGI application.

    A session manager that nobody runs, because the application is mounted in one that does not pass its lifespan on,
    is started by the first request.

    Args:
        session_manager: What serves the requests.
    """

    def __init__(self, session_manager: StreamableHTTPSessionManager) -> None:
        self.session_manager = session_manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # Programs put managers of their own in place.
        ensure_running = getattr(self.session_manager, "_ensure_running", None)
        if ensure_running is not None:
            await ensure_running()
        await self.session_manager.handle_request(scope, receive, send)


class SseASGIApp:
    """The endpoint that opens SSE streams, as an ASGI application.

    Args:
        server: What serves each connection.
        transport: The transport.
    """

    def __init__(self, server: Server[Any, Any], transport: SseServerTransport) -> None:
        self._server = server
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, until the client leaves."""
        refused = False

        async def noting_refusal(message: Message) -> None:
            nonlocal refused
            refused = refused or message.get("status", 200) >= 400
            await send(message)

        async with AsyncExitStack() as stack:
            try:
                read_stream, write_stream = await stack.enter_async_context(
                    self._transport.connect_sse(scope, receive, noting_refusal)
                )
            except ValueError:
                if refused:
                    return
                raise
            await self._server.run(read_stream, write_stream, self._server.create_initialization_options())


class Protection(NamedTuple):
    """Who may use an HTTP app: settings, the verifier of tokens, and the authorization server if it is part of the app.

    Without a verifier everyone may.
    """

    auth: AuthSettings | None
    verifier: TokenVerifier | None
    provider: OAuthAuthorizationServerProvider[Any, Any, Any] | None

    def around(self, app: ASGIApp) -> ASGIApp:
        """`app` behind a check of the token."""
        if self.verifier is None:
            return app
        from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
        from mcp.server.auth.routes import build_resource_metadata_url

        scopes = self.auth.required_scopes if self.auth is not None else None
        resource = self.auth.resource_server_url if self.auth is not None else None
        metadata = build_resource_metadata_url(resource) if resource is not None else None
        return RequireAuthMiddleware(app, scopes or [], metadata)

    def middleware(self) -> list[Middleware]:
        """What tells handlers, also unprotected ones, who is calling."""
        if self.verifier is None:
            return []
        from starlette.middleware.authentication import AuthenticationMiddleware

        from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
        from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend

        bound = self.auth is not None and self.auth.validate_token_resource
        backend = BearerAuthBackend(
            self.verifier,
            resource_server_url=self.auth.resource_server_url if self.auth is not None and bound else None,
        )
        return [Middleware(AuthenticationMiddleware, backend=backend), Middleware(AuthContextMiddleware)]

    def routes(self) -> list[BaseRoute]:
        """The OAuth endpoints and metadata documents."""
        if self.auth is None:
            return []
        from mcp.server.auth.routes import create_auth_routes, create_protected_resource_routes

        routes: list[BaseRoute] = []
        if self.provider is not None:
            routes += create_auth_routes(
                provider=self.provider,
                issuer_url=self.auth.issuer_url,
                service_documentation_url=self.auth.service_documentation_url,
                client_registration_options=self.auth.client_registration_options,
                revocation_options=self.auth.revocation_options,
            )
        if self.auth.resource_server_url is not None:
            routes += create_protected_resource_routes(
                resource_url=self.auth.resource_server_url,
                authorization_servers=[self.auth.issuer_url],
                scopes_supported=self.auth.required_scopes,
            )
        return routes


def sse_app(
    server: Server[Any, Any],
    settings: Settings[Any],
    endpoint: str,
    protection: Protection,
    custom_routes: Sequence[BaseRoute],
) -> Starlette:
    """An application that serves the HTTP+SSE transport.

    Args:
        server: What serves each connection.
        settings: Paths and limits.
        endpoint: Where clients post messages, as they see it.
        protection: Who may use it.
        custom_routes: Further routes, last in precedence.

    Raises:
        ValueError: A path or limit is not valid.
    """
    transport = SseServerTransport(
        endpoint,
        security_settings=settings.transport_security,
        max_request_body_size=settings.max_request_body_size,
    )
    routes: list[BaseRoute] = [
        Route(settings.sse_path, endpoint=protection.around(SseASGIApp(server, transport)), methods=["GET"]),
        Mount(settings.message_path, app=protection.around(transport.handle_post_message)),
        *protection.routes(),
        *custom_routes,
    ]
    return Starlette(debug=settings.debug, routes=routes, middleware=protection.middleware())


def streamable_http_app(
    endpoint: StreamableHTTPASGIApp,
    settings: Settings[Any],
    protection: Protection,
    custom_routes: Sequence[BaseRoute],
    lifespan: Callable[[Any], AbstractAsyncContextManager[None]],
) -> Starlette:
    """An application that serves Streamable HTTP.

    Args:
        endpoint: What serves the requests.
        settings: The path.
        protection: Who may use it.
        custom_routes: Further routes, last in precedence.
        lifespan: Runs the session manager.
    """
    routes: list[BaseRoute] = [
        Route(settings.streamable_http_path, endpoint=protection.around(endpoint)),
        *protection.routes(),
        *custom_routes,
    ]
    return Starlette(debug=settings.debug, routes=routes, middleware=protection.middleware(), lifespan=lifespan)
