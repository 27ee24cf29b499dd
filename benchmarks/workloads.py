"""What is measured: the rows of the tables. `python workloads.py NAME` measures one in this process.

`python workloads.py floor:NAME` measures what it costs with no MCP package at all. run.py runs them, with several
packages in turn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from measures import (
    FLOOR,
    bare_httpx,
    call_add,
    call_add_async,
    call_people,
    call_person,
    call_text,
    cold_start,
    echo_megabyte,
    get_prompt,
    http_client,
    http_memory,
    http_sessions,
    import_cpu,
    import_memory,
    in_memory,
    list_tools,
    own_client,
    ping,
    raw_http,
    raw_stdio,
    read_static,
    read_template,
    register,
)


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes:
        what: what is measured; microseconds per operation, unless another unit is named.
        whose: whose CPU.
        target: the ratio to 1.30.0 that ours must not exceed; None for rows that only inform.
        run: measures, in a process of its own.
        floor: measures the same without any MCP package.
        peers: whether the packages with another API can do it.
    """

    what: str
    whose: str
    target: float | None
    run: Callable[[], float]
    floor: Callable[[], float] | None = None
    peers: bool = False


WORKLOADS = {
    "memory-add": Workload("in-memory, add(int, int)", "both", 0.15, in_memory(call_add, 1000), peers=True),
    "memory-add-async": Workload("in-memory, async add", "both", 0.15, in_memory(call_add_async, 1000)),
    "memory-text": Workload("in-memory, 10 KB text", "both", 0.15, in_memory(call_text, 1000)),
    "memory-person": Workload("in-memory, pydantic result", "both", 0.06, in_memory(call_person, 400), peers=True),
    "memory-people": Workload("in-memory, list of 100 models", "both", 0.20, in_memory(call_people, 80), peers=True),
    "memory-add-64": Workload("in-memory, add, 64 at once", "both", 0.15, in_memory(call_add, 1024, 64), peers=True),
    "memory-static": Workload("in-memory, read static resource", "both", None, in_memory(read_static, 1200)),
    "memory-template": Workload("in-memory, read template", "both", 0.65, in_memory(read_template, 1200), peers=True),
    "memory-prompt": Workload("in-memory, get_prompt", "both", 0.65, in_memory(get_prompt, 1200), peers=True),
    "memory-ping": Workload("in-memory, ping", "both", None, in_memory(ping, 1200), peers=True),
    "memory-list": Workload(
        "in-memory, list_tools of 107", "both", 0.45, in_memory(list_tools, 200, tools=100), peers=True
    ),
    "memory-log": Workload("in-memory, add, default log level", "both", 0.20, in_memory(call_add, 600, log="INFO")),
    "stdio": Workload(
        "stdio, one at a time",
        "server",
        0.25,
        raw_stdio("add", 1000),
        floor=raw_stdio("add", 1000, server=FLOOR),
        peers=True,
    ),
    "stdio-64": Workload(
        "stdio, 64 outstanding",
        "server",
        0.15,
        raw_stdio("add", 1024, 64),
        floor=raw_stdio("add", 1024, 64, server=FLOOR),
        peers=True,
    ),
    "stdio-log": Workload("stdio, one at a time, default log level", "server", 0.20, raw_stdio("add", 600, log="INFO")),
    "stdio-1mb": Workload(
        "stdio, 1 MB there and back",
        "server",
        0.65,
        raw_stdio("echo", 60),
        floor=raw_stdio("echo", 60, server=FLOOR),
        peers=True,
    ),
    "stdio-progress": Workload(
        "stdio, per progress notification", "server", 0.40, raw_stdio("progress", 2000), peers=True
    ),
    "stdio-own": Workload("stdio, own client, sequential", "both", 0.30, own_client(call_add, 600), peers=True),
    "stdio-own-64": Workload("stdio, own client, 64 at once", "both", 0.30, own_client(call_add, 640, 64)),
    "stdio-own-1mb": Workload(
        "stdio, own client, 1 MB", "client", 0.50, own_client(echo_megabyte, 20, children=False), peers=True
    ),
    "http-sse": Workload(
        "HTTP, SSE answers, 16 connections",
        "server",
        0.35,
        raw_http("http-sse", 800),
        floor=raw_http("sse", 800, server=FLOOR),
        peers=True,
    ),
    "http-json": Workload(
        "HTTP, JSON answers, 16 connections",
        "server",
        0.30,
        raw_http("http-json", 1200),
        floor=raw_http("json", 1200, server=FLOOR),
        peers=True,
    ),
    "http-stateless": Workload(
        "HTTP, stateless JSON, 16 connections",
        "server",
        0.30,
        raw_http("http-stateless", 800),
        floor=raw_http("json", 800, server=FLOOR),
        peers=True,
    ),
    "http-client": Workload(
        "HTTP JSON, own client, sequential",
        "client",
        0.65,
        http_client("http-json", 500),
        floor=bare_httpx(500),
        peers=True,
    ),
    "http-session": Workload(
        "new HTTP session",
        "server",
        0.50,
        http_sessions("http-json", 400),
        floor=http_sessions("json", 400, server=FLOOR),
        peers=True,
    ),
    "http-memory": Workload("memory per idle HTTP session (KB)", "server", 0.50, http_memory(600), peers=True),
    "register": Workload("register one tool (3 parameters)", "–", 0.75, register, peers=True),
    "import-server": Workload("import the server class (ms)", "–", 0.60, import_cpu("server"), peers=True),
    "import-client": Workload("import the client class (ms)", "–", 0.55, import_cpu("client"), peers=True),
    "import-types": Workload("import the protocol types (ms)", "–", 0.50, import_cpu("types"), peers=True),
    "memory-server": Workload(
        "peak memory after importing the server (KB)", "–", 0.80, import_memory("server"), peers=True
    ),
    "cold-start": Workload("stdio server start to first answer (ms)", "server", 0.65, cold_start, peers=True),
}

WITH_UVLOOP = {
    "uvloop-run": Workload("HTTP JSON under `FastMCP.run`", "server", None, raw_http("http-json", 1600)),
    "uvloop-asgi": Workload("HTTP JSON under `uvicorn.run`", "server", None, raw_http("asgi-json", 1600)),
}
"""Rows that are measured with uvloop and httptools against without."""

GROWTH = {
    "add with so many tools more": {
        str(tools): in_memory(call_add, 600, tools=tools) for tools in (10, 100, 1000, 10000)
    },
    "list_tools of so many more": {
        str(tools): in_memory(list_tools, 4000 // tools + 50, tools=tools) for tools in (10, 100, 1000)
    },
    "add, so many in flight": {
        str(at_once): in_memory(call_add, max(1024, at_once), at_once) for at_once in (1, 16, 64, 1024, 4096)
    },
    "HTTP JSON call, so many idle sessions": {
        str(idle): raw_http("http-json", 800, idle=idle) for idle in (10, 1000, 5000)
    },
}
"""What may not grow: how to measure it, by size."""


def find(name: str) -> Callable[[], float]:
    """How to measure `NAME`, `floor:NAME` or `growth:ROW:SIZE`."""
    kind, _, rest = name.partition(":")
    if kind == "growth":
        row, _, size = rest.rpartition(":")
        return GROWTH[row][size]
    found = (WORKLOADS | WITH_UVLOOP)[rest if kind == "floor" else name]
    if kind != "floor":
        return found.run
    assert found.floor is not None
    return found.floor


if __name__ == "__main__":
    print(find(sys.argv[1])())
