"""The low-level `Server`: a table of handlers by request type, and the loop that serves one connection with it.

A handler is registered with a decorator:

```python
server = Server("demo")

@server.list_tools()
async def list_tools() -> list[types.Tool]: ...

@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]: ...

async with stdio_server() as (read_stream, write_stream):
    await server.run(read_stream, write_stream, server.create_initialization_options())
```

Each message is handled in a task of its own. While a request handler runs, `server.request_context` (and the context
variable `request_ctx`) holds its session, lifespan context and metadata.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import BaseModel
from typing_extensions import TypeVar, deprecated

import mcp.types as types
from mcp.server.lowlevel._context import context_of
from mcp.server.lowlevel._handler_tasks import HandlerTasks
from mcp.server.lowlevel._handlers import HandlerTable
from mcp.server.lowlevel._tool_results import CombinationContent, StructuredContent, UnstructuredContent
from mcp.server.lowlevel._warnings import handling_message, warnings_to_log
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.shared._cancellation import failure
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import McpError
from mcp.shared.experimental import EXPERIMENTAL_TASKS_DEPRECATION
from mcp.shared.message import SessionMessage
from mcp.shared.session import RequestResponder

if TYPE_CHECKING:
    from mcp.server.experimental.task_support import TaskSupport
    from mcp.server.lowlevel.experimental import ExperimentalHandlers

__all__ = [
    "CombinationContent",
    "LifespanResultT",
    "NotificationOptions",
    "ReadResourceContents",
    "RequestT",
    "Server",
    "ServerSession",
    "StructuredContent",
    "UnstructuredContent",
    "lifespan",
    "request_ctx",
]

logger = logging.getLogger(__name__)

LifespanResultT = TypeVar("LifespanResultT", default=Any)
RequestT = TypeVar("RequestT", default=Any)

request_ctx: ContextVar[RequestContext[ServerSession, Any, Any]] = ContextVar("request_ctx")
"""The context of the request being handled; unset outside of request handlers."""


class NotificationOptions:
    """Which changes of its lists a server announces.

    Args:
        prompts_changed: whether `prompts.listChanged` is declared.
        resources_changed: whether `resources.listChanged` is declared.
        tools_changed: whether `tools.listChanged` is declared.
    """

    def __init__(
        self,
        prompts_changed: bool = False,
        resources_changed: bool = False,
        tools_changed: bool = False,
    ) -> None:
        self.prompts_changed = prompts_changed
        self.resources_changed = resources_changed
        self.tools_changed = tools_changed


@asynccontextmanager
async def lifespan(_: Server[LifespanResultT, RequestT]) -> AsyncGenerator[dict[str, Any], None]:
    """The default lifespan: nothing to set up, an empty dict as context."""
    yield {}


class Server(HandlerTable, Generic[LifespanResultT, RequestT]):
    """A table of handlers, what a server says about itself, and how it serves a connection.

    Args:
        name: name to announce.
        version: version to announce; that of the installed package `mcp` if None.
        instructions: how to use the server, for the client's model.
        website_url: where people read more.
        icons: pictures for user interfaces.
        lifespan: called with the server for each connection; what it yields is the handlers' `lifespan_context`.
    """

    def __init__(
        self,
        name: str,
        version: str | None = None,
        instructions: str | None = None,
        website_url: str | None = None,
        icons: list[types.Icon] | None = None,
        lifespan: Callable[
            [Server[LifespanResultT, RequestT]],
            AbstractAsyncContextManager[LifespanResultT],
        ] = cast("Any", lifespan),
    ) -> None:
        super().__init__()
        self.name = name
        self.version = version
        self.instructions = instructions
        self.website_url = website_url
        self.icons = icons
        self.lifespan = lifespan
        self._experimental_handlers: ExperimentalHandlers | None = None

    # What the server announces

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        """What to announce in `initialize`, from the handlers registered by now."""
        return InitializationOptions(
            server_name=self.name,
            server_version=self.version or _installed_version(),
            capabilities=self.get_capabilities(
                notification_options or NotificationOptions(), experimental_capabilities or {}
            ),
            instructions=self.instructions,
            website_url=self.website_url,
            icons=self.icons,
        )

    def get_capabilities(
        self,
        notification_options: NotificationOptions,
        experimental_capabilities: dict[str, dict[str, Any]],
    ) -> types.ServerCapabilities:
        """The capabilities that the handlers registered by now amount to."""
        has = self.request_handlers.__contains__
        prompts = resources = tools = logging_capability = completions = None
        if has(types.ListPromptsRequest):
            prompts = types.PromptsCapability(listChanged=notification_options.prompts_changed)
        if has(types.ListResourcesRequest):
            resources = types.ResourcesCapability(
                subscribe=has(types.SubscribeRequest), listChanged=notification_options.resources_changed
            )
        if has(types.ListToolsRequest):
            tools = types.ToolsCapability(listChanged=notification_options.tools_changed)
        if has(types.SetLevelRequest):
            logging_capability = types.LoggingCapability()
        if has(types.CompleteRequest):
            completions = types.CompletionsCapability()
        capabilities = types.ServerCapabilities(
            prompts=prompts,
            resources=resources,
            tools=tools,
            logging=logging_capability,
            experimental=experimental_capabilities,
            completions=completions,
        )
        if self._experimental_handlers is not None:
            self._experimental_handlers.update_capabilities(capabilities)
        return capabilities

    @property
    def request_context(self) -> RequestContext[ServerSession, LifespanResultT, RequestT]:
        """The context of the request being handled.

        Raises:
            LookupError: no request is being handled here.
        """
        return request_ctx.get()

    @property
    @deprecated(EXPERIMENTAL_TASKS_DEPRECATION)
    def experimental(self) -> ExperimentalHandlers:
        """Registration of task handlers (experimental)."""
        if self._experimental_handlers is None:
            from mcp.server.lowlevel.experimental import ExperimentalHandlers

            self._experimental_handlers = ExperimentalHandlers(self, self.request_handlers, self.notification_handlers)
        return self._experimental_handlers

    @property
    def _task_support(self) -> TaskSupport | None:
        return self._experimental_handlers.task_support if self._experimental_handlers is not None else None

    # Serving

    async def run(
        self,
        read_stream: MemoryObjectReceiveStream[SessionMessage | Exception],
        write_stream: MemoryObjectSendStream[SessionMessage],
        initialization_options: InitializationOptions,
        # When False, exceptions are returned as messages to the client.
        # When True, exceptions are raised, which will cause the server to shut down
        # but also make tracing exceptions much easier during testing and when using
        # in-process servers.
        raise_exceptions: bool = False,
        stateless: bool = False,
    ):
        """Serve one connection until its read stream ends. May be called many times, also at once.

        Args:
            read_stream: the transport's read stream.
            write_stream: the transport's write stream.
            initialization_options: what to announce, see `create_initialization_options`.
            raise_exceptions: let exceptions of handlers end the connection and leave `run`, for tests.
            stateless: take requests without a handshake.
        """
        async with AsyncExitStack() as stack:
            lifespan_context = await stack.enter_async_context(self.lifespan(self))
            # The global name is looked up at each run: programs put a subclass in its place.
            session = ServerSession(read_stream, write_stream, initialization_options, stateless=stateless)
            session.driven = True
            if (support := self._task_support) is not None:
                await stack.enter_async_context(support.run())
                support.configure_session(session, stateless=stateless)
            tasks = anyio.create_task_group()
            handlers = HandlerTasks(tasks)

            def handle(message: Any) -> None:
                handlers.start(self._handle_message, message, session, lifespan_context, raise_exceptions)

            handed_over = session.take_incoming(handle)
            await stack.enter_async_context(session)
            stack.enter_context(warnings_to_log())
            async with tasks:
                async with handlers:
                    if handed_over:
                        await session.serve_in(tasks)
                    else:
                        tasks.start_soon(session.serve_in, tasks)
                        async for message in session.incoming_messages:
                            handle(message)
                # The connection has ended: nobody is there to answer.
                tasks.cancel_scope.cancel()

    async def _handle_message(
        self,
        message: RequestResponder[types.ClientRequest, types.ServerResult] | types.ClientNotification | Exception,
        session: ServerSession,
        lifespan_context: LifespanResultT,
        raise_exceptions: bool = False,
    ) -> None:
        handling_message.set(True)
        if isinstance(message, RequestResponder):
            with message:
                await self._handle_request(message, message.request.root, session, lifespan_context, raise_exceptions)
        elif isinstance(message, Exception):
            await self._handle_exception(message, session, raise_exceptions)
        else:
            await self._handle_notification(message.root)

    async def _handle_request(
        self,
        message: RequestResponder[types.ClientRequest, types.ServerResult],
        req: types.ClientRequestType,
        session: ServerSession,
        lifespan_context: LifespanResultT,
        raise_exceptions: bool,
    ) -> None:
        logger.info("Processing request of type %s", type(req).__name__)
        handler = self.request_handlers.get(type(req))
        response: types.ServerResult | types.ErrorData
        if handler is None:
            response = types.ErrorData(code=types.METHOD_NOT_FOUND, message="Method not found")
        else:
            token = request_ctx.set(context_of(message, session, lifespan_context, self._task_support))
            try:
                response = _checked(await handler(req))
            except McpError as error:
                response = error.error
            except BaseException as raised:
                error = failure(raised)
                if raise_exceptions and error is raised:
                    raise
                response = types.ErrorData(code=0, message=str(error))
            finally:
                request_ctx.reset(token)
        try:
            await message.respond(response)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            logger.debug("The connection closed before request %s was answered", message.request_id)

    async def _handle_exception(self, error: Exception, session: ServerSession, raise_exceptions: bool) -> None:
        logger.error("Received exception from stream: %s", error)
        try:
            await session.send_log_message(
                level="error", data="Internal Server Error", logger="mcp.server.exception_handler"
            )
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            logger.debug("The connection closed before an exception could be reported")
        if raise_exceptions:
            raise error

    async def _handle_notification(self, notification: types.ClientNotificationType) -> None:
        handler = self.notification_handlers.get(type(notification))
        if handler is None:
            return
        logger.debug("Dispatching notification of type %s", type(notification).__name__)
        try:
            await handler(notification)
        except BaseException as raised:
            logger.error("Uncaught exception in notification handler", exc_info=failure(raised))


def _checked(returned: Any) -> Any:
    return returned if isinstance(returned, BaseModel) else types.ServerResult.model_validate(returned)


def _installed_version() -> str:
    global _version
    if _version is None:
        import importlib.metadata

        try:
            _version = importlib.metadata.version("mcp")
        except importlib.metadata.PackageNotFoundError:
            _version = "unknown"
    return _version


_version: str | None = None
