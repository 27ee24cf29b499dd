"""TSK-22 … TSK-24 over Streamable HTTP: which message takes which stream."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

import mcp.types as types
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.server.experimental.task_context import ServerTaskContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

pytestmark = pytest.mark.anyio

Make = Callable[..., Any]


@pytest.fixture
def http_client() -> Make:
    """Serve over HTTP and connect to it: `async with http_client(server, {session options}, manager options) as c`."""

    @asynccontextmanager
    async def connection(
        server: Any, session_options: dict[str, Any] | None = None, **manager_options: Any
    ) -> AsyncGenerator[ClientSession, None]:
        manager = StreamableHTTPSessionManager(server.server, **manager_options)
        app = Starlette(routes=[Mount("/mcp", app=manager.handle_request)], lifespan=lambda _: manager.run())
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
        web_server = uvicorn.Server(config)
        thread = threading.Thread(target=web_server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with anyio.fail_after(20):
                url = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp/"
                async with streamable_http_client(url) as (read, write, _):
                    async with ClientSession(read, write, **(session_options or {})) as client:
                        await client.initialize()
                        yield client
        finally:
            web_server.should_exit = True
            await anyio.to_thread.run_sync(thread.join, 10)
            listening.close()

    return connection


async def ask(task: ServerTaskContext) -> types.Result:
    await task.update_status("asking")
    answer = await task.elicit("Who?", {"type": "object", "properties": {}})
    return types.CallToolResult(content=[types.TextContent(type="text", text=str(answer.content))])


@pytest.mark.parametrize("json_response", [False, True])
async def test_a_task_over_http(json_response: bool, make_server: Make, http_client: Make, features: Make) -> None:
    """TSK-16, TSK-23, TSK-24: its question comes with the wait for its result, its status on the standalone stream."""
    completed = anyio.Event()

    async def elicit(context: Any, params: Any) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"name": "Ann"})

    async def handle(message: Any) -> None:
        note = message.root if isinstance(message, types.ServerNotification) else None
        if isinstance(note, types.TaskStatusNotification) and note.params.status == "completed":
            completed.set()

    options = {"elicitation_callback": elicit, "message_handler": handle}
    async with http_client(make_server(ask), options, json_response=json_response) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        result = await tasks.get_task_result(task_id, types.CallToolResult)
        assert result.content[0].text == "{'name': 'Ann'}"
        assert [task.taskId for task in (await tasks.list_tasks()).tasks] == [task_id]
        await completed.wait()


async def test_a_stateless_server_cannot_keep_the_work(make_server: Make, http_client: Make, features: Make) -> None:
    """TSK-16: its connection ends with the request, and so do its tasks; whoever polls them learns that."""

    async def work(task: ServerTaskContext) -> types.Result:
        await anyio.sleep_forever()
        raise AssertionError

    async with http_client(make_server(work), stateless=True) as client:
        tasks = features(client)
        task_id = (await tasks.call_tool_as_task("work")).task.taskId
        states = [state async for state in tasks.poll_task(task_id)]
        assert (states[-1].status, states[-1].statusMessage) == (
            "failed",
            "The server stopped before the task was done",
        )
