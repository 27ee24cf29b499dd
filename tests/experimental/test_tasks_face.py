"""TSK-1 … TSK-6: warnings, lazy imports, capabilities."""

from __future__ import annotations

import itertools
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import anyio
import pytest

import mcp.types as types
from mcp.client.experimental.task_handlers import ExperimentalTaskHandlers
from mcp.client.experimental.tasks import ExperimentalClientFeatures
from mcp.client.session import ClientSession
from mcp.server.experimental.request_context import Experimental
from mcp.server.experimental.session_features import ExperimentalServerSessionFeatures
from mcp.server.experimental.task_support import TaskSupport
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.lowlevel.experimental import ExperimentalHandlers
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.shared.exceptions import McpError
from mcp.shared.experimental.tasks.capabilities import (
    check_tasks_capability,
    has_task_augmented_elicitation,
    has_task_augmented_sampling,
    require_task_augmented_elicitation,
    require_task_augmented_sampling,
)

DEPRECATION = (
    r"^The experimental tasks API is deprecated and will be removed in mcp 2\.0: tasks \(SEP-1686\) were removed from "
    r"the MCP specification and are expected to return as a separate MCP extension\."
)


def server_session() -> ServerSession:
    send, receive = anyio.create_memory_object_stream[Any](1)
    options = InitializationOptions(server_name="s", server_version="1", capabilities=types.ServerCapabilities())
    with send, receive:
        return ServerSession(receive, send, options)


def client_session(**options: Any) -> ClientSession:
    send, receive = anyio.create_memory_object_stream[Any](1)
    with send, receive:
        return ClientSession(receive, send, **options)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: Server("s"), ExperimentalHandlers),
        (server_session, ExperimentalServerSessionFeatures),
        (client_session, ExperimentalClientFeatures),
    ],
    ids=["Server", "ServerSession", "ClientSession"],
)
def test_each_look_at_experimental_warns(make: Callable[[], Any], kind: type) -> None:
    """TSK-1: and brings the same object each time."""
    owner = make()
    with pytest.warns(DeprecationWarning, match=DEPRECATION) as seen:
        first = owner.experimental
    assert seen[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=DEPRECATION):
        assert owner.experimental is first
    assert isinstance(first, kind)


def test_giving_task_handlers_warns() -> None:
    """TSK-1"""
    with pytest.warns(DeprecationWarning, match=DEPRECATION) as seen:
        client_session(experimental_task_handlers=ExperimentalTaskHandlers())
    assert seen[0].filename == __file__


