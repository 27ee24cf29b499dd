"""What the code of a running task gets: status, elicitation, sampling, completion.

Source: specification 2025-11-25, page "Tasks", section "Input Required Status".
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from mcp.server.experimental._session import ResultT, TaskFeatures, TaskSession
from mcp.server.experimental.task_result_handler import TaskResultHandler
from mcp.server.validation import validate_sampling_tools, validate_tool_use_result_messages
from mcp.shared.exceptions import McpError
from mcp.shared.experimental.tasks.capabilities import (
    require_task_augmented_elicitation,
    require_task_augmented_sampling,
)
from mcp.shared.experimental.tasks.context import TaskContext
from mcp.shared.experimental.tasks.helpers import is_terminal
from mcp.shared.experimental.tasks.message_queue import QueuedMessage, TaskMessageQueue
from mcp.shared.experimental.tasks.resolver import Resolver
from mcp.shared.experimental.tasks.store import TaskStore
from mcp.types import (
    INVALID_REQUEST,
    TASK_STATUS_CANCELLED,
    TASK_STATUS_INPUT_REQUIRED,
    TASK_STATUS_WORKING,
    CallToolResult,
    ClientCapabilities,
    CreateMessageResult,
    CreateTaskResult,
    ElicitationCapability,
    ElicitRequestedSchema,
    ElicitResult,
    ErrorData,
    IncludeContext,
    JSONRPCRequest,
    ModelPreferences,
    Result,
    SamplingCapability,
    SamplingMessage,
    ServerNotification,
    Task,
    TaskMetadata,
    TaskStatusNotification,
    TaskStatusNotificationParams,
    TextContent,
    Tool,
    ToolChoice,
)

NOTE_TIMEOUT = 1.0
"""Seconds that noting down the status of a cancelled task may take."""


class ServerTaskContext:
    """A running task of a server: what its code calls.

    Args:
        task: the task as the store gave it.
        store: where its changes go.
        session: the session it belongs to.
        queue: where its requests to the client wait for `tasks/result`.
        handler: takes the answers to those requests; needed for elicitation and sampling.

    Attributes:
        fails_with_result: the task does a tool call, so that a failure has a result too, one with `isError`.
    """

    fails_with_result: bool = False

    def __init__(
        self,
        *,
        task: Task,
        store: TaskStore,
        session: TaskSession,
        queue: TaskMessageQueue,
        handler: TaskResultHandler | None = None,
    ) -> None:
        self._context = TaskContext(task, store)
        self._store = store
        self._session = session
        self._queue = queue
        self._handler = handler

    @property
    def task_id(self) -> str:
        """The id of the task."""
        return self._context.task_id

    @property
    def task(self) -> Task:
        """The task as of the last change made here."""
        return self._context.task

    @property
    def is_cancelled(self) -> bool:
        """Whether the client asked to cancel the task."""
        return self._context.is_cancelled

    def request_cancellation(self) -> None:
        """Ask the work to stop; it has to look at `is_cancelled`."""
        self._context.request_cancellation()

    # The end of the task

    async def update_status(self, message: str, *, notify: bool = True) -> None:
        """Set the status message, and tell the client unless `notify` is false."""
        await self._context.update_status(message)
        if notify:
            await self._send_notification()

    async def complete(self, result: Result, *, notify: bool = True) -> None:
        """Keep the result and end the task as completed; nothing happens if it was cancelled."""
        if await self._was_cancelled():
            return
        await self._context.complete(result)
        if notify:
            await self._send_notification()

    async def fail(self, error: str, *, notify: bool = True) -> None:
        """End the task as failed, with a message; nothing happens if it was cancelled."""
        if await self._was_cancelled():
            return
        if self.fails_with_result and await self._store.get_result(self.task_id) is None:
            result = CallToolResult(content=[TextContent(type="text", text=error)], isError=True)
            await self._store.store_result(self.task_id, result)
        await self._context.fail(error)
        if notify:
            await self._send_notification()

    async def _was_cancelled(self) -> bool:
        if not self.is_cancelled:
            return False
        task = await self._store.get_task(self.task_id)
        return task is not None and task.status == TASK_STATUS_CANCELLED

    async def _send_notification(self) -> None:
        params = TaskStatusNotificationParams.model_validate(self.task.model_dump())
        await self._session.send_notification(ServerNotification(TaskStatusNotification(params=params)))

    # Questions to the client

    async def elicit(self, message: str, requestedSchema: ElicitRequestedSchema) -> ElicitResult:
        """Ask the user to fill in a form; sent while the client waits for the task's result.

        Raises:
            McpError: the client does not support it (code -32600), or answered with an error.
            RuntimeError: there is no handler.
        """
        self._require_elicitation()
        handler = self._required_handler("elicit")
        request = self._session._build_elicit_form_request(  # pyright: ignore[reportPrivateUsage]
            message=message, requestedSchema=requestedSchema, related_task_id=self.task_id
        )
        async with self._input_required():
            return ElicitResult.model_validate(await self._ask(request, handler))

    async def elicit_url(self, message: str, url: str, elicitation_id: str) -> ElicitResult:
        """Ask the user to visit a URL; sent while the client waits for the task's result. Raises as `elicit`."""
        self._require_elicitation()
        handler = self._required_handler("elicit_url")
        request = self._session._build_elicit_url_request(  # pyright: ignore[reportPrivateUsage]
            message=message, url=url, elicitation_id=elicitation_id, related_task_id=self.task_id
        )
        async with self._input_required():
            return ElicitResult.model_validate(await self._ask(request, handler))

    async def create_message(
        self,
        messages: list[SamplingMessage],
        *,
        max_tokens: int,
        system_prompt: str | None = None,
        include_context: IncludeContext | None = None,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        model_preferences: ModelPreferences | None = None,
        tools: list[Tool] | None = None,
        tool_choice: ToolChoice | None = None,
    ) -> CreateMessageResult:
        """Ask the client's language model; sent while the client waits for the task's result.

        Raises:
            McpError: the client does not support it, or answered with an error.
            ValueError: tool results in the last message do not answer the tool uses before it.
            RuntimeError: there is no handler.
        """
        if not self._session.check_client_capability(ClientCapabilities(sampling=SamplingCapability())):
            raise McpError(ErrorData(code=INVALID_REQUEST, message="Client does not support sampling capability"))
        validate_sampling_tools(self._client_capabilities(), tools, tool_choice)
        validate_tool_use_result_messages(messages)
        handler = self._required_handler("create_message")
        request = self._session._build_create_message_request(  # pyright: ignore[reportPrivateUsage]
            messages=messages,
            max_tokens=max_tokens,
            system_prompt=system_prompt,
            include_context=include_context,
            temperature=temperature,
            stop_sequences=stop_sequences,
            metadata=metadata,
            model_preferences=model_preferences,
            tools=tools,
            tool_choice=tool_choice,
            related_task_id=self.task_id,
        )
        async with self._input_required():
            return CreateMessageResult.model_validate(await self._ask(request, handler))

    async def elicit_as_task(
        self,
        message: str,
        requestedSchema: ElicitRequestedSchema,
        *,
        ttl: int = 60000,
    ) -> ElicitResult:
        """Ask the user to fill in a form, as a task on the client that lives `ttl` milliseconds. Raises as `elicit`."""
        require_task_augmented_elicitation(self._client_capabilities())
        handler = self._required_handler("elicit_as_task")
        request = self._session._build_elicit_form_request(  # pyright: ignore[reportPrivateUsage]
            message=message,
            requestedSchema=requestedSchema,
            related_task_id=self.task_id,
            task=TaskMetadata(ttl=ttl),
        )
        return await self._ask_as_task(request, handler, ElicitResult)

    async def create_message_as_task(
        self,
        messages: list[SamplingMessage],
        *,
        max_tokens: int,
        ttl: int = 60000,
        system_prompt: str | None = None,
        include_context: IncludeContext | None = None,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        model_preferences: ModelPreferences | None = None,
        tools: list[Tool] | None = None,
        tool_choice: ToolChoice | None = None,
    ) -> CreateMessageResult:
        """Ask the client's language model, as a task on the client that lives `ttl` milliseconds."""
        capabilities = self._client_capabilities()
        require_task_augmented_sampling(capabilities)
        validate_sampling_tools(capabilities, tools, tool_choice)
        validate_tool_use_result_messages(messages)
        handler = self._required_handler("create_message_as_task")
        request = self._session._build_create_message_request(  # pyright: ignore[reportPrivateUsage]
            messages=messages,
            max_tokens=max_tokens,
            system_prompt=system_prompt,
            include_context=include_context,
            temperature=temperature,
            stop_sequences=stop_sequences,
            metadata=metadata,
            model_preferences=model_preferences,
            tools=tools,
            tool_choice=tool_choice,
            related_task_id=self.task_id,
            task=TaskMetadata(ttl=ttl),
        )
        return await self._ask_as_task(request, handler, CreateMessageResult)

    def _client_capabilities(self) -> ClientCapabilities | None:
        params = self._session.client_params
        return params.capabilities if params is not None else None

    def _require_elicitation(self) -> None:
        if not self._session.check_client_capability(ClientCapabilities(elicitation=ElicitationCapability())):
            raise McpError(ErrorData(code=INVALID_REQUEST, message="Client does not support elicitation capability"))

    def _required_handler(self, method: str) -> TaskResultHandler:
        if self._handler is None:
            raise RuntimeError(f"handler is required for {method}(). Pass handler= to ServerTaskContext.")
        return self._handler

    @asynccontextmanager
    async def _input_required(self) -> AsyncGenerator[None, None]:
        await self._store.update_task(self.task_id, status=TASK_STATUS_INPUT_REQUIRED)
        try:
            yield
        finally:
            with anyio.move_on_after(NOTE_TIMEOUT, shield=True):
                task = await self._store.get_task(self.task_id)
                if task is not None and not is_terminal(task.status):
                    await self._store.update_task(self.task_id, status=TASK_STATUS_WORKING)

    async def _ask(self, request: JSONRPCRequest, handler: TaskResultHandler) -> dict[str, Any]:
        resolver: Resolver[dict[str, Any]] = Resolver()
        queued = QueuedMessage(type="request", message=request, resolver=resolver, original_request_id=request.id)
        await self._queue.enqueue(self.task_id, queued)
        try:
            return await resolver.wait()
        finally:
            if not resolver.done():
                handler.withdraw(queued)

    async def _ask_as_task(
        self, request: JSONRPCRequest, handler: TaskResultHandler, result_type: type[ResultT]
    ) -> ResultT:
        async with self._input_required():
            created = CreateTaskResult.model_validate(await self._ask(request, handler))
            features: TaskFeatures = self._session._experimental  # pyright: ignore[reportPrivateUsage]
            async for _ in features.poll_task(created.task.taskId):
                pass
            return await features.get_task_result(created.task.taskId, result_type)
