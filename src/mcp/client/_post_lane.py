"""The order in which a client posts its messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskGroup

Post = Callable[[], Awaitable[None]]


class PostLane:
    """Posts that come one after the other, each when the one before is answered.

    They run in tasks, so that nobody who gives up waiting cuts one short. Every method raises
    `anyio.ClosedResourceError` once the lane is closed.

    Args:
        tasks: where the posts run; a post must not raise.
    """

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._busy = False
        self._closed = False
        self._queue: deque[anyio.Event] = deque()
        self._running: set[anyio.Event] = set()

    async def wait_turn(self) -> None:
        """Wait until the posts begun so far are answered."""
        if self._busy or self._closed:
            await self._enter()
            self._leave()

    async def complete(self, post: Post, limit: float) -> None:
        """Wait for the turn, and for the end of a post.

        Args:
            limit: seconds; a post that takes longer goes on, but nobody waits for it any more.
        """
        await self._enter()
        held = True

        def give_way() -> None:
            nonlocal held
            if held:
                held = False
                self._leave()

        ended = self._start(post, give_way)
        with anyio.move_on_after(limit) as patience:
            await ended.wait()
        if patience.cancelled_caught:
            give_way()

    async def complete_aside(self, post: Post, limit: float) -> None:
        """The same out of turn: neither waiting for others nor holding them back."""
        if self._closed:
            raise anyio.ClosedResourceError
        ended = self._start(post, lambda: None)
        with anyio.move_on_after(limit):
            await ended.wait()

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        for event in (*self._queue, *self._running):
            event.set()

    async def _enter(self) -> None:
        if self._busy and not self._closed:
            turn = anyio.Event()
            self._queue.append(turn)
            try:
                await turn.wait()
            except BaseException:
                if not turn.is_set():
                    self._queue.remove(turn)
                elif not self._closed:
                    self._leave()
                raise
        if self._closed:
            raise anyio.ClosedResourceError
        self._busy = True

    def _leave(self) -> None:
        if self._queue:
            # The turn passes on; nobody else can take it meanwhile.
            self._queue.popleft().set()
        else:
            self._busy = False

    def _start(self, post: Post, give_way: Callable[[], None]) -> anyio.Event:
        ended = anyio.Event()
        self._running.add(ended)
        self._tasks.start_soon(self._run, post, ended, give_way)
        return ended

    async def _run(self, post: Post, ended: anyio.Event, give_way: Callable[[], None]) -> None:
        try:
            await post()
        finally:
            self._running.discard(ended)
            give_way()
            ended.set()
