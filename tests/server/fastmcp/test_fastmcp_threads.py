"""Plain functions: inline by default, in worker threads on request."""

import contextvars
import functools
import logging
import threading
from typing import Any

import anyio
import anyio.from_thread
import pytest
from pydantic import AnyUrl

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.utilities import calling
from mcp.shared.memory import create_connected_server_and_client_session as connect

pytestmark = pytest.mark.anyio

CALLING = "mcp.server.fastmcp.utilities.calling"


def here() -> str:
    return str(threading.get_ident())


def served(**settings: Any) -> FastMCP:
    mcp = FastMCP(**settings)
    mcp.add_tool(here, name="tool")
    mcp.resource("r://static", name="n")(here)
    mcp.resource("r://t/{a}", name="n")(lambda a: here())  # pyright: ignore
    mcp.prompt("prompt")(here)
    return mcp


async def threads(mcp: FastMCP) -> list[bool]:
    """Whether tool, resource, template and prompt ran on another thread."""
    async with connect(mcp) as client:
        found = [
            (await client.call_tool("tool", {})).content[0].text,  # pyright: ignore
            (await client.read_resource(AnyUrl("r://static"))).contents[0].text,  # pyright: ignore
            (await client.read_resource(AnyUrl("r://t/x"))).contents[0].text,  # pyright: ignore
            (await client.get_prompt("prompt")).messages[0].content.text,  # pyright: ignore
        ]
    return [ident != here() for ident in found]


async def test_inline_by_default():
    """TOOL-23"""
    assert await threads(served()) == [False] * 4


async def test_setting():
    """TOOL-23: for tools, resources, templates and prompts; a change counts at once."""
    mcp = served(sync_in_threads=True)
    assert await threads(mcp) == [True] * 4
    mcp.settings.sync_in_threads = False
    assert await threads(mcp) == [False] * 4


async def test_environment(monkeypatch: pytest.MonkeyPatch):
    """TOOL-23"""
    monkeypatch.setenv("FASTMCP_SYNC_IN_THREADS", "true")
    assert await threads(served()) == [True] * 4
    assert await threads(served(sync_in_threads=False)) == [False] * 4


@pytest.mark.parametrize("server", [True, False])
@pytest.mark.parametrize("own", [True, False])
async def test_each_function_may_say_so_itself(server: bool, own: bool):
    """TOOL-23"""
    mcp = FastMCP(sync_in_threads=server)
    mcp.tool("tool", run_in_thread=own)(here)
    mcp.resource("r://static", name="n", run_in_thread=own)(here)
    mcp.resource("r://t/{a}", name="n", run_in_thread=own)(lambda a: here())  # pyright: ignore
    mcp.prompt("prompt", run_in_thread=own)(here)
    assert await threads(mcp) == [own] * 4


async def test_coroutine_functions_stay_on_the_loop():
    """TOOL-23: also those behind partial and `__call__`."""

    class Callable:
        async def __call__(self) -> str:
            return here()

    async def coroutine(x: int = 0) -> str:
        return here()

    mcp = FastMCP(sync_in_threads=True)
    for fn in (coroutine, functools.partial(coroutine, 1), Callable()):
        mcp.add_tool(fn, name="tool")
        mcp.resource("r://static", name="n")(fn if fn is not coroutine else lambda: coroutine())
        mcp.prompt("prompt")(fn)
        content = await mcp.call_tool("tool", {})
        assert here() in str(content)
        (message,) = (await mcp.get_prompt("prompt")).messages
        assert message.content.text == here()  # pyright: ignore
        (item,) = await mcp.read_resource("r://static")
        assert item.content == here()
        mcp._tool_manager._tools.clear()
        mcp._prompt_manager._prompts.clear()
        mcp._resource_manager._resources.clear()


