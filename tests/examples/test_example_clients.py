"""Every example client against its server, as its own file says to run it."""

import io
import runpy
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

Load = Callable[[str], ModuleType]
Serve = Callable[[Any], AbstractContextManager[str]]
Listening = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]

# Path: what its output has to contain, in this order.
STDIO_CLIENTS = {
    # EX-50
    "snippets/clients/stdio_client.py": ["Tools: ['generate_poem']", "Poem: Roses are red"],
    "snippets/clients/completion_client.py": ["'typescript-sdk'", "['python']"],
    "snippets/clients/pagination_client.py": ["100 resources, the last is Item 100"],
    "snippets/clients/display_utilities.py": ["Code Review (review_code)"],
    "snippets/clients/parsing_tool_results.py": ["latitude", "image/png: ", "resource report://", "float division"],
    "snippets/clients/logging_client.py": ["[info] Starting: demo", "50% Step 1/2", "completed"],
    "snippets/clients/roots_example.py": ["file://"],
    "snippets/clients/cancellation.py": ["408: Timed out", "has stopped 2 calls"],
    "snippets/clients/elicitation_client.py": ["Asked: No tables", "Booked for 2024-12-27"],
    "snippets/clients/url_elicitation_client.py": ["payments.example.com", "initiated", "github.example.com"],
    "snippets/clients/subscription_client.py": ["counter://value has changed", "text='1'"],
    "snippets/clients/error_handling.py": ["isError=True", "-32002", "no database", "Could not connect"],
    # EX-30
    "clients/simple-task-client/client.py": ["Task created", "completed", "Result: Task completed!"],
    "clients/simple-task-interactive-client/client.py": ["Asked: Are you sure", "Deleted 'important.txt'", "Cherry"],
    # EX-60
    "clients/group/client.py": ["SQLite-Explorer.query_data", "Tool echo: hello", "'books': 3", "['Echo.echo_tool']"],
}


def assert_in_order(output: str, parts: list[str]) -> None:
    position = 0
    for part in parts:
        position = output.find(part, position)
        assert position >= 0, f"{part!r} is missing (or too early) in:\n{output}"


@pytest.mark.parametrize("path", STDIO_CLIENTS)
def test_stdio_client(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    """EX-1 EX-30 EX-50 EX-51 EX-60 EX-61"""
    runpy.run_path(str(EXAMPLES / path), run_name="__main__")
    assert_in_order(capfd.readouterr().out, STDIO_CLIENTS[path])


@pytest.mark.parametrize(
    ("client", "server", "app", "path", "parts"),
    [
        # EX-50 EX-44
        ("snippets/clients/streamable_basic.py", "fastmcp_quickstart.py", "http", "/mcp", ["Session: ", "['add']"]),
        ("snippets/clients/streamable_options.py", "oauth_server.py", "http", "/mcp", ["{'result': 'Ada'}"]),
        ("snippets/clients/sse_client.py", "basic_tool.py", "sse", "/sse", ["['sum', 'get_weather']"]),
        (
            "snippets/clients/streamable_basic.py",
            "streamable_starlette_mount.py",
            "app",
            "/echo/mcp",
            ["Session: None", "['echo']"],
        ),
        ("snippets/clients/streamable_basic.py", "streamable_starlette_mount.py", "app", "/math/mcp", ["['add_two']"]),
        ("snippets/clients/streamable_basic.py", "streamable_http_basic_mounting.py", "app", "/mcp", ["['hello']"]),
        ("snippets/clients/streamable_basic.py", "streamable_http_multiple_servers.py", "app", "/api/", ["api_status"]),
        ("snippets/clients/streamable_basic.py", "streamable_http_multiple_servers.py", "app", "/chat", ["send_mess"]),
        ("snippets/clients/streamable_basic.py", "streamable_http_path_config.py", "app", "/process/", ["process_da"]),
        ("snippets/clients/streamable_basic.py", "streamable_http_cors.py", "app", "/mcp", ["['hello']"]),
        (
            "snippets/clients/streamable_basic.py",
            "streamable_config.py",
            "http",
            "/mcp",
            ["Session: None", "['greet']"],
        ),
        ("snippets/clients/streamable_basic.py", "event_store.py", "http", "/mcp", ["['travel']"]),
    ],
)
def test_http_client(
    client: str,
    server: str,
    app: str,
    path: str,
    parts: list[str],
    load: Load,
    serve: Serve,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """EX-44 EX-50"""
    module = load(f"snippets/servers/{server}")
    if app == "app":
        application = module.app
    else:
        application = module.mcp.streamable_http_app() if app == "http" else module.mcp.sse_app()
    with serve(application) as url:
        main = runpy.run_path(str(EXAMPLES / client))["main"]
        anyio.run(main, url + path)
    assert_in_order(capfd.readouterr().out, parts)


def test_host_mounting(load: Load, serve: Serve) -> None:
    """EX-44"""
    import httpx

    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"},
        },
    }
    headers = {"Accept": "application/json, text/event-stream"}
    with serve(load("snippets/servers/streamable_http_host_mounting.py").app) as url:
        ours = httpx.post(url + "/mcp", json=body, headers={**headers, "Host": "mcp.acme.corp"}, timeout=5)
        other = httpx.post(url + "/mcp", json=body, headers=headers, timeout=5)
    assert (ours.status_code, other.status_code) == (200, 404)


