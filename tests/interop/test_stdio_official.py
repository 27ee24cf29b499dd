"""The official 1.30.0 as a peer over stdio, in both directions, as a black box in an environment of its own.

The same programs run on both packages; what a client sees of a server must not depend on whose the client is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.interop, pytest.mark.timeout(180)]

PEERS = Path(__file__).parent / "peers"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
OFFICIAL = ["uv", "run", "-q", "--isolated", "--no-project", "--python", VERSION, "--with", "mcp==1.30.0", "python"]
OURS = [sys.executable]
SERVERS = {"FastMCP": ["talkative_server.py", "stdio"], "low level": ["lowlevel_server.py"]}


@pytest.fixture(scope="module", autouse=True)
def official() -> None:
    """The official package can be had."""
    why = "uv is missing"
    if shutil.which("uv") is not None:
        done = subprocess.run([*OFFICIAL, "-c", "import mcp"], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 0:
            return
        why = f"the official package cannot be installed: {done.stderr[-500:]}"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@cache
def transcript(client: tuple[str, ...], server: tuple[str, ...]) -> dict[str, Any]:
    """What a client saw of a server."""
    command = [*client, str(PEERS / "features_client.py"), *server]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def seen(client: list[str], whose: list[str], kind: str) -> dict[str, Any]:
    program, *rest = SERVERS[kind]
    return dict(transcript(tuple(client), (*whose, str(PEERS / program), *rest)))


@pytest.mark.parametrize("kind", SERVERS)
def test_what_our_client_sees_of_our_server(kind: str) -> None:
    found = seen(OURS, OURS, kind)
    assert found["server"][1:] == ["2025-11-25", "Talk."]
    assert found["ping"] == {}
    assert found["add"]["structuredContent"] == {"result": 3}
    assert found["not an integer"] is True
    assert found["progress"] == [[1, 3, "step 1"], [2, 3, "step 2"], [3, 3, "step 3"]]
    assert found["logged"] == [["info", "logged 1"], ["info", "logged 2"], ["info", "logged 3"]]
    assert found["sample"]["structuredContent"] == {"result": "echo: Grüße 👋"}
    assert found["ask"]["structuredContent"] == {"result": "accept: grün"}
    assert found["roots"]["structuredContent"] == {"result": ["file:///tmp/%C3%BC%20x"]}
    assert [resource[0] for resource in found["resources"]] == ["talk://bytes", "talk://text"]
    assert found["talk://text"]["contents"][0]["text"] == "grüße 👋"
    assert found["templates"] == [["talk://people/{name}", "person"]]
    assert found["prompt"]["messages"][0]["content"]["text"] == "Write a formal greeting for Ada"
    assert found["completion"]["completion"]["values"] == ["formal", "friendly"]
    assert found["notified"] == ["talk://text"]
    assert found["at once"] == [{"result": number + 1} for number in range(30)]
    assert found["large"] is True
    assert found["timeout"][0] == 408
    # SES-14: the server hears that nobody waits any more.
    assert found["interrupted"] is True


@pytest.mark.parametrize("whose", ["ours", "official"])
@pytest.mark.parametrize("kind", SERVERS)
def test_both_clients_see_the_same_of_a_server(kind: str, whose: str) -> None:
    server = OURS if whose == "ours" else OFFICIAL
    ours, theirs = seen(OURS, server, kind), seen(OFFICIAL, server, kind)
    # The official client tells nobody that it has given up (SES-14).
    assert (ours.pop("interrupted"), theirs.pop("interrupted")) == (True, False)
    assert ours == theirs


@pytest.mark.parametrize("client", ["ours", "official"])
@pytest.mark.parametrize("kind", SERVERS)
def test_a_client_sees_the_same_of_both_servers(kind: str, client: str) -> None:
    command = OURS if client == "ours" else OFFICIAL
    ours, theirs = seen(command, OURS, kind), seen(command, OFFICIAL, kind)
    # LLS-6, SRV-18: what is there is declared.
    assert set(ours.pop("capabilities")) >= set(theirs.pop("capabilities"))
    # The words are the same, our FastMCP has better codes for them.
    for name in ("no such resource", "no such prompt"):
        assert ours.pop(name)[1] == theirs.pop(name)[1]
    assert ours == theirs
