"""TSK-15 … TSK-23: how tasks end, who may see them, and what the client is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

import mcp.types as types
from mcp.server.experimental.task_context import ServerTaskContext
from mcp.server.experimental.task_scope import (
    new_session_scope,
    scoped_task_id,
    session_scope_of,
    task_in_session_scope,
    task_listable_in_session_scope,
)
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import McpError
from mcp.shared.experimental.tasks.helpers import RELATED_TASK_METADATA_KEY
from mcp.shared.experimental.tasks.in_memory_task_store import InMemoryTaskStore

pytestmark = pytest.mark.anyio

Make = Callable[..., Any]


def text_result(text: str, **members: Any) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], **members)


def text_of(result: types.CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, types.TextContent)
    return block.text


async def succeed(task: ServerTaskContext) -> types.Result:
    return text_result("done", structuredContent={"n": 1})


async def wait_for_ever(task: ServerTaskContext) -> types.Result:
    await anyio.sleep_forever()
    raise AssertionError


# The end of the work


async def test_a_result_completes_the_task(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-15, TSK-22: `tasks/result` waits for it and names the task in `_meta`."""
    async with connect(make_server(succeed)) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        result = await tasks.get_task_result(task_id, types.CallToolResult)
        assert (text_of(result), result.structuredContent, result.isError) == ("done", {"n": 1}, False)
        assert result.meta == {RELATED_TASK_METADATA_KEY: {"taskId": task_id}}
        assert RELATED_TASK_METADATA_KEY == "io.modelcontextprotocol/related-task"
        assert (await tasks.get_task(task_id)).status == "completed"
        # And again.
        assert text_of(await tasks.get_task_result(task_id, types.CallToolResult)) == "done"


