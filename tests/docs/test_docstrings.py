"""Every public name has a docstring of its own."""

import importlib
import inspect
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest

NAMES = (Path(__file__).parent / "public_names.txt").read_text(encoding="utf-8").split()
MODULES = sorted({name.partition(":")[0] for name in NAMES})

# Optional dependencies, or another operating system.
MAY_FAIL = re.compile(r"mcp\.(cli|os\.win32|client\.websocket|server\.websocket)")


@cache
def module_of(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def documented(owner: Any, name: str) -> bool:
    """Whether `name` of `owner` has a docstring that is not just an inherited one of `object` and its like."""
    found = inspect.getattr_static(owner, name)
    if isinstance(found, staticmethod | classmethod):
        found = found.__func__
    if isinstance(found, property):
        found = found.fget
    if inspect.isclass(found):
        return bool((found.__dict__.get("__doc__") or "").strip())
    return bool((inspect.getdoc(found) or "").strip())


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_docstring(module: str) -> None:
    try:
        home = module_of(module)
    except ImportError:
        if MAY_FAIL.match(module):
            pytest.skip("cannot be imported here")
        raise
    missing = [] if (home.__doc__ or "").strip() else [module]
    for entry in NAMES:
        if not entry.startswith(f"{module}:"):
            continue
        path = entry.partition(":")[2].split(".")
        # Modules load some names on first use.
        getattr(home, path[0])
        owner = home if len(path) == 1 else getattr(home, path[0])
        if not documented(owner, path[-1]):
            missing.append(entry)
    assert missing == []


def test_the_list_is_whole() -> None:
    assert len(NAMES) > 800
    assert {"mcp.client.session:ClientSession.call_tool", "mcp.server.fastmcp.server:FastMCP.tool"} <= set(NAMES)
