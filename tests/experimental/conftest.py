"""Servers that run tasks, and connections to them whose both ends are in the test's hands."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

import mcp.types as types
from mcp.client.session import ClientSession
from mcp.server.experimental.task_context import ServerTaskContext
from mcp.server.experimental.task_support import TaskSupport
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp.shared.experimental.tasks.message_queue import TaskMessageQueue
from mcp.shared.experimental.tasks.store import TaskStore
from mcp.shared.memory import create_client_server_memory_streams

Work = Callable[[ServerTaskContext], Awaitable[types.Result]]


def experimental(owner: Any) -> Any:
    """The task features of a server or a session, without the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return owner.experimental


@dataclass
class TaskServer:
    """A server whose tool `work` runs a function of the test's as a task."""

    server: Server[Any]
    support: TaskSupport
    contexts: list[ServerTaskContext] = field(default_factory=list)
    sessions: list[ServerSession] = field(default_factory=list)


@pytest.fixture
def make_server() -> Callable[..., TaskServer]:
    """Make a server of what its task does: `make_server(work, store=None, queue=None, **run_task_options)`."""

    def make(
        work: Work,
        *,
        store: TaskStore | None = None,
        queue: TaskMessageQueue | None = None,
        **run_task_options: Any,
    ) -> TaskServer:
        server: Server[Any] = Server("tasks")
        made = TaskServer(server, experimental(server).enable_tasks(store, queue))

        @server.list_tools()
        async def list_tools() -> list[types.Tool]:
            execution = types.ToolExecution(taskSupport=types.TASK_REQUIRED)
            return [types.Tool(name="work", inputSchema={"type": "object"}, execution=execution)]

        @server.call_tool()
        async def call_tool(name: str, arguments: dict[str, Any]) -> types.CreateTaskResult:
            context = server.request_context
            made.sessions.append(context.session)

            async def remembered(task: ServerTaskContext) -> types.Result:
                made.contexts.append(task)
                return await work(task)

            return await context.experimental.run_task(remembered, **run_task_options)

        return made

    return make


@pytest.fixture
def connect() -> Callable[..., Any]:
    """Connect a client to a server: `async with connect(server, stateless=False, **session_options) as client`."""

    @asynccontextmanager
    async def connection(
        server: Server[Any] | TaskServer, *, stateless: bool = False, **options: Any
    ) -> AsyncGenerator[ClientSession, None]:
        lowlevel = server.server if isinstance(server, TaskServer) else server
        async with create_client_server_memory_streams() as (client_streams, server_streams):
            async with anyio.create_task_group() as tasks:
                initialization = lowlevel.create_initialization_options()
                tasks.start_soon(lambda: lowlevel.run(*server_streams, initialization, stateless=stateless))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    client = ClientSession(*client_streams, **options)
                with anyio.fail_after(20):
                    async with client:
                        await client.initialize()
                        yield client
                tasks.cancel_scope.cancel()

    return connection


@pytest.fixture
def features() -> Callable[[Any], Any]:
    """`features(server or session)`: its `experimental`, without the warning."""
    return experimental
