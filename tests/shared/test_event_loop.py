"""How programs are run that own their event loop."""

import asyncio
import sys
from typing import Any

import anyio
import pytest

from mcp.server.fastmcp import FastMCP
from mcp.shared import _event_loop


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `anyio.run` is called with; nothing is run."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(anyio, "run", lambda function, **options: seen.append(options))  # pyright: ignore
    return seen


@pytest.mark.parametrize(
    ("transport", "installed", "expected"),
    [
        ("streamable-http", True, {"backend_options": {"use_uvloop": True}}),
        ("sse", True, {"backend_options": {"use_uvloop": True}}),
        ("streamable-http", False, {}),
        ("stdio", True, {}),
    ],
)
def test_http_is_served_on_uvloop_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, options: list[dict[str, Any]], transport: Any, installed: bool, expected: Any
) -> None:
    monkeypatch.setattr(_event_loop, "find_spec", lambda name: object() if installed and name == "uvloop" else None)
    FastMCP("test").run(transport)
    assert options == [expected]


async def cancelled() -> None:
    raise asyncio.CancelledError


def test_a_cancelled_program_was_interrupted_on_python_3_10(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(function: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(anyio, "run", run)
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    with pytest.raises(KeyboardInterrupt):
        _event_loop.run(cancelled)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tells an interrupt from a cancellation")
def test_other_cancellations_stay_what_they_are() -> None:
    with pytest.raises(asyncio.CancelledError):
        _event_loop.run(cancelled)


def test_the_result_is_returned() -> None:
    async def answer() -> int:
        return 42

    assert _event_loop.run(answer) == 42
