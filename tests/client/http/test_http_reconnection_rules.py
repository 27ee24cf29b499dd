"""When a stream is opened again, and what a session is remembered by: tables."""

import json
from typing import Any

import pytest

from mcp.client._http_reconnection import Listening, ListeningSchedule, StreamPosition, classify_refusal
from mcp.client._http_session import SessionMemory
from mcp.client._sse_events import ServerEvent
from mcp.types import JSONRPCRequest, JSONRPCResponse

SERVED, FRUITLESS, FAILED = Listening.SERVED, Listening.FRUITLESS, Listening.FAILED
REFUSED, UNSUPPORTED = Listening.REFUSED, Listening.UNSUPPORTED


def test_position_remembers_the_last_id_and_the_last_retry() -> None:
    """TCL-39"""
    position = StreamPosition()
    assert (position.last_event_id, position.delay(1000)) == ("", 1.0)
    position.note(ServerEvent(id="1", retry=250))
    position.note(ServerEvent(id="2"))
    position.note(ServerEvent())
    assert (position.last_event_id, position.delay(1000), position.events) == ("2", 0.25, 3)
    position.note(ServerEvent(retry=0))
    assert position.delay(1000) == 0.0
    assert StreamPosition("7").last_event_id == "7"


@pytest.mark.parametrize(
    ("status", "went"),
    [
        (405, UNSUPPORTED),
        (404, UNSUPPORTED),
        (307, UNSUPPORTED),
        (400, REFUSED),
        (401, REFUSED),
        (409, REFUSED),
        (408, FAILED),
        (425, FAILED),
        (429, FAILED),
        (500, FAILED),
        (503, FAILED),
    ],
)
def test_refusals_of_the_standalone_stream(status: int, went: Listening) -> None:
    """TCL-43"""
    assert classify_refusal(status) is went


@pytest.mark.parametrize(
    ("outcomes", "delays"),
    [
        ([SERVED, SERVED, SERVED], [1, 1, 1]),
        ([FAILED] * 8, [1, 2, 4, 8, 16, 30, 30, 30]),
        ([FRUITLESS] * 4, [1, 2, 4, 8]),
        ([FAILED, FRUITLESS, SERVED, FAILED], [1, 2, 1, 1]),
        ([REFUSED, REFUSED], [1, None]),
        ([REFUSED, SERVED, REFUSED, FAILED, REFUSED, REFUSED], [1, 1, 1, 2, 4, None]),
        ([UNSUPPORTED], [None]),
    ],
)
def test_schedule_of_the_standalone_stream(outcomes: list[Listening], delays: list[float | None]) -> None:
    """TCL-42: exponential backoff with a limit; an immediate end is a failure; refusals end it."""
    schedule = ListeningSchedule(max_refusals=2, jitter=lambda: 0.0)
    assert [schedule.next_delay(went, 1.0) for went in outcomes] == delays


def test_schedule_never_comes_before_its_time_and_not_much_after() -> None:
    for jitter, expected in ((0.0, 40.0), (1.0, 60.0)):
        schedule = ListeningSchedule(max_refusals=2, jitter=lambda jitter=jitter: jitter)
        # More than the limit of the backoff, but the server wants it.
        assert schedule.next_delay(FAILED, 40.0) == expected
        assert schedule.next_delay(SERVED, 40.0) == 40.0
    assert ListeningSchedule(max_refusals=2).next_delay(SERVED, 0.0) == 0.1
    schedule = ListeningSchedule(max_refusals=2)
    assert all(schedule.next_delay(FAILED, 1.0) <= 45.0 for _ in range(5000))  # type: ignore[operator]


def request(method: str, params: dict[str, Any] | None = None) -> JSONRPCRequest:
    return JSONRPCRequest(jsonrpc="2.0", id=1, method=method, params=params)


def answer(value: dict[str, Any]) -> JSONRPCResponse:
    return JSONRPCResponse(jsonrpc="2.0", id=1, result=value)


def test_memory_of_the_opening() -> None:
    memory = SessionMemory()
    assert (memory.opening, memory.protocol_version) == (None, None)
    memory.note_answer(request("ping"), b"ping", answer({}))
    assert memory.opening is None
    memory.note_answer(request("initialize"), b"body", answer({"protocolVersion": "2025-06-18"}))
    assert (memory.opening, memory.protocol_version) == (b"body", "2025-06-18")
    memory.note_answer(request("initialize"), b"body", answer({"protocolVersion": 7}))
    assert memory.protocol_version is None
    memory.forget_opening()
    assert memory.opening is None


TOOLS = [
    {"name": "plain"},
    {"name": "hints", "annotations": {"readOnlyHint": False, "idempotentHint": False}},
    {"name": "reads", "annotations": {"readOnlyHint": True}},
    {"name": "sets", "annotations": {"idempotentHint": True}},
    {"name": "odd", "annotations": {"idempotentHint": "yes"}},
    {"name": "none", "annotations": None},
    {"name": ["list"]},
    "no tool",
]


def test_what_may_be_carried_out_twice() -> None:
    memory = SessionMemory()

    def repeatable(name: Any) -> bool:
        return memory.may_repeat(request("tools/call", {"name": name}))

    assert not repeatable("reads")
    for listed in (TOOLS, None):
        memory.note_answer(request("tools/list"), b"", answer({"tools": listed}))
        assert [tool["name"] for tool in TOOLS[:6] if repeatable(tool["name"])] == ["reads", "sets"]  # type: ignore[index]
    memory.note_answer(request("tools/list"), b"", answer({"tools": [{"name": "reads"}]}))
    assert not repeatable("reads")
    assert not memory.may_repeat(request("tools/call"))
    assert memory.may_repeat(request("tools/list"))
    assert memory.may_repeat(request("resources/read", {"uri": "a:b"}))
    assert not memory.may_repeat(request("tasks/cancel"))
    assert not memory.may_repeat(request("acme/order"))
    assert json.loads(json.dumps(TOOLS)) == TOOLS
