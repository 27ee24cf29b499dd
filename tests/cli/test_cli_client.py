"""`mcp list`, `call`, `read`, `prompt` and `ping`."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from mcp.cli._client import explain, prompt_arguments
from mcp.cli._client_commands import parse_headers
from mcp.cli._errors import CliError, leaf_of, short_traceback, unknown_name
from mcp.cli._targets import CommandTarget, FileTarget, Target, UrlTarget, parse_target, suggests_sse
from mcp.cli._values import BadValue
from mcp.shared.exceptions import ConnectionClosedError, McpError, UrlElicitationRequiredError
from mcp.types import ElicitRequestURLParams, ErrorData, Prompt, PromptArgument

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart" / "server.py"


# What is decided without a connection


@pytest.mark.parametrize(
    ("text", "command", "expected"),
    [
        ("server.py:app", None, FileTarget("server.py:app")),
        ("http://host/mcp", None, UrlTarget("http://host/mcp")),
        ("HTTPS://host/mcp", None, UrlTarget("HTTPS://host/mcp")),
        ("-", ["python", "-u", "x"], CommandTarget(("python", "-u", "x"))),
    ],
)
def test_targets(text: str, command: list[str] | None, expected: Target) -> None:
    assert parse_target(text, command, {}) == expected


@pytest.mark.parametrize(
    ("text", "command", "headers", "complaint"),
    [
        ("-", [], {}, "Give a command after --"),
        ("ws://host/mcp", None, {}, "Cannot talk to ws URLs"),
        ("server.py", None, {"A": "b"}, "Headers and tokens can be sent only to a URL"),
        ("-", ["x"], {"A": "b"}, "Headers and tokens can be sent only to a URL"),
    ],
)
def test_no_targets(text: str, command: list[str] | None, headers: dict[str, str], complaint: str) -> None:
    with pytest.raises(CliError, match=complaint) as caught:
        parse_target(text, command, headers)
    assert caught.value.code == 2


def test_headers() -> None:
    assert parse_headers(["A: b", "C:d:e", "F:"]) == {"A": "b", "C": "d:e", "F": ""}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([], "Unknown tool 'ad': there are none"),
        (["add", "echo"], "Unknown tool 'ad', did you mean add?"),
        (["ADD"], "Unknown tool 'ad', did you mean ADD?"),
        (["zeta", "echo"], "Unknown tool 'ad', there is: echo, zeta"),
        ([f"x{n}" for n in range(11)], "x8, …"),
    ],
)
def test_the_nearest_names_are_suggested(known: list[str], expected: str) -> None:
    assert expected in unknown_name("tool", "ad", known)


def status_error(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "http://host/mcp")
    return httpx.HTTPStatusError(f"HTTP {status}\nmore", request=request, response=httpx.Response(status))


FILE, COMMAND, URL = FileTarget("s.py"), CommandTarget(("x", "y")), UrlTarget("http://host/mcp")
LOGIN = ElicitRequestURLParams(message="Log in", url="https://host/login", elicitationId="1")


@pytest.mark.parametrize(
    ("error", "target", "connected", "code", "message"),
    [
        (CliError("text", 7), FILE, True, 7, "text"),
        (BadValue("text"), FILE, True, 2, "text"),
        (status_error(500), URL, False, 3, "HTTP 500"),
        (status_error(401), URL, False, 3, "HTTP 401\nGive credentials with --bearer or --header."),
        (
            ConnectionClosedError("it exited, stderr:\nlast words"),
            COMMAND,
            False,
            3,
            "x y: Connection closed: it exited",
        ),
        (McpError(ErrorData(code=-32000, message="gone")), URL, True, 3, "http://host/mcp: gone"),
        (McpError(ErrorData(code=-32602, message="no")), URL, True, 1, "no (error -32602)"),
        (McpError(ErrorData(code=-1, message="no")), FILE, False, 3, "s.py refused to initialize: no (error -1)"),
        (UrlElicitationRequiredError([LOGIN]), URL, True, 1, "required\nOpen https://host/login and try again"),
        (McpError(ErrorData(code=-32042, message="no", data={"elicitations": [1]})), URL, True, 1, "no"),
        (RuntimeError("Invalid structured content"), URL, True, 1, "Invalid structured content"),
        (RuntimeError("Unsupported protocol version from the server: 1"), URL, False, 3, "Unsupported protocol"),
        (KeyError("x"), FILE, False, 3, "s.py failed\nKeyError: 'x'"),
        (FileNotFoundError(2, "No such file"), COMMAND, False, 3, "Cannot start x y: [Errno 2] No such file"),
        (httpx.ConnectError("refused"), URL, False, 3, "Cannot connect to http://host/mcp: refused"),
        (httpx.ReadError(""), URL, True, 3, "Connection to http://host/mcp lost: ReadError"),
    ],
)
def test_errors_are_explained(error: Exception, target: Target, connected: bool, code: int, message: str) -> None:
    explained = explain(error, target, connected)
    assert explained.code == code
    assert str(explained).endswith(message) or str(explained).startswith(message)


def test_the_first_of_a_group_of_errors_counts() -> None:
    error = KeyError("x")
    group: Any = type("Group", (Exception,), {})()
    group.exceptions = (type("Group", (Exception,), {"exceptions": (error,)})(), ValueError())
    assert leaf_of(group) is error
    assert leaf_of(error) is error


def test_a_traceback_ends_with_the_frames_of_others() -> None:
    def fail(depth: int) -> None:
        if depth:
            fail(depth - 1)
        raise KeyError("deep")

    with pytest.raises(KeyError) as caught:
        fail(10)
    report = short_traceback(caught.value)
    assert report.count("in fail") == 4
    assert report.endswith("KeyError: 'deep'")


@pytest.mark.parametrize(
    ("status", "expected"), [(400, True), (404, True), (405, True), (401, False), (403, False), (500, False)]
)
def test_which_statuses_suggest_the_older_transport(status: int, expected: bool) -> None:
    assert suggests_sse(status_error(status)) is expected
    assert suggests_sse(httpx.ConnectError("refused")) is False


PROMPT = Prompt(name="p", arguments=[PromptArgument(name="name", required=True), PromptArgument(name="style")])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["name=1"], {"name": "1"}),
        (["name=a", "style=b=c"], {"name": "a", "style": "b=c"}),
        (['{"name": "a", "n": 1}'], {"name": "a", "n": "1"}),
    ],
)
def test_the_arguments_of_a_prompt(words: list[str], expected: dict[str, str]) -> None:
    assert prompt_arguments(words, PROMPT) == expected


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "Missing argument: name"),
        (["nam=a"], "Unknown argument 'nam', did you mean name"),
        (["name=a", "name=b"], "name is given more than once"),
        (["name"], "Expected KEY=VALUE, got 'name'"),
    ],
)
def test_bad_arguments_of_a_prompt(words: list[str], complaint: str) -> None:
    with pytest.raises(BadValue, match=complaint):
        prompt_arguments(words, PROMPT)


# A file in this process


@pytest.mark.usefixtures("server_file")
class TestFile:
    """The commands on a server file."""

    def test_list(self, invoke: Callable[..., Any]) -> None:
        result = invoke("list", "server.py")
        assert result.exit_code == 0, result.stderr
        assert result.stdout.startswith("Demo ")
        for text in ("add(a: integer, b: integer = 2)\n      Add two numbers.\n", "data://bytes", "greeting://{name}"):
            assert text in result.stdout
        assert "greet_user(name, style?)\n      Greet somebody.\n" in result.stdout

    def test_list_as_json(self, invoke: Callable[..., Any]) -> None:
        data = json.loads(invoke("list", "server.py:mcp", "--json").stdout)
        assert data["server"]["name"] == "Demo"
        assert "add" in [tool["name"] for tool in data["tools"]]
        assert [each["uri"] for each in data["resources"]] == ["data://bytes"]
        assert [each["uriTemplate"] for each in data["resourceTemplates"]] == ["greeting://{name}"]
        assert [each["name"] for each in data["prompts"]] == ["greet_user"]

    def test_list_some(self, invoke: Callable[..., Any]) -> None:
        data = json.loads(invoke("list", "server.py", "prompts", "templates", "--json").stdout)
        assert set(data) == {"server", "protocolVersion", "resourceTemplates", "prompts"}

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (("add", "a=1"), "3\n"),
            (("add", '{"a": 1, "b": 5}'), "6\n"),
            (("add", "a:=1", "b=5"), "6\n"),
            (("describe", "text=1", "mode=y", "tags=a", "tags=b"), "('1', 'y', ['a', 'b'])\n"),
            (("picture",), "[image image/png, 5 bytes]\n"),
        ],
    )
    def test_call(self, words: tuple[str, ...], expected: str, invoke: Callable[..., Any]) -> None:
        result = invoke("call", "server.py", *words)
        assert (result.exit_code, result.stdout) == (0, expected), result.stderr

    @pytest.mark.parametrize(
        "words", [("--json", '{"a": 1, "b": 5}'), ('{"a": 1, "b": 5}', "--json"), ("--json", "a=1", "b=5")]
    )
    def test_call_with_json(self, words: tuple[str, ...], invoke: Callable[..., Any]) -> None:
        result = json.loads(invoke("call", "server.py", "add", *words).stdout)
        assert result["structuredContent"] == {"result": 6}
        assert result["content"] == [{"type": "text", "text": "6"}]

    @pytest.mark.parametrize(
        ("words", "code", "message"),
        [
            (("ad",), 2, "Error: Unknown tool 'ad', did you mean add?\n"),
            (("add",), 2, "Error: Missing argument: a\n"),
            (("add", "a=x"), 2, "Error: a must be an integer, got 'x'\n"),
            (("add", "a"), 2, "Error: Expected KEY=VALUE, got 'a'\n"),
            (("fail",), 1, "Error: Error executing tool fail: bang\n"),
            (("hang", "--timeout", "0.1"), 3, "Error: No answer from server.py for 0.1 s (--timeout)\n"),
            (("add", "a=1", "--bearer", "x"), 2, "Error: Headers and tokens can be sent only to a URL\n"),
        ],
    )
    def test_call_that_fails(self, words: tuple[str, ...], code: int, message: str, invoke: Callable[..., Any]) -> None:
        result = invoke("call", "server.py", *words)
        assert (result.exit_code, result.stdout, result.stderr) == (code, "", message)

    def test_call_that_fails_as_json(self, invoke: Callable[..., Any]) -> None:
        result = invoke("call", "server.py", "fail", "--json")
        assert result.exit_code == 1
        assert json.loads(result.stdout)["isError"] is True

    def test_log_messages_and_prints_stay_out_of_the_result(self, invoke: Callable[..., Any]) -> None:
        result = invoke("call", "server.py", "work")
        assert result.stdout == "worked\n"
        assert result.stderr == "".join(f"[warning] warning {step}\n" for step in range(3))
        assert "a print in a tool" in invoke("call", "server.py", "add", "a=1").stderr

    @pytest.mark.parametrize(("tool", "message"), [("ask", "Demo asks: Who are you?"), ("visit", "Demo asks: Log in")])
    def test_questions_are_declined_where_nobody_is(self, tool: str, message: str, invoke: Callable[..., Any]) -> None:
        result = invoke("call", "server.py", tool, input="Ada\n")
        assert result.stdout.startswith("decline")
        assert result.stderr == f"{message} (declined: standard input is no terminal)\n"

    def test_read(self, invoke: Callable[..., Any]) -> None:
        assert invoke("read", "server.py", "greeting://Ada").stdout == "Hello, Ada!\n"
        assert invoke("read", "server.py", "data://bytes").stdout_bytes == bytes(range(256))
        contents = json.loads(invoke("read", "server.py", "data://bytes", "--json").stdout)["contents"]
        assert contents[0]["mimeType"] == "application/octet-stream"

    def test_read_what_is_not_there(self, invoke: Callable[..., Any]) -> None:
        result = invoke("read", "server.py", "none://x")
        assert (result.exit_code, result.stderr) == (1, "Error: Unknown resource: none://x (error -32002)\n")

    def test_prompt(self, invoke: Callable[..., Any]) -> None:
        result = invoke("prompt", "server.py", "greet_user", "name=Ada", "style=short")
        assert result.stdout == "user: A short greeting for Ada, please\n"
        data = json.loads(invoke("prompt", "server.py", "greet_user", "name=Ada", "--json").stdout)
        assert data["messages"][0]["role"] == "user"

    def test_prompt_that_is_not_there(self, invoke: Callable[..., Any]) -> None:
        result = invoke("prompt", "server.py", "greet")
        assert (result.exit_code, result.stderr) == (2, "Error: Unknown prompt 'greet', did you mean greet_user?\n")

    def test_ping(self, invoke: Callable[..., Any]) -> None:
        assert re.fullmatch(r"Demo \S+ \(protocol \S+\) answered in \d+\.\d ms\n", invoke("ping", "server.py").stdout)
        data = json.loads(invoke("ping", "server.py", "--json").stdout)
        assert data["server"]["name"] == "Demo"
        assert data["seconds"] >= 0


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        (None, 2, "Error: File not found: "),
        ("import no_such_module", 3, "Error: Failed to import "),
        ("raise SystemExit(7)", 3, "ended the process on import, with status 7"),
        ("x = 1", 1, "Error: No server object found in "),
    ],
)
def test_a_file_that_is_no_server(
    source: str | None, code: int, message: str, invoke: Callable[..., Any], tmp_path: Path
) -> None:
    if source is not None:
        (tmp_path / "s.py").write_text(source)
    result = invoke("ping", "s.py")
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""


def test_a_server_that_fails_to_start(invoke: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(
        "from contextlib import asynccontextmanager\nfrom mcp.server.fastmcp import FastMCP\n"
        "@asynccontextmanager\nasync def life(app):\n    raise KeyError('no database')\n    yield\n"
        "mcp = FastMCP(lifespan=life)\n"
    )
    result = invoke("ping", "s.py")
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: s.py failed\nTraceback")
    assert result.stderr.endswith("KeyError: 'no database'\n")


LOW_LEVEL = """
from mcp.server.lowlevel import Server
from mcp import types
server = Server("Low", version="1")

