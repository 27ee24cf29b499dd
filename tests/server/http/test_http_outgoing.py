"""Which stream a message takes, and how a stream holds back for a slow reader."""

from typing import Any

import anyio
import pytest

import mcp.types as types
from mcp.server._http.outgoing import (
    GET_STREAM_KEY,
    REQUEST_STREAM_BUFFER_SIZE,
    EventQueue,
    OutgoingStream,
    Route,
    route,
    stream_key,
)
from mcp.shared.message import ResultMessage, ServerMessageMetadata, SessionMessage, error_message


def message(related: Any = None, **members: Any) -> SessionMessage:
    metadata = ServerMessageMetadata(related_request_id=related)
    return SessionMessage(types.JSONRPCMessage.model_validate({"jsonrpc": "2.0", **members}), metadata)


def test_keys_tell_numbers_from_text() -> None:
    """TSV-41"""
    assert GET_STREAM_KEY == "_GET_stream"
    keys = [stream_key(1), stream_key("1"), stream_key("_GET_stream"), stream_key('"1"')]
    assert keys[0] == "1"
    assert len(set(keys)) == 4
    assert GET_STREAM_KEY not in keys


RESULT = {"result": {}}
NOTE = {"method": "notifications/message"}
ASK = {"method": "roots/list", "id": 9}


@pytest.mark.parametrize(
    ("item", "json_response", "expected"),
    [
        # TSV-57
        (message(id=1, **RESULT), False, Route("1", answers=True)),
        (message(id="1", **RESULT), False, Route('"1"', answers=True)),
        (message(id=1, error={"code": 1, "message": ""}), False, Route("1", answers=True)),
        (ResultMessage(request_id=1, result=types.EmptyResult()), False, Route("1", answers=True)),
        (error_message(2, types.ErrorData(code=1, message="")), True, Route("2", answers=True)),
        (message(**NOTE), False, Route(GET_STREAM_KEY)),
        (SessionMessage(message(**NOTE).message), False, Route(GET_STREAM_KEY)),
        (message(1, **NOTE), False, Route("1")),
        (message(0, **NOTE), False, Route("0")),
        (message("x", **NOTE), False, Route('"x"')),
        (message("gone", **NOTE), False, Route('"gone"')),
        (message(1, **ASK), False, Route("1", asks=9)),
        (message(**ASK), False, Route(GET_STREAM_KEY, asks=9)),
        # An id that a program turned into text finds its stream all the same.
        (message("1", **NOTE), False, Route("1")),
        (message("2", **NOTE), False, Route('"2"')),
        # TSV-37
        (message(1, **NOTE), True, Route(GET_STREAM_KEY)),
        (message(1, **ASK), True, Route(GET_STREAM_KEY, asks=9)),
    ],
)
def test_route(item: SessionMessage, json_response: bool, expected: Route) -> None:
    """TSV-37 TSV-57"""
    assert route(item, {"0", "1", '"x"', '"2"', "2"}, json_response=json_response) == expected


def test_routing_leaves_a_result_unopened() -> None:
    item = ResultMessage(request_id=1, result=types.EmptyResult())
    route(item, ())
    assert item.unopened is not None


def test_a_stream_without_a_reader_drops_events() -> None:
    """TSV-57"""
    stream = OutgoingStream("1", ["1"])
    stream.push(b"lost", None)
    queue = stream.attach()
    assert not queue.ready
    stream.push(b"1", None)
    stream.push(b"2", "e")
    assert queue.take() == b"event: message\r\ndata: 1\r\n\r\nid: e\r\nevent: message\r\ndata: 2\r\n\r\n"


def test_what_was_not_written_is_dropped_on_detach() -> None:
    """TSV-71"""
    stream = OutgoingStream("1", ["1"])
    queue = stream.attach()
    stream.push(b"1", None)
    stream.detach()
    assert queue.finished
    assert queue.take() == b""
    second = stream.attach()
    stream.detach(queue)
    assert stream.queue is second


def test_a_stream_ends_with_its_last_response() -> None:
    """TSV-35"""
    stream = OutgoingStream("1", ["1", "2"])
    queue = stream.attach()
    assert not stream.settle("2")
    assert not queue.ended
    stream.push(b"1", None)
    assert stream.settle("1")
    assert queue.ended
    assert not queue.finished
    assert queue.take_payloads() == [b"1"]
    assert queue.finished


def test_a_ping_is_for_idle_queues_only() -> None:
    """TSV-35"""
    queue = EventQueue()
    queue.ping()
    assert queue.ready
    assert queue.take().startswith(b": ping")
    assert not queue.ready
    queue.push(b"1", None)
    queue.ping()
    assert queue.take() == b"event: message\r\ndata: 1\r\n\r\n"
    assert not queue.ready
    queue.end()
    queue.push(b"late", None)
    queue.ping()
    assert queue.take() == b""


@pytest.mark.anyio
async def test_senders_wait_for_a_slow_reader_after_sixteen_events() -> None:
    """TSV-56"""
    assert REQUEST_STREAM_BUFFER_SIZE == 16
    queue = EventQueue()
    with anyio.fail_after(1):
        for _ in range(REQUEST_STREAM_BUFFER_SIZE):
            queue.push(b"", None)
            await queue.room()
    queue.push(b"", None)
    with anyio.move_on_after(0.01) as scope:
        await queue.room()
    assert scope.cancelled_caught

    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(queue.room)
        await anyio.wait_all_tasks_blocked()
        assert len(queue.take_payloads()) == 17


@pytest.mark.anyio
async def test_a_dropped_queue_lets_its_senders_go() -> None:
    """TSV-71"""
    queue = EventQueue()
    for _ in range(20):
        queue.push(b"", None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(queue.room)
        tasks.start_soon(queue.wait_ended)
        await anyio.wait_all_tasks_blocked()
        queue.drop()
    assert queue.finished
