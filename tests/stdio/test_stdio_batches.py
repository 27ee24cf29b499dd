"""JSON-RPC batches over stdio: for peers that agreed on revision 2025-03-26, and for nobody else (TSV-5, TYP-39)."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import ProtocolError
from mcp.shared.message import SessionMessage

pytestmark = pytest.mark.anyio

INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def request(request_id: object, method: str = "ping", **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def call(request_id: object, name: str) -> dict[str, Any]:
    return request(request_id, "tools/call", name=name, arguments={})


def make_server() -> tuple[Server[Any], anyio.Event]:
    """A server with a tool that waits for an event, and one that does not."""
    server: Server[Any] = Server("test")
    go = anyio.Event()

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        if name == "wait":
            await go.wait()
        return [types.TextContent(type="text", text=name)]

    return server, go


@asynccontextmanager
async def serving(server: Server[Any], peer: Any, revision: str = "2025-03-26") -> AsyncIterator[None]:
    async def serve() -> None:
        async with stdio_server() as streams:
            await server.run(*streams, server.create_initialization_options())

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            client = {"name": "test", "version": "1"}
            peer.send(
                request("hello", "initialize", protocolVersion=revision, capabilities={}, clientInfo=client),
                INITIALIZED,
            )
            assert (await peer.receive())["result"]["protocolVersion"] == revision
            yield
            if peer.output >= 0:
                peer.close_output()


async def test_a_batch_is_answered_as_one(standard_streams: Callable[..., Any]) -> None:
    """Once all its requests are done; other messages do not wait for it."""
    peer = standard_streams("pipe")
    server, go = make_server()
    async with serving(server, peer):
        peer.send([call(1, "wait"), INITIALIZED, call(2, "quick"), request("3"), request(4, "no/such/method")])
        peer.send(request(5))
        assert (await peer.receive())["id"] == 5
        go.set()
        answers = json.loads(await peer.read_line())
        assert [answer["id"] for answer in answers][-1] == 1
        assert {answer["id"] for answer in answers} == {1, 2, "3", 4}
        by_id = {answer["id"]: answer for answer in answers}
        assert by_id[2]["result"]["content"][0]["text"] == "quick"
        assert by_id[4]["error"] == {"code": -32601, "message": "Method not found"}


async def test_a_cancelled_request_does_not_hold_up_its_batch(standard_streams: Callable[..., Any]) -> None:
    peer = standard_streams("pipe")
    server, _ = make_server()
    async with serving(server, peer):
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        peer.send([call(1, "wait"), call(2, "quick")], cancel)
        answers = json.loads(await peer.read_line())
        by_id = {answer["id"]: answer for answer in answers}
        assert by_id[1]["error"] == {"code": 0, "message": "Request cancelled"}
        assert "result" in by_id[2]


async def test_what_is_wrong_in_a_batch_is_refused_alone(standard_streams: Callable[..., Any]) -> None:
    """`initialize` is never part of one."""
    peer = standard_streams("pipe")
    server, _ = make_server()
    async with serving(server, peer):
        peer.send([request(1), request(None), request(2, "initialize"), request(1), 5])
        # LLS-61: what was unreadable is reported, too.
        lines = [json.loads(await peer.read_line()) for _ in range(4)]
        (answers,) = [line for line in lines if isinstance(line, list)]
        assert {line["method"] for line in lines if isinstance(line, dict)} == {"notifications/message"}
        errors = [(answer["id"], answer["error"]["message"]) for answer in answers if "error" in answer]
        assert set(errors) == {(None, "Invalid Request"), (2, "Invalid Request"), (1, "Request id already in use")}
        assert [answer["id"] for answer in answers if "result" in answer] == [1]

        peer.send([])
        lines = [json.loads(await peer.read_line()) for _ in range(2)]
        (answer,) = [line for line in lines if "id" in line]
        assert answer == {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Invalid Request"}}


async def test_answers_are_not_lost_when_the_input_ends(
    standard_streams: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """TSV-9: those that are there go out; one request of the batch never ends."""
    from mcp.server import stdio

    monkeypatch.setattr(stdio, "END_OF_INPUT_GRACE", 0.2)
    peer = standard_streams("pipe")
    server, _ = make_server()
    async with serving(server, peer):
        peer.send([call(1, "wait"), call(2, "quick")])
        peer.close_output()
        (answer,) = json.loads(await peer.read_line())
        assert answer["id"] == 2


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-06-18", "2025-11-25"])
async def test_other_revisions_have_no_batches(revision: str, standard_streams: Callable[..., Any]) -> None:
    """TSV-5, LLS-61"""
    peer = standard_streams("pipe")
    server, _ = make_server()
    async with serving(server, peer, revision):
        peer.send([request(1)], request(2))
        answers = [await peer.receive() for _ in range(2)]
        assert sorted(answer.get("method", "answer") for answer in answers) == ["answer", "notifications/message"]


async def test_no_batch_before_the_handshake(standard_streams: Callable[..., Any]) -> None:
    """TSV-5: the handshake in a batch is none."""
    peer = standard_streams("pipe")
    with anyio.fail_after(20):
        async with stdio_server() as (read, _):
            peer.send([request(1, "initialize", protocolVersion="2025-03-26")])
            assert isinstance(await read.receive(), ProtocolError)


SERVER = """
import json, sys

