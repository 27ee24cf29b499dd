"""TSK-24 … TSK-26, TSK-40: what a running task asks the client, and how the answers come back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Any
from unittest.mock import AsyncMock, Mock

import anyio
import pytest
from anyio.lowlevel import checkpoint

import mcp.types as types
from mcp.client.experimental.task_handlers import ExperimentalTaskHandlers
from mcp.server.experimental.task_context import ServerTaskContext
from mcp.server.experimental.task_result_handler import TaskResultHandler
from mcp.shared.exceptions import McpError
from mcp.shared.experimental.tasks.helpers import RELATED_TASK_METADATA_KEY
from mcp.shared.experimental.tasks.in_memory_task_store import InMemoryTaskStore
from mcp.shared.experimental.tasks.message_queue import InMemoryTaskMessageQueue, QueuedMessage
from mcp.shared.experimental.tasks.resolver import Resolver
from mcp.shared.message import ServerMessageMetadata

pytestmark = pytest.mark.anyio

Make = Callable[..., Any]
Ask = Callable[[ServerTaskContext], Awaitable[types.Result]]

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}}
SAMPLED = types.CreateMessageResult(
    role="assistant", content=types.TextContent(type="text", text="blue"), model="m", stopReason="endTurn"
)
ACCEPTED = types.ElicitResult(action="accept", content={"name": "Ann"})
MESSAGE = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="favourite colour?"))
REFUSAL = types.ErrorData(code=-1, message="User rejected the request", data={"by": "user"})


async def elicit(task: ServerTaskContext) -> types.Result:
    return await task.elicit("Who?", SCHEMA)


async def elicit_url(task: ServerTaskContext) -> types.Result:
    return await task.elicit_url("Where?", "https://example.com/go", "e1")


async def create_message(task: ServerTaskContext) -> types.Result:
    return await task.create_message([MESSAGE], max_tokens=10, temperature=0.5, system_prompt="be brief")


async def elicit_as_task(task: ServerTaskContext) -> types.Result:
    return await task.elicit_as_task("Who?", SCHEMA, ttl=7000)


async def create_message_as_task(task: ServerTaskContext) -> types.Result:
    return await task.create_message_as_task([MESSAGE], max_tokens=10)


PLAIN: dict[str, Ask] = {"elicit": elicit, "elicit_url": elicit_url, "create_message": create_message}
AS_TASK: dict[str, Ask] = {"elicit_as_task": elicit_as_task, "create_message_as_task": create_message_as_task}


class Person:
    """What a client answers with, and what it was asked."""

    def __init__(self, answer: types.Result | types.ErrorData | None = None) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, Any]] = []

    async def elicit(self, context: Any, params: Any) -> Any:
        self.asked.append((context.request_id, params))
        return self.answer or ACCEPTED

    async def sample(self, context: Any, params: Any) -> Any:
        self.asked.append((context.request_id, params))
        return self.answer or SAMPLED

    @property
    def callbacks(self) -> dict[str, Any]:
        return {"elicitation_callback": self.elicit, "sampling_callback": self.sample}


class ClientTasks:
    """A client that runs what it is asked for as tasks."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.asked: list[tuple[str, Any]] = []

    def _task(self, status: str) -> dict[str, Any]:
        now = datetime.now(timezone.utc)
        return {
            "taskId": "on-client",
            "status": status,
            "createdAt": now,
            "lastUpdatedAt": now,
            "ttl": None,
            "pollInterval": 1,
        }

    async def _start(self, context: Any, params: Any, metadata: types.TaskMetadata) -> types.CreateTaskResult:
        self.asked.append((params.method if hasattr(params, "method") else type(params).__name__, metadata.ttl))
        return types.CreateTaskResult(task=types.Task.model_validate(self._task("working")))

    async def _get(self, context: Any, params: types.GetTaskRequestParams) -> types.GetTaskResult:
        self.asked.append(("get", params.taskId))
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return types.GetTaskResult.model_validate(self._task(status))

    async def _result(self, context: Any, params: types.GetTaskPayloadRequestParams) -> types.GetTaskPayloadResult:
        self.asked.append(("result", params.taskId))
        result: types.Result = SAMPLED
        if self.asked[0][0].startswith("Elicit"):
            result = ACCEPTED
        return types.GetTaskPayloadResult.model_validate(result.model_dump(by_alias=True, exclude_none=True))

    @property
    def options(self) -> dict[str, Any]:
        handlers = ExperimentalTaskHandlers(
            get_task=self._get,
            get_task_result=self._result,
            augmented_sampling=self._start,
            augmented_elicitation=self._start,
        )
        return {"experimental_task_handlers": handlers}


