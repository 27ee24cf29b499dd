"""How things are measured: functions that make a measurement to be run, once, in a process of its own.

They run on any package that api.py knows, and check the answers. Results are microseconds of CPU per operation unless
a docstring says otherwise. BENCH_DIVIDE=N makes N times fewer operations, to see that everything runs.
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
SERVER = [sys.executable, str(HERE / "server.py")]
FLOOR = [sys.executable, str(HERE / "floors.py")]
DIVIDE = int(os.environ.get("BENCH_DIVIDE", "1"))


def cpu() -> float:
    return time.process_time()


def scaled(count: int, at_once: int = 1) -> int:
    return max(count // DIVIDE, at_once)


async def repeat(call: Callable[[int], Awaitable[Any]], count: int, at_once: int = 1) -> float:
    """Microseconds of CPU of this process per call, after a warm-up of `warm_up(count, at_once)` calls."""
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

    await go(warm_up(count, at_once))
    start = cpu()
    await go(count)
    return (cpu() - start) / count * 1e6


def warm_up(count: int, at_once: int) -> int:
    return max(count // 10, at_once)


def in_memory(
    call: Callable[[Any, int], Awaitable[Any]], count: int, at_once: int = 1, tools: int = 0, log: str = "ERROR"
) -> Callable[[], float]:
    async def main() -> float:
        import api
        from server import add_tools, make_server

        mcp = make_server(log)
        add_tools(mcp, tools)
        async with api.in_memory(mcp) as session:
            return await repeat(lambda index: call(session, index), scaled(count, at_once), at_once)

    return lambda: in_event_loop(main)


def in_event_loop(main: Callable[[], Awaitable[float]]) -> float:
    import anyio

    return anyio.run(main)


def structured(result: Any) -> Any:
    import api

    return api.structured(result)


def items(result: Any, name: str) -> list[Any]:
    import api

    return api.items(result, name)


async def call_add(session: Any, index: int, name: str = "add") -> None:
    assert structured(await session.call_tool(name, {"a": index, "b": 2})) == {"result": index + 2}


async def call_add_async(session: Any, index: int) -> None:
    await call_add(session, index, "add_async")


async def call_text(session: Any, index: int) -> None:
    result = await session.call_tool("text", {"size": 10_000})
    assert len(result.content[0].text) == 10_000


async def call_person(session: Any, index: int) -> None:
    assert structured(await session.call_tool("person", {}))["name"] == "Ada"


async def call_people(session: Any, index: int) -> None:
    assert len(structured(await session.call_tool("people", {}))["result"]) == 100


async def read_static(session: Any, index: int) -> None:
    assert items(await session.read_resource("bench://static"), "contents")[0].text == "hello"


async def read_template(session: Any, index: int) -> None:
    assert items(await session.read_resource(f"bench://items/{index}"), "contents")[0].text == f"item {index}"


async def get_prompt(session: Any, index: int) -> None:
    result = await session.get_prompt("greet", {"name": str(index)})
    assert result.messages[0].content.text == f"Please greet {index}"


async def ping(session: Any, index: int) -> None:
    import api

    await api.ping(session)


async def list_tools(session: Any, index: int) -> None:
    assert len(items(await session.list_tools(), "tools")) >= 7


async def echo_megabyte(session: Any, index: int) -> None:
    result = await session.call_tool("echo", {"value": "x" * 1_000_000})
    assert len(result.content[0].text) == 1_000_000


def own_client(
    call: Callable[[Any, int], Awaitable[Any]], count: int, at_once: int = 1, children: bool = True
) -> Callable[[], float]:
    """A client of the package and its server over stdio; CPU of both, or of the client alone."""

    async def main() -> float:
        import api

        number = scaled(count, at_once)
        async with api.over_stdio(sys.executable, [SERVER[1], "stdio"]) as session:
            await session.call_tool("add", {"a": 1, "b": 2})
            server = children_pids()
            before = sum(cpu_of(pid) for pid in server)
            own = await repeat(lambda index: call(session, index), number, at_once)
            spent = sum(cpu_of(pid) for pid in server) - before
        return own + spent / (number + warm_up(number, at_once)) * 1e6 if children else own

    return lambda: in_event_loop(main)


def children_pids() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]


def cpu_of(pid: int) -> float:
    """Seconds of CPU a process has used, all threads, exact to the nanosecond."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def raw_stdio(
    kind: str, count: int, at_once: int = 1, log: str = "ERROR", server: list[str] = SERVER
) -> Callable[[], float]:
    """A server over stdio driven by plain pipes; CPU of the server."""

    def run() -> float:
        from drivers import StdioDriver

        with StdioDriver([*server, "stdio", *(["--log", log] if server is SERVER else [])]) as driver:
            return driver.measure(kind, scaled(count, at_once), at_once, cpu_of)

    return run


