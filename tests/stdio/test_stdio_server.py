"""TSV-1 … TSV-9: the server's side, in this process, on pipes, sockets, terminals and files."""

from __future__ import annotations

import gc
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

import mcp.types as types
from mcp.server import stdio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import ProtocolError
from mcp.shared.message import SessionMessage

pytestmark = pytest.mark.anyio

KINDS = ["pipe", "socketpair", "pty"]

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def request(request_id: object, method: str = "ping", **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def call(request_id: object, name: str, **arguments: Any) -> dict[str, Any]:
    return request(request_id, "tools/call", name=name, arguments=arguments)


def message_of(item: SessionMessage | Exception) -> Any:
    assert isinstance(item, SessionMessage), item
    return item.message.root


def answer(request_id: Any, **result: Any) -> SessionMessage:
    return SessionMessage(types.JSONRPCMessage(types.JSONRPCResponse(jsonrpc="2.0", id=request_id, result=result)))


def make_server() -> Server[Any]:
    """A server with tools that print, wait, or start processes."""
    server: Server[Any] = Server("test")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return []

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
        text = ""
        if name == "wait":
            await anyio.sleep(arguments["seconds"])
        elif name == "fail":
            raise ValueError("lone \ud83d")
        elif name == "lone":
            text = "half \ud83d"
        else:
            text = arguments["text"]
        return [types.TextContent(type="text", text=text)]

    return server


async def serve(server: Server[Any], **files: Any) -> None:
    async with stdio_server(**files) as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


@asynccontextmanager
async def serving(server: Server[Any] | None = None) -> AsyncIterator[anyio.Event]:
    """A server in a task; it is expected to end by itself."""
    ended = anyio.Event()

    async def run() -> None:
        await serve(server or make_server())
        ended.set()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            yield ended


# Channels


@pytest.mark.parametrize("kind", KINDS)
async def test_a_conversation_and_its_end_tsv_1_tsv_6(kind: str, standard_streams: Callable[..., Any]) -> None:
    # TSV-1, TSV-6, TSV-7
    peer = standard_streams(kind)
    stdin, stdout = sys.stdin, sys.stdout
    async with serving():
        peer.send(INITIALIZE)
        assert (await peer.receive())["result"]["serverInfo"]["name"] == "test"
        for number in (1, "two"):
            peer.send(request(number))
            assert await peer.receive() == {"jsonrpc": "2.0", "id": number, "result": {}}
        peer.close_output()
    # The handles of the process are not closed.
    assert not stdin.closed
    assert not stdout.closed
    os.fstat(stdin.fileno())
    os.fstat(stdout.fileno())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_of_five_megabytes_each_way(kind: str, standard_streams: Callable[..., Any]) -> None:
    peer = standard_streams(kind)
    text = "ü€😀x" * 500_000
    async with serving():
        peer.send(INITIALIZE)
        await peer.receive()
        line = json.dumps(call(1, "echo", text=text), ensure_ascii=False).encode() + b"\n"
        assert len(line) > 5_000_000
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.write_all, line)
            assert (await peer.receive())["result"]["content"][0]["text"] == text
        os.set_blocking(peer.output, True)
        peer.close_output()


async def test_the_encoding_of_the_platform_is_ignored_tsv_1(
    standard_streams: Callable[..., Any],
) -> None:
    # TSV-1
    peer = standard_streams()
    stdin, stdout = cast("tuple[io.TextIOWrapper, io.TextIOWrapper]", (sys.stdin, sys.stdout))
    stdin.reconfigure(encoding="latin-1")
    stdout.reconfigure(encoding="ascii")
    async with stdio_server() as (read_stream, write_stream):
        peer.write(json.dumps(request(1, "m", text="ü😀"), ensure_ascii=False).encode() + b"\n")
        assert message_of(await read_stream.receive()).params == {"text": "ü😀"}
        await write_stream.send(answer(1, text="ü😀"))
        assert await peer.read_line() == '{"jsonrpc":"2.0","id":1,"result":{"text":"ü😀"}}'.encode()


async def test_characters_and_lines_split_over_chunks_tsv_3(standard_streams: Callable[..., Any]) -> None:
    # TSV-2, TSV-3
    peer = standard_streams()
    text = "ü€😀\u2028\u2029\u0085"
    data = json.dumps(request(1, "m", text=text), ensure_ascii=False).encode() + b"\r\n"
    async with stdio_server() as (read_stream, _):
        async with anyio.create_task_group() as tasks:

            async def write() -> None:
                for byte in data:
                    peer.write(bytes([byte]))
                    await anyio.lowlevel.checkpoint()

            tasks.start_soon(write)
            with anyio.fail_after(10):
                assert message_of(await read_stream.receive()).params == {"text": text}


