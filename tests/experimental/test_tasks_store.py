"""TSK-28, TSK-40: the store that keeps tasks in memory."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import anyio
import pytest
from anyio.lowlevel import checkpoint

from mcp.shared.experimental.tasks.in_memory_task_store import InMemoryTaskStore, StoredTask
from mcp.types import CallToolResult, TaskMetadata

pytestmark = pytest.mark.anyio

DAY = TaskMetadata(ttl=24 * 3600 * 1000)
FOREVER = TaskMetadata(ttl=None)


async def test_a_new_task_works_and_is_found() -> None:
    """TSK-28"""
    store = InMemoryTaskStore()
    task = await store.create_task(DAY)
    assert (task.status, task.ttl, task.pollInterval) == ("working", DAY.ttl, 500)
    assert task.createdAt == task.lastUpdatedAt
    assert await store.get_task(task.taskId) == task
    assert await store.get_task("other") is None
    assert await store.get_result(task.taskId) is None
    assert await store.get_result("other") is None


async def test_an_id_is_given_once() -> None:
    """TSK-28"""
    store = InMemoryTaskStore()
    assert (await store.create_task(DAY, "mine")).taskId == "mine"
    with pytest.raises(ValueError, match=r"^Task with ID mine already exists$"):
        await store.create_task(DAY, "mine")


async def test_unknown_tasks_are_refused() -> None:
    """TSK-28"""
    store = InMemoryTaskStore()
    with pytest.raises(ValueError, match=r"^Task with ID x not found$"):
        await store.update_task("x", status="failed")
    with pytest.raises(ValueError, match=r"^Task with ID x not found$"):
        await store.store_result("x", CallToolResult(content=[]))
    with pytest.raises(ValueError, match=r"^Task with ID x not found$"):
        await store.wait_for_update("x")
    await store.notify_update("x")
    assert await store.delete_task("x") is False


@pytest.mark.parametrize("terminal", ["completed", "failed", "cancelled"])
async def test_a_terminal_status_is_final(terminal: str) -> None:
    """TSK-28: the same status again is allowed, with another message."""
    store = InMemoryTaskStore()
    await store.create_task(DAY, "t")
    await store.update_task("t", status=terminal)  # type: ignore[arg-type]
    for other in {"working", "input_required", "completed", "failed", "cancelled"} - {terminal}:
        with pytest.raises(ValueError, match=f"^Cannot transition from terminal status '{terminal}'$"):
            await store.update_task("t", status=other)  # type: ignore[arg-type]
    again = await store.update_task("t", status=terminal, status_message="told again")  # type: ignore[arg-type]
    assert (again.status, again.statusMessage) == (terminal, "told again")
    assert (await store.update_task("t", status_message="and again")).statusMessage == "and again"


async def test_every_update_is_dated() -> None:
    """TSK-28"""
    store = InMemoryTaskStore()
    created = await store.create_task(DAY, "t")
    last = created.lastUpdatedAt
    for change in ({"status_message": "half"}, {"status": "working"}, {"status": "completed"}):
        updated = await store.update_task("t", **change)  # type: ignore[arg-type]
        assert updated.lastUpdatedAt > last
        assert updated.createdAt == created.createdAt
        last = updated.lastUpdatedAt


async def test_returned_tasks_are_copies() -> None:
    """TSK-28"""
    store = InMemoryTaskStore()
    copies = [await store.create_task(DAY, "t")]
    copies += [await store.update_task("t", status_message="a")]
    found = await store.get_task("t")
    assert found is not None
    copies += [found, *(await store.list_tasks())[0], *store.get_all_tasks()]
    for copy in copies:
        copy.status = "cancelled"
    unchanged = await store.get_task("t")
    assert unchanged is not None
    assert unchanged.status == "working"


async def test_results_are_kept() -> None:
    """TSK-28"""
    store = InMemoryTaskStore()
    await store.create_task(DAY, "t")
    result = CallToolResult(content=[])
    await store.store_result("t", result)
    assert await store.get_result("t") == result
    assert await store.delete_task("t") is True
    assert await store.get_result("t") is None


async def test_tasks_are_listed_in_pages_in_the_order_of_their_creation() -> None:
    """TSK-28"""
    store = InMemoryTaskStore(page_size=2)
    for name in "edcba":
        await store.create_task(DAY, name)
    await store.update_task("e", status_message="touched")
    pages, cursors, cursor = [], [], None
    while True:
        page, cursor = await store.list_tasks(cursor)
        pages.append("".join(task.taskId for task in page))
        cursors.append(cursor)
        if cursor is None:
            break
    assert pages == ["ed", "cb", "a"]
    assert cursors == ["d", "b", None]
    with pytest.raises(ValueError, match=r"^Invalid cursor: nope$"):
        await store.list_tasks("nope")
    assert len(store.get_all_tasks()) == 5


async def test_a_full_last_page_has_no_cursor() -> None:
    """TSK-28: the default page has ten tasks."""
    store = InMemoryTaskStore()
    for number in range(20):
        await store.create_task(DAY, str(number))
    first, cursor = await store.list_tasks()
    second, end = await store.list_tasks(cursor)
    assert (len(first), cursor, len(second), end) == (10, "9", 10, None)


async def test_expired_tasks_vanish() -> None:
    """TSK-28, TSK-40: `store._tasks` holds entries with `task`, `result` and `expires_at`."""
    store = InMemoryTaskStore()
    for name in "abc":
        await store.create_task(DAY, name)
    await store.create_task(FOREVER, "kept")
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    for name in "abc":
        assert isinstance(store._tasks[name], StoredTask)
        store._tasks[name].expires_at = past

    assert await store.get_task("a") is None
    assert "a" not in store._tasks
    assert [task.taskId for task in (await store.list_tasks())[0]] == ["kept"]
    assert list(store._tasks) == ["kept"]
    assert store._tasks["kept"].expires_at is None


async def test_an_expired_id_is_free_again() -> None:
    """TSK-28"""
    store = InMemoryTaskStore()
    await store.create_task(TaskMetadata(ttl=0), "t")
    assert (await store.create_task(DAY, "t")).ttl == DAY.ttl


async def test_the_time_to_live_starts_anew_at_the_end() -> None:
    """TSK-28: counted from creation, and again from a terminal transition, but from no other update."""
    store = InMemoryTaskStore()
    before = datetime.now(timezone.utc)
    await store.create_task(DAY, "t")
    stored = store._tasks["t"]
    assert stored.expires_at is not None
    day = timedelta(days=1)
    assert before + day <= stored.expires_at <= datetime.now(timezone.utc) + day

    stored.expires_at = soon = datetime.now(timezone.utc) + timedelta(seconds=60)
    await store.update_task("t", status="input_required")
    await store.update_task("t", status_message="x")
    assert stored.expires_at == soon
    await store.update_task("t", status="completed")
    restarted = stored.expires_at
    assert restarted > soon + timedelta(hours=23)
    await store.update_task("t", status="completed")
    assert stored.expires_at == restarted


async def test_waiters_wake_when_the_status_changes_and_not_before() -> None:
    """TSK-28, TSK-40: `store._update_events` holds who waits."""
    store = InMemoryTaskStore()
    await store.create_task(DAY, "t")
    woken: list[int] = []

    async def wait(number: int) -> None:
        await store.wait_for_update("t")
        woken.append(number)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, 1)
            tasks.start_soon(wait, 2)
            while "t" not in store._update_events or store._update_events["t"].statistics().tasks_waiting < 2:
                await checkpoint()
            await store.update_task("t", status_message="still at it")
            await store.update_task("t", status="working")
            for _ in range(5):
                await checkpoint()
            assert woken == []
            await store.update_task("t", status="input_required")
    assert sorted(woken) == [1, 2]
    assert not store._update_events


@pytest.mark.parametrize("how", ["notify", "delete", "expire", "cleanup"])
async def test_nobody_waits_for_a_task_that_is_gone(how: str) -> None:
    """TSK-28"""
    store = InMemoryTaskStore()
    await store.create_task(DAY, "t")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.wait_for_update, "t")
            while "t" not in store._update_events:
                await checkpoint()
            if how == "notify":
                await store.notify_update("t")
            elif how == "delete":
                await store.delete_task("t")
            elif how == "cleanup":
                store.cleanup()
            else:
                store._tasks["t"].expires_at = datetime.now(timezone.utc)
                assert store.get_all_tasks() == []
    assert not store._update_events
    assert (await store.get_task("t") is None) == (how != "notify")


async def test_a_waiter_that_gives_up_leaves_nothing_behind() -> None:
    """TSK-28, TSK-40"""
    store = InMemoryTaskStore()
    await store.create_task(DAY, "t")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store.wait_for_update, "t")
        with anyio.move_on_after(0.01):
            await store.wait_for_update("t")
        assert "t" in store._update_events
        tasks.cancel_scope.cancel()
    assert not store._update_events
