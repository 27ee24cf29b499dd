"""A server on its transports: running it, and its HTTP applications."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, cast

from mcp.server.fastmcp._configured import Configured
from mcp.server.fastmcp.utilities.logging import configure_logging
from mcp.server.lowlevel.server import LifespanResultT, Server
from mcp.shared._event_loop import run

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from mcp.server.auth.provider import OAuthAuthorizationServerProvider, TokenVerifier
    from mcp.server.fastmcp.apps import Protection
    from mcp.server.streamable_http import EventStore
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class Served(Configured[LifespanResultT], Generic[LifespanResultT]):
    """A server as something that runs."""

    _mcp_server: Server[LifespanResultT, Request]

    def _prepare_serving(
        self,
        auth_server_provider: OAuthAuthorizationServerProvider[Any, Any, Any] | None,
        token_verifier: TokenVerifier | None,
        event_store: EventStore | None,
        retry_interval: int | None,
    ) -> None:
        """Keep what HTTP needs, and check that it goes together.

        Raises:
            ValueError: The setting `auth` comes without anything to verify tokens, with two things to do so, or is
                missing.
        """
        if self._option("auth") is None:
            if auth_server_provider is not None or token_verifier is not None:
                raise ValueError("Cannot specify auth_server_provider or token_verifier without auth settings")
        elif auth_server_provider is not None and token_verifier is not None:
            raise ValueError("Cannot specify both auth_server_provider and token_verifier")
        elif auth_server_provider is None and token_verifier is None:
            raise ValueError("Must specify either auth_server_provider or token_verifier when auth is enabled")

        if auth_server_provider is not None:
            from mcp.server.auth.provider import ProviderTokenVerifier

            token_verifier = ProviderTokenVerifier(auth_server_provider)
        self._auth_server_provider = auth_server_provider
        self._token_verifier = token_verifier
        self._event_store = event_store
        self._retry_interval = retry_interval
        self._custom_starlette_routes: list[Route] = []
        self._session_manager: StreamableHTTPSessionManager | None = None
        # The last manager that an app has run: it cannot run again.
        self._spent_manager: StreamableHTTPSessionManager | None = None

    @property
    def session_manager(self) -> StreamableHTTPSessionManager:
        """What serves Streamable HTTP; run it where the app of `streamable_http_app` is mounted in another one.

        Raises:
            RuntimeError: `streamable_http_app` was not called yet.
        """
        if self._session_manager is None:
            raise RuntimeError(
                "Session manager can only be accessed after calling streamable_http_app(). "
                "The session manager is created lazily to avoid unnecessary initialization."
            )
        return self._session_manager

    # Running

    def run(
        self,
        transport: Literal["stdio", "sse", "streamable-http"] = "stdio",
        mount_path: str | None = None,
    ) -> None:
        """Run the server, in an event loop of its own, until it is stopped.

        The process is taken to be the server's: log output is configured if nobody did it before.

        Args:
            transport: What clients reach it by.
            mount_path: Where the SSE app is mounted, as clients see it.

        Raises:
            ValueError: There is no such transport.
        """
        transports: dict[str, Callable[[], Awaitable[None]]] = {
            "stdio": self.run_stdio_async,
            "sse": functools.partial(self.run_sse_async, mount_path),
            "streamable-http": self.run_streamable_http_async,
        }
        if transport not in transports:
            raise ValueError(f"Unknown transport: {transport}")
        configure_logging(self._option("log_level"))
        run(transports[transport], on_uvloop=transport != "stdio")

    async def run_stdio_async(self) -> None:
        """Serve standard input and output, until the client closes the input."""
        # Looked up when used: tracing packages replace it.
        from mcp.server import stdio

        async with stdio.stdio_server() as streams:
            # The transport's own streams have the interface of memory streams.
            read_stream, write_stream = cast("tuple[Any, Any]", streams)
            await self._mcp_server.run(read_stream, write_stream, self._mcp_server.create_initialization_options())

    async def run_sse_async(self, mount_path: str | None = None) -> None:
        """Serve the HTTP+SSE transport with uvicorn.

        Args:
            mount_path: Where the app is mounted, as clients see it.
        """
        await self._serve_http(self.sse_app(mount_path))

    async def run_streamable_http_async(self) -> None:
        """Serve Streamable HTTP with uvicorn."""
        await self._serve_http(self.streamable_http_app())

    async def _serve_http(self, app: Starlette) -> None:
        import uvicorn

        config = uvicorn.Config(
            app,
            host=self.settings.host,
            port=self.settings.port,
            log_level=self.settings.log_level.lower(),
        )
        await uvicorn.Server(config).serve()

    # HTTP applications

    def custom_route(
        self,
        path: str,
        methods: list[str],
        name: str | None = None,
        include_in_schema: bool = True,
    ):
        """Decorator that adds a route to the HTTP apps, such as a health check or an OAuth callback.

        Nobody needs a token for it. All other routes go before it.

        Args:
            path: Path, beginning with `/`.
            methods: HTTP methods.
            name: Name of the route, for making URLs.
            include_in_schema: Whether it appears in an OpenAPI schema.
        """

        def decorator(
            func: Callable[[Request], Awaitable[Response]],
        ) -> Callable[[Request], Awaitable[Response]]:
            from starlette.routing import Route

            self._custom_starlette_routes.append(
                Route(path, endpoint=func, methods=methods, name=name, include_in_schema=include_in_schema)
            )
            return func

        return decorator

    def sse_app(self, mount_path: str | None = None) -> Starlette:
        """A Starlette application that serves the HTTP+SSE transport.

        Args:
            mount_path: Where it is mounted, as clients see it; kept as the setting. Not needed for a mount by
                Starlette, which makes its own path known.

        Raises:
            ValueError: A path or limit is not valid.
        """
        from mcp.server.fastmcp import apps

        if mount_path is not None:
            self.settings.mount_path = mount_path
        endpoint = self._normalize_path(self.settings.mount_path, self.settings.message_path)
        return apps.sse_app(
            self._mcp_server, self.settings, endpoint, self._protection(), self._custom_starlette_routes
        )

    def streamable_http_app(self) -> Starlette:
        """A Starlette application that serves Streamable HTTP.

        All applications made by this share one session manager. It runs as long as the application does. Where the
        application is mounted in another one, that should run `session_manager.run()`, so that sessions end in an
        orderly way; otherwise the first request starts it.

        Raises:
            ValueError: A limit is not valid.
        """
        from mcp.server.fastmcp import apps

        if self._session_manager is None:
            self._session_manager = self._make_session_manager()
        endpoint = apps.StreamableHTTPASGIApp(self._session_manager)

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
            manager = endpoint.session_manager
            if manager is self._spent_manager:
                # The application starts again, as in tests.
                manager = endpoint.session_manager = self._session_manager = self._make_session_manager()
            self._spent_manager = manager
            async with manager.run():
                yield

        return apps.streamable_http_app(
            endpoint, self.settings, self._protection(), self._custom_starlette_routes, lifespan
        )

    def _make_session_manager(self) -> StreamableHTTPSessionManager:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        return StreamableHTTPSessionManager(
            app=self._mcp_server,
            event_store=self._event_store,
            retry_interval=self._retry_interval,
            json_response=self.settings.json_response,
            stateless=self.settings.stateless_http,
            security_settings=self.settings.transport_security,
            session_idle_timeout=self.settings.session_idle_timeout,
            max_request_body_size=self.settings.max_request_body_size,
            max_sessions=self.settings.max_sessions,
        )

    def _protection(self) -> Protection:
        from mcp.server.fastmcp.apps import Protection

        return Protection(self.settings.auth, self._token_verifier, self._auth_server_provider)

    def _normalize_path(self, mount_path: str, endpoint: str) -> str:
        """The path of an endpoint as clients see it: that of the mount and its own, one slash between them."""
        if mount_path == "/":
            return endpoint
        prefix = mount_path.strip("/")
        return f"/{prefix}/{endpoint.lstrip('/')}" if prefix else f"/{endpoint.lstrip('/')}"
