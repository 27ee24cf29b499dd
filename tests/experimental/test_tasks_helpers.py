"""TSK-29, TSK-40: queue, resolver, polling, task ids and the plain task context."""

from __future__ import annotations

import inspect
import uuid
from datetime import datetime, timezone
from typing import Any, get_args

import anyio
import pytest
from anyio.lowlevel import checkpoint

from mcp.shared.exceptions import McpError
from mcp.shared.experimental.tasks import helpers, polling
from mcp.shared.experimental.tasks.context import TaskContext
from mcp.shared.experimental.tasks.in_memory_task_store import InMemoryTaskStore
from mcp.shared.experimental.tasks.message_queue import InMemoryTaskMessageQueue, QueuedMessage, TaskMessageQueue
from mcp.shared.experimental.tasks.polling import poll_until_terminal
from mcp.shared.experimental.tasks.resolver import Resolver
from mcp.shared.experimental.tasks.store import TaskStore
from mcp.types import CallToolResult, GetTaskResult, JSONRPCNotification, JSONRPCRequest, TaskMetadata, TaskStatus

pytestmark = pytest.mark.anyio


def notification(method: str) -> QueuedMessage:
    return QueuedMessage(type="notification", message=JSONRPCNotification(jsonrpc="2.0", method=method))


def methods(messages: list[QueuedMessage]) -> list[str]:
    return [queued.message.method for queued in messages]


async def test_messages_come_out_as_they_went_in() -> None:
    """TSK-29: first in, first out, for each task of its own."""
    queue = InMemoryTaskMessageQueue()
    for method in ("one", "two", "three"):
        await queue.enqueue("a", notification(method))
    await queue.enqueue("b", notification("other"))
    assert not await queue.is_empty("a")
    for method in ("one", "two", "three"):
        first = await queue.peek("a")
        assert await queue.dequeue("a") is first
        assert first is not None
        assert first.message.method == method
    assert await queue.dequeue("a") is None
    assert await queue.peek("a") is None
    assert await queue.is_empty("a")
    assert not await queue.is_empty("b")


async def test_clear_returns_what_it_took() -> None:
    """TSK-29"""
    queue = InMemoryTaskMessageQueue()
    await queue.enqueue("a", notification("one"))
    await queue.enqueue("a", notification("two"))
    assert methods(await queue.clear("a")) == ["one", "two"]
    assert await queue.clear("a") == []
    assert await queue.is_empty("a")


async def test_waiting_for_a_message_ends_at_once_if_there_is_one() -> None:
    """TSK-29"""
    queue = InMemoryTaskMessageQueue()
    await queue.enqueue("a", notification("one"))
    with anyio.fail_after(1):
        await queue.wait_for_message("a")


@pytest.mark.parametrize("by", ["enqueue", "notify"])
async def test_waiting_for_a_message_ends_when_one_comes(by: str) -> None:
    """TSK-29, TSK-40: `queue._events` holds who waits; all of them wake."""
    queue = InMemoryTaskMessageQueue()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(queue.wait_for_message, "a")
            tasks.start_soon(queue.wait_for_message, "a")
            while "a" not in queue._events or queue._events["a"].statistics().tasks_waiting < 2:
                await checkpoint()
            if by == "enqueue":
                await queue.enqueue("a", notification("one"))
            else:
                await queue.notify_message_available("a")
    assert not queue._events


async def test_a_queue_keeps_nothing_of_the_past() -> None:
    """TSK-29, TSK-40: `queue._queues` and `queue._events` hold what is waiting, no more."""
    queue = InMemoryTaskMessageQueue()
    for name in "abc":
        await queue.enqueue(name, notification("one"))
    with anyio.move_on_after(0.01):
        await queue.wait_for_message("d")
    assert set(queue._queues) == {"a", "b", "c"}
    assert not queue._events

    await queue.dequeue("a")
    queue.cleanup("b")
    assert set(queue._queues) == {"c"}
    queue.cleanup()
    assert not queue._queues
    await queue.notify_message_available("nobody waits")


def test_a_queued_message_knows_when_it_was_made() -> None:
    """TSK-29"""
    before = datetime.now(timezone.utc)
    queued = QueuedMessage(type="request", message=JSONRPCRequest(jsonrpc="2.0", id=1, method="x"))
    assert before <= queued.timestamp <= datetime.now(timezone.utc)
    assert queued.resolver is None
    assert queued.original_request_id is None


@pytest.mark.parametrize("interface", [TaskStore, TaskMessageQueue])
def test_the_interfaces_are_abstract(interface: type) -> None:
    """TSK-28, TSK-29"""
    assert inspect.isabstract(interface)
    with pytest.raises(TypeError):
        interface()


async def test_a_resolver_brings_a_value() -> None:
    """TSK-29"""
    resolver: Resolver[str] = Resolver()
    assert not resolver.done()
    async with anyio.create_task_group() as tasks:

        async def wait() -> None:
            with anyio.fail_after(5):
                assert await resolver.wait() == "value"

        tasks.start_soon(wait)
        tasks.start_soon(wait)
        await checkpoint()
        resolver.set_result("value")
    assert resolver.done()
    assert await resolver.wait() == "value"


async def test_a_resolver_brings_an_exception() -> None:
    """TSK-29"""
    resolver: Resolver[str] = Resolver()
    resolver.set_exception(KeyError("gone"))
    assert resolver.done()
    with pytest.raises(KeyError, match="gone"):
        await resolver.wait()


