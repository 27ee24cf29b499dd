"""Every example server: what it offers, and at least one use of it, over a session in memory."""

from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

import anyio
import pytest
from pydantic import AnyUrl

import mcp.types as types
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from mcp.shared.memory import create_connected_server_and_client_session as connect

pytestmark = pytest.mark.anyio

Load = Callable[[str], ModuleType]

SNIPPETS = "snippets/servers/"

# Path: tools, URIs of resources and templates, prompts.
OFFERS: dict[str, tuple[set[str], set[str], set[str]]] = {
    # EX-46 EX-40
    "snippets/servers/basic_prompt.py": (set(), set(), {"review_code", "debug_error"}),
    "snippets/servers/basic_resource.py": (set(), {"file://documents/{name}", "config://settings"}, set()),
    "snippets/servers/basic_tool.py": ({"sum", "get_weather"}, set(), set()),
    "snippets/servers/completion.py": (set(), {"github://repos/{owner}/{repo}"}, {"review_code"}),
    "snippets/servers/elicitation.py": ({"book_table", "secure_payment", "connect_service"}, set(), set()),
    "snippets/servers/fastmcp_quickstart.py": ({"add"}, {"greeting://{name}"}, {"greet_user"}),
    "snippets/servers/notifications.py": ({"process_data"}, set(), set()),
    "snippets/servers/sampling.py": ({"generate_poem"}, set(), set()),
    "snippets/servers/structured_output.py": (
        {
            "get_weather",
            "get_location",
            "get_statistics",
            "get_user",
            "get_config",
            "list_cities",
            "get_temperature",
        },
        set(),
        set(),
    ),
    "snippets/servers/tool_progress.py": ({"long_running_task"}, set(), set()),
    # EX-10
    "fastmcp/complex_inputs.py": ({"name_shrimp"}, set(), set()),
    "fastmcp/desktop.py": ({"sum"}, {"dir://desktop"}, set()),
    "fastmcp/direct_call_tool_result_return.py": ({"echo"}, set(), set()),
    "fastmcp/echo.py": ({"echo_tool"}, {"echo://static", "echo://{text}"}, {"echo"}),
    "fastmcp/icons_demo.py": ({"demo_tool", "multi_icon_tool"}, {"demo://readme"}, {"prompt_with_icon"}),
    "fastmcp/logging_and_progress.py": ({"echo"}, set(), set()),
    "fastmcp/memory.py": ({"remember", "recall"}, set(), set()),
    "fastmcp/parameter_descriptions.py": ({"greet_user"}, set(), set()),
    "fastmcp/readme-quickstart.py": ({"sum"}, {"greeting://{name}"}, set()),
    "fastmcp/screenshot.py": ({"take_screenshot"}, set(), set()),
    "fastmcp/simple_echo.py": ({"echo"}, set(), set()),
    "fastmcp/text_me.py": ({"textme"}, set(), set()),
    "fastmcp/unicode_example.py": ({"hello_unicode"}, {"unicode://{word}"}, {"挨拶"}),
    "fastmcp/weather_structured.py": (
        {
            "get_weather",
            "get_weather_summary",
            "get_weather_metrics",
            "get_weather_alerts",
            "get_temperature",
            "get_weather_stats",
            "say_weather",
        },
        set(),
        set(),
    ),
    # EX-20
    "servers/echo/server.py": ({"echo_tool"}, {"echo://{message}"}, {"echo_prompt"}),
    "servers/sqlite_explorer/server.py": ({"list_tables", "query_data"}, {"schema://main"}, {"explore"}),
    "servers/simple-tool/server.py": ({"fetch"}, set(), set()),
    "servers/simple-prompt/server.py": (set(), set(), {"simple"}),
    "servers/simple-resource/server.py": (
        set(),
        {"file:///greeting.txt", "file:///help.txt", "file:///about.txt"},
        set(),
    ),
    "servers/simple-streamablehttp/server.py": ({"start-notification-stream"}, set(), set()),
    "servers/simple-streamablehttp-stateless/server.py": ({"start-notification-stream"}, set(), set()),
    "servers/simple-task/server.py": ({"long_running_task"}, set(), set()),
    "servers/simple-task-interactive/server.py": ({"confirm_delete", "write_haiku"}, set(), set()),
    "servers/structured-output-lowlevel/server.py": ({"get_weather"}, set(), set()),
}