async def test_universal_newlines_and_a_last_line_without_end_tsv_3(standard_streams: Callable[..., Any]) -> None:
    # TSV-3, TSV-6
    peer = standard_streams()
    ping = json.dumps(request(1)).encode()
    peer.write(ping + b"\r" + ping + b"\r\n\n" + ping + b"\n\r\n" + ping)
    peer.close_output()
    async with stdio_server() as (read_stream, write_stream):
        for _ in range(4):
            assert message_of(await read_stream.receive()).method == "ping"
        await write_stream.send(answer(1))
        with pytest.raises(anyio.EndOfStream):
            await read_stream.receive()


# What is no message


async def test_an_unparsable_line_is_logged_to_the_client_and_not_answered_tsv_5(
    standard_streams: Callable[..., Any],
) -> None:
    # TSV-5, TSV-8, LLS-61
    peer = standard_streams()
    bad = [
        b"noise",
        b"\xef\xbb\xbf" + json.dumps(request(1)).encode(),
        b"[%b]" % json.dumps(request(1)).encode(),
        b"{}",
    ]
    async with serving():
        peer.send(INITIALIZE)
        await peer.receive()
        for line in bad:
            peer.write(b"\n \r\n" + line + b"\n")
            message = await peer.receive()
            assert message["method"] == "notifications/message"
            assert message["params"] == {
                "level": "error",
                "logger": "mcp.server.exception_handler",
                "data": "Internal Server Error",
            }
        peer.send(request(2))
        assert (await peer.receive())["id"] == 2
        peer.close_output()


DEEP = "[" * 50_000 + "]" * 50_000


@pytest.mark.parametrize(
    ("line", "request_id"),
    [
        ('{"jsonrpc":"2.0","id":3,"method":"ping","params":[]}', 3),
        ('{"jsonrpc":"1.0","id":"a","method":"ping"}', "a"),
        ('{"jsonrpc":"2.0","id":4,"method":"ping","params":{"a":' + DEEP + "}}", 4),
        ('{"method":"ping","params":{"a":' + DEEP + '},"jsonrpc":"2.0","id":"b"}', "b"),
        ('{"jsonrpc":"2.0","id":5,"method":"ping","params":{"a":tru}}', 5),
        # Illegal ids, by the contract's decision.
        ('{"jsonrpc":"2.0","id":null,"method":"ping"}', None),
        ('{"jsonrpc":"2.0","id":1.5,"method":"ping"}', None),
        ('{"jsonrpc":"2.0","id":true,"method":"ping"}', None),
        ('{"jsonrpc":"2.0","id":[1],"method":"ping"}', None),
    ],
)
async def test_a_broken_request_is_answered_tsv_8(
    line: str, request_id: object, standard_streams: Callable[..., Any]
) -> None:
    # TSV-8
    peer = standard_streams()
    async with serving():
        peer.send(INITIALIZE)
        await peer.receive()
        await peer.write_all(line.encode() + b"\n")
        messages = [await peer.receive(), await peer.receive()]
        (error,) = [message for message in messages if "error" in message]
        assert error == {"jsonrpc": "2.0", "id": request_id, "error": {"code": -32600, "message": "Invalid Request"}}
        (log,) = [message for message in messages if "method" in message]
        assert log["method"] == "notifications/message"
        os.set_blocking(peer.output, True)
        peer.close_output()


