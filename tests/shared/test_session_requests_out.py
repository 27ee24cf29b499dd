"""Requests that a session sends: SES-7 to SES-17, SES-44, and what becomes of answers that fit nowhere."""

import contextlib
import logging
from datetime import timedelta
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

from mcp import types
from mcp.client.session import ClientSession
from mcp.shared.exceptions import (
    ConnectionClosedError,
    McpError,
    ProtocolError,
    RequestTimeoutError,
    SessionExpiredError,
)
from mcp.shared.message import (
    ClientMessageMetadata,
    FailedRequestMessage,
    ServerMessageMetadata,
    SessionMessage,
)
from mcp.types import ClientRequest, EmptyResult, ListToolsRequest, ListToolsResult, PingRequest

pytestmark = pytest.mark.anyio

PING = ClientRequest(PingRequest())
SOON = timedelta(seconds=0.02)


@pytest.fixture
def connect(raw_peer: Any) -> Any:
    """`connect(...)`: a client session, not initialized, and the peer at its other end."""

    @contextlib.asynccontextmanager
    async def make(**options: Any) -> Any:
        async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream, **options) as session:
            yield session, peer

    return make


class Outcome:
    """What came of a call that runs in a task of its own."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.value: Any = None
        self.error: Exception | None = None

    async def of(self, call: Any) -> None:
        try:
            self.value = await call
        except Exception as error:
            self.error = error
        self.done.set()

    async def wait(self) -> Any:
        with anyio.fail_after(5):
            await self.done.wait()
        if self.error is not None:
            raise self.error
        return self.value


@contextlib.asynccontextmanager
async def started(*calls: Any) -> Any:
    """Run calls in tasks; yields their outcomes."""
    async with anyio.create_task_group() as tasks:
        outcomes = [Outcome() for _ in calls]
        for outcome, call in zip(outcomes, calls, strict=True):
            tasks.start_soon(outcome.of, call)
        yield outcomes
        tasks.cancel_scope.cancel()


async def test_ids_count_up_from_zero(connect: Any) -> None:
    """SES-7: never reused, whatever became of the request."""
    async with connect() as (session, peer):
        async with started(session.initialize()) as (initialized,):
            assert (await peer.receive())["id"] == 0
            await peer.send(id=0, error={"code": 1, "message": "no"})
            with pytest.raises(McpError):
                await initialized.wait()
        for number in range(1, 4):
            with pytest.raises(McpError):
                await session.send_request(PING, EmptyResult, SOON)
            assert (await peer.receive()) == {"id": number, "method": "ping"}
            assert (await peer.receive())["method"] == "notifications/cancelled"
        # Programs (strands, semantic-kernel) read the next id.
        assert session._request_id == 4


async def test_the_result_is_validated(connect: Any) -> None:
    """SES-8: a mismatch raises in the caller; the session stays usable."""
    async with connect() as (session, peer):
        for result, error in (({"tools": "none"}, ValidationError), ({"tools": []}, None)):
            async with started(session.send_request(ClientRequest(ListToolsRequest()), ListToolsResult)) as (listed,):
                request = await peer.receive()
                await peer.send(id=request["id"], result=result)
                if error is None:
                    assert await listed.wait() == ListToolsResult(tools=[])
                else:
                    with pytest.raises(error):
                        await listed.wait()


async def test_an_error_response_raises(connect: Any) -> None:
    """SES-9: code, message and data are unchanged."""
    async with connect() as (session, peer), started(session.send_ping()) as (ping,):
        await peer.receive()
        await peer.send(id=0, error={"code": 77, "message": "why", "data": {"a": [None]}})
        with pytest.raises(McpError) as raised:
            await ping.wait()
        assert raised.value.error == types.ErrorData(code=77, message="why", data={"a": [None]})
        assert str(raised.value) == "why"


async def test_numeric_strings_match(connect: Any) -> None:
    """SES-10."""
    async with connect() as (session, peer), started(session.send_ping()) as (ping,):
        await peer.receive()
        await peer.send(id="0", result={})
        assert await ping.wait() == EmptyResult()


async def test_other_strings_match_nothing(connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """SES-10, SES-11."""
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    async with connect(message_handler=take) as (session, peer), started(session.send_ping()) as (ping,):
        await peer.receive()
        await peer.send(id="seven", result={})
        await peer.send(id=0, result={})
        await ping.wait()
    assert "Response ID 'seven' cannot be normalized to match pending requests" in caplog.messages
    assert isinstance(seen[0], RuntimeError)


@pytest.mark.parametrize(
    "answer",
    [
        {"id": 5, "result": {}},
        {"id": "5", "result": {}},
        {"id": 5, "error": {"code": 1, "message": "x"}},
        {"id": -1, "result": {}},
    ],
)
async def test_an_answer_to_nothing_is_an_incoming_message(connect: Any, answer: Any) -> None:
    """SES-11: the session continues."""
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    async with connect(message_handler=take) as (_, peer):
        await peer.send(**answer)
        await peer.silent()
    assert len(seen) == 1
    assert isinstance(seen[0], RuntimeError)
    assert str(seen[0]).startswith("Received response with an unknown request ID: ")


async def test_a_peer_that_answers_twice(connect: Any) -> None:
    """SES-11: the first answer counts."""
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    async with connect(message_handler=take) as (session, peer), started(session.send_ping()) as (ping,):
        await peer.receive()
        await peer.send(id=0, result={"n": 1})
        await peer.send(id=0, error={"code": 1, "message": "n"})
        assert (await ping.wait()).model_extra == {"n": 1}
        await peer.silent()
        assert [type(message) for message in seen] == [RuntimeError]


# Timeouts


@pytest.mark.parametrize(
    ("of_session", "of_request", "waited"),
    [
        pytest.param(None, SOON, "0.02", id="the request's"),
        pytest.param(SOON, None, "0.02", id="the session's"),
        pytest.param(timedelta(hours=1), SOON, "0.02", id="the request's first"),
        pytest.param(SOON, timedelta(0), "0.0", id="nothing at all is a timeout too"),
        pytest.param(None, timedelta(microseconds=1), "1e-06", id="a microsecond"),
    ],
)
async def test_timeout(connect: Any, of_session: Any, of_request: Any, waited: str) -> None:
    """SES-12, SES-13: code 408, and a text that programs match."""
    async with connect(read_timeout_seconds=of_session) as (session, peer):
        with pytest.raises(McpError) as raised:
            await session.send_request(PING, EmptyResult, of_request)
        assert raised.value.error.code == 408
        assert str(raised.value) == f"Timed out while waiting for response to ClientRequest. Waited {waited} seconds."
        assert isinstance(raised.value, RequestTimeoutError)
        # The request was sent all the same.
        assert await peer.receive() == {"id": 0, "method": "ping"}


async def test_no_timeout_by_default(connect: Any) -> None:
    """SES-12."""
    async with connect() as (session, peer), started(session.send_ping()) as (ping,):
        await peer.receive()
        await anyio.sleep(0.05)
        assert not ping.done.is_set()
        await peer.send(id=0, result={})
        await ping.wait()


async def test_the_time_to_write_does_not_count(raw_peer: Any) -> None:
    """SES-12: the timeout covers the wait for the response."""
    async with raw_peer() as peer:
        stream = peer.write_stream

        class Slow:
            async def __aenter__(self) -> Any:
                return self

            async def __aexit__(self, *_: object) -> None:
                await stream.aclose()

            async def send(self, item: SessionMessage) -> None:
                await anyio.sleep(0.05)
                await stream.send(item)

        async with ClientSession(peer.read_stream, Slow()) as session:  # type: ignore[arg-type]
            async with started(session.send_request(PING, EmptyResult, SOON)) as (ping,):
                await peer.receive()
                await peer.send(id=0, result={})
                assert await ping.wait() == EmptyResult()


async def test_a_write_that_never_ends_times_out(raw_peer: Any) -> None:
    """SES-12: nothing waits for ever; a peer that does not read gets some grace."""
    async with raw_peer(buffer=0) as peer:
        async with ClientSession(peer.read_stream, peer.write_stream) as session:
            with anyio.fail_after(5), pytest.raises(McpError) as raised:
                await session.send_request(PING, EmptyResult, SOON)
            assert raised.value.error.code == 408


async def test_progress_does_not_extend_the_timeout(connect: Any) -> None:
    """SES-16."""
    async with (
        connect() as (session, peer),
        started(session.send_request(PING, EmptyResult, timedelta(seconds=0.1))) as (ping,),
    ):
        await peer.receive()
        with anyio.fail_after(5):
            while not ping.done.is_set():
                await peer.send(method="notifications/progress", params={"progressToken": 0, "progress": 1})
                await anyio.sleep(0.01)
        with pytest.raises(McpError, match=r"^Timed out"):
            await ping.wait()


# Giving up


async def test_a_timeout_is_told_to_the_peer(connect: Any) -> None:
    """SES-14."""
    async with connect() as (session, peer):
        with pytest.raises(McpError, match=r"^Timed out"):
            await session.send_request(PING, EmptyResult, SOON)
        await peer.receive()
        notice = await peer.receive()
        assert notice["method"] == "notifications/cancelled"
        assert notice["params"]["requestId"] == 0


async def test_a_cancelled_wait_is_told_to_the_peer(connect: Any) -> None:
    """SES-14."""
    async with connect() as (session, peer):
        async with started(session.send_ping()):
            await peer.receive()
        assert (await peer.receive())["params"]["requestId"] == 0


async def test_a_cancelled_write_is_told_to_the_peer(raw_peer: Any) -> None:
    """SES-14: nothing is known about how much of a cancelled write got out."""
    async with raw_peer(buffer=0) as peer:
        async with ClientSession(peer.read_stream, peer.write_stream) as session, anyio.create_task_group() as tasks:
            scope = anyio.CancelScope()

            async def ping() -> None:
                with scope:
                    await session.send_ping()

            tasks.start_soon(ping)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            assert (await peer.receive())["method"] == "notifications/cancelled"


async def test_giving_up_is_not_delayed_by_a_peer_that_does_not_read(raw_peer: Any) -> None:
    """SES-14: best effort."""
    async with raw_peer(buffer=1) as peer:
        async with ClientSession(peer.read_stream, peer.write_stream) as session:
            with anyio.fail_after(5), pytest.raises(McpError, match=r"^Timed out"):
                await session.send_request(PING, EmptyResult, SOON)


@pytest.mark.parametrize("how", ["timeout", "cancel"])
async def test_initialize_is_never_cancelled(connect: Any, how: str) -> None:
    """SES-14."""
    async with connect(read_timeout_seconds=SOON if how == "timeout" else None) as (session, peer):
        async with started(session.initialize()) as (initialized,):
            await peer.receive()
            if how == "timeout":
                with pytest.raises(McpError, match=r"^Timed out"):
                    await initialized.wait()
        await peer.silent()


async def test_a_request_that_could_not_be_sent_is_not_cancelled(connect: Any) -> None:
    """SES-14: the peer knows nothing of it."""
    async with connect() as (session, peer):
        unsendable = types.CallToolRequest(params=types.CallToolRequestParams(name="t", arguments={"a": object()}))
        with pytest.raises(ValueError, match="serialize"):
            await session.send_request(ClientRequest(unsendable), types.CallToolResult)
        await peer.silent()


async def test_a_stream_that_refuses_a_request(raw_peer: Any) -> None:
    """SES-14: an error of the transport is the caller's, and nothing was sent that could be cancelled."""
    async with raw_peer() as peer:
        stream = peer.write_stream

        class Refusing:
            async def __aenter__(self) -> Any:
                return self

            async def __aexit__(self, *_: object) -> None:
                await stream.aclose()

            async def send(self, item: SessionMessage) -> None:
                if isinstance(item.message.root, types.JSONRPCRequest):
                    raise ValueError("no JSON form")
                await stream.send(item)

        async with ClientSession(peer.read_stream, Refusing()) as session:  # type: ignore[arg-type]
            with pytest.raises(ValueError, match=r"^no JSON form$"):
                await session.send_request(PING, EmptyResult, timedelta(seconds=5))
            assert session._response_streams == {}
            await peer.silent()


