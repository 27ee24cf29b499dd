"""Connected in-memory streams, and a client session wired to a server, for tests.

Nothing of the package imports this module: it stands above both sides.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

import mcp.types as types
from mcp.client.session import (
    ClientSession,
    ElicitationFnT,
    ListRootsFnT,
    LoggingFnT,
    MessageHandlerFnT,
    SamplingFnT,
)
from mcp.server.lowlevel.server import Server
from mcp.shared._memory_pipe import create_message_pipe
from mcp.shared._owner import OwnedContext
from mcp.shared.message import SessionMessage

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP

MessageStream: TypeAlias = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@asynccontextmanager
async def create_client_server_memory_streams() -> AsyncGenerator[tuple[MessageStream, MessageStream], None]:
    """Make two connected pairs of streams: `((client_read, client_write), (server_read, server_write))`."""
    to_client, client_read = create_message_pipe()
    to_server, server_read = create_message_pipe()
    client: Any = (client_read, to_server)
    server: Any = (server_read, to_client)
    async with client_read, to_server, server_read, to_client:
        yield client, server


@asynccontextmanager
async def create_connected_server_and_client_session(
    server: Server[Any] | FastMCP,
    read_timeout_seconds: timedelta | None = None,
    sampling_callback: SamplingFnT | None = None,
    list_roots_callback: ListRootsFnT | None = None,
    logging_callback: LoggingFnT | None = None,
    message_handler: MessageHandlerFnT | None = None,
    client_info: types.Implementation | None = None,
    raise_exceptions: bool = False,
    elicitation_callback: ElicitationFnT | None = None,
) -> AsyncGenerator[ClientSession, None]:
    """Run a server in a task, and yield an initialized client session connected to it.

    Args:
        server: a low-level `Server` or a `FastMCP`.
        raise_exceptions: let exceptions of the server's handlers surface here.

    The other arguments are those of `ClientSession`.
    """

    def connect() -> AbstractAsyncContextManager[ClientSession]:
        return _serve_and_connect(
            getattr(server, "_mcp_server", server),
            raise_exceptions,
            read_timeout_seconds=read_timeout_seconds,
            sampling_callback=sampling_callback,
            list_roots_callback=list_roots_callback,
            logging_callback=logging_callback,
            message_handler=message_handler,
            client_info=client_info,
            elicitation_callback=elicitation_callback,
        )

    # An exception of the server has to interrupt the caller; without any, entering and leaving need not be one task's.
    context = connect() if raise_exceptions else OwnedContext(connect, "in-memory server and client of mcp")
    async with context as session:
        yield session


@asynccontextmanager
async def _serve_and_connect(
    server: Any, raise_exceptions: bool, **options: Any
) -> AsyncGenerator[ClientSession, None]:
    async with create_client_server_memory_streams() as (client_streams, server_streams):
        async with anyio.create_task_group() as tasks:
            initialization_options = server.create_initialization_options()
            run = partial(server.run, *server_streams, initialization_options, raise_exceptions=raise_exceptions)
            tasks.start_soon(run)
            try:
                async with ClientSession(*client_streams, **options) as session:
                    await session.initialize()
                    yield session
            finally:
                tasks.cancel_scope.cancel()