def test_nothing_else_warns() -> None:
    """TSK-3: capabilities, contexts, support made by hand."""
    server: Server[Any] = Server("s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server.experimental.enable_tasks()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        server.create_initialization_options()
        TaskSupport.in_memory()
        Experimental(task_metadata=types.TaskMetadata(ttl=1)).validate_task_mode("required")
        ExperimentalTaskHandlers().build_capability()


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_modules_warns_of_nothing() -> None:
    """TSK-3"""
    run_python(
        "import mcp.client.experimental.task_handlers, mcp.client.experimental.tasks, mcp.client.experimental\n"
        "import mcp.server.experimental.request_context, mcp.server.experimental.session_features\n"
        "import mcp.server.experimental.task_context, mcp.server.experimental.task_result_handler\n"
        "import mcp.server.experimental.task_scope, mcp.server.experimental.task_support\n"
        "import mcp.server.lowlevel.experimental, mcp.shared.experimental.tasks.in_memory_task_store"
    )


@pytest.mark.parametrize("statement", ["from mcp.server.fastmcp import FastMCP", "from mcp import ClientSession"])
def test_programs_without_tasks_do_not_load_them(statement: str) -> None:
    """Start-up imports what a program uses. The text of the warning is all that is there."""
    loaded = run_python(f"{statement}\nimport sys\nprint(*[n for n in sys.modules if n.startswith('mcp.')])").split()
    assert [name for name in loaded if "experimental" in name] == ["mcp.shared.experimental"]


# Capabilities


def client_tasks(*, elicitation: bool = False, sampling: bool = False, empty: bool = False) -> dict[str, Any]:
    requests: dict[str, Any] = {}
    if elicitation:
        requests["elicitation"] = {} if empty else {"create": {}}
    if sampling:
        requests["sampling"] = {} if empty else {"createMessage": {}}
    return {"requests": requests} if requests else {}


def test_task_capabilities_are_compared_by_request() -> None:
    """TSK-4: `requests.elicitation.create` and `requests.sampling.createMessage`."""
    parse = types.ClientTasksCapability.model_validate
    choices = [False, True]
    for wants_elicitation, wants_sampling, has_elicitation, has_sampling in itertools.product(choices, repeat=4):
        required = parse(client_tasks(elicitation=wants_elicitation, sampling=wants_sampling))
        declared = parse(client_tasks(elicitation=has_elicitation, sampling=has_sampling))
        enough = (has_elicitation or not wants_elicitation) and (has_sampling or not wants_sampling)
        assert check_tasks_capability(required, declared) is enough


def test_list_and_cancel_are_not_compared() -> None:
    """TSK-4"""
    required = types.ClientTasksCapability(list=types.TasksListCapability(), cancel=types.TasksCancelCapability())
    assert check_tasks_capability(required, types.ClientTasksCapability())


@pytest.mark.parametrize("kind", ["elicitation", "sampling"])
def test_a_group_without_its_request_is_not_enough(kind: str) -> None:
    """TSK-4"""
    parse = types.ClientTasksCapability.model_validate
    empty, full = parse(client_tasks(**{kind: True}, empty=True)), parse(client_tasks(**{kind: True}))
    assert not check_tasks_capability(full, empty)
    assert check_tasks_capability(empty, full)
    assert check_tasks_capability(empty, empty)
    assert not check_tasks_capability(empty, parse({}))


def test_a_session_compares_tasks_too() -> None:
    """TSK-4, LLS-53"""
    session = server_session()
    wanted = types.ClientCapabilities.model_validate({"tasks": client_tasks(elicitation=True)})
    assert not session.check_client_capability(wanted)
    for declared, enough in [
        ({}, False),
        ({"tasks": {}}, False),
        ({"tasks": client_tasks(sampling=True)}, False),
        ({"tasks": client_tasks(elicitation=True)}, True),
    ]:
        session._client_params = types.InitializeRequestParams.model_validate(
            {"protocolVersion": "2025-11-25", "capabilities": declared, "clientInfo": {"name": "c", "version": "1"}}
        )
        assert session.check_client_capability(wanted) is enough


@pytest.mark.parametrize(
    ("kind", "has", "require", "text"),
    [
        (
            "elicitation",
            has_task_augmented_elicitation,
            require_task_augmented_elicitation,
            "Client does not support task-augmented elicitation",
        ),
        (
            "sampling",
            has_task_augmented_sampling,
            require_task_augmented_sampling,
            "Client does not support task-augmented sampling",
        ),
    ],
)
def test_requiring_augmented_requests(
    kind: str,
    has: Callable[[types.ClientCapabilities], bool],
    require: Callable[[types.ClientCapabilities | None], None],
    text: str,
) -> None:
    """TSK-6"""
    parse = types.ClientCapabilities.model_validate
    able = parse({"tasks": client_tasks(**{kind: True})})
    assert has(able)
    require(able)
    other = "sampling" if kind == "elicitation" else "elicitation"
    for declared in ({}, {"tasks": {}}, {"tasks": client_tasks(**{kind: True}, empty=True)}):
        assert not has(parse(declared))
    assert not has(parse({"tasks": client_tasks(**{other: True})}))
    for unable in (None, parse({}), parse({"tasks": {}})):
        with pytest.raises(McpError, match=f"^{text}$") as refused:
            require(unable)
        assert refused.value.error.code == -32600


def capabilities(server: Server[Any]) -> dict[str, Any] | None:
    tasks = server.get_capabilities(NotificationOptions(), {}).tasks
    return tasks.model_dump(exclude_none=True) if tasks is not None else None


def test_a_server_declares_what_it_handles(features: Callable[[Any], Any]) -> None:
    """TSK-5, TSK-8: `requests.tools.call` with any handler, `list` and `cancel` with theirs."""
    calls = {"requests": {"tools": {"call": {}}}}
    for name, declared in [
        ("get_task", calls),
        ("get_task_result", calls),
        ("list_tasks", {"list": {}, **calls}),
        ("cancel_task", {"cancel": {}, **calls}),
    ]:
        server: Server[Any] = Server("s")
        assert capabilities(server) is None
        registration = features(server)
        assert capabilities(server) is None

        async def handler(request: Any) -> Any: ...

        assert getattr(registration, name)()(handler) is handler
        assert capabilities(server) == declared


def test_a_server_with_tasks_enabled_declares_all(features: Callable[[Any], Any]) -> None:
    """TSK-5, TSK-7"""
    server: Server[Any] = Server("s")
    features(server).enable_tasks()
    assert capabilities(server) == {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