@pytest.mark.parametrize("answer", [{"result": {}}, {"error": {"code": 0, "message": "Request cancelled"}}])
async def test_a_late_answer_is_dropped_in_silence(connect: Any, answer: Any) -> None:
    """SES-15 (as SES-14 changes it): once."""
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    async with connect(message_handler=take) as (session, peer):
        with pytest.raises(McpError, match=r"^Timed out"):
            await session.send_request(PING, EmptyResult, SOON)
        await peer.receive()
        await peer.receive()
        await peer.send(id=0, **answer)
        await peer.silent()
        assert seen == []
        await peer.send(id=0, **answer)
        await peer.silent()
        assert len(seen) == 1


async def test_the_cancellation_goes_where_the_request_went(raw_peer: Any) -> None:
    """SES-14, SES-17: to the HTTP stream of the related request."""
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        for metadata, expected in (
            (ServerMessageMetadata(related_request_id=7), ServerMessageMetadata(related_request_id=7)),
            (ClientMessageMetadata(resumption_token="t"), None),
        ):
            peer.items.clear()
            with pytest.raises(McpError, match=r"^Timed out"):
                await session.send_request(PING, EmptyResult, SOON, metadata)
            await peer.receive()
            await peer.receive()
            assert peer.items[0].metadata is metadata
            assert peer.items[1].metadata == expected