@pytest.mark.parametrize("first", ["result", "exception"])
@pytest.mark.parametrize("second", ["result", "exception"])
async def test_a_resolver_completes_once(first: str, second: str) -> None:
    """TSK-29"""
    resolver: Resolver[Any] = Resolver()

    def complete(how: str) -> None:
        resolver.set_result(how) if how == "result" else resolver.set_exception(ValueError(how))

    complete(first)
    with pytest.raises(RuntimeError, match=r"^Resolver already completed$"):
        complete(second)


def test_three_states_are_terminal() -> None:
    """TSK-29"""
    terminal = {status for status in get_args(TaskStatus) if helpers.is_terminal(status)}
    assert terminal == {"completed", "failed", "cancelled"}


def task_status(status: TaskStatus, interval: int | None) -> GetTaskResult:
    now = datetime.now(timezone.utc)
    return GetTaskResult(taskId="t", status=status, createdAt=now, lastUpdatedAt=now, ttl=None, pollInterval=interval)


async def test_polling_yields_each_state_and_keeps_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """TSK-29: `pollInterval` milliseconds, 500 where it is missing."""
    states = [task_status("working", 20), task_status("input_required", None), task_status("completed", 1000)]
    asked: list[str] = []
    slept: list[float] = []

    async def get_task(task_id: str) -> GetTaskResult:
        asked.append(task_id)
        return states[len(asked) - 1]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(polling.anyio, "sleep", sleep)
    assert [state async for state in poll_until_terminal(get_task, "t")] == states
    assert asked == ["t"] * 3
    assert slept == [0.02, 0.5]

    asked.clear()
    slept.clear()
    assert [state async for state in poll_until_terminal(get_task, "t", 70)] == states
    assert slept == [0.02, 0.07]


def test_a_new_task_state() -> None:
    """TSK-13: working, `pollInterval` 500, the time to live that was asked for."""
    task = helpers.create_task_state(TaskMetadata(ttl=7), "mine")
    assert (task.taskId, task.status, task.ttl, task.pollInterval) == ("mine", "working", 7, 500)
    other = helpers.create_task_state(TaskMetadata(ttl=None))
    assert uuid.UUID(other.taskId).version == 4
    assert other.ttl is None
    assert uuid.UUID(helpers.generate_task_id()) != uuid.UUID(helpers.generate_task_id())


async def test_work_inside_task_execution() -> None:
    """TSK-29"""
    store = InMemoryTaskStore()
    await store.create_task(TaskMetadata(ttl=None), "t")
    async with helpers.task_execution("t", store) as context:
        assert context.task_id == "t"
        await context.update_status("on it")
        await context.complete(CallToolResult(content=[]))
    task = await store.get_task("t")
    assert task is not None
    assert (task.status, task.statusMessage) == ("completed", "on it")
    assert await store.get_result("t") == CallToolResult(content=[])


async def test_an_exception_inside_task_execution_fails_the_task() -> None:
    """TSK-29: and goes no further."""
    store = InMemoryTaskStore()
    await store.create_task(TaskMetadata(ttl=None), "t")
    async with helpers.task_execution("t", store):
        raise ValueError("out of paper")
    task = await store.get_task("t")
    assert task is not None
    assert (task.status, task.statusMessage) == ("failed", "out of paper")


@pytest.mark.parametrize("ended", ["completed", "cancelled", "deleted"])
async def test_an_exception_after_the_end_changes_nothing(ended: str) -> None:
    """TSK-29: also where somebody else has ended the task."""
    store = InMemoryTaskStore()
    await store.create_task(TaskMetadata(ttl=None), "t")
    async with helpers.task_execution("t", store) as context:
        if ended == "completed":
            await context.complete(CallToolResult(content=[]))
        elif ended == "cancelled":
            await store.update_task("t", status="cancelled")
        else:
            await store.delete_task("t")
        raise ValueError("too late")
    task = await store.get_task("t")
    assert (task.status if task else "deleted") == ended


async def test_task_execution_needs_a_task() -> None:
    """TSK-29"""
    with pytest.raises(ValueError, match=r"^Task t not found$"):
        async with helpers.task_execution("t", InMemoryTaskStore()):
            raise AssertionError("not reached")


async def test_the_plain_context() -> None:
    """TSK-27: what `ServerTaskContext` is built on."""
    store = InMemoryTaskStore()
    context = TaskContext(await store.create_task(TaskMetadata(ttl=None), "t"), store)
    assert context.task.status == "working"
    assert not context.is_cancelled
    context.request_cancellation()
    assert context.is_cancelled
    await context.fail("no more")
    assert (context.task.status, context.task.statusMessage) == ("failed", "no more")


async def test_cancel_task() -> None:
    """TSK-18, TSK-19"""
    store = InMemoryTaskStore()
    await store.create_task(TaskMetadata(ttl=None), "t")
    assert (await helpers.cancel_task(store, "t")).status == "cancelled"
    with pytest.raises(McpError, match=r"^Cannot cancel task in terminal state 'cancelled'$") as refused:
        await helpers.cancel_task(store, "t")
    assert refused.value.error.code == -32602
    with pytest.raises(McpError, match=r"^Task not found: x$") as unknown:
        await helpers.cancel_task(store, "x")
    assert unknown.value.error.code == -32602
