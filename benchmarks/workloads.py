"""One workload, measured in this process: `python workloads.py NAME`. Prints microseconds of CPU per operation.

Runs on any package with the 1.x API; run.py runs it with several of them in turn. Answers are checked.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


def cpu() -> float:
    return time.process_time()


async def repeat(call: Callable[[int], Awaitable[Any]], count: int, at_once: int = 1) -> float:
    """Microseconds of CPU of this process per call, after a warm-up."""
    import anyio

    async def go(number: int) -> None:
        if at_once == 1:
            for index in range(number):
                await call(index)
            return
        for _ in range(number // at_once):
            async with anyio.create_task_group() as tasks:
                for index in range(at_once):
                    tasks.start_soon(call, index)

    await go(max(count // 10, at_once))
    start = cpu()
    await go(count)
    return (cpu() - start) / count * 1e6


def in_memory(
    call: Callable[[Any, int], Awaitable[Any]], count: int, at_once: int = 1, tools: int = 0, log: str = "ERROR"
):
    async def main() -> float:
        from server import add_tools, make_server

        from mcp.shared.memory import create_connected_server_and_client_session

        mcp = make_server(log)
        add_tools(mcp, tools)
        async with create_connected_server_and_client_session(mcp._mcp_server) as session:
            return await repeat(lambda index: call(session, index), count, at_once)

    def run() -> float:
        import anyio

        return anyio.run(main)

    return run


async def call_add(session: Any, index: int, name: str = "add") -> None:
    result = await session.call_tool(name, {"a": index, "b": 2})
    assert result.structuredContent == {"result": index + 2} and not result.isError


async def call_add_async(session: Any, index: int) -> None:
    await call_add(session, index, "add_async")


async def call_text(session: Any, index: int) -> None:
    result = await session.call_tool("text", {"size": 10_000})
    assert len(result.content[0].text) == 10_000


async def call_person(session: Any, index: int) -> None:
    result = await session.call_tool("person", {})
    assert result.structuredContent["name"] == "Ada"


async def call_people(session: Any, index: int) -> None:
    result = await session.call_tool("people", {})
    assert len(result.structuredContent["result"]) == 100


async def read_static(session: Any, index: int) -> None:
    assert (await session.read_resource("bench://static")).contents[0].text == "hello"


async def read_template(session: Any, index: int) -> None:
    assert (await session.read_resource(f"bench://items/{index}")).contents[0].text == f"item {index}"


async def get_prompt(session: Any, index: int) -> None:
    result = await session.get_prompt("greet", {"name": str(index)})
    assert result.messages[0].content.text == f"Please greet {index}"


async def ping(session: Any, index: int) -> None:
    await session.send_ping()


async def list_tools(session: Any, index: int) -> None:
    assert len((await session.list_tools()).tools) >= 107


async def echo_megabyte(session: Any, index: int) -> None:
    result = await session.call_tool("echo", {"value": "x" * 1_000_000})
    assert len(result.content[0].text) == 1_000_000


def own_client(call: Callable[[Any, int], Awaitable[Any]], count: int, at_once: int = 1, children: bool = True):
    """A client of the package and its server over stdio; CPU of both, or of the client alone."""

    async def main() -> float:
        from mcp import ClientSession, StdioServerParameters
        from mcp.client.stdio import stdio_client

        parameters = StdioServerParameters(command=sys.executable, args=[str(HERE / "server.py"), "stdio"])
        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            await session.initialize()
            await session.call_tool("add", {"a": 1, "b": 2})
            server = children_pids()
            before = sum(cpu_of(pid) for pid in server)
            own = await repeat(lambda index: call(session, index), count, at_once)
            both = (sum(cpu_of(pid) for pid in server) - before) / (count + max(count // 10, at_once)) * 1e6
        return own + both if children else own

    def run() -> float:
        import anyio

        return anyio.run(main)

    return run


def children_pids() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]


def cpu_of(pid: int) -> float:
    """Seconds of CPU a process has used, all threads, exact to the nanosecond."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def raw_stdio(kind: str, count: int, at_once: int = 1, log: str = "ERROR"):
    """A server over stdio driven by plain pipes; CPU of the server."""

    def run() -> float:
        from drivers import StdioDriver

        with StdioDriver([sys.executable, str(HERE / "server.py"), "stdio", "--log", log]) as driver:
            return driver.measure(kind, count, at_once, cpu_of)

    return run


def raw_http(transport: str, count: int, connections: int = 16, sessions: bool = False):
    """A server over HTTP driven by plain sockets; CPU of the server."""

    def run() -> float:
        from drivers import HttpDriver

        with HttpDriver([sys.executable, str(HERE / "server.py"), transport], transport) as driver:
            return driver.measure(count, connections, cpu_of, sessions=sessions)

    return run


def http_memory():
    def run() -> float:
        from drivers import HttpDriver

        with HttpDriver([sys.executable, str(HERE / "server.py"), "http-json"], "http-json") as driver:
            return driver.memory_per_session(1000)

    return run


def http_client(transport: str, count: int):
    """A client of the package over Streamable HTTP; CPU of the client."""

    async def main() -> float:
        from drivers import HttpDriver

        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        with HttpDriver([sys.executable, str(HERE / "server.py"), transport], transport) as driver:
            async with streamable_http_client(driver.url) as (read, write, _), ClientSession(read, write) as session:
                await session.initialize()
                return await repeat(lambda index: call_add(session, index), count)

    def run() -> float:
        import anyio

        return anyio.run(main)

    return run