async def test_metadata_goes_to_the_transport(connect: Any) -> None:
    """SES-17: untouched."""

    async def note(token: str) -> None: ...

    metadata = ClientMessageMetadata(resumption_token="after", on_resumption_token_update=note)
    async with connect() as (session, peer), started(session.send_request(PING, EmptyResult, metadata=metadata)):
        await peer.receive()
        assert peer.items[0].metadata is metadata


# Answers that a transport makes up, or that cannot be read


async def test_a_transport_fails_a_request_with_an_exception_of_its_own(connect: Any) -> None:
    async with connect() as (session, peer), started(session.send_ping()) as (ping,):
        await peer.receive()
        await peer.out.send(FailedRequestMessage(0, SessionExpiredError()))
        with pytest.raises(SessionExpiredError) as raised:
            await ping.wait()
        assert raised.value.error == types.ErrorData(code=32600, message="Session terminated")


async def test_an_unreadable_response_fails_its_request(connect: Any) -> None:
    """An answer that can never come: the request fails at once, and a second answer is too late."""
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    async with connect(message_handler=take) as (session, peer):
        async with started(session.send_ping()) as (first,):
            await peer.receive()
            async with started(session.send_ping()) as (second,):
                await peer.receive()
                await peer.send_text('{"jsonrpc": "2.0", "id": "0", "result": null}')
                with pytest.raises(ProtocolError, match=r"^Invalid Request: result: "):
                    await first.wait()
                await peer.send(id=0, result={})
                await peer.send(id=1, result={})
                await second.wait()
        assert [type(message) for message in seen] == [ProtocolError]


