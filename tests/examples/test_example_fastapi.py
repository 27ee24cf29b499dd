"""The FastAPI example, run as its first lines say.

FastAPI is no dependency, and would hold others back: it comes into an environment of its own.
"""

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import anyio
import httpx
import pytest

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment with our package and FastAPI."""
    give_up = pytest.fail if os.environ.get("CI") else pytest.skip
    if shutil.which("uv") is None:
        give_up("uv is missing")
    home = tmp_path_factory.mktemp("fastapi") / "venv"
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(home)], check=True, timeout=120)
    program = str(home / ("Scripts" if os.name == "nt" else "bin") / "python")
    # The last release that has Python 3.10.
    install = ["uv", "pip", "install", "-q", "--python", program, "-e", str(ROOT), "fastapi==0.162.5"]
    done = subprocess.run(install, capture_output=True, text=True, timeout=280, check=False)
    if done.returncode != 0:
        # Ours failing to satisfy it would be an error of ours; no way to the package index is none.
        assert "No solution found" not in done.stderr, done.stderr
        give_up(f"FastAPI cannot be installed: {done.stderr.strip()[-500:]}")
    return program


def test_mounting_in_fastapi(
    python: str,
    running: Callable[..., AbstractContextManager[None]],
    free_port: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """EX-44"""
    command = [python, "-m", "uvicorn", "--app-dir", "snippets/servers", "--port", str(free_port)]
    base_url = f"http://127.0.0.1:{free_port}"
    with running([*command, "streamable_http_fastapi:app"], free_port):
        assert httpx.get(f"{base_url}/stock/apples", timeout=5).json() == {"apples": 3}
        main = runpy.run_path(str(EXAMPLES / "snippets/clients/streamable_basic.py"))["main"]
        for path in ("/mcp", "/mcp/"):
            anyio.run(main, base_url + path)
            assert "Tools: ['stock']" in capfd.readouterr().out
