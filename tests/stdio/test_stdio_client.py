"""TCL-1 … TCL-11: a server as a child process, its messages, its standard error and its environment."""

from __future__ import annotations

import gc
import io
import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

import mcp.types as types
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client import stdio
from mcp.client.stdio import DEFAULT_INHERITED_ENV_VARS, get_default_environment, stdio_client
from mcp.shared.exceptions import ProtocolError
from mcp.shared.message import SessionMessage

pytestmark = pytest.mark.anyio

Python = Callable[..., StdioServerParameters]


def ask(request_id: int, method: str = "ping", **params: Any) -> SessionMessage:
    request = types.JSONRPCRequest(jsonrpc="2.0", id=request_id, method=method, params=params)
    return SessionMessage(types.JSONRPCMessage(request))


def result_of(item: SessionMessage | Exception) -> dict[str, Any]:
    assert isinstance(item, SessionMessage), item
    assert isinstance(item.message.root, types.JSONRPCResponse)
    return item.message.root.result


async def receive(read_stream: Any) -> Any:
    with anyio.fail_after(10):
        return await read_stream.receive()


def says(program: str) -> str:
    """A program that answers the first request with what an expression says."""
    return f"""
import json, os, sys
message = json.loads(sys.stdin.readline())
print(json.dumps({{"jsonrpc": "2.0", "id": message["id"], "result": {{"it": {program}}}}}), flush=True)
sys.stdin.read()
"""


async def told_by(parameters: StdioServerParameters, **options: Any) -> Any:
    async with stdio_client(parameters, **options) as (read_stream, write_stream):
        await write_stream.send(ask(1))
        return result_of(await receive(read_stream))["it"]


# How it is started


def test_parameters_tcl_1() -> None:
    # TCL-1
    parameters = StdioServerParameters(command="server")
    assert parameters.model_dump() == {
        "command": "server",
        "args": [],
        "env": None,
        "cwd": None,
        "encoding": "utf-8",
        "encoding_error_handler": "strict",
    }
    with pytest.raises(ValidationError):
        StdioServerParameters(command="server", encoding_error_handler="surrogateescape")  # type: ignore[arg-type]


async def test_only_a_few_variables_are_inherited_tcl_2(python: Python, monkeypatch: pytest.MonkeyPatch) -> None:
    # TCL-2
    assert DEFAULT_INHERITED_ENV_VARS == ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"]
    for name in DEFAULT_INHERITED_ENV_VARS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("SHELL", "() { :; }")
    monkeypatch.setenv("TERM", "")
    monkeypatch.setenv("API_KEY", "secret")
    assert get_default_environment() == {"HOME": "/home/somebody", "TERM": ""}
    variables = says("{k: v for k, v in os.environ.items() if k not in ('LC_CTYPE', 'LC_ALL')}")
    assert await told_by(python(variables)) == {"HOME": "/home/somebody", "TERM": ""}
    assert await told_by(python(variables, env={"HOME": "/elsewhere", "MORE": "ü"})) == {
        "HOME": "/elsewhere",
        "TERM": "",
        "MORE": "ü",
    }


async def test_a_session_and_a_folder_of_its_own_tcl_3(python: Python, tmp_path: Path) -> None:
    # TCL-3
    assert await told_by(python(says("os.getsid(0) == os.getpgid(0) == os.getpid()")))
    assert await told_by(python(says("os.getcwd()"), cwd=tmp_path)) == str(tmp_path.resolve())
    assert await told_by(python(says("os.getcwd()"), cwd=str(tmp_path))) == str(tmp_path.resolve())
    assert await told_by(python(says("os.getcwd()"))) == os.getcwd()


def open_descriptors() -> int:
    # What earlier tests have left to the garbage collector does not count.
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"command": "/no/such/command"}, FileNotFoundError),
        ({"command": "no-such-command-anywhere"}, FileNotFoundError),
        ({"command": "/"}, PermissionError),
        ({"command": sys.executable, "cwd": "/no/such/folder"}, FileNotFoundError),
    ],
)
async def test_a_server_that_cannot_be_started_tcl_5(options: dict[str, Any], error: type[OSError]) -> None:
    # TCL-5
    before = open_descriptors()
    with pytest.raises(error):
        async with stdio_client(StdioServerParameters(**options)):
            pytest.fail("entered")
    assert open_descriptors() <= before