@server.list_tools()
async def tools(request: types.ListToolsRequest) -> types.ListToolsResult:
    page = int(request.params.cursor or 0) if request.params else 0
    tool = types.Tool(name=f"tool{page}", inputSchema={"type": "object"})
    return types.ListToolsResult(tools=[tool], nextCursor=NEXT)

@server.list_prompts()
async def prompts() -> list[types.Prompt]:
    return []
"""


def test_all_pages_of_a_list_are_read(invoke: Callable[..., Any], tmp_path: Path) -> None:
    """IMP-4: a low-level server will do, too."""
    (tmp_path / "s.py").write_text(LOW_LEVEL.replace("NEXT", "str(page + 1) if page < 3 else None"))
    data = json.loads(invoke("list", "s.py", "--json").stdout)
    assert [tool["name"] for tool in data["tools"]] == ["tool0", "tool1", "tool2", "tool3"]
    # It has no resources, and so is not asked for them.
    assert (data["resources"], data["resourceTemplates"], data["prompts"]) == ([], [], [])


def test_pages_that_go_in_circles_come_to_an_end(invoke: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(LOW_LEVEL.replace("NEXT", "str((page + 1) % 2)"))
    result = invoke("list", "s.py", "tools")
    assert result.exit_code == 0
    assert "the server repeats its pages" in result.stderr


@pytest.mark.parametrize(
    ("source", "exit_code"),
    [
        ("return []", 0),
        ("raise McpError(types.ErrorData(code=-32601, message='no'))", 0),
        ("raise McpError(types.ErrorData(code=-32603, message='no'))", 1),
    ],
)
def test_a_list_that_is_declared_and_not_there_is_empty(
    source: str, exit_code: int, invoke: Callable[..., Any], tmp_path: Path
) -> None:
    text = LOW_LEVEL.replace("NEXT", "None").replace("return []", source)
    (tmp_path / "s.py").write_text("from mcp.shared.exceptions import McpError\n" + text)
    assert invoke("list", "s.py", "prompts").exit_code == exit_code


def test_the_first_command_of_the_readme(run_mcp: Callable[..., Any]) -> None:
    result = run_mcp("call", "examples/quickstart/server.py", "add", "a=1", "b=2", cwd=QUICKSTART.parents[2])
    assert (result.returncode, result.stdout) == (0, "3\n"), result.stderr


def test_nothing_but_the_result_is_on_standard_output(run_mcp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(
        "import os, subprocess, sys\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP()\n"
        "print('import')\n"
        "@mcp.tool()\ndef noisy() -> str:\n"
        "    print('print')\n    os.write(1, b'descriptor\\n')\n"
        "    subprocess.run([sys.executable, '-c', 'print(\"child\")'])\n    return 'ü'\n"
    )
    result = run_mcp("call", "s.py", "noisy", "--json", encoding="utf-8", env={"PYTHONIOENCODING": "utf-8"})
    assert "ü" in result.stdout
    assert json.loads(result.stdout)["structuredContent"] == {"result": "ü"}
    assert sorted(result.stderr.split()) == ["child", "descriptor", "import", "print"]
    result = run_mcp("call", "s.py", "noisy", "--json", env={"PYTHONIOENCODING": "ascii"})
    assert json.loads(result.stdout)["structuredContent"] == {"result": "ü"}


@pytest.mark.skipif(os.name == "nt", reason="needs pipes that break")
@pytest.mark.parametrize("arguments", [("list", "server.py"), ("read", "server.py", "data://bytes")])
def test_nobody_reads_the_result(
    arguments: tuple[str, ...], mcp_path: str, environment: dict[str, str], server_file: Path
) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    result = subprocess.run(
        [mcp_path, *arguments],
        cwd=server_file.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(theirs)
    assert (result.returncode, result.stderr) == (1, b"")


# A command


def test_a_command(run_mcp: Callable[..., Any], mcp_path: str, server_file: Path) -> None:
    command = ("--", mcp_path, "run", "server.py")
    result = run_mcp("call", "add", "--timeout", "20", "a=1", "b=5", *command)
    assert (result.returncode, result.stdout) == (0, "6\n"), result.stderr
    assert "a print in a tool" in result.stderr


def test_a_command_gets_the_whole_environment(run_mcp: Callable[..., Any], mcp_path: str, tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(
        "import os\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP(os.environ['MARKER'])\n"
    )
    result = run_mcp("list", "--", mcp_path, "run", "s.py", env={"MARKER": "Marked"})
    assert result.stdout.startswith("Marked ")


def test_commands_that_do_not_answer(invoke: Callable[..., Any]) -> None:
    result = invoke("ping", "--", "no-such-command")
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: Cannot start no-such-command: ")
    code = "import sys; print('last', 'words', file=sys.stderr); sys.exit(5)"
    result = invoke("ping", "--", sys.executable, "-c", code)
    assert result.exit_code == 3
    assert result.stderr.count("last words") == 1
    assert result.stderr.endswith("Connection closed: the server process exited with status 5\n")
    result = invoke("ping", "--timeout", "0.2", "--", sys.executable, "-c", "import sys; sys.stdin.read()")
    assert result.exit_code == 3
    assert "No answer from" in result.stderr


@pytest.mark.parametrize("arguments", [("ping", "-"), ("ping", "--"), ("call", "x", "--")])
def test_no_server_at_all(arguments: tuple[str, ...], invoke: Callable[..., Any]) -> None:
    assert invoke(*arguments).exit_code == 2


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_an_interrupt_ends_a_command_at_once(mcp_path: str, environment: dict[str, str], server_file: Path) -> None:
    server_file.write_text(
        server_file.read_text().replace(
            "await anyio.sleep_forever()", "print('hangs', flush=True)\n    await anyio.sleep_forever()"
        )
    )
    process = subprocess.Popen(
        [mcp_path, "call", str(server_file), "hang"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "hangs\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in errors


# A URL


@contextmanager
def serving(mcp_path: str, folder: Path, environment: dict[str, str], transport: str) -> Generator[str, None, None]:
    """Run the server of the folder with `mcp run` on a port of the system's choice, and give its URL."""
    process = subprocess.Popen(
        [mcp_path, "run", "server.py", "-t", transport, "--port", "0"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"running on (http://\S+:\d+)", line):
                break
        else:
            pytest.fail("the server did not start")
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        yield found[1]
    finally:
        process.terminate()
        process.wait(10)
        drain.join(10)
        process.stderr.close()


def test_a_url_of_streamable_http(
    invoke: Callable[..., Any],
    run_mcp: Callable[..., Any],
    mcp_path: str,
    environment: dict[str, str],
    server_file: Path,
) -> None:
    """RUNC-1"""
    with serving(mcp_path, server_file.parent, environment, "streamable-http") as url:
        result = run_mcp("call", f"{url}/mcp", "add", "a=1", "b=5")
        assert (result.returncode, result.stdout, result.stderr) == (0, "6\n", "")
        result = invoke("call", f"{url}/mcp", "work")
        assert result.stdout == "worked\n", result.stderr
        assert "[warning] warning 2\n" in result.stderr
        assert invoke("call", f"{url}/mcp", "ask").stdout.startswith("decline")
        result = invoke("ping", f"{url}/none")
        assert result.exit_code == 3
        assert result.stderr == f"Error: There is no MCP server at {url}/none (404 Not Found)\n"


def test_a_url_of_the_older_transport(
    invoke: Callable[..., Any], mcp_path: str, environment: dict[str, str], server_file: Path
) -> None:
    """RUNC-1"""
    with serving(mcp_path, server_file.parent, environment, "sse") as url:
        result = invoke("call", f"{url}/sse", "add", "a=1", "b=5")
        assert (result.exit_code, result.stdout) == (0, "6\n"), result.stderr


def test_nobody_listens_at_a_url(invoke: Callable[..., Any]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/mcp"
        result = invoke("list", url)
    assert result.exit_code == 3
    assert result.stderr.startswith(f"Error: Cannot connect to {url}: ")
    assert len(result.stderr.splitlines()) == 1


@contextmanager
def answering(answer: bytes) -> Generator[tuple[str, list[bytes]], None, None]:
    """A peer that gives every request the same answer; yields its URL and the heads of the requests."""
    heads: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                heads.append(connection.recv(65536))
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", heads
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_credentials_are_sent_and_a_refusal_names_the_options(invoke: Callable[..., Any]) -> None:
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with answering(refusal) as (url, heads):
        result = invoke("ping", url, "--bearer", "secret", "-H", "X-Key: key", "--header", "X-Other:2")
    assert result.exit_code == 3
    assert "401" in result.stderr
    assert result.stderr.endswith("Give credentials with --bearer or --header.\n")
    head = heads[0].decode().lower()
    assert "authorization: bearer secret\r\n" in head
    assert "x-key: key\r\n" in head
    assert "x-other: 2\r\n" in head
    assert "secret" not in result.stderr


def test_a_malformed_header(invoke: Callable[..., Any]) -> None:
    for header in ("x", ":x"):
        result = invoke("ping", "http://127.0.0.1:9/", "-H", header)
        assert result.exit_code == 2
        assert f"Expected NAME:VALUE, got '{header}'" in result.stderr


def test_a_server_that_fails_is_not_tried_again(invoke: Callable[..., Any]) -> None:
    with answering(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") as (url, heads):
        result = invoke("ping", url)
    assert result.exit_code == 3
    assert "500" in result.stderr
    assert len(heads) == 1