async def test_meta_of_the_result_is_kept(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-22"""

    async def work(task: ServerTaskContext) -> types.Result:
        return text_result("done", _meta={"mine": 1})

    async with connect(make_server(work)) as client:
        task_id = (await features(client).call_tool_as_task("work")).task.taskId
        result = await features(client).get_task_result(task_id, types.CallToolResult)
    assert result.meta == {"mine": 1, RELATED_TASK_METADATA_KEY: {"taskId": task_id}}


async def test_an_exception_fails_the_task(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-15, TSK-22: the result of a failed tool call is what the plain call would have brought."""

    async def work(task: ServerTaskContext) -> types.Result:
        raise ValueError("out of paper")

    async with connect(make_server(work)) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        result = await tasks.get_task_result(task_id, types.CallToolResult)
        assert (result.isError, text_of(result)) == (True, "out of paper")
        task = await tasks.get_task(task_id)
        assert (task.status, task.statusMessage) == ("failed", "out of paper")
        await client.send_ping()


async def test_a_result_with_is_error_fails_the_task(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-15: the result stays retrievable."""

    async def work(task: ServerTaskContext) -> types.Result:
        return text_result("no such printer", isError=True)

    async with connect(make_server(work)) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        result = await tasks.get_task_result(task_id, types.CallToolResult)
        assert (result.isError, text_of(result)) == (True, "no such printer")
        task = await tasks.get_task(task_id)
        assert (task.status, task.statusMessage) == ("failed", "no such printer")


async def test_work_may_end_the_task_itself(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-15: what comes afterwards is ignored."""

    async def complete(task: ServerTaskContext) -> types.Result:
        await task.complete(text_result("early"))
        return text_result("late")

    async def fail(task: ServerTaskContext) -> types.Result:
        await task.fail("early")
        raise ValueError("late")

    for work, status, is_error in ((complete, "completed", False), (fail, "failed", True)):
        async with connect(make_server(work)) as client:
            tasks = features(client)
            task_id = (await tasks.call_tool_as_task("work")).task.taskId
            result = await tasks.get_task_result(task_id, types.CallToolResult)
            assert (text_of(result), result.isError) == ("early", is_error)
            assert (await tasks.get_task(task_id)).status == status
            await client.send_ping()


async def test_a_cancellation_of_the_works_own_making_fails_the_task(
    make_server: Make, connect: Make, features: Make, anyio_backend_name: str
) -> None:
    """TSK-15: awaiting something that was cancelled must not end the connection."""

    async def work(task: ServerTaskContext) -> types.Result:
        import asyncio

        other = asyncio.ensure_future(asyncio.sleep(60))
        other.cancel()
        await other
        raise AssertionError

    if anyio_backend_name == "trio":
        pytest.skip("trio has no cancellation but that of scopes")
    async with connect(make_server(work)) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        result = await tasks.get_task_result(task_id, types.CallToolResult)
        assert result.isError
        assert (await tasks.get_task(task_id)).status == "failed"
        await client.send_ping()


async def test_a_failure_without_a_result_is_an_error(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-22: for what is no tool call: code 0, the status message as text."""
    server = make_server(succeed)
    async with connect(server) as client:
        await server.support.store.create_task(types.TaskMetadata(ttl=None), "t")
        await server.support.store.update_task("t", status="failed", status_message="out of paper")
        with pytest.raises(McpError) as failed:
            await features(client).get_task_result("t", types.CallToolResult)
        assert failed.value.error == types.ErrorData(code=0, message="out of paper")

        await server.support.store.create_task(types.TaskMetadata(ttl=None), "u")
        await server.support.store.update_task("u", status="failed")
        with pytest.raises(McpError) as failed:
            await features(client).get_task_result("u", types.CallToolResult)
        assert failed.value.error == types.ErrorData(code=0, message="")


# Cancellation


async def test_cancelling_stops_the_work(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-19, TSK-20: `is_cancelled` is set, the work is cancelled, the connection lives on."""
    stopped = anyio.Event()

    async def work(task: ServerTaskContext) -> types.Result:
        try:
            await anyio.sleep_forever()
        finally:
            if task.is_cancelled:
                stopped.set()
        raise AssertionError

    async with connect(make_server(work)) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        cancelled = await tasks.cancel_task(task_id)
        assert (cancelled.taskId, cancelled.status) == (task_id, "cancelled")
        await stopped.wait()
        assert (await tasks.get_task(task_id)).status == "cancelled"
        result = await tasks.get_task_result(task_id, types.GetTaskPayloadResult)
        assert result.model_dump(by_alias=True, exclude_none=True) == {
            "_meta": {RELATED_TASK_METADATA_KEY: {"taskId": task_id}}
        }


@pytest.mark.parametrize("end", ["return", "complete", "fail", "raise"])
async def test_work_that_goes_on_after_its_cancellation_changes_nothing(
    end: str, make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-20: a terminal transition afterwards is ignored."""
    cancelled, ended = anyio.Event(), anyio.Event()
    returned: list[str] = []

    async def work(task: ServerTaskContext) -> types.Result:
        with anyio.CancelScope(shield=True):
            await cancelled.wait()
            try:
                if end == "complete":
                    await task.complete(text_result("late"))
                elif end == "fail":
                    await task.fail("late")
                elif end == "raise":
                    raise ValueError("late")
                returned.append(end)
                return text_result("late")
            finally:
                ended.set()

    async with connect(make_server(work)) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        await tasks.cancel_task(task_id)
        cancelled.set()
        await ended.wait()
        await client.send_ping()
        assert (await tasks.get_task(task_id)).status == "cancelled"
    assert returned == ([] if end == "raise" else [end])


async def test_a_cancelled_task_wakes_who_waits_for_its_result(
    make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-20, TSK-22"""
    async with connect(make_server(wait_for_ever)) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        async with anyio.create_task_group() as group:
            group.start_soon(tasks.get_task_result, task_id, types.GetTaskPayloadResult)
            await checkpoint()
            await tasks.cancel_task(task_id)


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
async def test_a_task_that_is_over_cannot_be_cancelled(
    status: str, make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-19"""
    server = make_server(succeed)
    async with connect(server) as client:
        await server.support.store.create_task(types.TaskMetadata(ttl=None), "t")
        await server.support.store.update_task("t", status=status)
        with pytest.raises(McpError) as refused:
            await features(client).cancel_task("t")
    message = f"Cannot cancel task in terminal state '{status}'"
    assert refused.value.error == types.ErrorData(code=-32602, message=message)


async def test_a_connection_that_ends_ends_its_tasks(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-13: the work runs in the background of the connection. Whoever polls from elsewhere learns of the end."""
    server = make_server(wait_for_ever)
    async with connect(server) as client:
        task_id = (await features(client).call_tool_as_task("work")).task.taskId
        while not server.contexts:
            await checkpoint()
    with anyio.fail_after(5):
        while (task := await server.support.store.get_task(task_id)).status == "working":
            await checkpoint()
    assert (task.status, task.statusMessage) == ("failed", "The server stopped before the task was done")
    assert not server.support.running


async def test_each_connection_ends_its_own_tasks_only(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-13, TSK-14"""
    finish = anyio.Event()

    async def work(task: ServerTaskContext) -> types.Result:
        await finish.wait()
        return text_result("done")

    server = make_server(work)
    async with connect(server) as first:
        task_id = (await features(first).call_tool_as_task("work")).task.taskId
        async with connect(server) as second:
            await features(second).call_tool_as_task("work")
        while len(server.support.running) > 1:
            await checkpoint()
        finish.set()
        result = await features(first).get_task_result(task_id, types.CallToolResult)
        assert text_of(result) == "done"
        again = (await features(first).call_tool_as_task("work")).task.taskId
        await features(first).get_task_result(again, types.CallToolResult)
    with anyio.fail_after(5):
        while server.support._task_group is not None:
            await checkpoint()
    with pytest.raises(RuntimeError, match=r"^TaskSupport not running\. Ensure Server\.run\(\) is active\.$"):
        _ = server.support.task_group


class BrokenStore(InMemoryTaskStore):
    """A store that fails on demand."""

    broken = False

    async def get_task(self, task_id: str) -> types.Task | None:
        if self.broken:
            raise OSError("store is gone")
        return await super().get_task(task_id)


@pytest.mark.parametrize("end", ["return", "cut off"])
async def test_a_store_that_breaks_does_not_break_the_connection(
    end: str, make_server: Make, connect: Make, features: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """TSK-15"""
    store = BrokenStore()
    go = anyio.Event()

    async def work(task: ServerTaskContext) -> types.Result:
        await go.wait()
        store.broken = True
        if end == "cut off":
            await anyio.sleep_forever()
        return text_result("done")

    server = make_server(work, store=store)
    async with connect(server) as client:
        await features(client).call_tool_as_task("work")
        go.set()
        while not store.broken or (end == "return" and server.support.running):
            await checkpoint()
        await client.send_ping()
    with anyio.fail_after(5):
        while server.support.running:
            await checkpoint()
    assert "store is gone" in caplog.text


# Who may see a task


def test_scopes_of_ids() -> None:
    """TSK-16, TSK-17"""
    scope, other = new_session_scope(), new_session_scope()
    assert re.fullmatch("[0-9a-f]{32}", scope)
    assert scope != other
    mine = scoped_task_id(scope)
    assert re.fullmatch(scope + r":[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", mine)
    assert session_scope_of(mine) == scope
    for unscoped in ("plain", "a:b", f"{scope.upper()}:x", f"x{mine}", scope):
        assert session_scope_of(unscoped) is None
        assert task_in_session_scope(unscoped, scope)
        assert task_in_session_scope(unscoped, None)
        assert not task_listable_in_session_scope(unscoped, scope)
        assert not task_listable_in_session_scope(unscoped, None)
    for who, sees in ((scope, True), (other, False), (None, False)):
        assert task_in_session_scope(mine, who) is sees
        assert task_listable_in_session_scope(mine, who) is sees


async def test_a_task_belongs_to_its_session(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-17, TSK-18: to others it is as unknown as one that never was."""
    server = make_server(wait_for_ever)
    async with connect(server) as first, connect(server) as second:
        mine, theirs = features(first), features(second)
        task_id = (await mine.call_tool_as_task("work")).task.taskId
        await theirs.call_tool_as_task("work")
        for ask in (
            theirs.get_task,
            theirs.cancel_task,
            lambda task_id: theirs.get_task_result(task_id, types.CallToolResult),
        ):
            for unknown in (task_id, "never was"):
                with pytest.raises(McpError) as refused:
                    await ask(unknown)
                assert refused.value.error == types.ErrorData(code=-32602, message=f"Task not found: {unknown}")
        assert (await mine.get_task(task_id)).status == "working"
        assert [task.taskId for task in (await mine.list_tasks()).tasks] == [task_id]


async def test_a_task_without_scope_belongs_to_all_and_is_never_listed(
    make_server: Make, connect: Make, features: Make
) -> None:
    """TSK-17"""
    server = make_server(succeed)
    await server.support.store.create_task(types.TaskMetadata(ttl=None), "free")
    async with connect(server) as client:
        tasks = features(client)
        assert (await tasks.get_task("free")).taskId == "free"
        assert (await tasks.list_tasks()).tasks == []
        assert (await tasks.cancel_task("free")).status == "cancelled"
        await tasks.get_task_result("free", types.GetTaskPayloadResult)


async def test_stateless_sessions_have_no_scope(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-16, TSK-17"""
    server = make_server(succeed)
    async with connect(server, stateless=True) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        assert re.fullmatch("[0-9a-f-]{36}", task_id)
        await tasks.get_task_result(task_id, types.CallToolResult)
        assert (await tasks.list_tasks()).tasks == []


async def test_sessions_have_no_scope_while_tasks_are_off(connect: Make, features: Make) -> None:
    """TSK-16"""
    server: Server[Any] = Server("s")
    scopes: list[str | None] = []

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        scopes.append(features(server.request_context.session).task_session_scope)
        return []

    async with connect(server) as client:
        await client.call_tool("t")
    assert scopes == [None]


async def test_expired_tasks_are_unknown(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-18: also while somebody waits for their result."""
    server = make_server(wait_for_ever)
    async with connect(server) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                with pytest.raises(McpError, match=r"^Task not found: "):
                    await tasks.get_task_result(task_id, types.CallToolResult)

            group.start_soon(wait)
            while task_id not in server.support.store._update_events:
                await checkpoint()
            server.support.store._tasks[task_id].expires_at = datetime.now(timezone.utc) - timedelta(seconds=1)
        with pytest.raises(McpError, match=r"^Task not found: "):
            await tasks.get_task(task_id)


async def test_all_tasks_come_in_one_page(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-21: whatever the cursor says."""
    server = make_server(succeed)
    async with connect(server) as client:
        tasks = features(client)
        ids = [(await tasks.call_tool_as_task("work")).task.taskId for _ in range(25)]
        for cursor in (None, "no such cursor", ids[3]):
            page = await tasks.list_tasks(cursor)
            assert [task.taskId for task in page.tasks] == ids
            assert page.nextCursor is None


# What the client is told


async def test_status_notifications(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-23: by `update_status`, `complete` and `fail`, unless `notify=False`; the whole task, without `_meta`."""
    seen: list[types.TaskStatusNotification] = []
    statuses: list[str] = []

    async def decline(context: Any, params: Any) -> types.ElicitResult:
        statuses.append((await features(client).get_task(task_id)).status)
        return types.ElicitResult(action="decline")

    async def ask(task: ServerTaskContext) -> types.Result:
        await task.elicit("Who?", {"type": "object", "properties": {}})
        statuses.append(task.task.status)
        return text_result("done")

    async def handle(message: Any) -> None:
        if isinstance(message, types.ServerNotification) and isinstance(message.root, types.TaskStatusNotification):
            seen.append(message.root)

    async def work(task: ServerTaskContext) -> types.Result:
        await task.update_status("a third")
        await task.update_status("two thirds", notify=False)
        assert task.task.statusMessage == "two thirds"
        return text_result("done")

    async def fail(task: ServerTaskContext) -> types.Result:
        raise ValueError("no")

    async def quietly(task: ServerTaskContext) -> types.Result:
        await task.complete(text_result("done"), notify=False)
        return text_result("")

    async def fail_quietly(task: ServerTaskContext) -> types.Result:
        await task.fail("no", notify=False)
        return text_result("")

    for what, told in (
        (work, [("working", "a third"), ("completed", "two thirds")]),
        (fail, [("failed", "no")]),
        (quietly, []),
        (fail_quietly, []),
        (wait_for_ever, []),
        (ask, [("completed", None)]),
    ):
        seen.clear()
        async with connect(make_server(what), message_handler=handle, elicitation_callback=decline) as client:
            tasks = features(client)
            task_id = (await tasks.call_tool_as_task("work")).task.taskId
            if what is wait_for_ever:
                await tasks.cancel_task(task_id)
            await tasks.get_task_result(task_id, types.GetTaskPayloadResult)
            await client.send_ping()
        assert [(note.params.status, note.params.statusMessage) for note in seen] == told
        assert all(note.params.taskId == task_id and note.params.meta is None for note in seen)
    # The changes that nobody was told of.
    assert statuses == ["input_required", "working"]


async def test_a_status_notification_takes_the_standalone_stream() -> None:
    """TSK-23: it is related to no request."""
    sent: list[tuple[Any, ...]] = []

    class Session:
        async def send_notification(self, *arguments: Any) -> None:
            sent.append(arguments)

    store = InMemoryTaskStore()
    task = await store.create_task(types.TaskMetadata(ttl=None), "t")
    queue: Any = None
    context = ServerTaskContext(task=task, store=store, session=Session(), queue=queue)  # type: ignore[arg-type]
    await context.update_status("x")
    ((notification,),) = sent
    assert isinstance(notification, types.ServerNotification)
    assert notification.root.params.statusMessage == "x"
    assert context.task is not task
    assert not context.is_cancelled
    context.request_cancellation()
    assert context.is_cancelled
    # Asked to stop, but nobody has ended the task: its own end counts.
    await context.complete(text_result("done"))
    assert context.task.status == "completed"


async def test_null_and_missing_ttl(make_server: Make, connect: Make, features: Make) -> None:
    """TSK-35: with `ttl: null`, and without `ttl` at all."""
    server = make_server(succeed)
    async with connect(server) as client:
        for metadata in ({"ttl": None}, {}):
            request = types.CallToolRequest.model_validate(
                {"method": "tools/call", "params": {"name": "work", "task": metadata}}
            )
            created = await client.send_request(types.ClientRequest(request), types.CreateTaskResult)
            assert created.task.ttl is None
            assert (await features(client).get_task(created.task.taskId)).ttl is None
        assert [task.ttl for task in (await features(client).list_tasks()).tasks] == [None, None]