def servers_of(module: ModuleType) -> list[Any]:
    return [value for value in vars(module).values() if isinstance(value, FastMCP | Server)]


async def offers(session: Any) -> tuple[set[str], set[str], set[str]]:
    has = session.get_server_capabilities()
    tools = {tool.name for tool in (await session.list_tools()).tools} if has.tools else set()
    uris: set[str] = set()
    if has.resources:
        uris = {str(resource.uri) for resource in (await session.list_resources()).resources}
        # Low-level servers need not know templates.
        with suppress(McpError):
            uris |= {template.uriTemplate for template in (await session.list_resource_templates()).resourceTemplates}
    prompts = {prompt.name for prompt in (await session.list_prompts()).prompts} if has.prompts else set()
    return tools, uris, prompts


@pytest.mark.parametrize("path", OFFERS)
async def test_offer(path: str, load: Load) -> None:
    """EX-10 EX-20 EX-40 EX-46 EX-61"""
    (server,) = servers_of(load(path))
    with anyio.fail_after(5):
        async with connect(server) as session:
            assert await offers(session) == OFFERS[path]


# Path, tool, arguments, the texts of the result.
CALLS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    # EX-11
    ("fastmcp/simple_echo.py", "echo", {"text": "hello"}, ["hello"]),
    (
        "fastmcp/complex_inputs.py",
        "name_shrimp",
        {"tank": {"shrimp": [{"name": "bob"}, {"name": "alice"}]}, "extra_names": ["charlie"]},
        ["bob", "alice", "charlie"],
    ),
    ("fastmcp/desktop.py", "sum", {"a": 1, "b": 2}, ["3"]),
    ("fastmcp/echo.py", "echo_tool", {"text": "a"}, ["a"]),
    ("fastmcp/icons_demo.py", "demo_tool", {"message": "m"}, ["m"]),
    ("fastmcp/icons_demo.py", "multi_icon_tool", {"action": "m"}, ["m"]),
    (
        "fastmcp/parameter_descriptions.py",
        "greet_user",
        {"name": "Ada", "title": "Dr", "times": 2},
        ["Hello Dr Ada!\nHello Dr Ada!"],
    ),
    ("fastmcp/parameter_descriptions.py", "greet_user", {"name": "Ada"}, ["Hello Ada!"]),
    ("fastmcp/readme-quickstart.py", "sum", {"a": 1, "b": 2}, ["3"]),
    ("fastmcp/unicode_example.py", "hello_unicode", {"name": "Ünï", "greeting": "¡Olá"}, ["¡Olá, Ünï! 👋"]),
    # EX-46
    ("snippets/servers/basic_tool.py", "sum", {"a": 5, "b": 3}, ["8"]),
    ("snippets/servers/basic_tool.py", "get_weather", {"city": "London"}, ["Weather in London: 22 degrees C"]),
    ("snippets/servers/fastmcp_quickstart.py", "add", {"a": 5, "b": 3}, ["8"]),
    ("snippets/servers/direct_execution.py", "hello", {}, ["Hello, World!"]),
    ("snippets/servers/lifespan_example.py", "query_users", {}, ["Ada", "Grace"]),
    # EX-41
    (
        "snippets/servers/json_schema_example.py",
        "create_task",
        {"title": "t", "priority": "high", "assignees": [{"name": "Ada"}]},
        ["feature 't' (high, 1 h) for Ada"],
    ),
    ("snippets/servers/tool_errors.py", "divide", {"a": 1, "b": 2}, ["0.5"]),
    ("snippets/servers/tool_errors.py", "withdraw", {"amount": 5}, ["Here you are: 5"]),
    ("snippets/servers/direct_call_tool_result.py", "advanced_tool", {}, ["Response visible to the model"]),
    ("snippets/servers/direct_call_tool_result.py", "validated_tool", {}, ["Validated response"]),
    ("snippets/servers/direct_call_tool_result.py", "empty_result_tool", {}, []),
    ("snippets/servers/roots.py", "where_to_work", {}, []),
    ("snippets/servers/settings_from_environment.py", "where", {}, ["127.0.0.1:8000"]),
    ("snippets/servers/streamable_config.py", "greet", {}, ["Hello, World!"]),
    ("snippets/servers/threads.py", "slow", {"seconds": 0.01}, ["done"]),
    ("snippets/servers/threads.py", "quick", {}, ["done"]),
    # EX-45
    ("snippets/servers/lowlevel/lifespan.py", "query_users", {}, ["Users: [('Ada',)]"]),
    ("snippets/servers/lowlevel/direct_call_tool_result.py", "advanced_tool", {"message": "m"}, ["Processed: m"]),
    ("servers/echo/server.py", "echo_tool", {"message": "m"}, ["Tool echo: m"]),
]


