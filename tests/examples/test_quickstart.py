"""The quickstart: its client and server as a user runs them, and `python -m mcp.client` on each of its transports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
SERVER = str(QUICKSTART / "server.py")
DOCS = Path(__file__).parents[2] / "docs"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=40, check=False)


def test_the_client_lists_and_calls_everything() -> None:
    done = run(str(QUICKSTART / "client.py"))
    assert done.returncode == 0, done.stderr
    assert f"examples/quickstart/client.py\n{done.stdout}```" in (DOCS / "first-client.md").read_text(encoding="utf-8")
    assert done.stdout.splitlines() == [
        "Connected to Demo",
        "tool      add: Add two numbers.",
        "resource  config://app: The application's configuration.",
        "template  greeting://{name}: A personal greeting.",
        "prompt    greet_user: Ask for a greeting in a style: friendly, formal or casual.",
        "add(40, 2) = {'result': 42}",
        "greeting://Ada says 'Hello, Ada!'",
        "greet_user says 'Please write a formal, professional greeting for someone named Ada.'",
    ]


def test_the_server_over_stdio_mod_1() -> None:
    # MOD-1
    done = run("-m", "mcp.client", sys.executable, SERVER)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("transport", "path", "words"), [("streamable-http", "mcp", ""), ("sse", "sse", "trying SSE")])
def test_the_server_over_http_mod_1_mod_6(
    transport: str,
    path: str,
    words: str,
    find_port: Callable[[], int],
    listening: Callable[..., AbstractContextManager[subprocess.Popen[bytes]]],
) -> None:
    # MOD-1, MOD-6, TCL-61
    port = find_port()
    with listening([sys.executable, SERVER, "--transport", transport, "--port", str(port)], port):
        done = run("-m", "mcp.client", f"http://127.0.0.1:{port}/{path}")
    assert done.returncode == 0, done.stderr
    assert "INFO:client:Initialized" in done.stderr.splitlines()
    assert words in done.stderr
