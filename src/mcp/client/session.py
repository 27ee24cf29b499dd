"""`ClientSession`, the typed client end of one connection, and its callback protocols.

Source: specification 2025-11-25, pages "Lifecycle", "Tools", "Resources", "Prompts", "Sampling", "Elicitation" and
"Roots".
"""

from __future__ import annotations

import logging
import warnings
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import AnyUrl, TypeAdapter
from typing_extensions import deprecated

import mcp.types as types
from mcp.shared._cancellation import failure
from mcp.shared._codec import wrap_root
from mcp.shared._schema import CompiledSchema, SchemaError
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import McpError
from mcp.shared.experimental import EXPERIMENTAL_TASKS_DEPRECATION
from mcp.shared.message import SessionMessage
from mcp.shared.session import BaseSession, ProgressFnT, RequestResponder
from mcp.shared.version import SUPPORTED_PROTOCOL_VERSIONS

if TYPE_CHECKING:
    from mcp.client.experimental.task_handlers import ExperimentalTaskHandlers
    from mcp.client.experimental.tasks import ExperimentalClientFeatures

__all__ = [
    "DEFAULT_CLIENT_INFO",
    "ClientResponse",
    "ClientSession",
    "ElicitationFnT",
    "ListRootsFnT",
    "LoggingFnT",
    "MessageHandlerFnT",
    "ProgressFnT",
    "RequestContext",
    "SamplingFnT",
]

DEFAULT_CLIENT_INFO = types.Implementation(name="mcp", version="0.1.0")

MAX_CONCURRENT_CALLBACKS = 256
"""How many requests of the server may be in work at once; a further one is refused."""

MAX_TOOL_PAGES = 100
"""How many pages of tools are read, at most, to find the output schema of one."""

LISTING_TIMEOUT = 30.0
"""Seconds that finding the output schema of a tool may take, in a session without a timeout of its own."""

logger = logging.getLogger("client")

ResultT = TypeVar("ResultT", bound=types.Result)


class SamplingFnT(Protocol):
    """Answers `sampling/createMessage` with the client's language model."""

    async def __call__(
        self,
        context: RequestContext[ClientSession, Any],
        params: types.CreateMessageRequestParams,
    ) -> types.CreateMessageResult | types.CreateMessageResultWithTools | types.ErrorData:
        """Return the sampled message, or an error to answer with."""
        ...