async def test_a_line_that_is_too_long_tsv_8(
    standard_streams: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # TSV-5, TSV-8
    monkeypatch.setattr(stdio, "LineSplitter", lambda **options: stdio_splitter(limit=1000, **options))
    from mcp.shared._lines import LineSplitter as stdio_splitter

    peer = standard_streams()
    async with serving():
        peer.send(INITIALIZE)
        await peer.receive()
        peer.send(call(1, "echo", text="x" * 5000))
        messages = [await peer.receive(), await peer.receive()]
        assert [message["error"]["code"] for message in messages if "error" in message] == [-32600]
        peer.send(request(2))
        assert (await peer.receive())["id"] == 2
        peer.close_output()


async def test_half_a_character_is_no_reason_to_lose_a_message_tsv_2(standard_streams: Callable[..., Any]) -> None:
    # TSV-2
    peer = standard_streams()
    async with serving():
        peer.send(INITIALIZE)
        await peer.receive()
        peer.write(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":')
        peer.write(b'{"text":"a\\ud83d b\xff \\ud83d\\ude00"}}}\n')
        assert (await peer.receive())["result"]["content"][0]["text"] == "a\ufffd b\ufffd 😀"
        # The other way there is nothing to put in its place: an error that says so, and the connection lives on.
        for number, name in ((2, "lone"), (3, "fail")):
            peer.send(call(number, name))
            reply = await peer.receive()
            assert reply["id"] == number
            assert "error" in reply or reply["result"]["isError"]
        peer.send(request(4))
        assert (await peer.receive())["id"] == 4
        peer.close_output()


async def test_garbage_as_the_last_line_ends_in_peace_tsv_5(standard_streams: Callable[..., Any]) -> None:
    # TSV-5, TSV-6, LLS-62: the input ends in the middle of a line.
    peer = standard_streams()
    async with serving():
        peer.write(b'{"jsonrpc":"2.0","id":1,"meth')
        peer.close_output()


# The end of the input


async def test_what_was_read_before_the_end_is_answered_tsv_9(
    standard_streams: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # TSV-9
    monkeypatch.setattr(stdio, "END_OF_INPUT_GRACE", 10)
    peer = standard_streams()
    pings = [request(number) for number in range(1, 101)]
    peer.send(INITIALIZE, *pings, call(101, "wait", seconds=0.1), {"jsonrpc": "2.0", "id": None, "method": "x"})
    peer.close_output()
    start = anyio.current_time()
    async with serving():
        expected = {*range(102), None}
        while expected:
            answer = await peer.receive()
            if "id" in answer:
                expected.remove(answer["id"])
    # Once all are answered nothing is waited for.
    assert anyio.current_time() - start < 5


async def test_a_handler_that_takes_longer_is_cancelled_tsv_9(standard_streams: Callable[..., Any]) -> None:
    # TSV-9, LLS-18
    peer = standard_streams()
    peer.send(INITIALIZE, call(1, "wait", seconds=60))
    peer.close_output()
    start = anyio.current_time()
    async with serving():
        assert (await peer.receive())["id"] == 0
    assert 0.4 < anyio.current_time() - start < 1.9


async def test_the_wait_for_answers_happens_once(
    standard_streams: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdio, "END_OF_INPUT_GRACE", 0.02)
    peer = standard_streams()
    async with stdio_server() as (read_stream, write_stream):
        # A request, a broken one that has to be answered, and what needs no answer.
        peer.send(request(1), {"jsonrpc": "2.0", "id": 2, "method": 3}, {"jsonrpc": "2.0", "method": "m"})
        peer.close_output()
        assert message_of(await read_stream.receive()).id == 1
        assert isinstance(await read_stream.receive(), ProtocolError)
        assert message_of(await read_stream.receive()).method == "m"
        for _ in range(2):
            with pytest.raises(anyio.EndOfStream):
                await read_stream.receive()
        # Answering is still possible.
        await write_stream.send(answer(1))
        assert (await peer.receive())["id"] == 1


# Closing and cancelling


@pytest.mark.parametrize("kind", KINDS)
async def test_leaving_does_not_wait_for_input(kind: str, standard_streams: Callable[..., Any]) -> None:
    standard_streams(kind)
    with anyio.fail_after(2):
        with anyio.move_on_after(0.05) as scope:
            await serve(make_server())
    assert scope.cancelled_caught


async def test_closing_the_read_stream_ends_the_session(standard_streams: Callable[..., Any]) -> None:
    standard_streams()
    server = make_server()
    with anyio.fail_after(5):
        async with stdio_server() as (read_stream, write_stream):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.run, read_stream, write_stream, server.create_initialization_options())
                await anyio.wait_all_tasks_blocked()
                await read_stream.aclose()


async def test_a_client_that_reads_nothing_holds_up_its_answers_but_not_the_end_tsv_4(
    standard_streams: Callable[..., Any],
) -> None:
    # TSV-4
    peer = standard_streams()
    with anyio.fail_after(10):
        async with stdio_server() as (_, write_stream):
            async with anyio.create_task_group() as tasks:
                sent = 0

                async def send() -> None:
                    nonlocal sent
                    while True:
                        await write_stream.send(answer(1, text="x" * 10_000))
                        sent += 1

                tasks.start_soon(send)
                await anyio.wait_all_tasks_blocked()
                held_up = sent
                await anyio.sleep(0.05)
                assert sent == held_up
                tasks.cancel_scope.cancel()
            line = await peer.read_line()
            assert json.loads(line)["id"] == 1


async def test_a_client_that_has_gone_breaks_the_write_stream_only(standard_streams: Callable[..., Any]) -> None:
    peer = standard_streams()
    os.close(peer.input)
    async with serving():
        peer.send(INITIALIZE, request(1))
        peer.close_output()


# Files that are passed in


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: io.StringIO(data.decode()),
        lambda data: io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"),
        lambda data: io.BytesIO(data),
    ],
)
async def test_files_in_memory_tsv_1(wrap: Callable[[bytes], Any]) -> None:
    # TSV-1
    messages = [INITIALIZE, request(1), request("zwei")]
    stdin = wrap("".join(json.dumps(message) + "\n" for message in messages).encode())
    stdout = wrap(b"")
    with anyio.fail_after(5):
        await serve(make_server(), stdin=anyio.wrap_file(stdin), stdout=anyio.wrap_file(stdout))
    assert not stdin.closed
    assert not stdout.closed
    stdout.seek(0)
    answers = [json.loads(line) for line in stdout.readlines()]
    assert {message["id"] for message in answers} == {0, 1, "zwei"}


