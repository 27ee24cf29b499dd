"""Counts of function calls: they say what an operation costs without a clock, however busy the machine is."""

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest

import mcp
from mcp import ClientSession
from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session

PACKAGE = str(Path(mcp.__file__).parent)


class Calls(NamedTuple):
    """Calls of Python functions by one operation; each step of a coroutine or generator is one.

    Attributes:
        own: those of this package.
        all: those of every package.
    """

    own: float
    all: float


class Counter:
    """Counts the calls of the running thread while it is entered."""

    def __init__(self) -> None:
        self.own = self.all = 0
        self._is_own: dict[str, bool] = {}

    def __enter__(self) -> "Counter":
        self._before = sys.getprofile()
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)

    def _see(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        self.all += 1
        name = frame.f_code.co_filename
        is_own = self._is_own.get(name)
        if is_own is None:
            is_own = self._is_own[name] = name.startswith(PACKAGE)
        self.own += is_own


Count = Callable[..., Awaitable[Calls]]


@pytest.fixture
def count() -> Count:
    """`count(operation, times=10, warm_up=3)`: what one operation costs, when what is made once is made."""

    async def count(operation: Callable[[], Awaitable[Any]], times: int = 10, warm_up: int = 3) -> Calls:
        for _ in range(warm_up):
            await operation()
        with Counter() as counter:
            for _ in range(times):
                await operation()
        return Calls(counter.own / times, counter.all / times)

    return count


def make_server(tools: int = 0, **settings: Any) -> FastMCP:
    """A server with `add`, a static resource, a template, a prompt, and `tools` tools more."""
    server = FastMCP("counted", log_level="ERROR", **settings)

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.resource("counted://static")
    def static() -> str:
        return "hello"

    @server.resource("counted://items/{name}")
    def item(name: str) -> str:
        return name

    @server.prompt()
    def greet(name: str) -> str:
        return f"Greet {name}"

    for index in range(tools):
        server.add_tool(add, name=f"tool_{index}")
    return server


@pytest.fixture
def counted_server() -> Callable[..., FastMCP]:
    """`counted_server(tools=0, **settings)`: what `make_server` makes."""
    return make_server


@pytest.fixture
def counted_session() -> Callable[..., AbstractAsyncContextManager[ClientSession]]:
    """`counted_session(tools=0)`: a client of `make_server` in memory."""

    @asynccontextmanager
    async def connect(tools: int = 0) -> AsyncGenerator[ClientSession, None]:
        async with create_connected_server_and_client_session(make_server(tools)) as session:
            yield session

    return connect