@pytest.mark.parametrize(
    ("path", "tool", "arguments", "texts"), CALLS, ids=[f"{call[0]}-{call[1]}-{i}" for i, call in enumerate(CALLS)]
)
async def test_call(path: str, tool: str, arguments: dict[str, Any], texts: list[str], load: Load) -> None:
    """EX-11 EX-40 EX-41 EX-45 EX-46"""
    (server,) = servers_of(load(path))
    with anyio.fail_after(5):
        async with connect(server) as session:
            result = await session.call_tool(tool, arguments)
    assert not result.isError
    assert [getattr(block, "text", None) for block in result.content] == texts


async def call(server: Any, tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> types.CallToolResult:
    with anyio.fail_after(5):
        async with connect(server, **options) as session:
            return await session.call_tool(tool, arguments or {})


async def read(server: Any, uri: str) -> Any:
    with anyio.fail_after(5):
        async with connect(server) as session:
            return (await session.read_resource(AnyUrl(uri))).contents[0]


async def prompt(server: Any, prompt_name: str, /, **arguments: str) -> list[types.PromptMessage]:
    with anyio.fail_after(5):
        async with connect(server) as session:
            return (await session.get_prompt(prompt_name, arguments)).messages


def said(messages: list[types.PromptMessage]) -> list[tuple[str, str]]:
    return [(message.role, getattr(message.content, "text", message.content.type)) for message in messages]


async def test_fastmcp_examples(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """EX-10 EX-11"""
    result = await call(load("fastmcp/direct_call_tool_result_return.py").mcp, "echo", {"text": "hello"})
    assert result.structuredContent == {"text": "hello"}
    assert result.meta == {"some": "metadata"}

    (tmp_path / "Desktop").mkdir()
    (tmp_path / "Desktop" / "a.txt").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "a.txt" in (await read(load("fastmcp/desktop.py").mcp, "dir://desktop")).text

    echo = load("fastmcp/echo.py").mcp
    assert (await read(echo, "echo://static")).text == "Echo!"
    assert (await read(echo, "echo://hello")).text == "Echo: hello"
    assert said(await prompt(echo, "echo", text="t")) == [("user", "t")]
    assert (await read(load("fastmcp/unicode_example.py").mcp, "unicode://é")).text == "🎉 é"
    assert "太郎" in said(await prompt(load("fastmcp/unicode_example.py").mcp, "挨拶", name="太郎"))[0][1]
    icons = load("fastmcp/icons_demo.py").mcp
    assert (await read(icons, "demo://readme")).text
    assert said(await prompt(icons, "prompt_with_icon", text="t")) == [("user", "t")]
    async with connect(icons) as session:
        assert [len(tool.icons or []) for tool in (await session.list_tools()).tools] == [1, 2]
    assert (await read(load("fastmcp/readme-quickstart.py").mcp, "greeting://Ada")).text == "Hello, Ada!"


async def test_logging_and_progress(load: Load) -> None:
    """EX-10"""
    seen: list[Any] = []

    async def on_log(params: types.LoggingMessageNotificationParams) -> None:
        seen.append(params.level)

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with connect(load("fastmcp/logging_and_progress.py").mcp, logging_callback=on_log) as session:
        await session.call_tool("echo", {"text": "a"}, progress_callback=on_progress)
    assert [item for item in seen if item != "info"] == [0, 50, 100]
    assert seen.count("info") == 3


async def test_memory(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """EX-10"""
    monkeypatch.setenv("MEMORY_DATABASE", str(tmp_path / "memory.db"))
    mcp = load("fastmcp/memory.py").mcp
    facts = ["Ada likes tea", "Grace likes coffee", "ada likes tea"]
    remembered = await call(mcp, "remember", {"contents": facts})
    assert [block.text[:15] for block in remembered.content if block.type == "text"][2] == "Remembered once"
    found = await call(mcp, "recall", {"about": "tea", "limit": 1})
    assert found.structuredContent is not None
    (memory,) = found.structuredContent["result"]
    assert (memory["text"], memory["importance"]) == ("Ada likes tea", 2)
    assert (await call(mcp, "recall", {"about": "juggling"})).structuredContent == {"result": []}


async def test_screenshot_and_text_message_say_what_is_missing(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """EX-10"""
    monkeypatch.delenv("DISPLAY", raising=False)
    result = await call(load("fastmcp/screenshot.py").mcp, "take_screenshot")
    assert result.isError
    assert "No screenshot" in str(result.content)
    result = await call(load("fastmcp/text_me.py").mcp, "textme", {"content": "hi"})
    assert result.isError
    assert "url" in str(result.content)


async def test_sampling(load: Load) -> None:
    """EX-40 EX-46"""
    contents: list[Any] = [
        types.TextContent(type="text", text="a poem"),
        types.ImageContent(type="image", data="", mimeType="image/png"),
    ]
    answers = []
    for content in contents:

        async def answer(context: Any, params: types.CreateMessageRequestParams, content: Any = content) -> Any:
            return types.CreateMessageResult(role="assistant", content=content, model="m")

        result = await call(
            load(SNIPPETS + "sampling.py").mcp, "generate_poem", {"topic": "tea"}, sampling_callback=answer
        )
        answers.append(getattr(result.content[0], "text", ""))
    assert answers[0] == "a poem"
    assert "image/png" in answers[1]


async def test_notifications(load: Load) -> None:
    """EX-40 EX-46"""
    logs: list[str] = []
    changes: list[Any] = []

    async def on_log(params: types.LoggingMessageNotificationParams) -> None:
        logs.append(params.level)

    async def on_message(message: Any) -> None:
        changes.append(type(message.root).__name__)

    mcp = load(SNIPPETS + "notifications.py").mcp
    result = await call(mcp, "process_data", {"data": "x"}, logging_callback=on_log, message_handler=on_message)
    assert [block.text for block in result.content if block.type == "text"] == ["Processed: x"]
    assert logs == ["debug", "info", "warning", "error"]
    assert "ResourceListChangedNotification" in changes

    logs.clear()
    async with connect(load(SNIPPETS + "set_logging_level.py").mcp, logging_callback=on_log) as session:
        await session.set_logging_level("warning")
        await session.call_tool("work")
    assert logs == ["warning", "error"]


async def test_completion(load: Load) -> None:
    """EX-40 EX-46"""
    prompt_ref = types.PromptReference(type="ref/prompt", name="review_code")
    template = types.ResourceTemplateReference(type="ref/resource", uri="github://repos/{owner}/{repo}")
    async with connect(load(SNIPPETS + "completion.py").mcp) as session:

        async def complete(ref: Any, name: str, value: str, context: dict[str, str] | None = None) -> list[str]:
            return (await session.complete(ref, {"name": name, "value": value}, context)).completion.values

        assert await complete(prompt_ref, "language", "py") == ["python"]
        assert await complete(prompt_ref, "code", "") == []
        owner = {"owner": "modelcontextprotocol"}
        assert await complete(template, "repo", "p", owner) == ["python-sdk"]
        assert await complete(template, "repo", "p") == []
    assert "a/b" in (await read(load(SNIPPETS + "completion.py").mcp, "github://repos/a/b")).text


async def test_basic_resources_and_prompts(load: Load) -> None:
    """EX-40 EX-42 EX-45 EX-46"""
    resources = load(SNIPPETS + "basic_resource.py").mcp
    assert (await read(resources, "file://documents/readme")).text == "Content of readme"
    assert '"theme": "dark"' in (await read(resources, "config://settings")).text
    prompts = load(SNIPPETS + "basic_prompt.py").mcp
    assert "def f" in said(await prompt(prompts, "review_code", code="def f"))[0][1]
    roles = [role for role, _ in said(await prompt(prompts, "debug_error", error="E"))]
    assert roles == ["user", "user", "assistant"]
    quickstart = load(SNIPPETS + "fastmcp_quickstart.py").mcp
    assert (await read(quickstart, "greeting://Ada")).text == "Hello, Ada!"
    assert "formal" in said(await prompt(quickstart, "greet_user", name="Ada", style="formal"))[0][1]
    kinds = [
        text for _, text in said(await prompt(load(SNIPPETS + "prompt_embedded_resources.py").mcp, "edit", text="x"))
    ]
    assert kinds[0] == "resource"
    assert (await read(load(SNIPPETS + "prompt_embedded_resources.py").mcp, "guide://style")).text
    assert said(await prompt(load(SNIPPETS + "prompt_image_content.py").mcp, "describe"))[0] == ("user", "image")
    basic = load(SNIPPETS + "lowlevel/basic.py").server
    assert said(await prompt(basic, "example-prompt", arg1="v"))[0][1].endswith("v")
    icons = load(SNIPPETS + "icons.py").mcp
    assert (await call(icons, "tool")).structuredContent == {"result": "tool"}
    assert (await read(icons, "demo://resource")).text == "resource"
    assert said(await prompt(icons, "prompt")) == [("user", "prompt")]
    echo = load("servers/echo/server.py").mcp
    assert (await read(echo, "echo://m")).text == "Resource echo: m"
    assert "m" in said(await prompt(echo, "echo_prompt", message="m"))[0][1]


async def test_templates_and_binary_resources(load: Load) -> None:
    """EX-42"""
    templates = load(SNIPPETS + "resource_templates.py").mcp
    assert (await read(templates, "square://7")).text == "49"
    assert '"city": "lima"' in (await read(templates, "weather://peru/lima")).text
    assert (await read(templates, "files://read%20me.txt")).text == "Hello"
    with pytest.raises(McpError, match="outside of the folder"):
        await read(templates, "files://..%2F..%2Fetc%2Fpasswd")
    binary = load(SNIPPETS + "binary_resources.py").mcp
    assert (await read(binary, "data://dot")).blob.startswith("R0lGOD")
    assert (await read(binary, "data://zeros")).blob == "AAAAAAAAAAAAAAAAAAAAAA=="
    assert "FileResource" in (await read(binary, "data://source")).text
    assert "binary_resources.py" in (await read(binary, "data://folder")).text


async def test_structured_output(load: Load) -> None:
    """EX-41 EX-46"""
    async with connect(load(SNIPPETS + "structured_output.py").mcp) as session:
        schemas = {tool.name: tool.outputSchema for tool in (await session.list_tools()).tools}
        assert schemas.pop("get_config") is None
        assert all(schemas.values())
        found = {
            name: (await session.call_tool(name, arguments)).structuredContent
            for name, arguments in {
                "get_weather": {"city": "x"},
                "get_location": {"address": "x"},
                "get_statistics": {"data_type": "x"},
                "get_user": {"user_id": "x"},
                "get_config": {},
                "list_cities": {},
                "get_temperature": {"city": "x"},
            }.items()
        }
    assert found["get_weather"] == {"temperature": 22.5, "humidity": 45.0, "condition": "sunny", "wind_speed": 5.2}
    assert found["get_location"] == {"latitude": 51.5074, "longitude": -0.1278, "name": "London, UK"}
    assert found["get_statistics"] == {"mean": 42.5, "median": 40.0, "std_dev": 5.2}
    assert found["get_user"] == {"name": "Alice", "age": 30, "email": "alice@example.com"}
    assert found["get_config"] is None
    assert found["list_cities"] == {"result": ["London", "Paris", "Tokyo"]}
    assert found["get_temperature"] == {"result": 22.5}

    lowlevel = await call(load(SNIPPETS + "lowlevel/structured_output.py").server, "get_weather", {"city": "Lima"})
    assert lowlevel.structuredContent == {"temperature": 22.5, "city": "Lima"}
    both = await call(load("servers/structured-output-lowlevel/server.py").server, "get_weather", {"city": "Lima"})
    assert both.structuredContent is not None
    assert set(both.structuredContent) == {"temperature", "conditions", "humidity"}


async def test_contents_of_tool_results(load: Load) -> None:
    """EX-41"""
    images = load(SNIPPETS + "images.py").mcp
    (image,) = (await call(images, "colour", {"red": 1, "green": 2, "blue": 3})).content
    assert (image.type, getattr(image, "mimeType", "")) == ("image", "image/png")
    assert [block.type for block in (await call(images, "described")).content] == ["text", "image", "text", "image"]
    (audio,) = (await call(load(SNIPPETS + "audio_example.py").mcp, "beep")).content
    assert (audio.type, getattr(audio, "mimeType", "")) == ("audio", "audio/wav")
    embedded = load(SNIPPETS + "embedded_resource_results.py").mcp
    assert [block.type for block in (await call(embedded, "get_report")).content] == ["resource"]
    assert [block.type for block in (await call(embedded, "find_report")).content] == ["resource_link"]
    assert (await read(embedded, "report://2026/11")).text.startswith("# November")
    (block,) = (
        await call(load(SNIPPETS + "embedded_resource_results_binary.py").mcp, "compress", {"text": "x"})
    ).content
    assert block.resource.mimeType == "application/gzip"
    validated = await call(load(SNIPPETS + "direct_call_tool_result.py").mcp, "validated_tool")
    assert validated.structuredContent == {"status": "success", "data": {"result": 42}}


async def test_tool_errors_and_progress(load: Load) -> None:
    """EX-41 EX-46"""
    errors = load(SNIPPETS + "tool_errors.py").mcp
    for tool, arguments, text in (
        ("divide", {"a": 1, "b": 0}, "Error executing tool divide: float division by zero"),
        ("withdraw", {"amount": 500}, "Error executing tool withdraw: No more than 100 a day"),
        ("lookup", {"key": "k"}, "No entry 'k'"),
    ):
        result = await call(errors, tool, arguments)
        assert (result.isError, getattr(result.content[0], "text", "")) == (True, text)

    steps: list[str | None] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        steps.append(message)

    async with connect(load(SNIPPETS + "tool_progress.py").mcp) as session:
        await session.call_tool("long_running_task", {"task_name": "t", "steps": 2}, progress_callback=on_progress)
    assert steps == ["Step 1/2", "Step 2/2"]


async def test_lists_that_change(load: Load) -> None:
    """EX-41 EX-42"""
    changes: list[str] = []

    async def on_message(message: Any) -> None:
        changes.append(message.root.method)

    async with connect(load(SNIPPETS + "tool_change_notifications.py").mcp, message_handler=on_message) as session:
        await session.call_tool("unlock")
        assert (await session.call_tool("shout", {"text": "a"})).structuredContent == {"result": "A"}
        await session.call_tool("lock")
        assert "shout" not in {tool.name for tool in (await session.list_tools()).tools}
    assert changes == ["notifications/tools/list_changed"] * 2

    changes.clear()
    async with connect(load(SNIPPETS + "prompt_change_notifications.py").mcp, message_handler=on_message) as session:
        await session.call_tool("add_template", {"name": "new", "text": "Hello"})
        assert said((await session.get_prompt("new")).messages) == [("user", "Hello")]
    assert changes == ["notifications/prompts/list_changed"]


async def test_subscriptions(load: Load) -> None:
    """EX-42 EX-60"""
    changed = anyio.Event()

    async def on_message(message: Any) -> None:
        assert str(message.root.params.uri) == "counter://value"
        changed.set()

    with anyio.fail_after(5):
        async with connect(load(SNIPPETS + "resource_subscriptions.py").server, message_handler=on_message) as session:
            uri = AnyUrl("counter://value")
            await session.subscribe_resource(uri)
            await session.call_tool("increment")
            await changed.wait()
            assert (await session.read_resource(uri)).model_dump()["contents"][0]["text"] == "1"
            await session.unsubscribe_resource(uri)
            for wrong in (session.subscribe_resource, session.read_resource):
                with pytest.raises(McpError, match="Unknown resource"):
                    await wrong(AnyUrl("counter://other"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (types.ElicitResult(action="accept", content={"checkAlternative": True}), "[SUCCESS] Booked for 2024-12-26"),
        (types.ElicitResult(action="accept", content={"checkAlternative": False}), "[CANCELLED] No booking made"),
        (types.ElicitResult(action="decline"), "[CANCELLED] Booking cancelled"),
    ],
)
async def test_form(answer: types.ElicitResult, told: str, load: Load) -> None:
    """EX-43 EX-46"""

    async def fill_in(context: Any, params: Any) -> types.ElicitResult:
        return answer

    mcp = load(SNIPPETS + "elicitation.py").mcp
    table = {"date": "2024-12-25", "time": "19:00", "party_size": 2}
    result = await call(mcp, "book_table", table, elicitation_callback=fill_in)
    assert result.structuredContent == {"result": told}
    result = await call(mcp, "book_table", {**table, "date": "2025-01-01"})
    assert result.structuredContent == {"result": "[SUCCESS] Booked for 2025-01-01 at 19:00"}


@pytest.mark.parametrize(
    ("action", "paid", "signed"),
    [
        ("accept", "Payment of $5.00 initiated", "contract is signed"),
        ("decline", "Payment declined by user", "Not signed"),
        ("cancel", "Payment cancelled", "Not signed"),
    ],
)
async def test_pages(action: Any, paid: str, signed: str, load: Load) -> None:
    """EX-43 EX-46"""
    ids: list[str] = []
    over: list[str] = []

    async def visit(context: Any, params: types.ElicitRequestURLParams) -> types.ElicitResult:
        ids.append(params.elicitationId)
        return types.ElicitResult(action=action)

    async def on_message(message: Any) -> None:
        over.append(message.root.params.elicitationId)

    options: dict[str, Any] = {"elicitation_callback": visit, "message_handler": on_message}
    payment = await call(load(SNIPPETS + "elicitation.py").mcp, "secure_payment", {"amount": 5}, **options)
    assert payment.structuredContent == {"result": paid}
    document = await call(load(SNIPPETS + "elicitation_complete.py").mcp, "sign", {"document": "contract"}, **options)
    assert document.structuredContent == {"result": signed}
    assert over == (ids[1:] if action == "accept" else [])


async def test_page_before_the_call(load: Load) -> None:
    """EX-43"""
    with pytest.raises(McpError) as caught:
        await call(load(SNIPPETS + "elicitation.py").mcp, "connect_service", {"service_name": "github"})
    (page,) = UrlElicitationRequiredError.from_error(caught.value.error).elicitations
    assert page.url == "https://github.example.com/oauth/authorize"


async def test_choices(load: Load) -> None:
    """EX-43"""
    answers = iter(
        [
            types.ElicitResult(action="accept", content={"size": "large", "toppings": ["olives"]}),
            types.ElicitResult(action="cancel"),
        ]
    )

    async def choose(context: Any, params: types.ElicitRequestFormParams) -> types.ElicitResult:
        assert set(params.requestedSchema["properties"]) == {"size", "crust", "toppings"}
        return next(answers)

    mcp = load(SNIPPETS + "elicitation_enum.py").mcp
    result = await call(mcp, "order_pizza", elicitation_callback=choose)
    assert result.structuredContent == {"result": "One large pizza, thin crust, with olives"}
    result = await call(mcp, "order_pizza", elicitation_callback=choose)
    assert result.structuredContent == {"result": "Nothing ordered"}


async def test_pages_of_lists(load: Load) -> None:
    """EX-20 EX-43"""

    async def all_pages(ask: Any, kind: str) -> list[int]:
        sizes: list[int] = []
        cursor = None
        while True:
            page = await ask(params=types.PaginatedRequestParams(cursor=cursor))
            sizes.append(len(getattr(page, kind)))
            cursor = page.nextCursor
            if cursor is None:
                return sizes

    async with connect(load(SNIPPETS + "pagination_example.py").server) as session:
        assert await all_pages(session.list_resources, "resources") == [10] * 10
    async with connect(load("servers/simple-pagination/server.py").server) as session:
        assert await all_pages(session.list_tools, "tools") == [5] * 5
        assert await all_pages(session.list_resources, "resources") == [10] * 3
        assert await all_pages(session.list_prompts, "prompts") == [7, 7, 6]
        with pytest.raises(McpError, match="Invalid cursor"):
            await session.list_tools(params=types.PaginatedRequestParams(cursor="x"))
        assert "tool_1" in str((await session.call_tool("tool_1")).content)
        assert (await session.read_resource(AnyUrl("file:///path/to/resource_1.txt"))).contents
        with pytest.raises(McpError, match="Unknown resource"):
            await session.read_resource(AnyUrl("file:///other"))
        assert (await session.get_prompt("prompt_1")).messages


async def test_sqlite_explorer(load: Load) -> None:
    """EX-20"""
    mcp = load("servers/sqlite_explorer/server.py").mcp
    assert (await call(mcp, "list_tables")).structuredContent == {"authors": 2, "books": 3}
    found = await call(mcp, "query_data", {"sql": "SELECT title FROM books WHERE year < 1965"})
    assert found.structuredContent == {"result": [{"title": "Solaris"}]}
    assert "CREATE TABLE books" in (await read(mcp, "schema://main")).text
    assert "CREATE TABLE" in said(await prompt(mcp, "explore", question="q"))[0][1]
    refused = await call(mcp, "query_data", {"sql": "DELETE FROM books"})
    assert refused.isError
    assert "readonly" in str(refused.content)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    assert "interrupted" in str((await call(mcp, "query_data", {"sql": endless})).content)


async def test_simple_servers(load: Load) -> None:
    """EX-20"""
    simple = load("servers/simple-prompt/server.py").server
    assert said(await prompt(simple, "simple")) == [("user", "Please help me with whatever I ask.")]
    assert len(await prompt(simple, "simple", context="c", topic="t")) == 2
    with pytest.raises(McpError, match="Unknown prompt"):
        await prompt(simple, "other")
    resources = load("servers/simple-resource/server.py").server
    assert (await read(resources, "file:///greeting.txt")).text.startswith("Hello!")
    with pytest.raises(McpError, match="Unknown resource"):
        await read(resources, "file:///other.txt")
    for path in ("servers/simple-streamablehttp/server.py", "servers/simple-streamablehttp-stateless/server.py"):
        arguments = {"interval": 0, "count": 2, "caller": "c"}
        result = await call(load(path).server, "start-notification-stream", arguments)
        assert "Sent 2 notifications" in str(result.content)
