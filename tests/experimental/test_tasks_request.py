"""TSK-2, TSK-9 … TSK-14: what a handler learns of the request, and making it a task."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

import mcp.types as types
from mcp.client.session import ClientSession
from mcp.server.experimental.request_context import Experimental
from mcp.server.experimental.task_context import ServerTaskContext
from mcp.server.experimental.task_support import TaskSupport
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import McpError
from mcp.shared.experimental.tasks.helpers import MODEL_IMMEDIATE_RESPONSE_KEY
from mcp.shared.experimental.tasks.in_memory_task_store import InMemoryTaskStore
from mcp.shared.experimental.tasks.message_queue import InMemoryTaskMessageQueue

pytestmark = pytest.mark.anyio

WITH_TASK = Experimental(task_metadata=types.TaskMetadata(ttl=1000))
WITHOUT_TASK = Experimental()
EXPLICIT_ID = r"^Passing an explicit task_id to run_task is deprecated\."
NEEDED = "This tool requires task-augmented invocation"
UNWANTED = "This tool does not support task-augmented invocation"


async def done(task: ServerTaskContext) -> types.Result:
    return types.CallToolResult(content=[types.TextContent(type="text", text="done")])


@pytest.mark.parametrize(
    ("request_features", "mode", "text"),
    [
        (WITH_TASK, "required", None),
        (WITH_TASK, "optional", None),
        (WITH_TASK, "forbidden", UNWANTED),
        (WITH_TASK, None, UNWANTED),
        (WITHOUT_TASK, "required", NEEDED),
        (WITHOUT_TASK, "optional", None),
        (WITHOUT_TASK, "forbidden", None),
        (WITHOUT_TASK, None, None),
    ],
)
def test_the_mode_of_a_tool(request_features: Experimental, mode: types.TaskExecutionMode, text: str | None) -> None:
    """TSK-10"""
    execution = types.ToolExecution(taskSupport=mode) if mode is not None else None
    tool = types.Tool(name="t", inputSchema={}, execution=execution)
    for check in (
        lambda **options: request_features.validate_task_mode(mode, **options),
        lambda **options: request_features.validate_for_tool(tool, **options),
    ):
        if text is None:
            assert check() is None
            assert check(raise_error=False) is None
            continue
        with pytest.raises(McpError) as refused:
            check()
        assert refused.value.error == types.ErrorData(code=-32601, message=text)
        assert check(raise_error=False) == types.ErrorData(code=-32601, message=text)


def test_which_tools_a_client_can_use() -> None:
    """TSK-10: only `required` asks for a client with tasks."""
    for tasks in (None, types.ClientTasksCapability()):
        client = Experimental(_client_capabilities=types.ClientCapabilities(tasks=tasks))
        assert client.client_supports_tasks is (tasks is not None)
        assert client.can_use_tool("required") is (tasks is not None)
        for mode in ("optional", "forbidden", None):
            assert client.can_use_tool(mode) is True
    assert Experimental().can_use_tool("required") is False


async def test_a_handler_sees_whether_it_is_a_task(connect: Callable[..., Any], features: Callable[[Any], Any]) -> None:
    """TSK-9, TSK-12: nothing else happens to a call with `task`; `execution` is not enforced."""
    server: Server[Any] = Server("s")
    seen: list[Experimental] = []

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        forbidding = types.ToolExecution(taskSupport="forbidden")
        return [types.Tool(name="t", inputSchema={"type": "object"}, execution=forbidding)]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        request_features = server.request_context.experimental
        assert server.request_context.experimental is request_features
        seen.append(request_features)
        return []

    async with connect(server) as client:
        await client.call_tool("t")
        params = types.CallToolRequestParams(name="t", task=types.TaskMetadata(ttl=5))
        request = types.ClientRequest(types.CallToolRequest(params=params))
        assert (await client.send_request(request, types.CallToolResult)).content == []
    plain, task = seen
    assert (plain.is_task, plain.task_metadata, plain.client_supports_tasks) == (False, None, False)
    assert (task.is_task, task.task_metadata) == (True, types.TaskMetadata(ttl=5))


async def test_the_client_supports_tasks_when_it_declares_them(connect: Callable[..., Any]) -> None:
    """TSK-9"""
    from mcp.client.experimental.task_handlers import ExperimentalTaskHandlers

    server: Server[Any] = Server("s")
    supported: list[bool] = []

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        supported.append(server.request_context.experimental.client_supports_tasks)
        return []

    async def list_tasks(context: Any, params: Any) -> types.ListTasksResult:
        return types.ListTasksResult(tasks=[])

    handlers = ExperimentalTaskHandlers(list_tasks=list_tasks)
    async with connect(server, experimental_task_handlers=handlers) as client:
        await client.call_tool("t")
    assert supported == [True]


async def test_a_request_context_stays_a_dataclass(connect: Callable[..., Any]) -> None:
    """The task features of a context are made when asked for; copies and contexts made by hand work all the same."""
    server: Server[Any] = Server("s")
    contexts: list[RequestContext[Any, Any, Any]] = []

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        contexts.append(server.request_context)
        return []

    async with connect(server) as client:
        await client.call_tool("t")
    (context,) = contexts
    copy = dataclasses.replace(context, request="http request")
    assert isinstance(copy, RequestContext)
    assert isinstance(copy.experimental, Experimental)
    assert (copy.request, copy.request_id, context.request) == ("http request", context.request_id, None)
    context.experimental = "mine"
    assert context.experimental == "mine"
    assert RequestContext(1, None, None, None).experimental is None  # type: ignore[type-var]


async def test_a_refused_mode_reaches_the_client_as_an_error(
    connect: Callable[..., Any], features: Callable[[Any], Any]
) -> None:
    """TSK-11: not as a result with `isError`."""
    server: Server[Any] = Server("s")

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        if name == "other":
            raise McpError(types.ErrorData(code=7, message="any other McpError is a result"))
        server.request_context.experimental.validate_task_mode("required")
        return []

    async with connect(server) as client:
        with pytest.raises(McpError) as refused:
            await client.call_tool("t")
        assert refused.value.error == types.ErrorData(code=-32601, message=NEEDED)
        assert (await client.call_tool("other")).isError


async def test_a_refused_mode_in_a_fastmcp_tool(connect: Callable[..., Any]) -> None:
    """TSK-11"""
    server = FastMCP("s")

    @server.tool()
    async def t() -> str:
        server._mcp_server.request_context.experimental.validate_task_mode("required")
        return ""

    async with connect(server._mcp_server) as client:
        with pytest.raises(McpError) as refused:
            await client.call_tool("t")
        assert refused.value.error == types.ErrorData(code=-32601, message=NEEDED)


# Making it a task


async def call(client: ClientSession, features: Callable[[Any], Any], **options: Any) -> types.CreateTaskResult:
    return await features(client).call_tool_as_task("work", **options)


async def test_a_task_is_made_at_once(
    make_server: Callable[..., Any], connect: Callable[..., Any], features: Callable[[Any], Any]
) -> None:
    """TSK-13, TSK-16, TSK-27"""
    server = make_server(done)
    async with connect(server) as client:
        created = await call(client, features, ttl=123456)
        task = created.task
        assert (task.status, task.pollInterval, task.ttl) == ("working", 500, 123456)
        assert created.meta is None
        scope, _, number = task.taskId.partition(":")
        assert re.fullmatch("[0-9a-f]{32}", scope)
        assert uuid.UUID(number).version == 4
        other = (await call(client, features)).task
        assert other.taskId.startswith(f"{scope}:")
        assert other.taskId != task.taskId
        await features(client).get_task_result(task.taskId, types.CallToolResult)
    context = server.contexts[0]
    assert isinstance(context, ServerTaskContext)
    assert (context.task_id, context.task.status) == (task.taskId, "completed")


async def test_a_text_for_the_model_goes_into_meta(
    make_server: Callable[..., Any], connect: Callable[..., Any], features: Callable[[Any], Any]
) -> None:
    """TSK-13"""
    async with connect(make_server(done, model_immediate_response="started, look again later")) as client:
        created = await call(client, features)
    assert created.meta == {MODEL_IMMEDIATE_RESPONSE_KEY: "started, look again later"}
    assert MODEL_IMMEDIATE_RESPONSE_KEY == "io.modelcontextprotocol/model-immediate-response"


async def test_an_id_of_ones_own_warns() -> None:
    """TSK-2"""
    support = TaskSupport.in_memory()
    session = _NoSession()
    request_features = Experimental(types.TaskMetadata(ttl=None), None, session, support)  # type: ignore[arg-type]
    async with support.run():
        with pytest.warns(DeprecationWarning, match=EXPLICIT_ID) as seen:
            created = await request_features.run_task(done, task_id="mine")
        assert seen[0].filename == __file__
        assert created.task.taskId == "mine"
        with pytest.warns(DeprecationWarning, match=EXPLICIT_ID), pytest.raises(ValueError, match="already exists"):
            await request_features.run_task(done, task_id="mine")


class _NoSession:
    """A session without a scope, as a stateless one."""

    class _experimental:
        task_session_scope = None

    async def send_notification(self, notification: Any) -> None: ...


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("support", "Task support not enabled. Call server.experimental.enable_tasks() first."),
        ("session", "Session not available."),
        (
            "task",
            "Request is not task-augmented (no task field in params). The client must send a task-augmented request.",
        ),
        ("run", "TaskSupport not running. Ensure Server.run() is active."),
    ],
)
async def test_what_run_task_needs(missing: str, text: str) -> None:
    """TSK-14: nothing is left in the store."""
    support = TaskSupport.in_memory()
    request_features = Experimental(
        task_metadata=types.TaskMetadata(ttl=None) if missing != "task" else None,
        _session=_NoSession() if missing != "session" else None,  # type: ignore[arg-type]
        _task_support=support if missing != "support" else None,
    )
    with pytest.raises(RuntimeError, match=f"^{re.escape(text)}$"):
        await request_features.run_task(done)
    assert await support.store.list_tasks() == ([], None)


async def test_a_plain_call_cannot_become_a_task(make_server: Callable[..., Any], connect: Callable[..., Any]) -> None:
    """TSK-14"""
    async with connect(make_server(done)) as client:
        result = await client.call_tool("work")
    assert result.isError
    assert result.content[0].text.startswith("Request is not task-augmented")


async def test_enabling_tasks(features: Callable[[Any], Any]) -> None:
    """TSK-7: in memory by default, with handlers for the four requests."""
    server: Server[Any] = Server("s")
    registration = features(server)
    assert registration.task_support is None
    support = registration.enable_tasks()
    assert registration.task_support is support
    assert isinstance(support.store, InMemoryTaskStore)
    assert isinstance(support.queue, InMemoryTaskMessageQueue)
    for request in (
        types.GetTaskRequest,
        types.GetTaskPayloadRequest,
        types.ListTasksRequest,
        types.CancelTaskRequest,
    ):
        assert request in server.request_handlers


async def test_enabling_tasks_on_a_store_of_ones_own(
    make_server: Callable[..., Any], connect: Callable[..., Any], features: Callable[[Any], Any]
) -> None:
    """TSK-7"""
    store, queue = InMemoryTaskStore(), InMemoryTaskMessageQueue()
    server = make_server(done, store=store, queue=queue)
    assert (server.support.store, server.support.queue) == (store, queue)
    async with connect(server) as client:
        created = await call(client, features)
        assert created.task.taskId in store._tasks


@pytest.mark.parametrize("order", ["before", "after"])
async def test_handlers_of_ones_own(order: str, connect: Callable[..., Any], features: Callable[[Any], Any]) -> None:
    """TSK-7, TSK-8: registered ones win; a handler may do without the request (LLS-25)."""
    server: Server[Any] = Server("s")
    registration = features(server)
    if order == "after":
        registration.enable_tasks()
    task = types.Task.model_validate(
        {
            "taskId": "x",
            "status": "working",
            "createdAt": "2026-01-01T00:00:00Z",
            "lastUpdatedAt": "2026-01-01T00:00:00Z",
        }
    )

    @registration.get_task()
    async def get_task(request: types.GetTaskRequest) -> types.GetTaskResult:
        return types.GetTaskResult.model_validate({**task.model_dump(), "taskId": request.params.taskId})

    @registration.get_task_result()
    async def get_task_result(request: types.GetTaskPayloadRequest) -> types.GetTaskPayloadResult:
        return types.GetTaskPayloadResult.model_validate({"content": [], "of": request.params.taskId})

    @registration.list_tasks()
    async def list_tasks() -> types.ListTasksResult:
        return types.ListTasksResult(tasks=[task], nextCursor="more")

    @registration.cancel_task()
    async def cancel_task(request: types.CancelTaskRequest) -> types.CancelTaskResult:
        return types.CancelTaskResult.model_validate({**task.model_dump(), "status": "cancelled"})

    if order == "before":
        registration.enable_tasks()
    async with connect(server) as client:
        tasks = features(client)
        assert (await tasks.get_task("asked")).taskId == "asked"
        assert (await tasks.get_task_result("asked", types.CallToolResult)).of == "asked"
        assert (await tasks.list_tasks()).nextCursor == "more"
        assert (await tasks.cancel_task("x")).status == "cancelled"