async def test_threads_see_the_callers_context():
    """TOOL-23: context variables, the context of the request, and a way back to the loop."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    def tool(x: int, ctx: Context) -> Any:
        anyio.from_thread.run(ctx.info, "from a thread")
        return [x, ctx.request_id, mcp.get_context().request_id, variable.get()]

    seen: list[Any] = []

    async def on_log(params: Any) -> None:
        seen.append(params.data)

    mcp = FastMCP(sync_in_threads=True)
    mcp.add_tool(tool)
    variable.set("set")
    async with connect(mcp, logging_callback=on_log) as client:
        result = await client.call_tool("tool", {"x": 1})
    assert [block.text for block in result.content] == ["1", "1", "1", "set"]  # pyright: ignore
    assert seen == ["from a thread"]


async def test_threads_do_not_hold_up_the_server():
    """TOOL-23: at least eight at once."""
    barrier = threading.Barrier(8)

    def meet() -> str:
        barrier.wait(timeout=10)
        return "met"

    mcp = FastMCP(sync_in_threads=True)
    mcp.add_tool(meet)
    met: list[Any] = []
    async with connect(mcp) as client:

        async def once() -> None:
            met.append((await client.call_tool("meet", {})).structuredContent)

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for _ in range(8):
                    tasks.start_soon(once)
    assert met == [{"result": "met"}] * 8


async def test_number_of_threads_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """TOOL-23"""
    assert calling.WORKER_THREADS >= 8
    monkeypatch.setattr(calling, "WORKER_THREADS", 2)
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()
    pair = threading.Barrier(2)

    def work() -> None:
        with lock:
            running.append(1)
            most.append(len(running))
        pair.wait(timeout=10)
        with lock:
            running.pop()

    mcp = FastMCP(sync_in_threads=True)
    mcp.add_tool(work)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(mcp.call_tool, "work", {})
    assert max(most) == 2


async def test_cancelled_request_leaves_its_thread_behind():
    """TOOL-23, TOOL-67: a function that does not return holds up nobody."""
    started, release = threading.Event(), threading.Event()

    def stuck() -> None:
        started.set()
        release.wait(timeout=10)

    mcp = FastMCP(sync_in_threads=True)
    mcp.add_tool(stuck)
    mcp.add_tool(here, name="fine")
    try:
        with anyio.fail_after(5):
            async with connect(mcp) as client:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(client.call_tool, "stuck", {})
                    await anyio.to_thread.run_sync(started.wait, 5)
                    tasks.cancel_scope.cancel()
                assert not (await client.call_tool("fine", {})).isError
    finally:
        release.set()


async def test_errors_in_threads():
    """TOOL-61"""

    def bad() -> None:
        raise StopIteration("stop")

    mcp = FastMCP(sync_in_threads=True)
    mcp.add_tool(bad)
    with pytest.raises(Exception, match=r"^Error executing tool bad: .*StopIteration"):
        await mcp.call_tool("bad", {})


async def test_coroutines_made_in_threads_are_awaited_on_the_loop():
    """TOOL-23"""

    async def coroutine() -> str:
        return here()

    mcp = FastMCP(sync_in_threads=True)
    mcp.add_tool(lambda: coroutine(), name="tool")
    (block,) = await mcp.call_tool("tool", {})
    assert block.text == here()  # pyright: ignore


async def test_blocking_functions_are_reported(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """TOOL-23: one line, which names the function and the setting."""
    monkeypatch.setattr(calling, "BLOCKING_SECONDS", 0.0)
    mcp = served()
    with caplog.at_level(logging.WARNING, CALLING):
        await threads(mcp)
    texts = [record.getMessage() for record in caplog.records if record.name == CALLING]
    named = ["tool 'tool'", "resource 'r://static'", "resource template 'r://t/{a}'", "prompt 'prompt'"]
    assert [text for text in texts if "'r://t/x'" not in text] == [
        f"The {name} blocked the server for 0.0 seconds. Make it a coroutine function, or run it in a thread: "
        "FastMCP(sync_in_threads=True), FASTMCP_SYNC_IN_THREADS=true, or run_in_thread=True where it is registered"
        for name in named
    ]

    caplog.clear()
    mcp.settings.sync_in_threads = True
    await threads(mcp)
    assert [record for record in caplog.records if record.name == CALLING and "'r://t/x'" not in record.message] == []


async def test_quick_functions_are_not_reported(caplog: pytest.LogCaptureFixture):
    """TOOL-23"""
    assert calling.BLOCKING_SECONDS == 1.0
    with caplog.at_level(logging.WARNING, CALLING):
        await threads(served())
    assert [record for record in caplog.records if record.name == CALLING] == []