def test_custom_route_and_cors(load: Load, serve: Serve) -> None:
    """EX-60"""
    import httpx

    with serve(load("snippets/servers/custom_route.py").mcp.streamable_http_app()) as url:
        assert httpx.get(url + "/health", timeout=5).json() == {"status": "ok"}
    with serve(load("snippets/servers/streamable_http_cors.py").app) as url:
        asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
        answer = httpx.options(url + "/mcp", headers=asked, timeout=5)
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        answer = httpx.get(url + "/mcp", headers={"Origin": "https://app.example.com"}, timeout=5)
        assert answer.headers["access-control-expose-headers"] == "Mcp-Session-Id"
        assert httpx.get(url + "/mcp", headers={"Origin": "https://evil.example"}, timeout=5).status_code == 403


@pytest.mark.anyio
async def test_event_store(load: Load, serve: Serve) -> None:
    """EX-60: the client is sent away in the middle, and misses nothing."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    seen: list[str] = []

    async def on_log(params: Any) -> None:
        seen.append(params.data)

    with serve(load("snippets/servers/event_store.py").mcp.streamable_http_app()) as url:
        with anyio.fail_after(10):
            async with streamable_http_client(f"{url}/mcp") as (read, write, _):
                async with ClientSession(read, write, logging_callback=on_log) as session:
                    await session.initialize()
                    result = await session.call_tool("travel")
    assert result.structuredContent == {"result": "arrived"}
    assert seen == ["step 1", "step 2", "step 3"]


def test_polling(load: Load, serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    """EX-20 EX-30"""
    server = load("servers/sse-polling-demo/server.py").make_server(retry_interval=20)
    with serve(server.streamable_http_app()) as url:
        anyio.run(runpy.run_path(str(EXAMPLES / "clients/sse-polling-client/client.py"))["main"], url + "/mcp")
    assert_in_order(capfd.readouterr().out, ["[3/7]", "hanging up", "[4/7]", "hanging up", "[7/7]", "Processed 7"])


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=30, check=False, cwd=EXAMPLES, **options
    )


def test_resumption(load: Load, serve: Serve, tmp_path: Path) -> None:
    """EX-60"""
    with serve(load("servers/simple-streamablehttp/server.py").make_app()) as url:
        command = ["clients/resumption/client.py", f"{url}/mcp", "--state", str(tmp_path / "state.json")]
        first = run(*command, "--crash-after", "2")
        second = run(*command)
    assert first.returncode == 1
    assert_in_order(first.stdout, ["Calling", "Event 1/6", "Event 2/6"])
    assert second.returncode == 0, second.stderr
    assert_in_order(second.stdout, ["Coming back", "Event 3/6", "Event 6/6", "Sent 6 notifications"])
    assert "Event 2/6" not in second.stdout


@pytest.mark.parametrize("json_response", [False, True])
def test_stateless(json_response: bool, load: Load, serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    """EX-20"""
    with serve(load("servers/simple-streamablehttp-stateless/server.py").make_app(json_response)) as url:
        anyio.run(runpy.run_path(str(EXAMPLES / "snippets/clients/streamable_basic.py"))["main"], url + "/mcp")
    assert_in_order(capfd.readouterr().out, ["Session: None", "start-notification-stream"])


def test_chat_bot(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """EX-30"""
    said = 'hello\nquery_data {"sql": "SELECT title FROM books WHERE year = 1961"}\n\n'
    monkeypatch.setattr(sys, "stdin", io.StringIO(said))
    monkeypatch.setattr(sys, "argv", ["client.py"])
    runpy.run_path(str(EXAMPLES / "clients/simple-chatbot/client.py"), run_name="__main__")
    assert_in_order(capfd.readouterr().out, ["I can call echo_tool", "calling query_data", "Solaris"])


def test_chat_bot_with_a_model(load: Load, serve: Serve) -> None:
    """EX-30"""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    import mcp.types as types
    from mcp import ClientSession, ClientSessionGroup
    from mcp.shared.memory import create_connected_server_and_client_session

    asked: list[Any] = []

    async def complete(request: Request) -> JSONResponse:
        asked.append(await request.json())
        if len(asked) == 1:
            function = {"name": "echo_tool", "arguments": '{"message": "m"}'}
            message: dict[str, Any] = {"content": None, "tool_calls": [{"id": "1", "function": function}]}
        else:
            message = {"content": "It says m."}
        return JSONResponse({"choices": [{"message": message}]})

    bot_module = load("clients/simple-chatbot/client.py")
    echo = load("servers/echo/server.py").mcp

    async def talk(url: str) -> str:
        session: ClientSession
        async with create_connected_server_and_client_session(echo) as session:
            async with ClientSessionGroup() as group:
                await group.connect_with_session(types.Implementation(name="echo", version="0"), session)
                bot = bot_module.ChatBot(bot_module.ChatCompletionsModel(url, "key", "model"), group)
                return await bot.say("Say m")

    with serve(Starlette(routes=[Route("/chat/completions", complete, methods=["POST"])])) as url:
        assert anyio.run(talk, url) == "It says m."
    assert [tool["function"]["name"] for tool in asked[0]["tools"]] == ["echo_tool"]
    assert asked[1]["messages"][-1] == {"role": "tool", "content": "Tool echo: m", "tool_call_id": "1"}


def test_text_message(load: Load, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """EX-10"""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    sent: list[Any] = []

    async def send(request: Request) -> Response:
        sent.append((request.headers["Authorization"], await request.json()))
        return Response(status_code=200 if len(sent) == 1 else 500)

    mcp = load("fastmcp/text_me.py").mcp
    with serve(Starlette(routes=[Route("/send", send, methods=["POST"])])) as url:
        monkeypatch.setenv("TEXT_ME_URL", f"{url}/send")
        monkeypatch.setenv("TEXT_ME_KEY", "key")
        monkeypatch.setenv("TEXT_ME_NUMBER", "+123")
        from mcp.server.fastmcp.exceptions import ToolError

        anyio.run(mcp.call_tool, "textme", {"content": "hi"})
        with pytest.raises(ToolError, match="answered 500"):
            anyio.run(mcp.call_tool, "textme", {"content": "hi"})
    assert sent[0] == ("Bearer key", {"to": "+123", "content": "hi"})


def test_weather_structured(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """EX-10"""
    monkeypatch.setattr(sys, "argv", ["weather_structured.py"])
    runpy.run_path(str(EXAMPLES / "fastmcp/weather_structured.py"), run_name="__main__")
    parts = ['get_weather: {"temperature": 22.5', "get_temperature: {", "say_weather: null"]
    assert_in_order(capfd.readouterr().out, parts)


@pytest.mark.parametrize(
    ("server", "options", "client", "path", "parts"),
    [
        ("servers/simple-tool/server.py", ["--transport", "sse"], "sse_client", "/sse", ["['fetch']"]),
        ("servers/echo/server.py", ["--transport", "sse"], "sse_client", "/sse", ["['echo_tool']"]),
        ("servers/simple-streamablehttp/server.py", [], "streamable_basic", "/mcp", ["start-notification-stream"]),
        ("snippets/servers/settings_from_environment.py", None, "streamable_basic", "/mcp", ["['where']"]),
    ],
)
def test_server_process(
    server: str,
    options: list[str] | None,
    client: str,
    path: str,
    parts: list[str],
    find_port: Callable[[], int],
    listening: Listening,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """EX-20 EX-51 EX-60"""
    port = find_port()
    arguments = [] if options is None else [*options, "--port", str(port)]
    with listening([sys.executable, server, *arguments], port, cwd=EXAMPLES, env={"FASTMCP_PORT": str(port)}):
        main = runpy.run_path(str(EXAMPLES / f"snippets/clients/{client}.py"))["main"]
        anyio.run(main, f"http://127.0.0.1:{port}{path}")
    assert_in_order(capfd.readouterr().out, parts)


def test_fetch(load: Load, serve: Serve) -> None:
    """EX-20"""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from mcp.shared.memory import create_connected_server_and_client_session

    server = load("servers/simple-tool/server.py").server

    async def fetch(url: str) -> Any:
        async with create_connected_server_and_client_session(server) as session:
            return await session.call_tool("fetch", {"url": url})

    with serve(Starlette(routes=[Route("/page", lambda request: PlainTextResponse("a page"))])) as url:
        assert "a page" in str(anyio.run(fetch, f"{url}/page").content)
        assert anyio.run(fetch, f"{url}/none").isError


def test_login_by_pasted_url(
    load: Load,
    find_port: Callable[[], int],
    listening: Listening,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """EX-50: the test stands in for the user, who logs in and pastes the URL of the page they end up on."""
    import re

    import httpx

    module = load("snippets/clients/oauth_client.py")

    def paste(prompt: str) -> str:
        visit = re.search(r"Visit: (\S+)", capsys.readouterr().out)
        assert visit is not None
        with httpx.Client(timeout=5) as http:
            page = http.get(visit[1], follow_redirects=True)
            ticket = re.search('name="ticket" value="([^"]+)"', page.text)
            assert ticket is not None
            form = {"ticket": ticket[1], "user": "demo", "password": "demo"}
            return http.post(page.url, data=form).headers["location"]

    monkeypatch.setattr("builtins.input", paste)
    port = find_port()
    command = [sys.executable, "servers/simple-auth/legacy_server.py", "--port", str(port)]
    with listening(command, port, cwd=EXAMPLES):
        anyio.run(module.main, f"http://127.0.0.1:{port}/mcp")
    assert "Tools: [" in capsys.readouterr().out


def test_client_credentials_says_how_to_use_it() -> None:
    """EX-60"""
    refused = run("snippets/clients/client_credentials.py")
    assert refused.returncode == 1
    assert "CLIENT_SECRET" in refused.stderr