def register(count: int = 300) -> float:
    from server import add_tools, make_server

    mcp = make_server()
    add_tools(mcp, 20)
    functions = []
    for _ in range(count):

        def tool(a: int, b: str, c: float = 1.0) -> str:
            """A tool with three parameters."""
            return f"{a}{b}{c}"

        functions.append(tool)
    start = cpu()
    for index, function in enumerate(functions):
        mcp.add_tool(function, name=f"registered_{index}")
    return (cpu() - start) / count * 1e6


def process(code: list[str], count: int = 5) -> Callable[[], float]:
    """CPU of a whole process, in microseconds, the least of a few."""

    def run() -> float:
        import resource

        times = []
        for _ in range(count):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *code], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times) * 1e6

    return run


def peak_memory(code: str) -> Callable[[], float]:
    """Peak resident memory of a process, in KB."""

    def run() -> float:
        program = f"{code}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)

    return run


def cold_start() -> float:
    """CPU of a stdio server from start to its first answer, in microseconds."""
    from drivers import StdioDriver

    times = []
    for _ in range(3):
        with StdioDriver([sys.executable, str(HERE / "server.py"), "stdio"]) as driver:
            driver.call(1)
            times.append(cpu_of(driver.pid))
    return min(times) * 1e6


# name -> (what it measures, whose CPU, target ratio to 1.30.0 or None, how)
WORKLOADS: dict[str, tuple[str, str, float | None, Callable[[], float]]] = {
    "memory-add": ("in-memory, add(int, int)", "both", 0.15, in_memory(call_add, 2000)),
    "memory-add-async": ("in-memory, async add", "both", 0.15, in_memory(call_add_async, 2000)),
    "memory-text": ("in-memory, 10 KB text", "both", 0.15, in_memory(call_text, 2000)),
    "memory-person": ("in-memory, pydantic result", "both", 0.06, in_memory(call_person, 500)),
    "memory-people": ("in-memory, list of 100 models", "both", 0.20, in_memory(call_people, 100)),
    "memory-add-64": ("in-memory, add, 64 at once", "both", 0.15, in_memory(call_add, 2048, 64)),
    "memory-static": ("in-memory, read static resource", "both", None, in_memory(read_static, 2000)),
    "memory-template": ("in-memory, read template", "both", 0.65, in_memory(read_template, 2000)),
    "memory-prompt": ("in-memory, get_prompt", "both", 0.65, in_memory(get_prompt, 2000)),
    "memory-ping": ("in-memory, ping", "both", None, in_memory(ping, 2000)),
    "memory-list": ("in-memory, list_tools of 107", "both", 0.45, in_memory(list_tools, 200, tools=100)),
    "memory-log": ("in-memory, add, default log level", "both", 0.20, in_memory(call_add, 1000, log="INFO")),
    "stdio": ("stdio, one at a time", "server", 0.25, raw_stdio("add", 2000)),
    "stdio-64": ("stdio, 64 outstanding", "server", 0.15, raw_stdio("add", 2048, 64)),
    "stdio-log": ("stdio, one at a time, default log level", "server", 0.20, raw_stdio("add", 1000, log="INFO")),
    "stdio-1mb": ("stdio, 1 MB there and back", "server", 0.65, raw_stdio("echo", 60)),
    "stdio-progress": ("stdio, per progress notification", "server", 0.40, raw_stdio("progress", 2000)),
    "stdio-own": ("stdio, own client, sequential", "both", 0.30, own_client(call_add, 1000)),
    "stdio-own-64": ("stdio, own client, 64 at once", "both", 0.30, own_client(call_add, 1024, 64)),
    "stdio-own-1mb": ("stdio, own client, 1 MB", "client", 0.50, own_client(echo_megabyte, 30, children=False)),
    "http-sse": ("HTTP, SSE answers, 16 connections", "server", 0.35, raw_http("http-sse", 1600)),
    "http-json": ("HTTP, JSON answers, 16 connections", "server", 0.30, raw_http("http-json", 1600)),
    "http-stateless": ("HTTP, stateless JSON, 16 connections", "server", 0.30, raw_http("http-stateless", 1600)),
    "http-client": ("HTTP JSON, own client, sequential", "client", 0.65, http_client("http-json", 600)),
    "http-session": ("new HTTP session", "server", 0.50, raw_http("http-json", 400, sessions=True)),
    "http-memory": ("memory per idle HTTP session (KB)", "server", 0.50, http_memory()),
    "register": ("register one tool (3 parameters)", "–", 0.75, register),
    "import-server": ("import the server class", "–", 0.60, process(["-c", "from mcp.server.fastmcp import FastMCP"])),
    "import-client": ("import the client class", "–", 0.55, process(["-c", "from mcp import ClientSession"])),
    "import-types": ("import the protocol types", "–", 0.50, process(["-c", "import mcp.types"])),
    "memory-server": (
        "peak memory after importing the server (KB)",
        "–",
        0.80,
        peak_memory("from mcp.server.fastmcp import FastMCP"),
    ),
    "cold-start": ("stdio server start to first answer", "server", 0.65, cold_start),
    "growth-tools-1000": ("in-memory, add, 1,000 further tools", "both", None, in_memory(call_add, 1000, tools=1000)),
    "growth-flight-1024": ("in-memory, add, 1,024 at once", "both", None, in_memory(call_add, 2048, 1024)),
}


if __name__ == "__main__":
    print(WORKLOADS[sys.argv[1]][3]())
