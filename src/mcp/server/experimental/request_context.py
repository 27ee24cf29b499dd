"""The `experimental` helper found on a request context: task metadata, client abilities, running a task.

Source: specification 2025-11-25, page "Tasks".
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, overload

import anyio
from typing_extensions import deprecated

from mcp.server.experimental._session import TaskSession
from mcp.server.experimental.task_context import ServerTaskContext
from mcp.server.experimental.task_scope import scoped_task_id
from mcp.server.experimental.task_support import RunningWork, TaskSupport
from mcp.shared._cancellation import failure
from mcp.shared.exceptions import TaskModeError
from mcp.shared.experimental.tasks.helpers import MODEL_IMMEDIATE_RESPONSE_KEY, is_terminal
from mcp.types import (
    METHOD_NOT_FOUND,
    TASK_FORBIDDEN,
    TASK_REQUIRED,
    TASK_STATUS_FAILED,
    CallToolResult,
    ClientCapabilities,
    CreateTaskResult,
    ErrorData,
    Result,
    TaskExecutionMode,
    TaskMetadata,
    TextContent,
    Tool,
)

EXPLICIT_TASK_ID_DEPRECATION = (
    "Passing an explicit task_id to run_task is deprecated. Let the server make the id: it then belongs to the session."
)

CUT_OFF = "The server stopped before the task was done"
"""Status message of a task whose connection ended."""

CUT_OFF_TIMEOUT = 1.0
"""Seconds that noting this down in the store may take."""

logger = logging.getLogger(__name__)


@dataclass
class Experimental:
    """Task features of the request being handled."""

    task_metadata: TaskMetadata | None = None
    _client_capabilities: ClientCapabilities | None = field(default=None, repr=False)
    _session: TaskSession | None = field(default=None, repr=False)
    _task_support: TaskSupport | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        # Whether the request is a tool call, whose failure is a result with `isError`.
        self.calls_tool = False

    @property
    def is_task(self) -> bool:
        """Whether the client wants the request to run as a task."""
        return self.task_metadata is not None

    @property
    def client_supports_tasks(self) -> bool:
        """Whether the client declared tasks."""
        return self._client_capabilities is not None and self._client_capabilities.tasks is not None

    def validate_task_mode(
        self,
        tool_task_mode: TaskExecutionMode | None,
        *,
        raise_error: bool = True,
    ) -> ErrorData | None:
        """Check that the request is a task where one is required, and none where it is forbidden (the default).

        Returns:
            The error, if there is one and it is not to be raised.

        Raises:
            McpError: code -32601.
        """
        mode = tool_task_mode or TASK_FORBIDDEN
        if mode == TASK_REQUIRED and not self.is_task:
            message = "This tool requires task-augmented invocation"
        elif mode == TASK_FORBIDDEN and self.is_task:
            message = "This tool does not support task-augmented invocation"
        else:
            return None
        error = ErrorData(code=METHOD_NOT_FOUND, message=message)
        if raise_error:
            raise TaskModeError(error)
        return error

    def validate_for_tool(self, tool: Tool, *, raise_error: bool = True) -> ErrorData | None:
        """The same, for what a tool's `execution.taskSupport` says."""
        mode = tool.execution.taskSupport if tool.execution is not None else None
        return self.validate_task_mode(mode, raise_error=raise_error)

    def can_use_tool(self, tool_task_mode: TaskExecutionMode | None) -> bool:
        """Whether the client is able to call such a tool."""
        return tool_task_mode != TASK_REQUIRED or self.client_supports_tasks

    @overload
    async def run_task(
        self,
        work: Callable[[ServerTaskContext], Awaitable[Result]],
        *,
        task_id: None = None,
        model_immediate_response: str | None = None,
    ) -> CreateTaskResult: ...

    @overload
    @deprecated(EXPLICIT_TASK_ID_DEPRECATION)
    async def run_task(
        self,
        work: Callable[[ServerTaskContext], Awaitable[Result]],
        *,
        task_id: str,
        model_immediate_response: str | None = None,
    ) -> CreateTaskResult: ...

    async def run_task(
        self,
        work: Callable[[ServerTaskContext], Awaitable[Result]],
        *,
        task_id: str | None = None,
        model_immediate_response: str | None = None,
    ) -> CreateTaskResult:
        """Make a task of the request: start `work` in the background and return at once.

        Args:
            work: does the task and returns its result.
            task_id: deprecated; the server makes one.
            model_immediate_response: text for the model while the task runs.

        Raises:
            RuntimeError: tasks are not enabled, or the request is none.
        """
        if task_id is not None:
            warnings.warn(EXPLICIT_TASK_ID_DEPRECATION, DeprecationWarning, stacklevel=2)
        support, session = self._task_support, self._session
        if support is None:
            raise RuntimeError("Task support not enabled. Call server.experimental.enable_tasks() first.")
        if session is None:
            raise RuntimeError("Session not available.")
        if self.task_metadata is None:
            raise RuntimeError(
                "Request is not task-augmented (no task field in params). "
                "The client must send a task-augmented request."
            )
        group = support.task_group_of(session)
        scope = session._experimental.task_session_scope  # pyright: ignore[reportPrivateUsage]
        if task_id is None and isinstance(scope, str):
            task_id = scoped_task_id(scope)
        task = await support.store.create_task(self.task_metadata, task_id)
        context = ServerTaskContext(
            task=task, store=support.store, session=session, queue=support.queue, handler=support.handler
        )
        context.fails_with_result = self.calls_tool
        group.start_soon(self._do, support, context, work)
        meta: dict[str, Any] | None = None
        if model_immediate_response is not None:
            meta = {MODEL_IMMEDIATE_RESPONSE_KEY: model_immediate_response}
        return CreateTaskResult(task=task, _meta=meta)

    async def _do(
        self,
        support: TaskSupport,
        context: ServerTaskContext,
        work: Callable[[ServerTaskContext], Awaitable[Result]],
    ) -> None:
        with anyio.CancelScope() as scope:
            support.running[context.task_id] = RunningWork(context, scope)
            try:
                await _finish(support, context, await work(context))
            except BaseException as raised:
                try:
                    error = failure(raised)
                except BaseException:
                    if not context.is_cancelled:
                        await _cut_off(support, context)
                    raise
                await _fail(support, context, error)
            finally:
                del support.running[context.task_id]


