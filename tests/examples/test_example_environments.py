"""Examples that need an environment of their own: the one with FastAPI, and the snippets as a package.

FastAPI is no dependency, and in the test group it would hold other packages back.
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

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment with our package, the snippets and FastAPI."""
    give_up = pytest.fail if os.environ.get("CI") else pytest.skip
    if shutil.which("uv") is None:
        give_up("uv is missing")
    home = tmp_path_factory.mktemp("examples") / "venv"
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(home)], check=True, timeout=120)
    folder = home / ("Scripts" if os.name == "nt" else "bin")
    # The last release that has Python 3.10.
    packages = ["-e", str(ROOT), str(EXAMPLES / "snippets"), "fastapi==0.162.5"]
    install = ["uv", "pip", "install", "-q", "--python", str(folder / "python"), *packages]
    done = subprocess.run(install, capture_output=True, text=True, timeout=280, check=False)
    if done.returncode != 0:
        # Ours failing to satisfy it would be an error of ours; no way to the package index is none.
        assert "No solution found" not in done.stderr, done.stderr
        give_up(f"the packages cannot be installed: {done.stderr.strip()[-500:]}")
    return folder


def test_mounting_in_fastapi(
    programs: Path,
    find_port: Callable[[], int],
    listening: Callable[..., AbstractContextManager[subprocess.Popen[bytes]]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """EX-44"""
    port = find_port()
    command = [str(programs / "python"), "-m", "uvicorn", "--app-dir", "snippets/servers", "--port", str(port)]
    base_url = f"http://127.0.0.1:{port}"
    with listening([*command, "streamable_http_fastapi:app"], port, cwd=EXAMPLES):
        assert httpx.get(f"{base_url}/stock/apples", timeout=5).json() == {"apples": 3}
        main = runpy.run_path(str(EXAMPLES / "snippets/clients/streamable_basic.py"))["main"]
        for path in ("/mcp", "/mcp/"):
            anyio.run(main, base_url + path)
            assert "Tools: ['stock']" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("client", "Poem: Roses are red"),
        ("completion-client", "'typescript-sdk'"),
        ("display-utilities-client", "Code Review (review_code)"),
        ("elicitation-client", "Booked for 2024-12-27"),
    ],
)
def test_clients_as_commands(command: str, printed: str, programs: Path) -> None:
    """EX-51"""
    done = subprocess.run([str(programs / command)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout


@pytest.mark.parametrize(
    ("command", "tool"),
    [
        (["server", "basic_tool"], "sum"),
        (["server", "event_store", "stdio"], "travel"),
        (["direct-execution-server"], "hello"),
    ],
)
def test_servers_as_commands(command: list[str], tool: str, programs: Path) -> None:
    """EX-51"""

    async def tools() -> list[str]:
        parameters = StdioServerParameters(command=str(programs / command[0]), args=command[1:])
        with anyio.fail_after(30):
            async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
                await session.initialize()
                return [tool.name for tool in (await session.list_tools()).tools]

    assert tool in anyio.run(tools)


def test_a_server_that_chooses_its_transport_itself(programs: Path) -> None:
    """EX-51"""
    done = subprocess.run(
        [str(programs / "server"), "pagination_example", "sse"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "chooses its transport itself" in done.stderr


def test_login_as_a_command(programs: Path, find_port: Callable[[], int]) -> None:
    """EX-51: no server is there, and that is what it says."""
    command = [str(programs / "oauth-client"), f"http://127.0.0.1:{find_port()}/mcp"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "All connection attempts failed" in done.stderr
