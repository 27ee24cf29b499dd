"""The official TypeScript SDK and the Inspector as peers, in both directions and on every transport.

The peers come from the npm registry, by the exact versions in `typescript/package.json`, installed once into a
folder of their own. Where node or npm is missing the tests are skipped, but never in CI.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

pytestmark = [pytest.mark.interop, pytest.mark.timeout(180)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = HERE / "typescript"
MODULES = PEERS / "node_modules"
EVERYTHING = MODULES / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
NO_CHANNEL = "stateless_http=True"
Listening = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]


def need(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is missing")
        pytest.skip(f"{program} is missing")
    return path


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the peers installed."""
    if not EVERYTHING.exists():
        command = [need("npm"), "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
        subprocess.run(command, cwd=PEERS, check=True, timeout=150)
    return need("node")


# Their client, our server

TALKATIVE = [sys.executable, str(HERE / "peers" / "talkative_server.py")]

FACTS: dict[str, Any] = {
    "server": "talkative",
    "instructions": "Talk.",
    "ping": 0,
    "tools": [
        "add",
        "ask",
        "count",
        "describe",
        "fail",
        "roots",
        "sample",
        "visit",
        "wait_for_ever",
        "was_interrupted",
    ],
    "add": {"result": 3},
    "describe": {"name": "Ada", "age": 30},
    "fail": [True, "Error executing tool fail: on purpose"],
    "level": 0,
    "count": "counted to 3",
    "progress": [[1, 3, "step 1"], [2, 3, "step 2"], [3, 3, "step 3"]],
    "logged": ["logged 1", "logged 2", "logged 3"],
    "resources": ["talk://bytes", "talk://text"],
    "text": "grüße 👋",
    "bytes": 256,
    "templates": ["talk://people/{name}"],
    "person": "about bob",
    "unknown resource": "error -32002: MCP error -32002: Unknown resource: talk://nowhere",
    "prompts": ["greet"],
    "prompt": "Write a friendly greeting for Bob",
    "complete": ["formal"],
    "sample": "sampled: hi",
    "ask": "accept: blue",
    "visit": "accept",
    "roots": {"result": ["file:///home"]},
    "cancel": "interrupted",
    "subscribe": ["talk://text"],
}


def seen_by_their_client(node: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [node, str(PEERS / "client.mjs"), *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_their_client_over_stdio(node: str) -> None:
    assert seen_by_their_client(node, "stdio", *TALKATIVE, "stdio") == FACTS


@pytest.mark.parametrize("options", [[], ["json"]], ids=["streams", "json"])
def test_their_client_over_streamable_http(
    node: str, options: list[str], find_port: Callable[[], int], listening: Listening
) -> None:
    port = find_port()
    with listening([*TALKATIVE, "http", str(port), *options], port):
        assert seen_by_their_client(node, "http", f"http://127.0.0.1:{port}/mcp") == FACTS


@pytest.mark.parametrize("options", [["stateless"], ["stateless", "json"]], ids=["streams", "json"])
def test_their_client_without_sessions(
    node: str, options: list[str], find_port: Callable[[], int], listening: Listening
) -> None:
    """Without a session nothing can be asked of the client, which the error says; all else works."""
    port = find_port()
    with listening([*TALKATIVE, "http", str(port), *options], port):
        seen = seen_by_their_client(node, "http", f"http://127.0.0.1:{port}/mcp")
    impossible = {"sample", "ask", "visit", "roots", "cancel", "subscribe"}
    if "json" in options:
        impossible |= {"progress", "logged"}
    assert {key: seen[key] for key in FACTS.keys() - impossible} == {
        key: FACTS[key] for key in FACTS.keys() - impossible
    }
    assert all(NO_CHANNEL in seen[key] for key in ("sample", "ask", "visit"))


def test_their_client_over_sse(node: str, find_port: Callable[[], int], listening: Listening) -> None:
    port = find_port()
    with listening([*TALKATIVE, "sse", str(port)], port):
        assert seen_by_their_client(node, "sse", f"http://127.0.0.1:{port}/sse") == FACTS


# Our client, their server


class OurClient:
    """Answers what a server asks, and remembers what it says."""

    def __init__(self) -> None:
        self.logged: list[Any] = []

    async def sample(self, context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        content = types.TextContent(type="text", text="sampled by us")
        return types.CreateMessageResult(role="assistant", model="stub", content=content)

    async def elicit(self, context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="decline")

    async def roots(self, context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root.model_validate({"uri": "file:///home"})])

    async def log(self, params: types.LoggingMessageNotificationParams) -> None:
        self.logged.append(params.data)

    @asynccontextmanager
    async def connected(self, read: Any, write: Any) -> AsyncIterator[ClientSession]:
        async with ClientSession(
            read,
            write,
            sampling_callback=self.sample,
            elicitation_callback=self.elicit,
            list_roots_callback=self.roots,
            logging_callback=self.log,
        ) as session:
            await session.initialize()
            yield session


async def use_everything(session: ClientSession) -> None:
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert {"echo", "get-sum", "get-structured-content"} <= tools.keys()
    echoed = await session.call_tool("echo", {"message": "grüße 👋"})
    assert isinstance(echoed.content[0], types.TextContent)
    assert "grüße 👋" in echoed.content[0].text
    summed = await session.call_tool("get-sum", {"a": 40, "b": 2})
    assert isinstance(summed.content[0], types.TextContent)
    assert "42" in summed.content[0].text
    weather = await session.call_tool("get-structured-content", {"location": "New York"})
    assert weather.structuredContent is not None
    assert tools["get-structured-content"].outputSchema is not None
    refused = await session.call_tool("get-sum", {"a": "x"})
    assert refused.isError

    progress: list[float] = []

    async def report(value: float, total: float | None, message: str | None) -> None:
        progress.append(value)

    await session.call_tool("trigger-long-running-operation", {"duration": 0.4, "steps": 4}, progress_callback=report)
    assert progress == [1, 2, 3, 4]

    sampled = await session.call_tool("trigger-sampling-request", {"prompt": "hi", "maxTokens": 5})
    assert "sampled by us" in str(sampled.content)

    resources = (await session.list_resources()).resources
    assert resources
    assert (await session.read_resource(resources[0].uri)).contents
    assert (await session.list_resource_templates()).resourceTemplates
    await session.subscribe_resource(resources[0].uri)
    await session.unsubscribe_resource(resources[0].uri)
    prompts = {prompt.name for prompt in (await session.list_prompts()).prompts}
    assert "simple-prompt" in prompts
    assert (await session.get_prompt("simple-prompt")).messages
    await session.set_logging_level("debug")
    await session.send_ping()


@pytest.mark.anyio
async def test_our_client_over_stdio(node: str) -> None:
    parameters = StdioServerParameters(command=node, args=[str(EVERYTHING), "stdio"])
    with anyio.fail_after(60):
        async with stdio_client(parameters) as streams, OurClient().connected(*streams) as session:
            await use_everything(session)


@pytest.mark.anyio
async def test_our_client_over_streamable_http(node: str, find_port: Callable[[], int], listening: Listening) -> None:
    port = find_port()
    with listening([node, str(EVERYTHING), "streamableHttp"], port, env={"PORT": str(port)}), anyio.fail_after(60):
        async with (
            streamable_http_client(f"http://127.0.0.1:{port}/mcp") as (read, write, _),
            OurClient().connected(read, write) as session,
        ):
            await use_everything(session)


@pytest.mark.anyio
async def test_our_client_over_sse(node: str, find_port: Callable[[], int], listening: Listening) -> None:
    port = find_port()
    with listening([node, str(EVERYTHING), "sse"], port, env={"PORT": str(port)}), anyio.fail_after(60):
        async with (
            sse_client(f"http://127.0.0.1:{port}/sse") as (read, write),
            OurClient().connected(read, write) as session,
        ):
            await use_everything(session)


# The Inspector's command line on the quickstart server

INSPECTOR = [
    "--prefer-offline",
    "-y",
    "-p",
    "node@22",
    "-p",
    "@modelcontextprotocol/inspector@2.12.0",
    "mcp-inspector",
    "--cli",
    "--format",
    "json",
]
QUICKSTART = [sys.executable, "examples/quickstart/server.py"]


def inspect(*arguments: str, target: list[str]) -> str:
    command = [need("npx"), *INSPECTOR, *arguments, *target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=["stdio", "http", "sse"])
def target(request: pytest.FixtureRequest, find_port: Callable[[], int], listening: Listening) -> Iterator[list[str]]:
    if request.param == "stdio":
        yield ["--", *QUICKSTART]
        return
    port = find_port()
    transport, path = ("streamable-http", "mcp") if request.param == "http" else ("sse", "sse")
    with listening([*QUICKSTART, "--transport", transport, "--port", str(port)], port, cwd=ROOT):
        yield ["--server-url", f"http://127.0.0.1:{port}/{path}", "--transport", request.param]


def test_inspector_calls_a_tool(target: list[str]) -> None:
    called = inspect("--method", "tools/call", "--tool-name", "add", "--tool-arg", "a=40", "b=2", target=target)
    assert '"result":42' in "".join(called.split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--method", "tools/list"], '"name":"add"'),
        (["--method", "resources/read", "--uri", "greeting://Ada"], "Hello,Ada!"),
    ],
)
def test_inspector_over_stdio(arguments: list[str], expected: str) -> None:
    assert expected in "".join(inspect(*arguments, target=["--", *QUICKSTART]).split())
