"""The clock of open responses: pings, and the end when the ASGI server wants to stop."""

import signal
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from mcp.server._http import heartbeat as module
from mcp.server._http.heartbeat import Heartbeat, heartbeat, server_is_stopping
from mcp.server.streamable_http import GET_STREAM_KEY

pytestmark = pytest.mark.anyio


class Response:
    def __init__(self, log: list[str], name: str) -> None:
        self.log = log
        self.name = name

    def beat(self, now: float) -> None:
        self.log.append(f"beat {self.name}")

    def server_stopping(self, now: float) -> None:
        self.log.append(f"stop {self.name}")


class UvicornLike:
    should_exit = False

    def handle_exit(self, *_: Any) -> None:
        raise NotImplementedError


@pytest.fixture
def uvicorn_like(monkeypatch: pytest.MonkeyPatch) -> UvicornLike:
    """A server object that handles the signals, as uvicorn does."""
    server = UvicornLike()
    install(monkeypatch, server.handle_exit)
    return server


def install(monkeypatch: pytest.MonkeyPatch, handler: Any) -> None:
    # Only for the module: others save and restore what they get.
    known = SimpleNamespace(getsignal=lambda _: handler, SIGINT=signal.SIGINT, SIGTERM=signal.SIGTERM)
    monkeypatch.setattr(module, "signal", known)


def test_how_a_stopping_server_is_known(uvicorn_like: UvicornLike, monkeypatch: pytest.MonkeyPatch) -> None:
    """TSV-74"""
    assert not server_is_stopping()
    uvicorn_like.should_exit = True
    assert server_is_stopping()
    for handler in (signal.SIG_DFL, None, print, lambda *_: None):
        install(monkeypatch, handler)
        assert not server_is_stopping()


async def test_beats_come_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """TSV-21 TSV-35"""
    assert module.PING_SECONDS == 15
    monkeypatch.setattr(module, "PING_SECONDS", 10.0)
    log: list[str] = []
    clock = Heartbeat()
    clock._running = True
    first, second = Response(log, "1"), Response(log, "2")
    clock.add(first)
    clock.add(second)
    now = anyio.current_time()
    clock._tick(now + 5)
    assert log == []
    clock._tick(now + 11)
    assert log == ["beat 1", "beat 2"]
    clock.remove(first)
    clock.remove(first)
    clock._tick(now + 15)
    clock._tick(now + 22)
    assert log == ["beat 1", "beat 2", "beat 2"]


async def test_each_loop_has_one_clock_that_rests_without_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_SECONDS", 0.001)
    clock = heartbeat()
    assert heartbeat() is clock
    for _ in range(2):
        response = Response([], "1")
        clock.add(response)
        clock.add(Response([], "2"))
        assert clock._running
        clock._next.clear()
        with anyio.fail_after(5):
            while clock._running:
                await anyio.sleep(0.002)


async def test_open_streams_end_when_the_server_stops(
    demo: Any, http: Any, uvicorn_like: UvicornLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TSV-74: uvicorn waits for them before it shuts the application down; running calls get a moment"""
    monkeypatch.setattr(module, "TICK_SECONDS", 0.01)
    for json_response in (False, True):
        uvicorn_like.should_exit = False
        async with http.serve(demo, json_response=json_response) as wire:
            wire.manager.drain_seconds = 0.3
            own = await wire.session()
            stream = await wire.start("GET", headers=own).until_started()
            quick = wire.start(body=http.call_tool("wait", 1, gate=f"quick {json_response}"), headers=own)
            stuck = wire.start(body=http.call_tool("wait", 2, gate=f"stuck {json_response}"), headers=own)
            await demo.until_reached(f"quick {json_response}")
            await demo.until_reached(f"stuck {json_response}")
            uvicorn_like.should_exit = True
            await stream.until_done()
            assert stream.complete
            demo.gate(f"quick {json_response}").set()
            await quick.until_done()
            assert quick.answer["result"]["content"][0]["text"] == "waited"
            await stuck.until_done()
            assert stuck.complete
            assert GET_STREAM_KEY not in wire.manager._server_instances[own["mcp-session-id"]]._sse_stream_writers
