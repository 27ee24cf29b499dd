"""What `ServerSession.experimental` offers: tasks that run on the client.

Source: specification 2025-11-25, page "Tasks".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

import mcp.types as types
from mcp.server.experimental._session import TaskSession
from mcp.server.validation import validate_sampling_tools, validate_tool_use_result_messages
from mcp.shared.experimental.tasks.capabilities import (
    require_task_augmented_elicitation,
    require_task_augmented_sampling,
)
from mcp.shared.experimental.tasks.polling import poll_until_terminal

ResultT = TypeVar("ResultT", bound=types.Result)


class ExperimentalServerSessionFeatures:
    """Tasks that run on the client, as the server end of a connection sees them.

    Args:
        session: the session.

    Attributes:
        task_session_scope: prefix of the task ids of this session; None while tasks are off, or stateless.
    """

    def __init__(self, session: TaskSession) -> None:
        self._session = session
        self.task_session_scope: str | None = None

    async def get_task(self, task_id: str) -> types.GetTaskResult:
        """Ask the client for the state of a task (`tasks/get`)."""
        params = types.GetTaskRequestParams(taskId=task_id)
        return await self._ask(types.GetTaskRequest(params=params), types.GetTaskResult)

    async def get_task_result(self, task_id: str, result_type: type[ResultT]) -> ResultT:
        """Ask the client for the result of a task (`tasks/result`); waits until there is one."""
        params = types.GetTaskPayloadRequestParams(taskId=task_id)
        return await self._ask(types.GetTaskPayloadRequest(params=params), result_type)

    def poll_task(self, task_id: str) -> AsyncIterator[types.GetTaskResult]:
        """Yield the state of a task again and again until it is over."""
        return poll_until_terminal(self.get_task, task_id)

    async def elicit_as_task(
        self,
        message: str,
        requestedSchema: types.ElicitRequestedSchema,
        *,
        ttl: int = 60000,
    ) -> types.ElicitResult:
        """Ask the user to fill in a form, as a task on the client.

        Args:
            ttl: milliseconds that the client shall keep the task.

        Raises:
            McpError: the client does not support it (code -32600), or answered with an error.
        """
        require_task_augmented_elicitation(self._client_capabilities())
        params = types.ElicitRequestFormParams(
            message=message, requestedSchema=requestedSchema, task=types.TaskMetadata(ttl=ttl)
        )
        return await self._run(types.ElicitRequest(params=params), types.ElicitResult)

    async def create_message_as_task(
        self,
        messages: list[types.SamplingMessage],
        *,
        max_tokens: int,
        ttl: int = 60000,
        system_prompt: str | None = None,
        include_context: types.IncludeContext | None = None,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        model_preferences: types.ModelPreferences | None = None,
        tools: list[types.Tool] | None = None,
        tool_choice: types.ToolChoice | None = None,
    ) -> types.CreateMessageResult:
        """Ask the client's language model, as a task on the client; arguments as for `create_message`.

        Raises:
            McpError: the client does not support it (code -32600), or answered with an error.
            ValueError: tool results in the last message do not answer the tool uses before it.
        """
        capabilities = self._client_capabilities()
        require_task_augmented_sampling(capabilities)
        validate_sampling_tools(capabilities, tools, tool_choice)
        validate_tool_use_result_messages(messages)
        params = types.CreateMessageRequestParams(
            messages=messages,
            maxTokens=max_tokens,
            systemPrompt=system_prompt,
            includeContext=include_context,
            temperature=temperature,
            stopSequences=stop_sequences,
            metadata=metadata,
            modelPreferences=model_preferences,
            tools=tools,
            toolChoice=tool_choice,
            task=types.TaskMetadata(ttl=ttl),
        )
        return await self._run(types.CreateMessageRequest(params=params), types.CreateMessageResult)

    async def _run(self, request: Any, result_type: type[ResultT]) -> ResultT:
        created = await self._ask(request, types.CreateTaskResult)
        async for _ in self.poll_task(created.task.taskId):
            pass
        return await self.get_task_result(created.task.taskId, result_type)

    async def _ask(self, request: Any, result_type: type[ResultT]) -> ResultT:
        return await self._session.send_request(types.ServerRequest(request), result_type)

    def _client_capabilities(self) -> types.ClientCapabilities | None:
        params = self._session.client_params
        return params.capabilities if params is not None else None