async def test_one_file_that_is_passed_in_and_one_that_is_not(standard_streams: Callable[..., Any]) -> None:
    peer = standard_streams()
    stdin = io.StringIO(json.dumps(request(1)))
    async with stdio_server(stdin=anyio.wrap_file(stdin)) as (read_stream, write_stream):
        assert message_of(await read_stream.receive()).id == 1
        await write_stream.send(answer(1))
        assert (await peer.receive())["id"] == 1


class Stuck(io.TextIOBase):
    """A file whose reads and writes block until the test is over."""

    def __init__(self) -> None:
        self.free = threading.Event()

    def readline(self, _: int = -1) -> str:  # type: ignore[override]
        self.free.wait(20)
        return ""

    def write(self, text: str) -> int:
        self.free.wait(20)
        return len(text)


@pytest.fixture
def stuck() -> Iterator[Any]:
    file = Stuck()
    yield file
    file.free.set()
    for thread in threading.enumerate():
        if thread.name.startswith("mcp "):
            thread.join(5)


async def test_a_file_that_is_stuck_holds_up_nothing(stuck: Stuck) -> None:
    file: Any = anyio.wrap_file(stuck)
    with anyio.fail_after(5):
        async with stdio_server(stdin=file, stdout=file) as (read_stream, write_stream):
            with anyio.move_on_after(0.05) as reading:
                await read_stream.receive()
            with anyio.move_on_after(0.05) as writing:
                await write_stream.send(answer(1))
            assert reading.cancelled_caught
            assert writing.cancelled_caught


# Standard files that are none