def raw_http(transport: str, count: int, connections: int = 16, server: list[str] = SERVER, idle: int = 0):
    """A server over HTTP driven by plain sockets; CPU of the server. `idle` more sessions are open and unused."""

    def run() -> float:
        from drivers import HttpDriver

        with HttpDriver([*server, transport]) as driver:
            driver.open_sessions(scaled(idle, 0))
            return driver.measure_calls(scaled(count, connections), connections, cpu_of)

    return run


def http_sessions(transport: str, count: int, server: list[str] = SERVER) -> Callable[[], float]:
    """Sessions opened over HTTP (initialize and its notification); CPU of the server."""

    def run() -> float:
        from drivers import HttpDriver

        with HttpDriver([*server, transport]) as driver:
            return driver.measure_sessions(scaled(count), cpu_of)

    return run


def http_memory(count: int) -> Callable[[], float]:
    def run() -> float:
        from drivers import HttpDriver

        with HttpDriver([*SERVER, "http-json"]) as driver:
            return driver.memory_per_session(scaled(count))

    return run


def http_client(transport: str, count: int) -> Callable[[], float]:
    """A client of the package over Streamable HTTP; CPU of the client."""

    async def main() -> float:
        import api
        from drivers import HttpDriver

        with HttpDriver([*SERVER, transport]) as driver:
            async with api.over_http(driver.url) as session:
                return await repeat(lambda index: call_add(session, index), scaled(count))

    return lambda: in_event_loop(main)


def bare_httpx(count: int) -> Callable[[], float]:
    """The requests of a client, sent with httpx alone; CPU of the client."""

    async def main() -> float:
        import json

        import httpx
        from drivers import HttpDriver, add_call

        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        with HttpDriver([*FLOOR, "json"]) as driver:
            async with httpx.AsyncClient(headers=headers) as client:

                async def call(index: int) -> None:
                    response = await client.post(driver.url, content=add_call(index))
                    assert json.loads(response.content)["result"]["structuredContent"] == {"result": index + 2}

                return await repeat(call, scaled(count))

    return lambda: in_event_loop(main)


def register(count: int = 300) -> float:
    import api
    from server import add_tools, make_server

    count = scaled(count)
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
        api.add_tool(mcp, function, f"registered_{index}")
    return (cpu() - start) / count * 1e6


IMPORTS = {
    "server": {
        "1.x": "from mcp.server.fastmcp import FastMCP",
        "2.x": "from mcp.server.mcpserver import MCPServer",
        "fastmcp": "from fastmcp import FastMCP",
    },
    "client": {
        "1.x": "from mcp import ClientSession",
        "2.x": "from mcp import Client",
        "fastmcp": "from fastmcp import Client",
    },
    "types": {"1.x": "import mcp.types", "2.x": "import mcp_types", "fastmcp": "import mcp_types"},
}


def importing(what: str) -> str:
    """The import that the package under test asks for."""
    return IMPORTS[what][os.environ.get("BENCH_API", "1.x")]


def import_cpu(what: str, count: int = 3) -> Callable[[], float]:
    """CPU of a whole process that only imports, in milliseconds, the least of a few."""

    def run() -> float:
        import resource

        times = []
        for _ in range(scaled(count)):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-c", importing(what)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times) * 1e3

    return run


def import_memory(what: str) -> Callable[[], float]:
    """Peak resident memory of a process that only imports, in KB."""

    def run() -> float:
        program = f"{importing(what)}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)

    return run


def cold_start() -> float:
    """CPU of a stdio server from start to its first answer, in milliseconds."""
    from drivers import StdioDriver

    times = []
    for _ in range(scaled(3)):
        with StdioDriver([*SERVER, "stdio"]) as driver:
            driver.call(1)
            times.append(cpu_of(driver.pid))
    return min(times) * 1e3