def asking(ask: Ask, outcome: list[Any], statuses: list[str] | None = None) -> Ask:
    """Work that asks once and keeps what it got, the status of its task afterwards included."""

    async def work(task: ServerTaskContext) -> types.Result:
        try:
            outcome.append(await ask(task))
        except McpError as error:
            outcome.append(error.error)
        stored = await task._store.get_task(task.task_id)
        assert stored is not None
        (statuses if statuses is not None else outcome).append(stored.status)
        return types.CallToolResult(content=[])

    return work


@pytest.mark.parametrize("name", PLAIN)
async def test_a_question_goes_out_with_the_wait_for_the_result(
    name: str, make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-24: not before; under a request id of the task, with the task in `_meta`; `input_required` meanwhile."""
    person, outcome = Person(), []
    async with connect(make_server(asking(PLAIN[name], outcome)), **person.callbacks) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        while (await tasks.get_task(task_id)).status != "input_required":
            await checkpoint()
        assert person.asked == []
        await tasks.get_task_result(task_id, types.CallToolResult)
        assert (await tasks.get_task(task_id)).status == "completed"
    answer, status = outcome
    assert answer == (SAMPLED if name == "create_message" else ACCEPTED)
    assert status == "working"
    ((request_id, params),) = person.asked
    prefix, _, number = request_id.rpartition("-")
    assert (prefix, number.isdigit()) == (f"task-{task_id}", True)
    assert params.meta.model_dump(exclude_none=True) == {RELATED_TASK_METADATA_KEY: {"taskId": task_id}}
    members = params.model_dump(exclude_none=True, exclude={"meta"})
    if name == "elicit":
        assert members == {"mode": "form", "message": "Who?", "requestedSchema": SCHEMA}
    elif name == "elicit_url":
        assert members == {
            "mode": "url",
            "message": "Where?",
            "url": "https://example.com/go",
            "elicitationId": "e1",
        }
    else:
        assert (params.maxTokens, params.temperature, params.systemPrompt) == (10, 0.5, "be brief")
        assert params.messages == [MESSAGE]


@pytest.mark.parametrize("name", PLAIN)
async def test_a_refusal_puts_the_task_back_to_work(
    name: str, make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-24, TSK-25"""
    person, outcome = Person(REFUSAL), []
    async with connect(make_server(asking(PLAIN[name], outcome)), **person.callbacks) as client:
        task_id = (await features(client).call_tool_as_task("work")).task.taskId
        await features(client).get_task_result(task_id, types.CallToolResult)
    assert outcome == [REFUSAL, "working"]


async def test_requests_for_the_queue(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-40: the session builds them; with a task their ids are text, without one the next number."""
    built: list[dict[str, Any]] = []

    async def work(task: ServerTaskContext) -> types.Result:
        session = task._session
        for request in (
            session._build_elicit_form_request("m", SCHEMA, related_task_id="t", task=types.TaskMetadata(ttl=5)),
            session._build_elicit_url_request("m", "https://e", "i", related_task_id="t"),
            session._build_create_message_request([MESSAGE], max_tokens=1, related_task_id="t"),
            session._build_create_message_request([MESSAGE], max_tokens=1),
        ):
            assert isinstance(request, types.JSONRPCRequest)
            built.append(request.model_dump(exclude_none=True))
        return types.CallToolResult(content=[])

    async with connect(make_server(work)) as client:
        task_id = (await features(client).call_tool_as_task("work")).task.taskId
        await features(client).get_task_result(task_id, types.CallToolResult)
    form, url, sampling, plain = built
    assert [request["id"] for request in built] == ["task-t-0", "task-t-1", "task-t-2", 3]
    related = {"io.modelcontextprotocol/related-task": {"taskId": "t"}}
    assert [request["params"].get("_meta") for request in built] == [related, related, related, None]
    assert [request["method"] for request in (form, url)] == ["elicitation/create"] * 2
    assert (form["params"]["mode"], form["params"]["requestedSchema"], form["params"]["task"]) == (
        "form",
        SCHEMA,
        {"ttl": 5},
    )
    assert (url["params"]["mode"], url["params"]["elicitationId"]) == ("url", "i")
    assert (plain["method"], plain["params"]["maxTokens"]) == ("sampling/createMessage", 1)
    assert sampling["params"] == {**plain["params"], "_meta": related}


async def test_questions_one_after_another(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-22, TSK-24: all of them within one `tasks/result`."""
    person, outcome = Person(), []

    async def work(task: ServerTaskContext) -> types.Result:
        outcome.extend([await ask(task) for ask in PLAIN.values()])
        return types.CallToolResult(content=[])

    async with connect(make_server(work), **person.callbacks) as client:
        task_id = (await features(client).call_tool_as_task("work")).task.taskId
        await features(client).get_task_result(task_id, types.CallToolResult)
    assert len(outcome) == 3
    assert len({request_id for request_id, _ in person.asked}) == 3


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (elicit, (-32600, "Client does not support elicitation capability")),
        (elicit_url, (-32600, "Client does not support elicitation capability")),
        (create_message, (-32600, "Client does not support sampling capability")),
        (elicit_as_task, (-32600, "Client does not support task-augmented elicitation")),
        (create_message_as_task, (-32600, "Client does not support task-augmented sampling")),
    ],
)
async def test_a_client_that_cannot_answer_is_not_asked(
    ask: Ask, error: tuple[int, str], make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-6, TSK-24"""
    outcome: list[Any] = []
    async with connect(make_server(asking(ask, outcome))) as client:
        task_id = (await features(client).call_tool_as_task("work")).task.taskId
        await features(client).get_task_result(task_id, types.CallToolResult)
    refusal, status = outcome
    assert ((refusal.code, refusal.message), status) == (error, "working")


@pytest.mark.parametrize("as_task", [False, True])
async def test_sampling_with_tools_is_checked(as_task: bool, make_server: Make, connect: Make, features: Make) -> None:
    """TSK-24: as LLS-54 and LLS-55."""
    tool_result = types.ToolResultContent(type="tool_result", toolUseId="1", content=[])
    unmatched = [types.SamplingMessage(role="user", content=[tool_result])]

    async def ask(task: ServerTaskContext) -> types.Result:
        sample: Any = task.create_message_as_task if as_task else task.create_message
        with pytest.raises(ValueError, match="tool_result requires a previous message containing tool_use"):
            await sample(unmatched, max_tokens=1)
        return await sample([MESSAGE], max_tokens=1, tools=[])

    outcome: list[Any] = []
    options = {**Person().callbacks, **ClientTasks("completed").options}
    async with connect(make_server(asking(ask, outcome)), **options) as client:
        task_id = (await features(client).call_tool_as_task("work")).task.taskId
        await features(client).get_task_result(task_id, types.CallToolResult)
    message = "Client does not support sampling tools capability"
    assert outcome == [types.ErrorData(code=-32602, message=message), "working"]


@pytest.mark.parametrize("name", [*PLAIN, *AS_TASK])
async def test_questions_need_a_handler(name: str) -> None:
    """TSK-24: without one nothing happens."""
    store, queue = InMemoryTaskStore(), InMemoryTaskMessageQueue()
    task = await store.create_task(types.TaskMetadata(ttl=None), "t")
    session = Mock()
    session.client_params = types.InitializeRequestParams.model_validate(
        {
            "protocolVersion": "2025-11-25",
            "clientInfo": {"name": "c", "version": "1"},
            "capabilities": {
                "tasks": {"requests": {"elicitation": {"create": {}}, "sampling": {"createMessage": {}}}},
            },
        }
    )
    context = ServerTaskContext(task=task, store=store, session=session, queue=queue)
    with pytest.raises(RuntimeError, match=rf"handler is required for {name}\(\)"):
        await {**PLAIN, **AS_TASK}[name](context)
    assert await queue.is_empty("t")
    assert await store.get_task("t") == task


# Questions that are tasks of the client


@pytest.mark.parametrize(("name", "ttl"), [("elicit_as_task", 7000), ("create_message_as_task", 60000)])
async def test_a_question_that_becomes_a_task_of_the_client(
    name: str, ttl: int, make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-26: it is polled until it is over, then its result is fetched; our own task waits meanwhile."""
    client_tasks, outcome, meanwhile = ClientTasks("working", "input_required", "completed"), [], []
    get = client_tasks._get

    async def look(context: Any, params: Any) -> types.GetTaskResult:
        meanwhile.append((await features(client).get_task(task_id)).status)
        return await get(context, params)

    client_tasks._get = look  # type: ignore[method-assign]
    options = {**Person().callbacks, **client_tasks.options}
    async with connect(make_server(asking(AS_TASK[name], outcome)), **options) as client:
        task_id = (await features(client).call_tool_as_task("work")).task.taskId
        await features(client).get_task_result(task_id, types.CallToolResult)
    answer, status = outcome
    assert answer == (ACCEPTED if "elicit" in name else SAMPLED)
    assert status == "working"
    assert meanwhile == ["input_required"] * 3
    (_, asked_ttl), *rest = client_tasks.asked
    assert asked_ttl == ttl
    assert rest == [("get", "on-client")] * 3 + [("result", "on-client")]


@pytest.mark.parametrize("name", ["elicit_as_task", "create_message_as_task"])
async def test_a_session_asks_for_tasks_of_the_client_too(
    name: str, make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-26: `session.experimental`, without a task of one's own."""
    from mcp.server.lowlevel import Server

    server: Server[Any] = Server("s")
    outcome: list[Any] = []

    @server.call_tool()
    async def call_tool(_: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        session = features(server.request_context.session)
        if name == "elicit_as_task":
            outcome.append(await session.elicit_as_task("Who?", SCHEMA))
        else:
            outcome.append(await session.create_message_as_task([MESSAGE], max_tokens=10, ttl=5))
        outcome.append((await session.get_task("on-client")).status)
        return []

    client_tasks = ClientTasks("working", "completed")
    async with connect(server, **Person().callbacks, **client_tasks.options) as client:
        await client.call_tool("t")
    assert outcome[0] == (ACCEPTED if "elicit" in name else SAMPLED)
    assert outcome[1] == "completed"
    assert client_tasks.asked[0][1] == (60000 if "elicit" in name else 5)

    # A client without the ability is not asked.
    outcome.clear()
    async with connect(server) as client:
        result = await client.call_tool("t")
    assert result.isError
    assert result.content[0].text.startswith("Client does not support task-augmented")


# Delivery


def request(request_id: str) -> types.JSONRPCRequest:
    return types.JSONRPCRequest(jsonrpc="2.0", id=request_id, method="elicitation/create", params={})


def queued(request_id: str) -> QueuedMessage:
    return QueuedMessage("request", request(request_id), resolver=Resolver(), original_request_id=request_id)


async def test_queued_messages_take_the_stream_of_the_request_for_the_result() -> None:
    """TSK-24, TSK-40: `_deliver_queued_messages(task_id, session, request_id)`, `_pending_requests`."""
    store, queue = InMemoryTaskStore(), InMemoryTaskMessageQueue()
    handler, session = TaskResultHandler(store, queue), Mock(send_message=AsyncMock())
    question = queued("inner")
    await queue.enqueue("t", question)
    note = types.JSONRPCNotification(jsonrpc="2.0", method="notifications/message", params={})
    await queue.enqueue("t", QueuedMessage("notification", note))
    await handler._deliver_queued_messages("t", session, "outer")
    sent = [call.args[0] for call in session.send_message.call_args_list]
    assert [item.message.root for item in sent] == [question.message, note]
    assert [item.metadata for item in sent] == [ServerMessageMetadata(related_request_id="outer")] * 2
    assert handler._pending_requests == {"inner": question.resolver}
    assert await queue.is_empty("t")


@pytest.mark.parametrize("how", ["closed", "cancelled"])
async def test_a_question_that_cannot_be_delivered_fails(how: str) -> None:
    """TSK-24: its task goes on with an error, instead of waiting for ever."""
    queue = InMemoryTaskMessageQueue()
    handler = TaskResultHandler(InMemoryTaskStore(), queue)
    sending = anyio.Event()

    async def send(item: Any) -> None:
        sending.set()
        if how == "closed":
            raise anyio.ClosedResourceError
        await anyio.sleep_forever()

    question = queued("inner")
    assert question.resolver is not None
    await queue.enqueue("t", question)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:

            async def deliver() -> None:
                try:
                    await handler._deliver_queued_messages("t", Mock(send_message=send), "outer")
                except anyio.ClosedResourceError:
                    assert how == "closed"

            tasks.start_soon(deliver)
            await sending.wait()
            if how == "cancelled":
                tasks.cancel_scope.cancel()
        with pytest.raises(McpError, match="The request could not be delivered: ") as failed:
            await question.resolver.wait()
    assert failed.value.error.code == -32603
    assert handler._pending_requests == {}


async def test_responses_are_routed_once() -> None:
    """TSK-40: a handler is a response router (SES-44)."""
    handler = TaskResultHandler(InMemoryTaskStore(), InMemoryTaskMessageQueue())
    good: Resolver[dict[str, Any]] = Resolver()
    bad: Resolver[dict[str, Any]] = Resolver()
    handler._pending_requests = {"good": good, "bad": bad}
    assert handler.route_response("good", {"action": "accept"})
    assert handler.route_error("bad", REFUSAL)
    assert await good.wait() == {"action": "accept"}
    with pytest.raises(McpError) as refused:
        await bad.wait()
    assert refused.value.error == REFUSAL
    assert handler._pending_requests == {}
    for unknown in ("good", "bad", "never was"):
        assert not handler.route_response(unknown, {})
        assert not handler.route_error(unknown, REFUSAL)
    handler._pending_requests = {"good": good, "bad": bad}
    assert not handler.route_response("good", {})
    assert not handler.route_error("bad", REFUSAL)


@pytest.mark.parametrize("sent", [False, True])
async def test_a_question_is_withdrawn_with_its_task(
    sent: bool, make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-20, TSK-24: not sent if it was not yet; a late answer is dropped without a word (LLS-63)."""
    person = Person()
    asked, answer_now = anyio.Event(), anyio.Event()

    async def elicit_slowly(context: Any, params: Any) -> Any:
        asked.set()
        await answer_now.wait()
        return await person.elicit(context, params)

    incoming: list[Any] = []

    async def handle(message: Any) -> None:
        incoming.append(message)

    server = make_server(elicit)
    async with connect(server, elicitation_callback=elicit_slowly, message_handler=handle) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        while (await tasks.get_task(task_id)).status != "input_required":
            await checkpoint()
        async with anyio.create_task_group() as group:
            if sent:
                group.start_soon(tasks.get_task_result, task_id, types.GetTaskPayloadResult)
                await asked.wait()
            await tasks.cancel_task(task_id)
        while server.support.running:
            await checkpoint()
        await tasks.get_task_result(task_id, types.GetTaskPayloadResult)
        answer_now.set()
        for _ in range(3):
            await client.send_ping()
        assert (await tasks.get_task(task_id)).status == "cancelled"
    assert len(person.asked) == sent
    assert incoming == []
    assert server.support.handler._pending_requests == {}
    assert server.support.queue._queues == {}


async def test_only_so_many_withdrawals_are_remembered() -> None:
    """A client that never answers costs nothing for ever."""
    queue = InMemoryTaskMessageQueue()
    handler, session = TaskResultHandler(InMemoryTaskStore(), queue), Mock(send_message=AsyncMock())
    for number in range(300):
        question = queued(str(number))
        await queue.enqueue("t", question)
        await handler._deliver_queued_messages("t", session, 1)
        handler.withdraw(question)
    assert len(handler._withdrawn) == 256
    assert handler.route_response("299", {})
    assert not handler.route_response("299", {})
    assert handler.route_error("298", REFUSAL)
    assert not handler.route_response("0", {})


# Waiting


async def test_waiting_ends_with_a_message_or_a_change() -> None:
    """TSK-40: `_wait_for_task_update(task_id)`"""
    store, queue = InMemoryTaskStore(), InMemoryTaskMessageQueue()
    handler = TaskResultHandler(store, queue)
    await store.create_task(types.TaskMetadata(ttl=None), "t")

    async def change() -> None:
        await store.update_task("t", status="input_required")

    async def put() -> None:
        await queue.enqueue("t", queued("1"))

    for happen in (change, put):
        with anyio.fail_after(0.4):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(handler._wait_for_task_update, "t")
                while "t" not in store._update_events or "t" not in queue._events:
                    await checkpoint()
                tasks.start_soon(happen)
    assert not store._update_events
    assert not queue._events


@pytest.mark.parametrize("broken", ["store", "queue", "both"])
async def test_waiting_survives_a_store_that_cannot_wait(broken: str) -> None:
    """TSK-40: it looks again after a moment."""
    store, queue = InMemoryTaskStore(), InMemoryTaskMessageQueue()
    await store.create_task(types.TaskMetadata(ttl=None), "t")
    failing = AsyncMock(side_effect=RuntimeError("no subscription"))
    if broken != "queue":
        store.wait_for_update = failing  # type: ignore[method-assign]
    if broken != "store":
        queue.wait_for_message = failing  # type: ignore[method-assign]
    with anyio.fail_after(5):
        await TaskResultHandler(store, queue)._wait_for_task_update("t")
    assert failing.await_count == (2 if broken == "both" else 1)


async def test_an_end_during_the_delivery_is_not_slept_through() -> None:
    """TSK-22: the task ends while a message of it is on its way; what it queued last goes out, too."""
    store, queue = InMemoryTaskStore(), InMemoryTaskMessageQueue()
    handler = TaskResultHandler(store, queue)
    await store.create_task(types.TaskMetadata(ttl=None), "t")
    await queue.enqueue("t", queued("1"))
    sent: list[Any] = []

    async def send(item: Any) -> None:
        sent.append(item.message.root.id)
        if sent == ["1"]:
            await store.store_result("t", types.CallToolResult(content=[]))
            await store.update_task("t", status="completed")
            await queue.enqueue("t", queued("2"))

    asked = types.GetTaskPayloadRequest(params=types.GetTaskPayloadRequestParams(taskId="t"))
    with anyio.fail_after(0.4):
        result = await handler.handle(asked, Mock(send_message=send), 1)
    assert sent == ["1", "2"]
    assert result.meta == {RELATED_TASK_METADATA_KEY: {"taskId": "t"}}
