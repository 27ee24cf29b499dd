"""`ServerSession`, the server end of one connection: requests to the client and notifications.

Source: specification 2025-11-25, pages "Lifecycle", "Sampling", "Elicitation", "Roots" and "Logging".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import AnyUrl
from typing_extensions import Self, TypeVar, deprecated

import mcp.types as types
from mcp.server.models import InitializationOptions
from mcp.server.validation import validate_sampling_tools, validate_tool_use_result_messages
from mcp.shared._codec import wrap_root
from mcp.shared.experimental import EXPERIMENTAL_TASKS_DEPRECATION
from mcp.shared.message import MessageMetadata, ServerMessageMetadata, SessionMessage
from mcp.shared.session import BaseSession, RequestResponder
from mcp.shared.version import SUPPORTED_PROTOCOL_VERSIONS

if TYPE_CHECKING:
    from mcp.server.experimental.session_features import ExperimentalServerSessionFeatures


MAX_TAKEN_AT_ONCE = 64
"""Requests in work beyond which a further one waits to be read, which gives those in work their turn."""


class InitializationState(Enum):
    """How far the handshake of a connection is."""

    NotInitialized = 1
    Initializing = 2
    Initialized = 3


# The defaults of these variables make a bare `Context` complete for type checkers.
ServerSessionT = TypeVar("ServerSessionT", bound="ServerSession", default="ServerSession")

ServerRequestResponder: TypeAlias = (
    RequestResponder[types.ClientRequest, types.ServerResult] | types.ClientNotification | Exception
)


class ServerSession(
    BaseSession[
        types.ServerRequest,
        types.ServerNotification,
        types.ServerResult,
        types.ClientRequest,
        types.ClientNotification,
    ]
):
    """The server end of one connection.

    Args:
        read_stream: the transport's read stream.
        write_stream: the transport's write stream.
        init_options: what to announce in `initialize`.
        stateless: take requests without a handshake.

    Every send method raises `McpError` for an error answer and `anyio.ClosedResourceError` after the connection ended.
    `related_request_id` names the client's request that a message belongs to; over HTTP it takes that request's stream.
    """

    def __init__(
        self,
        read_stream: MemoryObjectReceiveStream[SessionMessage | Exception],
        write_stream: MemoryObjectSendStream[SessionMessage],
        init_options: InitializationOptions,
        stateless: bool = False,
    ) -> None:
        super().__init__(read_stream, write_stream, types.ClientRequest, types.ClientNotification)
        self._initialization_state = (
            InitializationState.Initialized if stateless else InitializationState.NotInitialized
        )
        self._init_options = init_options
        self._client_params: types.InitializeRequestParams | None = None
        self._incoming_sink: Callable[[ServerRequestResponder], None] | None = None

    # Programs iterate the messages, and tracing packages replace both ends of their stream by proxies right after
    # construction: both are always used through these attributes, and made when they are first looked at.

    @cached_property
    def _incoming_message_stream_writer(self) -> MemoryObjectSendStream[ServerRequestResponder]:
        self._make_incoming_streams()
        return self._incoming_message_stream_writer

    @cached_property
    def _incoming_message_stream_reader(self) -> MemoryObjectReceiveStream[ServerRequestResponder]:
        self._make_incoming_streams()
        return self._incoming_message_stream_reader

    def _make_incoming_streams(self) -> None:
        writer, reader = anyio.create_memory_object_stream[ServerRequestResponder](0)
        self._incoming_message_stream_writer, self._incoming_message_stream_reader = writer, reader
        self._exit_stack.callback(writer.close)
        self._exit_stack.callback(reader.close)

    @property
    @deprecated(EXPERIMENTAL_TASKS_DEPRECATION)
    def experimental(self) -> ExperimentalServerSessionFeatures:
        """Tasks that run on the client (experimental)."""
        return self._experimental

    @cached_property
    def _experimental(self) -> ExperimentalServerSessionFeatures:
        from mcp.server.experimental.session_features import ExperimentalServerSessionFeatures

        return ExperimentalServerSessionFeatures(self)

    @property
    def client_params(self) -> types.InitializeRequestParams | None:
        """What the client sent in `initialize`; None before."""
        return self._client_params

    @property
    def incoming_messages(self) -> MemoryObjectReceiveStream[ServerRequestResponder]:
        """Requests, notifications and exceptions to handle; unread ones hold up the connection."""
        return self._incoming_message_stream_reader

    def check_client_capability(self, capability: types.ClientCapabilities) -> bool:
        """Whether the client declared all that is set in `capability`. False before initialization.

        A client that declares elicitation without a mode supports the form mode.
        """
        if self._client_params is None:
            return False
        return _covers(self._client_params.capabilities, capability)

    # Requests to the client

    @overload
    async def create_message(
        self,
        messages: list[types.SamplingMessage],
        *,
        max_tokens: int,
        system_prompt: str | None = None,
        include_context: types.IncludeContext | None = None,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        model_preferences: types.ModelPreferences | None = None,
        tools: None = None,
        tool_choice: types.ToolChoice | None = None,
        related_request_id: types.RequestId | None = None,
    ) -> types.CreateMessageResult: ...

    @overload
    async def create_message(
        self,
        messages: list[types.SamplingMessage],
        *,
        max_tokens: int,
        system_prompt: str | None = None,
        include_context: types.IncludeContext | None = None,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        model_preferences: types.ModelPreferences | None = None,
        tools: list[types.Tool],
        tool_choice: types.ToolChoice | None = None,
        related_request_id: types.RequestId | None = None,
    ) -> types.CreateMessageResultWithTools: ...

    async def create_message(
        self,
        messages: list[types.SamplingMessage],
        *,
        max_tokens: int,
        system_prompt: str | None = None,
        include_context: types.IncludeContext | None = None,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        model_preferences: types.ModelPreferences | None = None,
        tools: list[types.Tool] | None = None,
        tool_choice: types.ToolChoice | None = None,
        related_request_id: types.RequestId | None = None,
    ) -> types.CreateMessageResult | types.CreateMessageResultWithTools:
        """Ask the client's language model (`sampling/createMessage`).

        Args:
            messages: the conversation so far.
            max_tokens: upper limit of tokens to sample.
            tools: tools the model may use; the result then is a `CreateMessageResultWithTools`.

        Raises:
            McpError: the client answered with an error, or tools are given and it does not support them (-32602).
            ValueError: tool results in the last message do not answer the tool uses before it.
        """
        capabilities = self._client_params.capabilities if self._client_params else None
        validate_sampling_tools(capabilities, tools, tool_choice)
        validate_tool_use_result_messages(messages)
        params = types.CreateMessageRequestParams(
            messages=messages,
            systemPrompt=system_prompt,
            includeContext=include_context,
            temperature=temperature,
            maxTokens=max_tokens,
            stopSequences=stop_sequences,
            metadata=metadata,
            modelPreferences=model_preferences,
            tools=tools,
            toolChoice=tool_choice,
        )
        return await self._ask(
            types.CreateMessageRequest(params=params),
            types.CreateMessageResult if tools is None else types.CreateMessageResultWithTools,
            related_request_id,
        )

    async def list_roots(self) -> types.ListRootsResult:
        """Ask for the directories that the client offers (`roots/list`)."""
        return await self._ask(types.ListRootsRequest(), types.ListRootsResult)

    async def elicit(
        self,
        message: str,
        requestedSchema: types.ElicitRequestedSchema,
        related_request_id: types.RequestId | None = None,
    ) -> types.ElicitResult:
        """Ask the user to fill in a form; the same as `elicit_form`."""
        return await self.elicit_form(message, requestedSchema, related_request_id)

    async def elicit_form(
        self,
        message: str,
        requestedSchema: types.ElicitRequestedSchema,
        related_request_id: types.RequestId | None = None,
    ) -> types.ElicitResult:
        """Ask the user to fill in a form (`elicitation/create`, form mode).

        Args:
            message: what to tell the user.
            requestedSchema: JSON Schema of a flat object with primitive members.
        """
        params = types.ElicitRequestFormParams(message=message, requestedSchema=requestedSchema)
        return await self._ask(types.ElicitRequest(params=params), types.ElicitResult, related_request_id)

    async def elicit_url(
        self,
        message: str,
        url: str,
        elicitation_id: str,
        related_request_id: types.RequestId | None = None,
    ) -> types.ElicitResult:
        """Ask the user to visit a URL (`elicitation/create`, URL mode).

        Args:
            message: what to tell the user.
            url: where to go.
            elicitation_id: name of this elicitation, for `send_elicit_complete`.
        """
        params = types.ElicitRequestURLParams(message=message, url=url, elicitationId=elicitation_id)
        return await self._ask(types.ElicitRequest(params=params), types.ElicitResult, related_request_id)

    async def send_ping(self) -> types.EmptyResult:
        """Ask whether the client is there (`ping`)."""
        return await self._ask(types.PingRequest(), types.EmptyResult)

    async def _ask(
        self, request: Any, result_type: type[Any], related_request_id: types.RequestId | None = None
    ) -> Any:
        metadata = None
        if related_request_id is not None:
            metadata = ServerMessageMetadata(related_request_id=related_request_id)
        return await self.send_request(wrap_root(types.ServerRequest, request), result_type, metadata=metadata)

    # Notifications to the client

    async def send_log_message(
        self,
        level: types.LoggingLevel,
        data: Any,
        logger: str | None = None,
        related_request_id: types.RequestId | None = None,
    ) -> None:
        """Send a log message; `data` may be any JSON value. The level the client asked for is not looked at here."""
        params = types.LoggingMessageNotificationParams(level=level, data=data, logger=logger)
        await self._notify(types.LoggingMessageNotification(params=params), related_request_id)

    async def send_progress_notification(
        self,
        progress_token: str | int,
        progress: float,
        total: float | None = None,
        message: str | None = None,
        related_request_id: str | None = None,
    ) -> None:
        """Report progress of a request of the client, under the token it sent."""
        params = types.ProgressNotificationParams(
            progressToken=progress_token, progress=progress, total=total, message=message
        )
        await self._notify(types.ProgressNotification(params=params), related_request_id)

    async def send_resource_updated(self, uri: AnyUrl) -> None:
        """Tell the client that a resource it subscribed to has changed."""
        params = types.ResourceUpdatedNotificationParams(uri=uri)
        await self._notify(types.ResourceUpdatedNotification(params=params))

    async def send_resource_list_changed(self) -> None:
        """Tell the client that the list of resources has changed."""
        await self._notify(types.ResourceListChangedNotification())

    async def send_tool_list_changed(self) -> None:
        """Tell the client that the list of tools has changed."""
        await self._notify(types.ToolListChangedNotification())

    async def send_prompt_list_changed(self) -> None:
        """Tell the client that the list of prompts has changed."""
        await self._notify(types.PromptListChangedNotification())

    async def send_elicit_complete(
        self,
        elicitation_id: str,
        related_request_id: types.RequestId | None = None,
    ) -> None:
        """Tell the client that a URL mode elicitation is complete."""
        params = types.ElicitCompleteNotificationParams(elicitationId=elicitation_id)
        await self._notify(types.ElicitCompleteNotification(params=params), related_request_id)

    async def send_message(self, message: SessionMessage) -> None:
        """Put a message on the wire as it is."""
        await self._write(message)

    async def _notify(self, notification: Any, related_request_id: types.RequestId | None = None) -> None:
        await self.send_notification(wrap_root(types.ServerNotification, notification), related_request_id)

    # Requests of tasks, which are queued until the client asks for the task's result

    def _build_elicit_form_request(
        self,
        message: str,
        requestedSchema: types.ElicitRequestedSchema,
        related_task_id: str | None = None,
        task: types.TaskMetadata | None = None,
    ) -> types.JSONRPCRequest:
        params = types.ElicitRequestFormParams(message=message, requestedSchema=requestedSchema, task=task)
        return self._build_task_request(types.ElicitRequest(params=params), related_task_id)

    def _build_elicit_url_request(
        self, message: str, url: str, elicitation_id: str, related_task_id: str | None = None
    ) -> types.JSONRPCRequest:
        params = types.ElicitRequestURLParams(message=message, url=url, elicitationId=elicitation_id)
        return self._build_task_request(types.ElicitRequest(params=params), related_task_id)

    def _build_create_message_request(
        self,
        messages: list[types.SamplingMessage],
        *,
        max_tokens: int,
        system_prompt: str | None = None,
        include_context: types.IncludeContext | None = None,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        model_preferences: types.ModelPreferences | None = None,
        tools: list[types.Tool] | None = None,
        tool_choice: types.ToolChoice | None = None,
        related_task_id: str | None = None,
        task: types.TaskMetadata | None = None,
    ) -> types.JSONRPCRequest:
        params = types.CreateMessageRequestParams(
            messages=messages,
            systemPrompt=system_prompt,
            includeContext=include_context,
            temperature=temperature,
            maxTokens=max_tokens,
            stopSequences=stop_sequences,
            metadata=metadata,
            modelPreferences=model_preferences,
            tools=tools,
            toolChoice=tool_choice,
            task=task,
        )
        return self._build_task_request(types.CreateMessageRequest(params=params), related_task_id)

    def _build_task_request(self, request: Any, related_task_id: str | None) -> types.JSONRPCRequest:
        number = self._request_id
        self._request_id = number + 1
        members = request.model_dump(by_alias=True, mode="json", exclude_none=True)
        request_id: types.RequestId = number
        if related_task_id is not None:
            meta = members["params"].setdefault("_meta", {})
            meta["io.modelcontextprotocol/related-task"] = {"taskId": related_task_id}
            request_id = f"task-{related_task_id}-{number}"
        return types.JSONRPCRequest.model_validate({**members, "jsonrpc": "2.0", "id": request_id})

    # Hooks of the session core

    async def _received_request(self, responder: RequestResponder[types.ClientRequest, types.ServerResult]) -> None:
        request = responder.request.root
        if isinstance(request, types.InitializeRequest):
            with responder:
                await responder.respond(self._initialize(request.params, responder.message_metadata))
                if self._client_params is request.params:
                    self._initialization_state = InitializationState.Initialized
        elif not isinstance(request, types.PingRequest) and not self._initialized:
            raise RuntimeError("Received request before initialization was complete")

    def _initialize(
        self, params: types.InitializeRequestParams, metadata: MessageMetadata
    ) -> types.ServerResult | types.ErrorData:
        if self._client_params is None:
            self._initialization_state = InitializationState.Initializing
            self._client_params = params
        elif not self._repeats_initialize(params, metadata):
            return types.ErrorData(code=types.INVALID_REQUEST, message="The session is already initialized")
        requested = params.protocolVersion
        options = self._init_options
        return wrap_root(
            types.ServerResult,
            types.InitializeResult(
                protocolVersion=(
                    requested if requested in SUPPORTED_PROTOCOL_VERSIONS else types.LATEST_PROTOCOL_VERSION
                ),
                capabilities=options.capabilities,
                serverInfo=types.Implementation(
                    name=options.server_name,
                    version=options.server_version,
                    websiteUrl=options.website_url,
                    icons=options.icons,
                ),
                instructions=options.instructions,
            ),
        )

    def _repeats_initialize(self, params: types.InitializeRequestParams, metadata: MessageMetadata) -> bool:
        """Whether a client only says again what it said when the session began.

        fastmcp 2 keeps its child processes, and shakes hands with each connection to them. Whoever knows the id of
        an HTTP session is not its client for that.
        """
        if isinstance(metadata, ServerMessageMetadata) and metadata.request_context is not None:
            return False
        known = self._client_params
        assert known is not None
        return (params.protocolVersion, params.capabilities, params.clientInfo) == (
            known.protocolVersion,
            known.capabilities,
            known.clientInfo,
        )

    @property
    def _initialized(self) -> bool:
        return self._initialization_state is InitializationState.Initialized

    async def _received_notification(self, notification: types.ClientNotification) -> None:
        if isinstance(notification.root, types.InitializedNotification):
            self._initialization_state = InitializationState.Initialized
        elif not self._initialized:
            raise RuntimeError("Received notification before initialization was complete")

    async def _handle_incoming(self, req: ServerRequestResponder) -> None:
        if self._incoming_sink is not None:
            self._incoming_sink(req)
        else:
            await self._incoming_message_stream_writer.send(req)

    def _take_at_once(self, item: SessionMessage | Exception) -> bool:
        if isinstance(item, SessionMessage) and isinstance(root := item.message.root, types.JSONRPCRequest):
            # A handler inherits the context of the session, not that of whoever brings the request.
            return self._context.run(self._take_request, root, item.metadata)
        return super()._take_at_once(item)

    def _take_request(self, root: types.JSONRPCRequest, metadata: MessageMetadata) -> bool:
        sink = self._incoming_sink
        if sink is None or not self._initialized or root.method == "initialize" or not self._has_own_hooks():
            return False
        if len(self._in_flight) >= MAX_TAKEN_AT_ONCE:
            return False
        responder = self._admit(root, metadata)
        if responder is not None:
            sink(responder)
        return True

    def _has_own_hooks(self) -> bool:
        """Whether nobody has overridden or replaced the hooks that a request passes, which may wait."""
        return (
            getattr(self._received_request, "__func__", None) is _received_request
            and getattr(self._handle_incoming, "__func__", None) is _handle_incoming
        )

    async def __aenter__(self) -> Self:
        if self._incoming_sink is None:
            # Made now, so that leaving closes them.
            self._incoming_message_stream_writer  # noqa: B018
        return await super().__aenter__()

    async def __aexit__(self, *raised: Any) -> bool | None:
        try:
            return await super().__aexit__(*raised)
        finally:
            # It knows the session: without this, both would wait for the garbage collector.
            self._incoming_sink = None

    async def _receive_loop(self) -> None:
        if self._incoming_sink is not None:
            await super()._receive_loop()
            return
        async with self._incoming_message_stream_writer:
            await super()._receive_loop()

    def take_incoming(self, sink: Callable[[ServerRequestResponder], None]) -> bool:
        """Have incoming messages handed to `sink` directly, without a queue and a task switch.

        Call it before entering the session. Returns False if somebody has looked at the streams, to put proxies in
        their place: the messages then pass through those.
        """
        if "_incoming_message_stream_writer" in vars(self) or "_incoming_message_stream_reader" in vars(self):
            return False
        self._incoming_sink = sink
        return True


_received_request = ServerSession._received_request  # pyright: ignore[reportPrivateUsage]
_handle_incoming = ServerSession._handle_incoming  # pyright: ignore[reportPrivateUsage]


def _covers(declared: types.ClientCapabilities, wanted: types.ClientCapabilities) -> bool:
    if wanted.roots is not None and (
        declared.roots is None or (wanted.roots.listChanged and not declared.roots.listChanged)
    ):
        return False
    if wanted.sampling is not None:
        has = declared.sampling
        if has is None:
            return False
        if wanted.sampling.context is not None and has.context is None:
            return False
        if wanted.sampling.tools is not None and has.tools is None:
            return False
    if wanted.elicitation is not None:
        has = declared.elicitation
        if has is None:
            return False
        if wanted.elicitation.url is not None and has.url is None:
            return False
        if wanted.elicitation.form is not None and has.form is None and has.url is not None:
            return False
    if wanted.experimental is not None:
        has = declared.experimental or {}
        if any(key not in has or has[key] != value for key, value in wanted.experimental.items()):
            return False
    if wanted.tasks is not None:
        from mcp.shared.experimental.tasks.capabilities import check_tasks_capability

        if declared.tasks is None or not check_tasks_capability(wanted.tasks, declared.tasks):
            return False
    return True
