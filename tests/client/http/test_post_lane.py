"""The order of posts."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from mcp.client._post_lane import PostLane

pytestmark = pytest.mark.anyio


class Posts:
    """Posts that end when they are told to."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.gates: dict[str, anyio.Event] = {}

    def __call__(self, name: str) -> Callable[[], Awaitable[None]]:
        gate = self.gates[name] = anyio.Event()

        async def post() -> None:
            self.began.append(name)
            await gate.wait()

        return post


async def settle() -> None:
    await anyio.wait_all_tasks_blocked()


async def test_one_after_the_other_and_requests_behind_them() -> None:
    """TCL-30"""
    posts, passed = Posts(), []

    async def pass_through() -> None:
        await lane.wait_turn()
        passed.append(True)

    async with anyio.create_task_group() as tasks:
        lane = PostLane(tasks)
        tasks.start_soon(lane.complete, posts("a"), 5)
        await settle()
        tasks.start_soon(lane.complete, posts("b"), 5)
        await settle()
        tasks.start_soon(pass_through)
        await settle()
        assert (posts.began, passed) == (["a"], [])
        posts.gates["a"].set()
        await settle()
        assert (posts.began, passed) == (["a", "b"], [])
        posts.gates["b"].set()
        await settle()
        assert passed == [True]
        await lane.wait_turn()


async def test_out_of_turn() -> None:
    posts = Posts()
    async with anyio.create_task_group() as tasks:
        lane = PostLane(tasks)
        tasks.start_soon(lane.complete, posts("a"), 5)
        await settle()
        tasks.start_soon(lane.complete_aside, posts("aside"), 5)
        await settle()
        assert posts.began == ["a", "aside"]
        for gate in posts.gates.values():
            gate.set()


async def test_patience_has_an_end_but_the_post_goes_on() -> None:
    posts = Posts()
    async with anyio.create_task_group() as tasks:
        lane = PostLane(tasks)
        with anyio.fail_after(2):
            await lane.complete(posts("stalled"), 0.01)
            await lane.complete_aside(posts("stalled aside"), 0.01)
            tasks.start_soon(lane.complete, posts("next"), 5)
            await settle()
            assert posts.began == ["stalled", "stalled aside", "next"]
            # The end of the overdue post must not give away the turn a second time.
            posts.gates["stalled"].set()
            await settle()
            tasks.start_soon(lane.complete, posts("last"), 5)
            await settle()
            assert posts.began[-1] == "next"
            for gate in posts.gates.values():
                gate.set()


async def test_who_gives_up_waiting_leaves_the_queue_and_cuts_nothing_short() -> None:
    posts = Posts()
    async with anyio.create_task_group() as tasks:
        lane = PostLane(tasks)
        with anyio.move_on_after(0.01):
            await lane.complete(posts("a"), 5)
        with anyio.move_on_after(0.01):
            await lane.complete(posts("never"), 5)
        tasks.start_soon(lane.complete, posts("b"), 5)
        await settle()
        assert posts.began == ["a"]
        posts.gates["a"].set()
        await settle()
        assert posts.began == ["a", "b"]
        posts.gates["b"].set()


async def test_a_turn_that_comes_together_with_the_cancellation_is_passed_on() -> None:
    posts = Posts()
    scope = anyio.CancelScope()

    async def waiting() -> None:
        with scope:
            await lane.complete(posts("cancelled"), 5)

    async with anyio.create_task_group() as tasks:
        lane = PostLane(tasks)
        tasks.start_soon(lane.complete, posts("a"), 5)
        await settle()
        tasks.start_soon(waiting)
        await settle()
        tasks.start_soon(lane.complete, posts("b"), 5)
        await settle()
        posts.gates["a"].set()
        scope.cancel()
        await settle()
        assert "cancelled" not in posts.began or posts.gates["cancelled"].set() is None
        await settle()
        assert posts.began[-1] == "b"
        posts.gates["b"].set()


async def test_closing_lets_nobody_wait() -> None:
    posts, outcomes = Posts(), []

    async def send(name: str) -> None:
        try:
            await lane.complete(posts(name), 5)
        except anyio.ClosedResourceError:
            outcomes.append(f"{name} closed")
        else:
            outcomes.append(f"{name} done")

    async with anyio.create_task_group() as tasks:
        lane = PostLane(tasks)
        tasks.start_soon(send, "running")
        await settle()
        tasks.start_soon(send, "queued")
        await settle()
        lane.close()
        await settle()
        assert sorted(outcomes) == ["queued closed", "running done"]
        for wait in (lane.wait_turn, lambda: lane.complete(posts("x"), 5), lambda: lane.complete_aside(posts("x"), 5)):
            with pytest.raises(anyio.ClosedResourceError):
                await wait()
        posts.gates["running"].set()