async def test_no_server_is_started_for_an_unknown_encoding(python: Python, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(*_: Any, **__: Any) -> Any:
        pytest.fail("started")

    monkeypatch.setattr(stdio, "_create_platform_compatible_process", start)
    with pytest.raises(LookupError, match="unknown encoding: klingon"):
        async with stdio_client(python(encoding="klingon")):
            pytest.fail("entered")


# Messages


async def test_a_conversation_tcl_11(python: Python) -> None:
    # TCL-11
    async with stdio_client(python()) as (read_stream, write_stream):
        for number in range(1, 4):
            await write_stream.send(ask(number, "m", text="ü€😀\u2028\n"))
            assert result_of(await receive(read_stream))["echo"] == {
                "jsonrpc": "2.0",
                "id": number,
                "method": "m",
                "params": {"text": "ü€😀\u2028\n"},
            }


def writes(*chunks: bytes) -> str:
    """A program that writes bytes, one chunk at a time, and waits for the end of its input."""
    return f"""
import sys, time
for chunk in {chunks!r}:
    sys.stdout.buffer.write(chunk)
    sys.stdout.flush()
    time.sleep(0.01)
sys.stdin.read()
"""


def response(request_id: int, text: str = "") -> bytes:
    message = {"jsonrpc": "2.0", "id": request_id, "result": {"text": text}}
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


async def test_lines_in_any_chunks_tcl_6(python: Python) -> None:
    # TCL-6
    data = response(1, "ü€😀\u2028\u2029\u0085\x0b\x0c") + response(2).replace(b"\n", b"\r\n") + response(3)
    cut = data.index("😀".encode()) + 2
    async with stdio_client(python(writes(data[:cut], data[cut:]))) as (read_stream, _):
        texts = [result_of(await receive(read_stream))["text"] for _ in range(3)]
    assert texts == ["ü€😀\u2028\u2029\u0085\x0b\x0c", "", ""]


async def test_a_last_line_without_end_is_dropped_tcl_6_tcl_9(python: Python) -> None:
    # TCL-6, TCL-9
    program = f"import sys; sys.stdout.buffer.write({response(1) + response(2).rstrip()!r})"
    async with stdio_client(python(program)) as (read_stream, _):
        assert result_of(await receive(read_stream)) == {"text": ""}
        for _ in range(2):
            with pytest.raises(anyio.EndOfStream):
                await receive(read_stream)


async def test_log_noise_is_delivered_and_logged_tcl_7(python: Python, caplog: pytest.LogCaptureFixture) -> None:
    # TCL-7
    noise = [b"INFO starting up\n", b"\n", b"[]\n", b'{"level":30,"id":1}\n', response(1)[:-2] + b"\n"]
    async with stdio_client(python(writes(*noise, response(1)))) as (read_stream, _):
        for _ in noise:
            assert isinstance(await receive(read_stream), McpError)
        assert result_of(await receive(read_stream)) == {"text": ""}
    records = [record for record in caplog.records if record.name == "mcp.client.stdio"]
    assert len(records) == len(noise)
    assert {record.levelname for record in records} == {"ERROR"}
    assert all("Failed to parse JSONRPC message from server" in record.getMessage() for record in records)


async def test_noise_does_not_fail_a_request_but_a_broken_answer_does_tcl_7(python: Python) -> None:
    # TCL-7, and nothing waits for an answer that cannot come.
    program = """
import sys
for line in sys.stdin:
    if '"ping"' in line:
        number = int(line.split('"id":')[1].split(",")[0].split("}")[0])
        sys.stdout.write('{"level":30,"id":%d,"msg":"ping"}\\n' % number)
        sys.stdout.write('{"jsonrpc":"2.0","id":%d,"result":%s}\\n' % (number, ["{}", '{"a":' * 5000, "[1]"][number]))
        sys.stdout.flush()
"""
    with anyio.fail_after(10):
        async with stdio_client(python(program)) as streams, ClientSession(*streams) as session:
            await session.send_ping()
            for _ in range(2):
                with pytest.raises(ProtocolError):
                    await session.send_ping()


async def test_undecodable_bytes_cost_one_line_tcl_8(python: Python) -> None:
    # TCL-8
    bad = response(1, "Q").replace(b"Q", b"\xff")
    async with stdio_client(python(writes(bad, response(2)))) as (read_stream, _):
        assert isinstance(await receive(read_stream), ProtocolError)
        assert result_of(await receive(read_stream)) == {"text": ""}
    for handler, text in (("replace", "\ufffd"), ("ignore", "")):
        async with stdio_client(python(writes(bad), encoding_error_handler=handler)) as (read_stream, _):
            assert result_of(await receive(read_stream)) == {"text": text}


ECHO_IN = """
import codecs, json, sys
encode = codecs.getincrementalencoder(sys.argv[1])().encode
sys.stdin.reconfigure(encoding=sys.argv[1], newline="\\n")
for line in sys.stdin:
    message = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": message["id"], "result": message["params"]}
    sys.stdout.buffer.write(encode(json.dumps(answer, ensure_ascii=False) + "\\n"))
    sys.stdout.flush()
"""


@pytest.mark.parametrize("encoding", ["latin-1", "UTF8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be", "shift_jis"])
async def test_another_encoding_tcl_11(encoding: str, python: Python) -> None:
    # TCL-1, TCL-11
    text = "日本語" if encoding == "shift_jis" else "grüße ÿ"
    async with stdio_client(python(ECHO_IN, encoding, encoding=encoding)) as (read_stream, write_stream):
        for number in range(3):
            await write_stream.send(ask(number, "m", text=text * (number + 1)))
            assert result_of(await receive(read_stream)) == {"text": text * (number + 1)}


async def test_what_does_not_fit_the_encoding(python: Python) -> None:
    async with stdio_client(python(ECHO_IN, "ascii", encoding="ascii")) as (read_stream, write_stream):
        with pytest.raises(UnicodeEncodeError):
            await write_stream.send(ask(1, text="ü"))
        await write_stream.send(ask(2, text="u"))
        assert result_of(await receive(read_stream)) == {"text": "u"}
    bad = response(1, "Q").decode().encode("utf-16-le").replace(b"Q\0", b"\0\xd8")
    program = writes(bad, response(2).decode().encode("utf-16-le"))
    async with stdio_client(python(program, encoding="utf-16-le")) as (read_stream, _):
        await receive(read_stream)
        assert result_of(await receive(read_stream)) == {"text": ""}


async def test_five_megabytes_each_way(python: Python) -> None:
    text = "ü€😀x" * 500_000
    async with stdio_client(python()) as (read_stream, write_stream):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write_stream.send, ask(1, "m", text=text))
            assert result_of(await receive(read_stream))["echo"]["params"] == {"text": text}