async def test_an_error_without_id_fails_the_only_request(connect: Any) -> None:
    """TYP-18: whoever could not read the id answers with null."""
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    async with connect(message_handler=take) as (session, peer):
        async with started(session.send_ping()) as (ping,):
            await peer.receive()
            await peer.send(id=None, error={"code": -32700, "message": "Parse error"})
            with pytest.raises(McpError, match=r"^Parse error$"):
                await ping.wait()
        async with started(session.send_ping(), session.send_ping()) as (first, second):
            await peer.receive()
            await peer.receive()
            await peer.send(error={"code": -32700, "message": "Parse error"})
            # With several it is nobody's.
            await peer.send(id=1, result={})
            await peer.send(id=2, result={})
            await first.wait()
            await second.wait()
        await peer.send(error={"code": -32700, "message": "Parse error"})
        await peer.silent()
        assert [str(message) for message in seen] == ["Parse error"] * 3


# Response routers


class Router:
    def __init__(self, *takes: Any) -> None:
        self.takes = takes
        self.asked: list[Any] = []

    def route_response(self, request_id: Any, response: dict[str, Any]) -> bool:
        self.asked.append((request_id, response))
        return request_id in self.takes

    def route_error(self, request_id: Any, error: types.ErrorData) -> bool:
        self.asked.append((request_id, error))
        return request_id in self.takes


async def test_response_routers_come_first(connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """SES-44: in order of registration, with the id of SES-10; the first that takes a response keeps it."""
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    first, second = Router("task-x-0", 40), Router(41)
    async with connect(message_handler=take) as (session, peer), started(session.send_ping()) as (ping,):
        session.add_response_router(first)
        session.add_response_router(second)
        await peer.receive()
        await peer.send(id="40", result={"n": 1})
        await peer.send(id=41, error={"code": 1, "message": "e"})
        await peer.send(id="task-x-0", result={"n": 2})
        await peer.send(id=0, result={"n": 3})
        assert (await ping.wait()).model_extra == {"n": 3}
        error = types.ErrorData(code=1, message="e")
        assert first.asked == [(40, {"n": 1}), (41, error), ("task-x-0", {"n": 2}), (0, {"n": 3})]
        assert second.asked == [(41, error), (0, {"n": 3})]
    assert seen == []
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_requests_wait_side_by_side(connect: Any) -> None:
    """Answers come in any order, each to its own request."""
    async with connect() as (session, peer):
        calls = [session.send_request(PING, EmptyResult) for _ in range(20)]
        async with started(*calls) as pings:
            ids = [(await peer.receive())["id"] for _ in pings]
            for request_id in reversed(ids):
                await peer.send(id=request_id, result={"n": request_id})
            values = [(await ping.wait()).model_extra["n"] for ping in pings]
            assert sorted(values) == ids
        assert session._response_streams == {}


async def test_a_connection_that_ends_during_the_write(raw_peer: Any) -> None:
    """SES-3: the request is pending by then."""
    async with raw_peer() as peer:
        stream = peer.write_stream

        class HangingUp:
            async def __aenter__(self) -> Any:
                return self

            async def __aexit__(self, *_: object) -> None:
                await stream.aclose()

            async def send(self, item: SessionMessage) -> None:
                peer.hang_up()
                await anyio.sleep_forever()

        async with ClientSession(peer.read_stream, HangingUp()) as session:  # type: ignore[arg-type]
            with anyio.fail_after(5), pytest.raises(ConnectionClosedError, match=r"^Connection closed$"):
                await session.send_ping()
