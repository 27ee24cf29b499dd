"""The examples of protected servers and of a client that logs in, run as a user runs them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import httpx
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SERVERS = EXAMPLES / "servers" / "simple-auth"
CLIENT = EXAMPLES / "clients" / "simple-auth-client" / "client.py"

# Stands in for the browser and its user.
BROWSER = """
import re, sys, httpx
password = sys.argv[1]
with httpx.Client(follow_redirects=True) as http:
    page = http.get(sys.argv[2])
    ticket = re.search('name="ticket" value="([^"]+)"', page.text)[1]
    wrong = http.post(page.url, data={"ticket": ticket, "user": "demo", "password": "wrong"})
    assert "Wrong user" in wrong.text
    form = {"ticket": ticket, "user": "demo", "password": "demo"}
    if password == "deny":
        form["deny"] = "1"
    http.post(page.url, data=form)
"""


@pytest.fixture(params=["separate", "legacy"])
def server_url(
    request: pytest.FixtureRequest,
    find_port: Callable[[], int],
    listening: Callable[..., AbstractContextManager[subprocess.Popen[bytes]]],
) -> Iterator[str]:
    port = find_port()
    with ExitStack() as stack:

        def start(script: str, port: int, *arguments: str) -> None:
            command = [sys.executable, str(SERVERS / script), "--port", str(port), *arguments]
            stack.enter_context(listening(command, port, stderr=None))

        if request.param == "separate":
            auth_port = find_port()
            start("authorization_server.py", auth_port)
            start("resource_server.py", port, "--auth-server", f"http://127.0.0.1:{auth_port}")
        else:
            start("legacy_server.py", port)
        yield f"http://127.0.0.1:{port}/mcp"


def run_client(url: str, tmp_path: Path, answer: str) -> subprocess.CompletedProcess[str]:
    browser = tmp_path / "browser.py"
    browser.write_text(BROWSER)
    environment = {**os.environ, "BROWSER": f"{sys.executable} {browser} {answer} %s"}
    command = [sys.executable, str(CLIENT), url, "whoami"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=40, check=False)


def test_login_and_call(server_url: str, tmp_path: Path) -> None:
    """CL-4 AZ-2 RS-3 RS-10"""
    assert httpx.post(server_url, timeout=5).status_code == 401
    run = run_client(server_url, tmp_path, "allow")
    assert run.returncode == 0, run.stderr
    assert "whoami -> demo" in run.stdout
    run = run_client(server_url, tmp_path, "deny")
    assert run.returncode != 0
    assert "Authorization failed: access_denied" in run.stderr