@pytest.mark.parametrize(
    "wrap",
    [lambda data: io.TextIOWrapper(io.BytesIO(data)), lambda data: io.StringIO(data.decode())],
)
async def test_stand_ins_without_a_descriptor(wrap: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = wrap(b"")
    monkeypatch.setattr(sys, "stdin", wrap(json.dumps(request(1)).encode()))
    monkeypatch.setattr(sys, "stdout", stdout)
    with anyio.fail_after(5):
        await serve(make_server())
    stdout.seek(0)
    assert json.loads(stdout.read())["id"] == 1


@pytest.mark.parametrize("name", ["stdin", "stdout"])
async def test_a_process_without_standard_files(
    name: str, standard_streams: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    standard_streams()
    monkeypatch.setattr(sys, name, None)
    with pytest.raises(RuntimeError, match="no standard input or output"):
        await serve(make_server())


async def test_a_file_as_standard_input_and_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").write_text("\n".join(json.dumps(message) for message in [INITIALIZE, request(1)]))
    with open(tmp_path / "in", encoding="utf-8") as stdin, open(tmp_path / "out", "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", stdout)
        with anyio.fail_after(5):
            await serve(make_server())
    lines = (tmp_path / "out").read_text().splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == [0, 1]


async def test_no_input_at_all_tsv_6(standard_streams: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    # TSV-6
    standard_streams()
    with open(os.devnull, encoding="utf-8") as null:
        monkeypatch.setattr(sys, "stdin", null)
        with anyio.fail_after(2):
            await serve(make_server())


# The descriptors 0 and 1 of the process


class Descriptors:
    """Pipes in place of the descriptors 0, 1 and 2."""

    def __init__(self) -> None:
        stdin, self.input = os.pipe()
        self.output, stdout = os.pipe()
        self.errors, stderr = os.pipe()
        for fd, number in ((stdin, 0), (stdout, 1), (stderr, 2)):
            os.dup2(fd, number)
            os.close(fd)
        for fd in (self.output, self.errors):
            os.set_blocking(fd, False)

    def read(self, fd: int) -> bytes:
        try:
            return os.read(fd, 1 << 16)
        except BlockingIOError:
            return b""


@contextmanager
def replaced_descriptors() -> Iterator[Descriptors]:
    """To be entered in the test itself: pytest puts its own files there for each phase."""
    saved = [os.dup(number) for number in range(3)]
    names = ("stdin", "stdout", "stderr")
    with pytest.MonkeyPatch.context() as monkeypatch, ExitStack() as stack:
        for number, fd in enumerate(saved):
            stack.callback(os.close, fd)
            stack.callback(os.dup2, fd, number)
        pipes = Descriptors()
        for fd in (pipes.input, pipes.output, pipes.errors):
            stack.callback(os.close, fd)
        for number, name in enumerate(names):
            file = open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            stack.callback(file.close)
            monkeypatch.setattr(sys, name, file)
        yield pipes


async def test_the_wire_is_out_of_reach_of_tools_tsv_7() -> None:
    with replaced_descriptors() as descriptors:
        # TSV-7, and the contract's decision on private descriptors
        async with stdio_server() as (read_stream, write_stream):
            print("printed and flushed", flush=True)
            print("printed and not flushed")
            os.write(1, b"written to descriptor 1\n")
            program = "import sys; print('a child read', repr(sys.stdin.read()))"
            await anyio.to_thread.run_sync(lambda: subprocess.run([sys.executable, "-S", "-c", program], check=True))
            assert os.read(0, 10) == b""
            assert sys.stdin.readline() == ""
            os.write(descriptors.input, json.dumps(request(1)).encode() + b"\n")
            with anyio.fail_after(5):
                assert message_of(await read_stream.receive()).id == 1
            await write_stream.send(answer(1))
            assert json.loads(descriptors.read(descriptors.output)) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        errors = descriptors.read(descriptors.errors).decode()
        assert errors.splitlines() == [
            "printed and flushed",
            "written to descriptor 1",
            "a child read ''",
            "printed and not flushed",
        ]
        # Afterwards all is as it was.
        print("printed afterwards", flush=True)
        assert descriptors.read(descriptors.output) == b"printed afterwards\n"
        os.write(descriptors.input, b"more input\n")
        assert sys.stdin.readline() == "more input\n"


async def test_descriptors_are_restored_when_serving_fails() -> None:
    with replaced_descriptors():
        before = [os.fstat(number).st_ino for number in range(3)]
        inheritable = [os.get_inheritable(number) for number in range(3)]
        gc.collect()
        open_before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
        with pytest.raises(KeyError):
            async with stdio_server():
                assert [os.fstat(number).st_ino for number in (0, 1)] != before[:2]
                raise KeyError
        assert [os.fstat(number).st_ino for number in range(3)] == before
        assert [os.get_inheritable(number) for number in range(3)] == inheritable
        if open_before:
            assert len(os.listdir("/proc/self/fd")) <= open_before


async def test_what_python_has_read_ahead_is_not_lost() -> None:
    with replaced_descriptors() as descriptors:
        os.write(descriptors.input, b"greeting\n" + json.dumps(request(1)).encode() + b"\n")
        assert sys.stdin.buffer.readline() == b"greeting\n"
        os.write(descriptors.input, json.dumps(request(2)).encode() + b"\n")
        async with stdio_server() as (read_stream, _):
            with anyio.fail_after(5):
                assert message_of(await read_stream.receive()).id == 1
                assert message_of(await read_stream.receive()).id == 2


async def test_without_a_standard_error_prints_go_nowhere() -> None:
    with replaced_descriptors() as descriptors:
        saved = os.dup(2)
        os.close(2)
        try:
            async with stdio_server() as (_, write_stream):
                os.write(1, b"lost")
                # The free number was not taken for the wire.
                with pytest.raises(OSError, match="Bad file descriptor"):
                    os.write(2, b"lost, too")
                await write_stream.send(answer(1))
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        assert json.loads(descriptors.read(descriptors.output))["id"] == 1