async def test_a_line_that_is_too_long_fails_its_request(python: Python, monkeypatch: pytest.MonkeyPatch) -> None:
    from mcp.shared._lines import LineSplitter

    monkeypatch.setattr(stdio, "LineSplitter", lambda: LineSplitter(limit=1000))
    program = f"import sys; sys.stdin.readline(); print({response(0, 'x' * 5000).decode()!r}, flush=True); input()"
    with anyio.fail_after(10):
        async with stdio_client(python(program)) as streams, ClientSession(*streams) as session:
            with pytest.raises(ProtocolError, match="the line is too long"):
                await session.send_ping()


async def test_a_server_that_reads_nothing_holds_up_the_sender_and_no_line_is_torn(
    python: Python, tmp_path: Path
) -> None:
    program = """
import json, os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
count = 0
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "count":
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"count": count}}), flush=True)
    count += 1
"""
    go = tmp_path / "go"
    sent = 0
    async with stdio_client(python(program, str(go))) as (read_stream, write_stream):
        with anyio.move_on_after(0.3) as scope:
            while True:
                sent += 1
                await write_stream.send(ask(sent, text="x" * 100_000))
        assert scope.cancelled_caught
        assert sent < 30
        go.touch()
        with anyio.fail_after(10):
            await write_stream.send(ask(0, "count"))
        # That of the cancelled sender has arrived whole, too.
        assert result_of(await receive(read_stream)) == {"count": sent}