async def _finish(support: TaskSupport, context: ServerTaskContext, result: Result) -> None:
    if not await _is_open(support, context):
        return
    if isinstance(result, CallToolResult) and result.isError:
        await support.store.store_result(context.task_id, result)
        await context.fail(next((block.text for block in result.content if isinstance(block, TextContent)), ""))
    else:
        await context.complete(result)


async def _fail(support: TaskSupport, context: ServerTaskContext, error: Exception) -> None:
    logger.debug("Task %s failed", context.task_id, exc_info=error)
    # A failure to report the failure (a closed connection, a task that vanished) must not end the other tasks.
    try:
        if await _is_open(support, context):
            await context.fail(str(error))
    except Exception:
        logger.exception("Could not record the failure of task %s", context.task_id)


async def _cut_off(support: TaskSupport, context: ServerTaskContext) -> None:
    # Whoever still polls the task, from another connection, shall not do so for ever.
    with anyio.move_on_after(CUT_OFF_TIMEOUT, shield=True):
        try:
            if await _is_open(support, context):
                await support.store.update_task(context.task_id, TASK_STATUS_FAILED, CUT_OFF)
        except Exception:
            logger.exception("Could not record the end of task %s", context.task_id)


async def _is_open(support: TaskSupport, context: ServerTaskContext) -> bool:
    """Whether the task is still to be ended: neither cancelled nor ended by its own code nor expired."""
    task = await support.store.get_task(context.task_id)
    return task is not None and not is_terminal(task.status)
