"""The standalone stream."""

from typing import Any

import anyio
import httpx
import pytest

import mcp.client.streamable_http as module
import mcp.types as types
from mcp.client.streamable_http import StreamableHTTPTransport
from mcp.shared.message import SessionMessage

pytestmark = pytest.mark.anyio

CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


class Gets:
    """Answers GETs one after the other; remembers when they came, and says when all have come."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.times: list[float] = []
        self.tokens: list[str | None] = []
        self.served = anyio.Event()

    async def __call__(self, call: Any) -> None:
        self.times.append(anyio.current_time())
        self.tokens.append(call.headers.get("last-event-id"))
        answer = self.answers.pop(0) if self.answers else hold
        if not self.answers:
            self.served.set()
        await answer(call)


async def hold(call: Any) -> None:
    await call.events(end=False)
    await call.until_gone()


async def refuse(call: Any) -> None:
    await call.reply("503 Service Unavailable")


async def end_at_once(call: Any) -> None:
    await call.events()


async def reset(call: Any) -> None:
    await call.reset()


@pytest.fixture(autouse=True)
def short_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEFAULT_RECONNECTION_DELAY_MS", 20)
    monkeypatch.setattr("mcp.client._http_reconnection.MIN_DELAY", 0.01)


async def test_messages_of_the_standalone_stream(tools: Any, serve: Any) -> None:
    """TCL-31, TCL-45, TCL-42: notifications and requests are delivered; a request is answered by POST."""
    answered = anyio.Event()

    async def send(call: Any) -> None:
        ping = {"jsonrpc": "2.0", "id": "s1", "method": "ping"}
        await call.events(tools.event(CHANGED, id="g1"), b"data: {\n\n", tools.event(ping, id="g2"), end=False)
        await call.until_gone()

    async def response(call: Any) -> None:
        assert call.message["id"] == "s1"
        await call.accept()
        answered.set()

    delivered: list[Any] = []

    async def keep(item: Any) -> None:
        delivered.append(item)

    async with serve(GET=send, response=response) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url, message_handler=keep) as session:
                await answered.wait()
                await session.send_ping()
    assert isinstance(delivered[0], types.ServerNotification)
    assert isinstance(delivered[1], Exception)
    assert len(server.seen("GET")) == 1


async def test_it_begins_beside_the_notification(tools: Any, serve: Any) -> None:
    """TCL-31: in parallel with the POST of `notifications/initialized`, which here is answered afterwards."""
    listening = anyio.Event()

    async def get(call: Any) -> None:
        listening.set()
        await hold(call)

    async def initialized(call: Any) -> None:
        await listening.wait()
        await call.accept()

    async with serve(GET=get, notifications_initialized=initialized) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.send_ping()


async def test_reconnection_goes_on_after_the_last_event(tools: Any, serve: Any) -> None:
    """TCL-42: without limit after clean ends, with the last id seen and the delay the server wants."""

    async def one_event(call: Any) -> None:
        await call.events(tools.event(CHANGED, id=f"g{len(gets.times)}", retry=120))

    gets = Gets(one_event, one_event, one_event, hold)
    async with serve(GET=gets) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url):
                await gets.served.wait()
    assert gets.tokens == [None, "g1", "g2", "g3"]
    assert all(later - earlier >= 0.119 for earlier, later in zip(gets.times, gets.times[1:], strict=False))


@pytest.mark.parametrize("failure", [refuse, reset, end_at_once])
async def test_backoff(tools: Any, serve: Any, failure: Any) -> None:
    """TCL-42: exponential; a clean immediate end counts as a failure."""
    gets = Gets(failure, failure, failure, hold)
    async with serve(GET=gets) as server:
        with anyio.fail_after(10):
            async with tools.session(server.url) as session:
                await gets.served.wait()
                await session.send_ping()
    waits = [later - earlier for earlier, later in zip(gets.times, gets.times[1:], strict=False)]
    assert len(waits) == 3
    for wait, least in zip(waits, (0.02, 0.04, 0.08), strict=True):
        assert wait >= least - 0.001


@pytest.mark.parametrize(
    ("status", "attempts"), [("405 Method Not Allowed", 1), ("404 Not Found", 1), ("400 Bad Request", 2)]
)
async def test_refusals_end_it_silently(
    tools: Any, serve: Any, status: str, attempts: int, caplog: pytest.LogCaptureFixture
) -> None:
    """TCL-43, TCL-42"""

    async def answer(call: Any) -> None:
        await call.reply(status)

    gets = Gets(*[answer] * attempts)
    async with serve(GET=gets) as server, httpx.AsyncClient() as client:
        transport = StreamableHTTPTransport(server.url)
        transport.session_id = "s"
        writer, reader = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        with writer, reader, anyio.fail_after(5):
            await transport.handle_get_stream(client, writer)
    assert len(gets.times) == attempts
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_other_content_types_and_failing_authentication_end_it(tools: Any, serve: Any) -> None:
    """TCL-42: never surfaces an error."""

    async def html(call: Any) -> None:
        await call.reply("200 OK", b"<p>", content_type="text/html")

    class Denied(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request) -> Any:
            raise LookupError("no token")
            yield request

    gets = Gets(html, html)
    async with serve(GET=gets) as server:
        for auth in (None, Denied()):
            async with httpx.AsyncClient(auth=auth) as client:
                transport = StreamableHTTPTransport(server.url)
                transport.session_id = "s"
                writer, reader = anyio.create_memory_object_stream[SessionMessage | Exception](0)
                with writer, reader, anyio.fail_after(5):
                    await transport.handle_get_stream(client, writer)
    assert len(gets.times) == 2


async def test_it_ends_when_nobody_reads(tools: Any, serve: Any) -> None:
    async def send(call: Any) -> None:
        await call.events(tools.event(CHANGED), end=False)
        await call.until_gone()

    async with serve(GET=send) as server, httpx.AsyncClient() as client:
        transport = StreamableHTTPTransport(server.url)
        transport.session_id = "s"
        writer, reader = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        reader.close()
        with writer, anyio.fail_after(5):
            await transport.handle_get_stream(client, writer)
    assert len(server.seen("GET")) == 1


async def test_no_session_no_stream(tools: Any, serve: Any) -> None:
    """TCL-31"""
    async with serve() as server, httpx.AsyncClient() as client:
        transport = StreamableHTTPTransport(server.url)
        writer, reader = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        with writer, reader:
            await transport.handle_get_stream(client, writer)
    assert server.calls == []
