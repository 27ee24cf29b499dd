"""Every name that real packages import from `mcp` 1.x is where they look for it, and no name that gives 2.x away is."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mcp import ClientSession
from mcp.server.lowlevel import Server
from mcp.shared import exceptions
from mcp.shared.session import BaseSession

SURVEY = (Path(__file__).parent.parent / "data" / "wild" / "names.md").read_text()

MODULE_ROW = re.compile(r"^\| `(?P<module>mcp[\w.]*)` \| (?P<names>.+) \|$", re.MULTILINE)
COUNTED_NAME = re.compile(r"`(\w+)` t?\d+")
BORROWED_NAME = re.compile(r"`(mcp\.[\w.]+)\.(\w+)`")


def imported_names() -> list[tuple[str, str]]:
    """Section 1: the table of modules, and the list for `mcp.types`."""
    own, _, borrowed = SURVEY.partition("## 2. ")
    table, _, types = own.partition("`mcp.types`:\n")
    found = [(row["module"], name) for row in MODULE_ROW.finditer(table) for name in COUNTED_NAME.findall(row["names"])]
    found += [("mcp.types", name) for name in COUNTED_NAME.findall(types)]
    # Section 2: names taken from a module that does not define them.
    return found + BORROWED_NAME.findall(borrowed)


NAMES = imported_names()


def test_the_survey_was_read() -> None:
    """A parser that finds nothing would make all else pass."""
    modules = {module for module, _ in NAMES}
    assert len(NAMES) > 300
    assert len(modules) > 45
    assert ("mcp.types", "TASK_FORBIDDEN") in NAMES
    assert ("mcp.client.session", "RequestContext") in NAMES
    assert ("mcp.server.streamable_http_manager", "EventStore") in NAMES


@pytest.mark.parametrize(("module", "name"), sorted(set(NAMES)))
def test_name(module: str, name: str) -> None:
    assert getattr(importlib.import_module(module), name) is not None


def test_each_module_can_be_the_first_one_imported() -> None:
    """No order of imports is needed (there are no circles), and none of them warns."""
    modules = sorted({module for module, _ in NAMES})
    code = (
        "import importlib, os, sys\n"
        "import anyio, httpx, jsonschema, jwt, pydantic_settings, sse_starlette, starlette.applications, uvicorn\n"
        # What everything else stands on.
        "import mcp.types\n"
        f"for name in {modules!r}:\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        try:\n"
        "            importlib.import_module(name)\n"
        "        except BaseException as error:\n"
        "            print(name, repr(error), flush=True)\n"
        "        os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
    )
    if not hasattr(__import__("os"), "fork"):
        pytest.skip("needs fork")
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# Names that tell packages that support both majors that this is 2.x


@pytest.mark.parametrize(
    "module",
    [
        "mcp.server.mcpserver",
        "mcp.server.context",
        "mcp.server.extension",
        "mcp.client.client",
        "mcp.client.subscriptions",
        "mcp.client.extension",
        "mcp.client._probe",
        "mcp_types",
    ],
)
def test_no_such_module(module: str) -> None:
    assert importlib.util.find_spec(module) is None


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("mcp", "Client"),
        ("mcp.server", "MCPServer"),
        ("mcp.client", "ClientRequestContext"),
        ("mcp.client.session", "ClientRequestContext"),
    ],
)
def test_no_such_name(module: str, name: str) -> None:
    assert not hasattr(importlib.import_module(module), name)


def test_probes_for_another_major() -> None:
    """strands, openai-agents, posthog, logfire and adk look at these."""
    assert not hasattr(ClientSession, "discover")
    assert getattr(exceptions, "MCPError", exceptions.McpError) is exceptions.McpError
    assert not (hasattr(Server, "add_request_handler") and hasattr(Server, "get_request_handler"))
    assert isinstance(Server("s").request_handlers, dict)
    assert isinstance(BaseSession, type)


# The distribution


def test_the_version_in_all_the_ways_it_is_read() -> None:
    version = importlib.metadata.version("mcp")
    major, rest = version.split(".", 1)
    assert int(major) == 1
    assert int(rest.split(".")[0]) == 30
    start = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    assert start is not None
    assert tuple(map(int, start.groups())) == (1, 30, 0)
    # As sentry does it: pieces up to the first that is no number.
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    assert numbers is not None
    assert tuple(map(int, numbers.group().split("."))) == (1, 30, 0)


@pytest.mark.parametrize("specifier", [">=1.30.0,<2", "==1.30.0", ">=1.10.1", ">=1.17.0", ">=1.29.0,<2"])
def test_the_version_meets_requirements(specifier: str) -> None:
    packaging_specifiers = pytest.importorskip("packaging.specifiers")
    assert packaging_specifiers.SpecifierSet(specifier).contains(importlib.metadata.version("mcp"))


def test_extras_and_the_script() -> None:
    metadata = importlib.metadata.metadata("mcp")
    assert {"cli", "ws", "rich"} <= set(metadata.get_all("Provides-Extra") or ())
    scripts = {entry.name: entry.value for entry in importlib.metadata.distribution("mcp").entry_points}
    assert scripts["mcp"] == "mcp.cli:app"


@pytest.mark.parametrize(
    "package",
    ["httpx", "anyio", "starlette", "uvicorn", "pydantic", "pydantic-settings", "jsonschema", "typing-extensions"],
)
def test_what_others_import_without_declaring_it(package: str) -> None:
    required = importlib.metadata.requires("mcp") or []
    names = {re.split(r"[\s<>=!~\[;(]", requirement, maxsplit=1)[0] for requirement in required}
    assert package in names
