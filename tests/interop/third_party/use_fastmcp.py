"""fastmcp 2.x on our package.

`python use_fastmcp.py SERVER URL`: its client with its own server and with ours; prints what it saw as JSON.
`python use_fastmcp.py reconnect SERVER`: its client with a child process that it keeps from one connection to the next.
`python use_fastmcp.py proxy SERVER`: its client with its proxy in front of ours.
`python use_fastmcp.py serve [PORT]`: its server, over stdio or Streamable HTTP.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

import fastmcp
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError

from mcp.types import TextContent

own = fastmcp.FastMCP("Own")


@dataclass
class Person:
    name: str


@own.tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@own.tool
async def count(ctx: fastmcp.Context) -> str:
    """Report progress and log."""
    await ctx.report_progress(1, 2, "half")
    await ctx.info("counting")
    return "counted"


@own.tool
async def fail() -> str:
    """Fail."""
    raise ToolError("no such luck")


@own.tool
async def greet(ctx: fastmcp.Context) -> str:
    """Ask who is there."""
    answer = await ctx.elicit("Who is there?", response_type=Person)
    return f"Hello, {answer.data.name}!" if answer.action == "accept" else "Bye."


@own.tool
async def sample(ctx: fastmcp.Context) -> str:
    """Ask the client's model."""
    return (await ctx.sample("favourite colour?")).text or ""


@own.resource("config://theme")
def theme() -> str:
    """A setting."""
    return "dark"


@own.resource("greeting://{name}")
def greeting(name: str) -> str:
    """A template."""
    return f"Hello, {name}!"


@own.prompt
def question(topic: str) -> str:
    """A prompt."""
    return f"Tell me about {topic}."


def text(result: Any) -> str:
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


async def use(target: Any, *, sampling: bool) -> dict[str, Any]:
    progress: list[Any] = []
    logged: list[str] = []

    async def on_progress(done: float, total: float | None, message: str | None) -> None:
        progress.append([done, total, message])

    async def on_log(message: Any) -> None:
        logged.append(message.data if isinstance(message.data, str) else message.data["msg"])

    async def on_elicitation(message: str, response_type: Any, params: Any, context: Any) -> Any:
        return response_type(name="Ann")

    async def on_sampling(messages: Any, params: Any, context: Any) -> str:
        return "blue"

    async with fastmcp.Client(
        target,
        progress_handler=on_progress,
        log_handler=on_log,
        elicitation_handler=on_elicitation,
        sampling_handler=on_sampling,
    ) as client:
        await client.ping()
        failed = await client.call_tool("fail", raise_on_error=False)
        sums = [client.call_tool("add", {"a": number, "b": 1}) for number in range(5)]
        seen = {
            "tools": sorted(tool.name for tool in await client.list_tools()),
            "sum": (await client.call_tool("add", {"a": 2, "b": 3})).structured_content,
            "sums": [text(result) for result in await asyncio.gather(*sums)],
            "count": text(await client.call_tool("count")),
            "failed": [failed.is_error, text(failed)],
            "greet": text(await client.call_tool("greet")),
            "resource": (await client.read_resource("config://theme"))[0].text,
            "template": (await client.read_resource("greeting://Bob"))[0].text,
            "prompt": (await client.get_prompt("question", {"topic": "tea"})).messages[0].content.text,
            "progress": progress,
            "logged": logged,
        }
        if sampling:
            seen["sample"] = text(await client.call_tool("sample"))
    return seen


def child(*arguments: str) -> StdioTransport:
    return StdioTransport(command=sys.executable, args=list(arguments))


async def main() -> None:
    script, url = sys.argv[1:]
    seen = {
        "own server, in memory": await use(own, sampling=True),
        "own server, stdio": await use(child(__file__, "serve"), sampling=True),
        "our server, stdio": await use(child(script), sampling=False),
        "our server, http": await use(url, sampling=False),
    }
    print(json.dumps(seen))


async def proxy() -> None:
    print(json.dumps(await use(fastmcp.FastMCP.as_proxy(child(sys.argv[2])), sampling=False)))


async def reconnect() -> None:
    client = fastmcp.Client(child(sys.argv[2]))
    for number in range(2):
        async with client:
            print(text(await client.call_tool("add", {"a": number, "b": 1})))
    await client.close()


if sys.argv[1] == "serve":
    if len(sys.argv) > 2:
        own.run(transport="http", port=int(sys.argv[2]), show_banner=False, log_level="error")
    else:
        own.run(show_banner=False, log_level="error")
elif sys.argv[1] == "reconnect":
    asyncio.run(reconnect())
elif sys.argv[1] == "proxy":
    asyncio.run(proxy())
else:
    asyncio.run(main())