async def test_a_client_that_reads_nothing_holds_up_the_server(python: Python, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "PROCESS_TERMINATION_TIMEOUT", 0.1)
    program = """
import sys
line = '{"jsonrpc":"2.0","method":"m","params":{"text":"%s"}}\\n' % ("x" * 10_000)
for number in range(1, 100_000):
    sys.stdout.write(line)
    sys.stderr.write("%d\\n" % number)
    sys.stderr.flush()
"""
    log = io.StringIO()
    async with stdio_client(python(program), errlog=log) as (read_stream, _):
        assert isinstance(await receive(read_stream), SessionMessage)
        before = ""
        while log.getvalue() != before or not before:
            before = log.getvalue()
            await anyio.sleep(0.2)
        # A gigabyte is on its way, little of it is here.
        assert int(before.split()[-1]) < 1000


# Standard error


async def test_standard_error_goes_to_the_log_tcl_4(python: Python, tmp_path: Path) -> None:
    # TCL-4
    program = "import sys; sys.stderr.write('ü first\\n'); sys.stdin.read(); sys.stderr.write('last\\n')"
    with open(tmp_path / "log", "w", encoding="utf-8") as log:
        log.write("before\n")
        log.flush()
        async with stdio_client(python(program), errlog=log):
            pass
        log.write("after\n")
    assert (tmp_path / "log").read_text() == "before\nü first\nlast\nafter\n"
    text = io.StringIO()
    async with stdio_client(python(program), errlog=text):
        pass
    assert text.getvalue() == "ü first\nlast\n"


async def test_much_standard_error_holds_nothing_up_tcl_4(python: Python, tmp_path: Path) -> None:
    # TCL-4
    program = "import sys; sys.stderr.write('x' * 3_000_000)\n" + says("'done'")
    with open(tmp_path / "log", "w") as log:
        assert await told_by(python(program), errlog=log) == "done"
    assert (tmp_path / "log").stat().st_size == 3_000_000


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise ValueError("closed")


async def test_a_log_that_is_gone_is_no_reason_to_lose_the_server(python: Python) -> None:
    program = "import sys; sys.stderr.write('x' * 300_000)\n" + says("'done'")
    assert await told_by(python(program), errlog=Broken()) == "done"
    theirs, ours = os.pipe()
    os.close(theirs)
    with os.fdopen(ours, "w") as log:
        assert await told_by(python(program), errlog=log) == "done"


async def test_a_log_that_nobody_reads_does_not_hold_up_the_end(python: Python) -> None:
    program = says("'done'") + "import sys; sys.stderr.write('x' * 300_000)"
    theirs, ours = os.pipe()
    with os.fdopen(theirs), os.fdopen(ours, "w") as log:
        with anyio.fail_after(10):
            assert await told_by(python(program), errlog=log) == "done"


# When the server ends


async def initialize_with(parameters: StdioServerParameters) -> McpError:
    with anyio.fail_after(10):
        async with stdio_client(parameters, errlog=io.StringIO()) as streams, ClientSession(*streams) as session:
            with pytest.raises(McpError) as raised:
                await session.initialize()
    return raised.value


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.exit(3)", ["exited with status 3"]),
        (
            "import sys; sys.stderr.write('cannot find my config\\n'); sys.exit(1)",
            ["exited with status 1, stderr:", "cannot find my config"],
        ),
        ("raise RuntimeError('on purpose')", ["exited with status 1, stderr:", "RuntimeError: on purpose"]),
        ("import os; os.kill(os.getpid(), 9)", ["was ended by signal 9"]),
        ("import sys; sys.stderr.write('bye')", ["exited with status 0, stderr:", "bye"]),
    ],
)
async def test_a_failing_start_says_why_tcl_9(program: str, words: list[str], python: Python) -> None:
    # TCL-9
    error = await initialize_with(python("import sys; sys.stdin.readline()\n" + program))
    assert error.error.code == types.CONNECTION_CLOSED
    assert str(error).startswith("Connection closed: the server process ")
    for word in words:
        assert word in str(error)


