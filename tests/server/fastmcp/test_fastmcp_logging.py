"""Log output: whose it is, and what it looks like."""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.utilities import logging as module
from mcp.server.fastmcp.utilities.logging import configure_logging, get_logger


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def bare_root() -> Iterator[logging.Logger]:
    """The root logger, without the handlers of pytest."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    root.handlers = []
    try:
        yield root
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers = handlers
        root.setLevel(level)


def test_construction_leaves_logging_alone():
    """LOG-1: only `run` owns the process."""
    with bare_root() as root:
        level = root.level
        FastMCP(log_level="DEBUG")
        assert (root.handlers, root.level) == ([], level)


def test_run_configures_logging(monkeypatch: pytest.MonkeyPatch):
    """LOG-1, LOG-4: plain lines on standard error."""
    with bare_root() as root:
        stderr = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setattr("anyio.run", lambda fn: logging.getLogger("some.where").debug("%s", "shown"))
        FastMCP(log_level="DEBUG").run()
        (handler,) = root.handlers
        assert type(handler) is logging.StreamHandler
        assert handler.stream is stderr
        assert root.level == logging.DEBUG
        assert stderr.getvalue() == "shown\n"


def test_level_that_was_changed_counts(monkeypatch: pytest.MonkeyPatch):
    """LOG-1, SRV-5"""
    with bare_root() as root:
        monkeypatch.setattr("anyio.run", lambda fn: None)
        mcp = FastMCP()
        mcp.settings.log_level = "ERROR"
        mcp.run()
        assert root.level == logging.ERROR


@pytest.mark.parametrize("has_rich", [True, False])
def test_terminal_gets_rich_where_there_is_rich(monkeypatch: pytest.MonkeyPatch, has_rich: bool):
    """LOG-1"""
    with bare_root() as root:
        pytest.importorskip("rich")
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        if not has_rich:
            monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
        configure_logging()
        (handler,) = root.handlers
        assert type(handler).__name__ == ("RichHandler" if has_rich else "StreamHandler")
        assert handler.formatter is not None
        assert handler.formatter._fmt == "%(message)s"
        if has_rich:
            assert handler.console.stderr is True  # pyright: ignore
            assert handler.rich_tracebacks is True  # pyright: ignore


def test_process_without_standard_error(monkeypatch: pytest.MonkeyPatch):
    """LOG-4"""
    with bare_root() as root:
        closed = io.StringIO()
        closed.close()
        for stderr in (None, closed):
            monkeypatch.setattr(sys, "stderr", stderr)
            configure_logging()
            assert type(root.handlers.pop()) is logging.StreamHandler


def test_handlers_that_are_there_stay():
    """LOG-2"""
    with bare_root() as root:
        handler = logging.NullHandler()
        root.addHandler(handler)
        root.setLevel(logging.CRITICAL)
        configure_logging("DEBUG")
        assert (root.handlers, root.level) == ([handler], logging.CRITICAL)


def test_get_logger():
    """LOG-3"""
    assert get_logger("a.b") is logging.getLogger("a.b")