revision = sys.argv[1]

def send(message):
    print(json.dumps(message), flush=True)

for line in sys.stdin:
    message = json.loads(line)
    if isinstance(message, list):
        send({"jsonrpc": "2.0", "id": waiting, "result": {"content": [{"type": "text", "text": json.dumps(message)}]}})
    elif message.get("method") == "initialize":
        result = {"protocolVersion": revision, "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
        send({"jsonrpc": "2.0", "id": message["id"], "result": result})
    elif message.get("method") == "tools/call":
        waiting = message["id"]
        send([
            {"jsonrpc": "2.0", "id": 1, "method": "ping"},
            {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "in a batch"}},
            {"jsonrpc": "2.0", "id": "2", "method": "roots/list"},
        ])
    elif message.get("method") == "tools/list":
        send([{"jsonrpc": "2.0", "id": message["id"], "result": {"tools": []}}])
"""


@pytest.fixture
def batching_server(tmp_path: Path) -> Callable[[str], StdioServerParameters]:
    """A server that sends batches; with a revision that has them, or one that has not."""
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    return lambda revision: StdioServerParameters(command=sys.executable, args=[str(script), revision])


async def test_a_client_reads_and_answers_batches(batching_server: Callable[[str], StdioServerParameters]) -> None:
    """Requests, notifications and responses of the server; the answers to its requests are a batch."""
    logged: list[Any] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        logged.append(params.data)

    async def roots(context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[])

    with anyio.fail_after(20):
        async with stdio_client(batching_server("2025-03-26")) as streams:
            async with ClientSession(*streams, logging_callback=log, list_roots_callback=roots) as session:
                await session.initialize()
                result = await session.call_tool("t")
    block = result.content[0]
    assert isinstance(block, types.TextContent)
    answers = sorted(json.loads(block.text), key=lambda answer: str(answer["id"]))
    assert answers == [
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": "2", "result": {"roots": []}},
    ]
    assert logged == ["in a batch"]


async def test_a_client_of_another_revision_reads_none(
    batching_server: Callable[[str], StdioServerParameters],
) -> None:
    """TYP-39"""
    seen: list[Any] = []
    received = anyio.Event()

    async def handle(message: Any) -> None:
        seen.append(message)
        received.set()

    with anyio.fail_after(20):
        async with stdio_client(batching_server("2025-06-18")) as streams:
            async with ClientSession(*streams, message_handler=handle) as session:
                await session.initialize()
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(session.list_tools)
                    await received.wait()
                    tasks.cancel_scope.cancel()
    (error,) = seen
    assert isinstance(error, ProtocolError)


async def test_closing_drops_what_is_left_of_a_batch(batching_server: Callable[[str], StdioServerParameters]) -> None:
    with anyio.fail_after(20):
        async with stdio_client(batching_server("2025-03-26")) as (read, write):
            for message in (request(0, "initialize", protocolVersion="2025-03-26"), call(1, "t")):
                await write.send(SessionMessage(types.JSONRPCMessage.model_validate(message)))
                assert isinstance(await read.receive(), SessionMessage)
    with pytest.raises(anyio.ClosedResourceError):
        await read.receive()