async def test_a_server_that_ends_well_or_only_closes_its_output_tcl_9(python: Python) -> None:
    # TCL-9
    assert str(await initialize_with(python("input()"))) == "Connection closed"
    closes = "import os, sys; input(); os.close(1); sys.stdin.read()"
    assert str(await initialize_with(python(closes))) == "Connection closed"


async def test_only_the_end_of_standard_error_is_told(python: Python) -> None:
    program = (
        "import sys; input(); [sys.stderr.write(f'line {n} {chr(252) * 100}\\n') for n in range(1000)]; sys.exit(1)"
    )
    text = str(await initialize_with(python(program)))
    assert "line 999" in text
    assert "line 900" not in text
    assert len(text) < 5000


async def test_a_server_that_dies_in_a_call_fails_all_that_wait_tcl_9(python: Python) -> None:
    # TCL-9
    program = (
        "import sys; [sys.stdin.readline() for _ in range(3)]; sys.stderr.write('out of memory\\n'); sys.exit(137)"
    )
    errors: list[str] = []
    with anyio.fail_after(10):
        async with stdio_client(python(program), errlog=io.StringIO()) as streams, ClientSession(*streams) as session:
            async with anyio.create_task_group() as tasks:

                async def ping() -> None:
                    with pytest.raises(McpError) as raised:
                        await session.send_ping()
                    errors.append(str(raised.value))

                for _ in range(3):
                    tasks.start_soon(ping)
    assert len(set(errors)) == 1
    assert len(errors) == 3
    assert "status 137" in errors[0]
    assert "out of memory" in errors[0]


async def test_writing_to_a_server_that_is_gone_tcl_10(python: Python) -> None:
    # TCL-10
    with anyio.fail_after(10):
        async with stdio_client(python("")) as (read_stream, write_stream):
            with pytest.raises(anyio.EndOfStream):
                await read_stream.receive()
            for _ in range(3):
                with pytest.raises(anyio.BrokenResourceError):
                    await write_stream.send(ask(1, text="x" * 100_000))
        # The session raises what it raises for any closed connection.
        async with stdio_client(python(""), errlog=io.StringIO()) as streams, ClientSession(*streams) as session:
            for _ in range(3):
                with pytest.raises((McpError, anyio.ClosedResourceError)):
                    await session.call_tool("tool", {"text": "x" * 1_000_000}, timedelta(seconds=5))
            with pytest.raises((McpError, anyio.ClosedResourceError)):
                await session.send_ping()


async def test_a_server_that_closes_its_input_only(python: Python, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "PROCESS_TERMINATION_TIMEOUT", 0.1)
    program = "import os, time; os.close(0); print('x', flush=True); time.sleep(60)"
    with anyio.fail_after(10):
        async with stdio_client(python(program)) as streams:
            assert isinstance(await receive(streams[0]), McpError)
            async with ClientSession(*streams) as session:
                with pytest.raises(McpError) as raised:
                    await session.send_ping()
    assert raised.value.error.code == types.CONNECTION_CLOSED


async def test_a_server_that_is_gone_before_the_first_message_says_why(python: Python) -> None:
    async with stdio_client(python("import sys; sys.exit('bad option')"), errlog=io.StringIO()) as streams:
        # The process has ended, its output is not read yet.
        with pytest.raises(anyio.BrokenResourceError), anyio.fail_after(10):
            while True:
                await streams[1].send(ask(1))
                await anyio.sleep(0.01)
        async with ClientSession(*streams) as session:
            with pytest.raises(McpError, match=r"(?s)exited with status 1, stderr:.*bad option") as raised:
                await session.initialize()
    assert raised.value.error.code == types.CONNECTION_CLOSED
