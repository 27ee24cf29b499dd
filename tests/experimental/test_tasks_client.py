"""TSK-30 … TSK-34: tasks on the client's side of a connection."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from pydantic import ValidationError

import mcp.types as types
from mcp.client.experimental import ExperimentalClientFeatures
from mcp.client.experimental import task_handlers as handlers_module
from mcp.client.experimental.task_handlers import ExperimentalTaskHandlers
from mcp.server.experimental.task_context import ServerTaskContext
from mcp.server.lowlevel import Server
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import McpError

pytestmark = pytest.mark.anyio

Make = Callable[..., Any]

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
MESSAGE = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="hello"))


def a_task(**members: Any) -> types.Task:
    now = datetime.now(timezone.utc)
    return types.Task.model_validate(
        {"taskId": "t", "status": "working", "createdAt": now, "lastUpdatedAt": now, "ttl": None, **members}
    )


def test_what_is_declared() -> None:
    """TSK-30"""

    async def handler(*arguments: Any) -> Any: ...

    parts: dict[str, dict[str, Any]] = {
        "list_tasks": {"list": {}},
        "cancel_task": {"cancel": {}},
        "augmented_sampling": {"requests": {"sampling": {"createMessage": {}}}},
        "augmented_elicitation": {"requests": {"elicitation": {"create": {}}}},
    }
    for chosen in itertools.product([False, True], repeat=4):
        names = [name for name, given in zip(parts, chosen, strict=True) if given]
        capability = ExperimentalTaskHandlers(**dict.fromkeys(names, handler)).build_capability()
        if not names:
            assert capability is None
            continue
        expected: dict[str, Any] = {}
        for name in names:
            for key, value in parts[name].items():
                expected[key] = {**expected.get(key, {}), **value}
        assert capability is not None
        assert capability.model_dump(exclude_none=True) == expected


def test_get_and_result_alone_are_not_declared() -> None:
    """TSK-30"""

    async def handler(*arguments: Any) -> Any: ...

    assert ExperimentalTaskHandlers(get_task=handler, get_task_result=handler).build_capability() is None


async def test_the_declaration_reaches_the_server(connect: Make, features: Make) -> None:
    """TSK-30, CSN-2"""
    server: Server[Any] = Server("s")
    declared: list[Any] = []

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        declared.append(server.request_context.session.client_params.capabilities.tasks)
        return []

    async def handler(*arguments: Any) -> Any: ...

    for options in ({}, {"get_task": handler}, {"cancel_task": handler}):
        async with connect(server, experimental_task_handlers=ExperimentalTaskHandlers(**options)) as client:
            await client.call_tool("t")
    assert declared == [None, None, types.ClientTasksCapability(cancel=types.TasksCancelCapability())]


def test_the_older_names_of_the_defaults() -> None:
    """TSK-31"""
    assert handlers_module.default_task_augmented_sampling_callback is handlers_module.default_task_augmented_sampling
    assert (
        handlers_module.default_task_augmented_elicitation_callback
        is handlers_module.default_task_augmented_elicitation
    )


REQUESTS: dict[str, tuple[Any, Any, tuple[int, str]]] = {
    "get": (
        types.GetTaskRequest(params=types.GetTaskRequestParams(taskId="t")),
        types.GetTaskResult,
        (-32601, "tasks/get not supported"),
    ),
    "result": (
        types.GetTaskPayloadRequest(params=types.GetTaskPayloadRequestParams(taskId="t")),
        types.GetTaskPayloadResult,
        (-32601, "tasks/result not supported"),
    ),
    "list": (types.ListTasksRequest(), types.ListTasksResult, (-32601, "tasks/list not supported")),
    "cancel": (
        types.CancelTaskRequest(params=types.CancelTaskRequestParams(taskId="t")),
        types.CancelTaskResult,
        (-32601, "tasks/cancel not supported"),
    ),
    "sampling": (
        types.CreateMessageRequest(
            params=types.CreateMessageRequestParams(messages=[MESSAGE], maxTokens=1, task=types.TaskMetadata(ttl=9))
        ),
        types.CreateTaskResult,
        (-32600, "Task-augmented sampling not supported"),
    ),
    "elicitation": (
        types.ElicitRequest(
            params=types.ElicitRequestFormParams(message="m", requestedSchema=SCHEMA, task=types.TaskMetadata(ttl=9))
        ),
        types.CreateTaskResult,
        (-32600, "Task-augmented elicitation not supported"),
    ),
}


def asking_server(name: str, outcome: list[Any]) -> Server[Any]:
    """A server whose tool sends one of the requests to the client."""
    server: Server[Any] = Server("s")
    request, result_type, _ = REQUESTS[name]

    @server.call_tool()
    async def call_tool(_: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        try:
            session = server.request_context.session
            outcome.append(await session.send_request(types.ServerRequest(request), result_type))
        except McpError as error:
            outcome.append((error.error.code, error.error.message))
        return []

    return server


async def never(context: Any, params: Any) -> Any:
    raise AssertionError("the plain callback was asked")


@pytest.mark.parametrize("given", ["nothing", "handlers"])
@pytest.mark.parametrize("name", REQUESTS)
async def test_the_defaults_refuse(name: str, given: str, connect: Make) -> None:
    """TSK-31, TSK-32, CSN-22: the plain callback is never asked for a task."""
    outcome: list[Any] = []
    options: dict[str, Any] = {"sampling_callback": never, "elicitation_callback": never}
    if given == "handlers":
        options["experimental_task_handlers"] = ExperimentalTaskHandlers()
    async with connect(asking_server(name, outcome), **options) as client:
        await client.call_tool("t")
    assert outcome == [REQUESTS[name][2]]


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("answers", ["result", "error"])
async def test_handlers_answer(name: str, answers: str, connect: Make) -> None:
    """TSK-32: `(context, params)`, and the task's metadata for what becomes a task."""
    results: dict[str, types.Result] = {
        "get": types.GetTaskResult.model_validate(a_task().model_dump()),
        "result": types.GetTaskPayloadResult.model_validate({"content": []}),
        "list": types.ListTasksResult(tasks=[a_task()]),
        "cancel": types.CancelTaskResult.model_validate(a_task(status="cancelled").model_dump()),
        "sampling": types.CreateTaskResult(task=a_task()),
        "elicitation": types.CreateTaskResult(task=a_task()),
    }
    seen: list[tuple[Any, ...]] = []
    outcome: list[Any] = []

    async def handler(context: RequestContext[Any, Any], params: Any, *metadata: Any) -> Any:
        assert context.session is client
        seen.append((params, *metadata))
        return results[name] if answers == "result" else types.ErrorData(code=-5, message="not now")

    member = {
        "get": "get_task",
        "result": "get_task_result",
        "list": "list_tasks",
        "cancel": "cancel_task",
        "sampling": "augmented_sampling",
        "elicitation": "augmented_elicitation",
    }[name]
    handlers = ExperimentalTaskHandlers(**{member: handler})
    options: dict[str, Any] = {"sampling_callback": never, "elicitation_callback": never}
    async with connect(asking_server(name, outcome), experimental_task_handlers=handlers, **options) as client:
        await client.call_tool("t")
    assert outcome == [results[name] if answers == "result" else (-5, "not now")]
    ((params, *metadata),) = seen
    asked = REQUESTS[name][0]
    assert type(params) is type(asked.params)
    assert metadata == ([asked.params.task] if "Create" in type(results[name]).__name__ else [])


