"""JSON-RPC batches of revision 2025-03-26 (TYP-39, TSV-5), without I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest

import mcp.types as types
from mcp.shared._batches import BATCH_REVISION, Batches
from mcp.shared._codec import encode_message, read_message
from mcp.shared.exceptions import McpError, ProtocolError
from mcp.shared.message import ResultMessage, SessionMessage, error_message

INITIALIZE = {"jsonrpc": "2.0", "id": "i", "method": "initialize", "params": {"protocolVersion": "2025-03-26"}}


def message(members: dict[str, Any]) -> SessionMessage:
    return SessionMessage(read_message({"jsonrpc": "2.0", **members}))


def request(request_id: Any, method: str = "ping") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method}


def note() -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/initialized"}


def result(request_id: Any, **members: Any) -> SessionMessage:
    return message({"id": request_id, "result": members})


def initialize_result(revision: Any) -> types.InitializeResult:
    return types.InitializeResult(
        protocolVersion=revision,
        capabilities=types.ServerCapabilities(),
        serverInfo=types.Implementation(name="s", version="1"),
    )


def agreed() -> Batches:
    batches = Batches()
    batches.saw(SessionMessage(read_message(INITIALIZE)))
    batches.saw(result("i", protocolVersion=BATCH_REVISION))
    assert batches.welcome
    return batches


def send(batches: Batches, item: SessionMessage) -> Any:
    """What goes out for a message, as JSON."""
    line = batches.put_together(item, encode_message(item, b"\n"))
    if line is None:
        return None
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return json.loads(line)


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
@pytest.mark.parametrize("form", ["typed", "plain"])
def test_the_handshake_decides(revision: str, form: str) -> None:
    batches = Batches()
    assert (batches.concerned, batches.welcome) == (True, False)
    batches.saw(message(note()))
    batches.saw(SessionMessage(read_message(INITIALIZE)))
    assert not batches.welcome
    if form == "typed":
        batches.saw(ResultMessage(request_id="i", result=initialize_result(revision)))
    else:
        batches.saw(result("i", protocolVersion=revision))
    has = revision == "2025-03-26"
    assert (batches.concerned, batches.welcome) == (has, has)


@pytest.mark.parametrize(
    "answer",
    [
        result("other", protocolVersion="2025-03-26"),
        ResultMessage(request_id="other", result=initialize_result("2025-03-26")),
        # The peer's answer to a ping of ours that happens to have the same id.
        result("i"),
        ResultMessage(request_id="i", result=types.EmptyResult()),
        result("i", protocolVersion=20250326),
        message({"id": "i", "error": {"code": 1, "message": "no"}}),
    ],
)
def test_what_is_no_answer_to_the_handshake(answer: SessionMessage) -> None:
    batches = Batches()
    batches.saw(SessionMessage(read_message(INITIALIZE)))
    batches.saw(answer)
    assert (batches.concerned, batches.welcome) == (True, False)


def test_messages_come_apart_in_order() -> None:
    values = [request(1), note(), request("2"), {"jsonrpc": "2.0", "id": 9, "result": {}}]
    members = agreed().take_apart(list(values))
    assert [type(member.root).__name__ for member in members if not isinstance(member, McpError)] == [
        "JSONRPCRequest",
        "JSONRPCNotification",
        "JSONRPCRequest",
        "JSONRPCResponse",
    ]


def test_an_empty_batch() -> None:
    with pytest.raises(ProtocolError) as refused:
        agreed().take_apart([])
    assert (refused.value.error.code, refused.value.answerable) == (-32600, True)


def test_answers_are_put_together_when_all_are_there() -> None:
    """In the order they are made; what belongs to no batch passes."""
    batches = agreed()
    batches.take_apart([request(1), note(), request("1"), request(3)])
    assert send(batches, ResultMessage(request_id="1", result=types.EmptyResult())) is None
    other = {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert send(batches, message(other)) == other
    assert send(batches, message(note())) == note()
    assert send(batches, message(request(1))) == request(1)
    assert send(batches, error_message(3, types.ErrorData(code=-5, message="no"))) is None
    assert send(batches, result(1, n=1)) == [
        {"jsonrpc": "2.0", "id": "1", "result": {}},
        {"jsonrpc": "2.0", "id": 3, "error": {"code": -5, "message": "no"}},
        {"jsonrpc": "2.0", "id": 1, "result": {"n": 1}},
    ]
    late = {"jsonrpc": "2.0", "id": 1, "result": {"n": 2}}
    assert send(batches, message(late)) == late


def test_a_batch_of_one_is_answered_as_a_batch() -> None:
    batches = agreed()
    batches.take_apart([request(1)])
    assert send(batches, result(1)) == [{"jsonrpc": "2.0", "id": 1, "result": {}}]


def test_a_batch_without_requests_has_no_answer() -> None:
    batches = agreed()
    batches.take_apart([note(), note()])
    assert batches.rest() == []
    assert send(batches, result(1)) == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_members_that_are_no_messages() -> None:
    """They are refused one by one; those with an id, of whatever kind, get an answer in the batch."""
    batches = agreed()
    members = batches.take_apart([request(1), request(None), {**request(2), "jsonrpc": "1.0"}, 5, {}, INITIALIZE])
    errors = [member for member in members if isinstance(member, ProtocolError)]
    assert len(errors) == len(members) - 1
    assert [error.error.code for error in errors] == [-32600] * 5
    assert [error.request_id for error in errors] == [None, 2, None, None, "i"]
    no = types.ErrorData(code=-32600, message="Invalid Request")
    for request_id in (None, 2, "i"):
        assert send(batches, error_message(request_id, no)) is None
    assert [answer["id"] for answer in send(batches, result(1))] == [None, 2, "i", 1]


def test_an_error_without_an_id_is_no_request() -> None:
    batches = agreed()
    (member,) = batches.take_apart([{"jsonrpc": "2.0", "error": {"code": -1, "message": "unreadable"}}])
    assert isinstance(member, McpError)
    assert batches.rest() == []


def test_one_id_twice_and_two_batches_at_once() -> None:
    """Each answer goes to the batch that has waited for its id longest."""
    batches = agreed()
    batches.take_apart([request(1), request(1)])
    batches.take_apart([request(1), request(2)])
    assert send(batches, result(1, n=1)) is None
    assert len(send(batches, result(1, n=2))) == 2
    assert send(batches, result(2)) is None
    assert len(send(batches, result(1, n=3))) == 2
    assert batches._open == {}


def test_what_is_left_at_the_end() -> None:
    """The answers that are there go out; those that come later go out alone."""
    batches = agreed()
    batches.take_apart([request(1), request(2), request(3)])
    batches.take_apart([request(4)])
    send(batches, result(2))
    assert [json.loads(line) for line in batches.rest()] == [[{"jsonrpc": "2.0", "id": 2, "result": {}}]]
    assert batches.rest() == []
    assert send(batches, result(1)) == {"jsonrpc": "2.0", "id": 1, "result": {}}