class ElicitationFnT(Protocol):
    """Answers `elicitation/create` by asking the user."""

    async def __call__(
        self,
        context: RequestContext[ClientSession, Any],
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult | types.ErrorData:
        """Return what the user said, or an error to answer with."""
        ...


class ListRootsFnT(Protocol):
    """Answers `roots/list`."""

    async def __call__(
        self,
        context: RequestContext[ClientSession, Any],
    ) -> types.ListRootsResult | types.ErrorData:
        """Return the roots, or an error to answer with."""
        ...


class LoggingFnT(Protocol):
    """Takes the server's log messages."""

    async def __call__(self, params: types.LoggingMessageNotificationParams) -> None:
        """Take one log message."""
        ...


class MessageHandlerFnT(Protocol):
    """Takes notifications, and exceptions in place of what could not be read or matched."""

    async def __call__(
        self,
        message: RequestResponder[types.ServerRequest, types.ClientResult] | types.ServerNotification | Exception,
    ) -> None:
        """Take one message."""
        ...


async def _default_message_handler(
    message: RequestResponder[types.ServerRequest, types.ClientResult] | types.ServerNotification | Exception,
) -> None:
    await anyio.lowlevel.checkpoint()


async def _default_sampling_callback(
    context: RequestContext[ClientSession, Any], params: types.CreateMessageRequestParams
) -> types.CreateMessageResult | types.CreateMessageResultWithTools | types.ErrorData:
    return types.ErrorData(code=types.INVALID_REQUEST, message="Sampling not supported")


async def _default_elicitation_callback(
    context: RequestContext[ClientSession, Any], params: types.ElicitRequestParams
) -> types.ElicitResult | types.ErrorData:
    return types.ErrorData(code=types.INVALID_REQUEST, message="Elicitation not supported")


async def _default_list_roots_callback(
    context: RequestContext[ClientSession, Any],
) -> types.ListRootsResult | types.ErrorData:
    return types.ErrorData(code=types.INVALID_REQUEST, message="List roots not supported")


async def _default_logging_callback(params: types.LoggingMessageNotificationParams) -> None:
    pass


ClientResponse: TypeAdapter[types.ClientResult | types.ErrorData] = TypeAdapter(
    types.ClientResult | types.ErrorData, config={"defer_build": True}
)


class ClientSession(
    BaseSession[
        types.ClientRequest,
        types.ClientNotification,
        types.ClientResult,
        types.ServerRequest,
        types.ServerNotification,
    ]
):
    """The client end of one connection.

    ```python
    async with stdio_client(params) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        result = await session.call_tool("add", {"a": 1, "b": 2})
    ```

    Args:
        read_stream: the transport's read stream.
        write_stream: the transport's write stream.
        read_timeout_seconds: how long each request waits for its answer, for ever if None.
        sampling_callback: answers sampling requests; giving it declares the capability.
        elicitation_callback: answers elicitation requests of both modes; giving it declares the capability.
        list_roots_callback: answers `roots/list`; giving it declares the capability.
        logging_callback: takes the server's log messages.
        message_handler: takes every notification, and exceptions in place of what could not be read.
        client_info: name and version to announce.
        sampling_capabilities: what of sampling to declare, with a `sampling_callback`.
        experimental_task_handlers: what to do when the server runs tasks on this client (experimental, deprecated).

    Callbacks for requests run in tasks of their own and may use the session. Every request method raises `McpError` for
    an error answer, for a timeout (code 408) and for a connection that ends (code -32000).
    """

    def __init__(
        self,
        read_stream: MemoryObjectReceiveStream[SessionMessage | Exception],
        write_stream: MemoryObjectSendStream[SessionMessage],
        read_timeout_seconds: timedelta | None = None,
        sampling_callback: SamplingFnT | None = None,
        elicitation_callback: ElicitationFnT | None = None,
        list_roots_callback: ListRootsFnT | None = None,
        logging_callback: LoggingFnT | None = None,
        message_handler: MessageHandlerFnT | None = None,
        client_info: types.Implementation | None = None,
        *,
        sampling_capabilities: types.SamplingCapability | None = None,
        experimental_task_handlers: ExperimentalTaskHandlers | None = None,
    ) -> None:
        super().__init__(
            read_stream,
            write_stream,
            types.ServerRequest,
            types.ServerNotification,
            read_timeout_seconds=read_timeout_seconds,
        )
        self._client_info = client_info or DEFAULT_CLIENT_INFO
        self._sampling_callback = sampling_callback or _default_sampling_callback
        self._sampling_capabilities = sampling_capabilities
        self._elicitation_callback = elicitation_callback or _default_elicitation_callback
        self._list_roots_callback = list_roots_callback or _default_list_roots_callback
        self._logging_callback = logging_callback or _default_logging_callback
        self._message_handler = message_handler or _default_message_handler
        self._server_capabilities: types.ServerCapabilities | None = None
        if experimental_task_handlers is not None:
            warnings.warn(EXPERIMENTAL_TASKS_DEPRECATION, DeprecationWarning, stacklevel=2)
        self._task_handlers = experimental_task_handlers
        # Name of a listed tool to its output schema; programs read it. Compiled schemas stand beside it.
        self._tool_output_schemas: dict[str, dict[str, Any] | None] = {}
        self._compiled_schemas: dict[str, tuple[dict[str, Any], CompiledSchema]] = {}

    # Handshake

    async def initialize(self) -> types.InitializeResult:
        """Shake hands: agree on a protocol version and exchange capabilities. Call it first.

        Raises:
            RuntimeError: the server chose a version that this package does not know.

        Source: specification 2025-11-25, page "Lifecycle".
        """
        params = types.InitializeRequestParams(
            protocolVersion=types.LATEST_PROTOCOL_VERSION,
            capabilities=self._capabilities(),
            clientInfo=self._client_info,
        )
        result = await self._ask(types.InitializeRequest(params=params), types.InitializeResult)
        if result.protocolVersion not in SUPPORTED_PROTOCOL_VERSIONS:
            raise RuntimeError(f"Unsupported protocol version from the server: {result.protocolVersion}")
        self._server_capabilities = result.capabilities
        await self._notify(types.InitializedNotification())
        return result

    def _capabilities(self) -> types.ClientCapabilities:
        sampling = elicitation = roots = None
        if self._sampling_callback is not _default_sampling_callback:
            sampling = self._sampling_capabilities or types.SamplingCapability()
        if self._elicitation_callback is not _default_elicitation_callback:
            elicitation = types.ElicitationCapability(
                form=types.FormElicitationCapability(), url=types.UrlElicitationCapability()
            )
        if self._list_roots_callback is not _default_list_roots_callback:
            roots = types.RootsCapability(listChanged=True)
        tasks = self._task_handlers.build_capability() if self._task_handlers is not None else None
        return types.ClientCapabilities(sampling=sampling, elicitation=elicitation, roots=roots, tasks=tasks)

    def get_server_capabilities(self) -> types.ServerCapabilities | None:
        """The capabilities the server declared; None before `initialize`."""
        return self._server_capabilities

    @property
    @deprecated(EXPERIMENTAL_TASKS_DEPRECATION)
    def experimental(self) -> ExperimentalClientFeatures:
        """Tasks that run on the server (experimental)."""
        return self._experimental_features

    @cached_property
    def _experimental_features(self) -> ExperimentalClientFeatures:
        from mcp.client.experimental.tasks import ExperimentalClientFeatures

        return ExperimentalClientFeatures(self)

    # Requests

    async def send_ping(self) -> types.EmptyResult:
        """Ask whether the server is there (`ping`)."""
        return await self._ask(types.PingRequest(), types.EmptyResult)

    async def set_logging_level(self, level: types.LoggingLevel) -> types.EmptyResult:
        """Ask for log messages of this level and above (`logging/setLevel`)."""
        params = types.SetLevelRequestParams(level=level)
        return await self._ask(types.SetLevelRequest(params=params), types.EmptyResult)

    @overload
    @deprecated("Use list_resources(params=PaginatedRequestParams(...)) instead")
    async def list_resources(self, cursor: str | None) -> types.ListResourcesResult: ...

    @overload
    async def list_resources(self, *, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult: ...

    @overload
    async def list_resources(self) -> types.ListResourcesResult: ...

    async def list_resources(
        self,
        cursor: str | None = None,
        *,
        params: types.PaginatedRequestParams | None = None,
    ) -> types.ListResourcesResult:
        """One page of resources (`resources/list`).

        Args:
            cursor: where the page begins, `nextCursor` of the page before; deprecated in favour of `params`.
            params: the same as parameters of the request.

        Raises:
            ValueError: both are given.
        """
        return await self._ask(types.ListResourcesRequest(params=_page(cursor, params)), types.ListResourcesResult)

    @overload
    @deprecated("Use list_resource_templates(params=PaginatedRequestParams(...)) instead")
    async def list_resource_templates(self, cursor: str | None) -> types.ListResourceTemplatesResult: ...

    @overload
    async def list_resource_templates(
        self, *, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult: ...

    @overload
    async def list_resource_templates(self) -> types.ListResourceTemplatesResult: ...

    async def list_resource_templates(
        self,
        cursor: str | None = None,
        *,
        params: types.PaginatedRequestParams | None = None,
    ) -> types.ListResourceTemplatesResult:
        """One page of resource templates (`resources/templates/list`); arguments as for `list_resources`."""
        return await self._ask(
            types.ListResourceTemplatesRequest(params=_page(cursor, params)), types.ListResourceTemplatesResult
        )

    async def read_resource(self, uri: AnyUrl) -> types.ReadResourceResult:
        """Read a resource (`resources/read`); `uri` may also be a string."""
        params = types.ReadResourceRequestParams(uri=uri)
        return await self._ask(types.ReadResourceRequest(params=params), types.ReadResourceResult)

    async def subscribe_resource(self, uri: AnyUrl) -> types.EmptyResult:
        """Ask to be notified when a resource changes (`resources/subscribe`)."""
        params = types.SubscribeRequestParams(uri=uri)
        return await self._ask(types.SubscribeRequest(params=params), types.EmptyResult)

    async def unsubscribe_resource(self, uri: AnyUrl) -> types.EmptyResult:
        """Take `subscribe_resource` back (`resources/unsubscribe`)."""
        params = types.UnsubscribeRequestParams(uri=uri)
        return await self._ask(types.UnsubscribeRequest(params=params), types.EmptyResult)

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        read_timeout_seconds: timedelta | None = None,
        progress_callback: ProgressFnT | None = None,
        *,
        meta: dict[str, Any] | None = None,
    ) -> types.CallToolResult:
        """Call a tool (`tools/call`).

        A result with `isError` is returned, not raised. Structured content is checked against the tool's output schema;
        the tools are listed once if the tool is not known yet.

        Args:
            name: name of the tool.
            arguments: its arguments, JSON values by name.
            read_timeout_seconds: how long to wait for the result; the session's timeout if None.
            progress_callback: awaited for each progress report.
            meta: members for `_meta`.

        Raises:
            McpError: the call failed.
            RuntimeError: the structured content does not fit the output schema.
        """
        params = types.CallToolRequestParams(
            name=name,
            arguments=arguments,
            _meta=types.RequestParams.Meta.model_validate(meta) if meta is not None else None,
        )
        result = await self.send_request(
            wrap_root(types.ClientRequest, types.CallToolRequest(params=params)),
            types.CallToolResult,
            request_read_timeout_seconds=read_timeout_seconds,
            progress_callback=progress_callback,
        )
        if not result.isError:
            await self._validate_tool_result(name, result)
        return result

    async def _validate_tool_result(self, name: str, result: types.CallToolResult) -> None:
        if name not in self._tool_output_schemas:
            await self._look_for_tool(name)
        if name not in self._tool_output_schemas:
            logger.warning("Tool %s not listed by server, cannot validate any structured content", name)
            return
        schema = self._tool_output_schemas[name]
        if schema is None:
            return
        if result.structuredContent is None:
            raise RuntimeError(f"Tool {name} has an output schema but did not return structured content")
        try:
            problem = self._compiled_schema(name, schema).error(result.structuredContent)
        except SchemaError as error:
            raise RuntimeError(f"Invalid schema for tool {name}: {error}") from error
        if problem is not None:
            raise RuntimeError(f"Invalid structured content returned by tool {name}: {problem}")

    def _compiled_schema(self, name: str, schema: dict[str, Any]) -> CompiledSchema:
        known = self._compiled_schemas.get(name)
        if known is None or known[0] is not schema:
            known = self._compiled_schemas[name] = (schema, CompiledSchema(schema))
        return known[1]

    async def _look_for_tool(self, name: str) -> None:
        # The result is there already: a server that fails to list its tools must not take it away.
        limit = LISTING_TIMEOUT if self._session_read_timeout_seconds is None else None
        with anyio.move_on_after(limit):
            try:
                page = await self.list_tools()
                for _ in range(1, MAX_TOOL_PAGES):
                    if name in self._tool_output_schemas or page.nextCursor is None:
                        return
                    page = await self.list_tools(params=types.PaginatedRequestParams(cursor=page.nextCursor))
            except Exception as error:
                logger.debug("Could not list tools: %r", error)

    @overload
    @deprecated("Use list_prompts(params=PaginatedRequestParams(...)) instead")
    async def list_prompts(self, cursor: str | None) -> types.ListPromptsResult: ...

    @overload
    async def list_prompts(self, *, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult: ...

    @overload
    async def list_prompts(self) -> types.ListPromptsResult: ...

    async def list_prompts(
        self,
        cursor: str | None = None,
        *,
        params: types.PaginatedRequestParams | None = None,
    ) -> types.ListPromptsResult:
        """One page of prompts (`prompts/list`); arguments as for `list_resources`."""
        return await self._ask(types.ListPromptsRequest(params=_page(cursor, params)), types.ListPromptsResult)

    async def get_prompt(self, name: str, arguments: dict[str, str] | None = None) -> types.GetPromptResult:
        """Render a prompt (`prompts/get`) with arguments by name."""
        params = types.GetPromptRequestParams(name=name, arguments=arguments)
        return await self._ask(types.GetPromptRequest(params=params), types.GetPromptResult)

    async def complete(
        self,
        ref: types.ResourceTemplateReference | types.PromptReference,
        argument: dict[str, str],
        context_arguments: dict[str, str] | None = None,
    ) -> types.CompleteResult:
        """Ask for values to complete an argument with (`completion/complete`).

        Args:
            ref: the prompt or resource template it belongs to.
            argument: `{"name": …, "value": <what is typed so far>}`.
            context_arguments: arguments that are already filled in.
        """
        params = types.CompleteRequestParams(
            ref=ref,
            argument=types.CompletionArgument(**argument),
            context=types.CompletionContext(arguments=context_arguments) if context_arguments is not None else None,
        )
        return await self._ask(types.CompleteRequest(params=params), types.CompleteResult)

    @overload
    @deprecated("Use list_tools(params=PaginatedRequestParams(...)) instead")
    async def list_tools(self, cursor: str | None) -> types.ListToolsResult: ...

    @overload
    async def list_tools(self, *, params: types.PaginatedRequestParams | None) -> types.ListToolsResult: ...

    @overload
    async def list_tools(self) -> types.ListToolsResult: ...

    async def list_tools(
        self,
        cursor: str | None = None,
        *,
        params: types.PaginatedRequestParams | None = None,
    ) -> types.ListToolsResult:
        """One page of tools (`tools/list`); arguments as for `list_resources`. Output schemas are remembered."""
        result = await self._ask(types.ListToolsRequest(params=_page(cursor, params)), types.ListToolsResult)
        self._tool_output_schemas.update({tool.name: tool.outputSchema for tool in result.tools})
        return result

    async def _ask(self, request: Any, result_type: type[ResultT]) -> ResultT:
        return await self.send_request(wrap_root(types.ClientRequest, request), result_type)

    # Notifications

    async def send_progress_notification(
        self,
        progress_token: str | int,
        progress: float,
        total: float | None = None,
        message: str | None = None,
    ) -> None:
        """Report progress of a request of the server, under the token it sent."""
        params = types.ProgressNotificationParams(
            progressToken=progress_token, progress=progress, total=total, message=message
        )
        await self._notify(types.ProgressNotification(params=params))

    async def send_roots_list_changed(self) -> None:
        """Tell the server that the list of roots has changed."""
        await self._notify(types.RootsListChangedNotification())

    async def _notify(self, notification: Any) -> None:
        await self.send_notification(wrap_root(types.ClientNotification, notification))

    # Hooks of the session core

    async def _dispatch_request(self, responder: RequestResponder[types.ServerRequest, types.ClientResult]) -> None:
        # In a task of its own: a callback may take its time, use the session, and be cancelled by the server.
        if len(self._in_flight) > MAX_CONCURRENT_CALLBACKS:
            self._fail(responder, types.ErrorData(code=types.INTERNAL_ERROR, message="Too many requests in flight"))
            return
        self._task_group.start_soon(self._answer, responder)

    async def _answer(self, responder: RequestResponder[types.ServerRequest, types.ClientResult]) -> None:
        try:
            await self._received_request(responder)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            logger.debug("The connection closed before request %s was answered", responder.request_id)
        except BaseException as raised:
            error = failure(raised)
            logger.error("Answering request %s failed", responder.request_id, exc_info=error)
            self._fail(responder, types.ErrorData(code=0, message=str(error)))
        else:
            if responder.in_flight:
                await self._deliver(responder)

    async def _received_request(self, responder: RequestResponder[types.ServerRequest, types.ClientResult]) -> None:
        with responder:
            await responder.respond(await self._call_back(responder))

    async def _call_back(
        self, responder: RequestResponder[types.ServerRequest, types.ClientResult]
    ) -> types.ClientResult | types.ErrorData:
        request = responder.request.root
        context = RequestContext[ClientSession, Any](
            request_id=responder.request_id,
            meta=responder.request_meta,
            session=self,
            lifespan_context=None,
        )
        try:
            answer: Any
            if (answer := await self._task_answer(context, responder.request)) is not None:
                return _checked_answer(answer, types.Result, request.method)
            if isinstance(request, types.PingRequest):
                answer = types.EmptyResult()
            elif isinstance(request, types.CreateMessageRequest):
                answer = await self._sampling_callback(context, request.params)
            elif isinstance(request, types.ElicitRequest):
                answer = await self._elicitation_callback(context, request.params)
            elif isinstance(request, types.ListRootsRequest):
                answer = await self._list_roots_callback(context)
            else:
                answer = types.ErrorData(code=types.METHOD_NOT_FOUND, message=f"{request.method} not supported")
        except McpError as error:
            return error.error
        except Exception as error:
            logger.warning("A callback for %s failed: %r", request.method, error)
            return types.ErrorData(code=0, message=str(error))
        return _checked_answer(answer, _ANSWER_TYPES.get(type(request), types.Result), request.method)

    async def _task_answer(self, context: RequestContext[ClientSession, Any], request: types.ServerRequest) -> Any:
        """The answer to a request that has to do with tasks; None if it has nothing to do with them."""
        if self._task_handlers is None:
            if getattr(request.root.params, "task", None) is None and type(request.root) in _ORDINARY_REQUESTS:
                return None
            from mcp.client.experimental.task_handlers import ExperimentalTaskHandlers

            self._task_handlers = ExperimentalTaskHandlers()
        return await self._task_handlers.answer(context, request)

    async def _received_notification(self, notification: types.ServerNotification) -> None:
        root = notification.root
        if isinstance(root, types.LoggingMessageNotification):
            await self._logging_callback(root.params)

    async def _handle_incoming(
        self,
        req: RequestResponder[types.ServerRequest, types.ClientResult] | types.ServerNotification | Exception,
    ) -> None:
        await self._message_handler(req)


_ORDINARY_REQUESTS = (types.PingRequest, types.CreateMessageRequest, types.ElicitRequest, types.ListRootsRequest)

_ANSWER_TYPES: dict[type, Any] = {
    types.CreateMessageRequest: types.CreateMessageResult | types.CreateMessageResultWithTools,
    types.ElicitRequest: types.ElicitResult,
    types.ListRootsRequest: types.ListRootsResult,
}


def _checked_answer(answer: Any, expected: Any, method: str) -> types.ClientResult | types.ErrorData:
    """What a callback returned, as what to answer; an internal error if it is neither its result type nor an error."""
    if isinstance(answer, types.ErrorData):
        return answer
    if isinstance(answer, types.ClientResult):
        answer = answer.root
    if not isinstance(answer, expected):
        message = f"The callback for {method} returned {type(answer).__name__}, not {expected}"
        return types.ErrorData(code=types.INTERNAL_ERROR, message=message)
    return wrap_root(types.ClientResult, answer)


def _page(cursor: str | None, params: types.PaginatedRequestParams | None) -> types.PaginatedRequestParams | None:
    if cursor is None:
        return params
    if params is not None:
        raise ValueError("Cannot specify both cursor and params")
    return types.PaginatedRequestParams(cursor=cursor)