async def test_ordinary_requests_take_the_ordinary_way(connect: Make) -> None:
    """TSK-32: with task handlers given."""
    server: Server[Any] = Server("s")
    outcome: list[Any] = []

    @server.call_tool()
    async def call_tool(_: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        session = server.request_context.session
        outcome.append(await session.send_ping())
        outcome.append(await session.elicit("m", SCHEMA))
        return []

    async def elicit(context: Any, params: Any) -> types.ElicitResult:
        return types.ElicitResult(action="decline")

    handlers = ExperimentalTaskHandlers()
    async with connect(server, experimental_task_handlers=handlers, elicitation_callback=elicit) as client:
        await client.call_tool("t")
    assert outcome == [types.EmptyResult(), types.ElicitResult(action="decline")]


@pytest.mark.parametrize("answer", ["result", "error", "none"])
async def test_handling_a_request_oneself(answer: str) -> None:
    """`handles_request` and `handle_request`: for sessions of other making."""

    async def list_tasks(context: Any, params: Any) -> Any:
        if answer == "error":
            return types.ErrorData(code=-5, message="not now")
        return types.ListTasksResult(tasks=[])

    handlers = ExperimentalTaskHandlers(list_tasks=list_tasks)
    for name, (request, _, _) in REQUESTS.items():
        handled = handlers.handles_request(types.ServerRequest(request))
        assert handled is (name in ("get", "result", "list", "cancel"))

    sent: list[Any] = []

    class Responder:
        request = types.ServerRequest(types.PingRequest() if answer == "none" else types.ListTasksRequest())

        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

        async def respond(self, response: Any) -> None:
            sent.append(response)

    context: Any = None
    await handlers.handle_request(context, Responder())  # type: ignore[arg-type]
    expected: dict[str, list[Any]] = {
        "result": [types.ClientResult(types.ListTasksResult(tasks=[]))],
        "error": [types.ErrorData(code=-5, message="not now")],
        "none": [],
    }
    assert sent == expected[answer]


# Tasks on the server


async def done(task: ServerTaskContext) -> types.Result:
    return types.CallToolResult(content=[types.TextContent(type="text", text="done")])


async def test_calling_a_tool_as_a_task(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-33"""
    server = make_server(done)
    requests: list[types.CallToolRequest] = []
    handler = server.server.request_handlers[types.CallToolRequest]

    async def remember(request: types.CallToolRequest) -> types.ServerResult:
        requests.append(request)
        return await handler(request)

    server.server.request_handlers[types.CallToolRequest] = remember
    async with connect(server) as client:
        tasks = features(client)
        assert isinstance(tasks, ExperimentalClientFeatures)
        created = await tasks.call_tool_as_task("work")
        assert isinstance(created, types.CreateTaskResult)
        await tasks.call_tool_as_task("work", {"a": 1}, ttl=5, meta={"key": "value"})
        states = [state.status async for state in tasks.poll_task(created.task.taskId)]
        assert states[-1] == "completed"
    plain, full = (request.params.model_dump(by_alias=True, exclude_none=True) for request in requests)
    assert plain == {"name": "work", "task": {"ttl": 60000}}
    assert full == {"name": "work", "arguments": {"a": 1}, "task": {"ttl": 5}, "_meta": {"key": "value"}}


async def test_the_result_of_a_task_is_not_checked_against_the_output_schema(
    make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-33: nor are tools listed for it (CSN-12)."""

    async def misfit(task: ServerTaskContext) -> types.Result:
        return types.CallToolResult(content=[], structuredContent={"n": "not a number"})

    server = make_server(misfit)
    listed: list[Any] = []

    @server.server.list_tools()
    async def list_tools(request: types.ListToolsRequest) -> types.ListToolsResult:
        listed.append(request)
        schema = {"type": "object", "properties": {"n": {"type": "number"}}}
        tool = types.Tool(name="work", inputSchema={"type": "object"}, outputSchema=schema)
        return types.ListToolsResult(tools=[tool])

    async with connect(server) as client:
        await client.list_tools()
        listed.clear()
        task_id = (await features(client).call_tool_as_task("work")).task.taskId
        result = await features(client).get_task_result(task_id, types.CallToolResult)
        assert result.structuredContent == {"n": "not a number"}
    assert listed == []


async def test_a_plain_call_does_not_take_a_task_for_a_result(connect: Make) -> None:
    """TSK-34"""
    server: Server[Any] = Server("s")

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> types.CreateTaskResult:
        return types.CreateTaskResult(task=a_task())

    async with connect(server) as client:
        with pytest.raises(ValidationError):
            await client.call_tool("t")
        await client.send_ping()
