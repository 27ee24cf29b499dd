"""`mcp run --reload` on stdio: one client, one server process after the other, as a transcript."""

import json
from typing import Any

from mcp.cli._replay import Lines, Replay


def line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def request(key: Any, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": key, "method": method, "params": params}


def result(key: Any, **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": key, "result": members}


def notification(method: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method}


def to_server(lines: Lines) -> list[Any]:
    assert lines.to_client == []
    return [json.loads(each) for each in lines.to_server]


def to_client(lines: Lines) -> list[Any]:
    assert lines.to_server == []
    return [json.loads(each) for each in lines.to_client]


INITIALIZE = request(0, "initialize", protocolVersion="2025-11-25")
INITIALIZED = notification("notifications/initialized")
CHANGES = [notification(f"notifications/{name}/list_changed") for name in ("tools", "resources", "prompts")]


def connected() -> Replay:
    """A conversation in which client and server have shaken hands."""
    replay = Replay()
    assert replay.started() == Lines([], [])
    assert to_server(replay.from_client(line(INITIALIZE))) == [INITIALIZE]
    replay.from_server(line(result(0, capabilities={"tools": {}})))
    assert to_server(replay.from_client(line(INITIALIZED))) == [INITIALIZED]
    return replay


def reloaded(replay: Replay) -> Lines:
    """Stop the server, start another, and let it answer the handshake."""
    replay.stopped()
    [handshake] = to_server(replay.started())
    assert handshake["method"] == "initialize"
    assert handshake["params"] == INITIALIZE["params"]
    assert handshake["id"] != INITIALIZE["id"]
    return replay.from_server(line(result(handshake["id"], capabilities={})))


def test_the_lists_are_announced_to_change() -> None:
    replay = Replay()
    replay.started()
    replay.from_client(line(INITIALIZE))
    capabilities = {"tools": {"listChanged": False}, "prompts": {}, "logging": {}, "resources": None}
    [answer] = to_client(replay.from_server(line(result(0, capabilities=capabilities, x=1))))
    assert answer["result"] == {
        "capabilities": {
            "tools": {"listChanged": True},
            "prompts": {"listChanged": True},
            "logging": {},
            "resources": None,
        },
        "x": 1,
    }


def test_a_new_server_hears_the_handshake_again() -> None:
    lines = reloaded(connected())
    assert [json.loads(each) for each in lines.to_server] == [INITIALIZED]
    assert [json.loads(each) for each in lines.to_client] == CHANGES


def test_before_the_handshake_there_is_nothing_to_repeat() -> None:
    replay = Replay()
    replay.started()
    replay.stopped()
    assert replay.started() == Lines([], [])
    assert to_server(replay.from_client(line(INITIALIZE))) == [INITIALIZE]


def test_a_refused_handshake_is_not_repeated() -> None:
    replay = Replay()
    replay.started()
    replay.from_client(line(INITIALIZE))
    replay.from_server(line({"jsonrpc": "2.0", "id": 0, "error": {"code": -1, "message": "no"}}))
    replay.stopped()
    assert replay.started() == Lines([], [])


def test_unanswered_requests_get_an_error() -> None:
    replay = connected()
    replay.from_client(line(request(1, "tools/call")))
    replay.from_client(line(request("1", "tools/call")))
    replay.from_client(line(request(2, "tools/call")))
    replay.from_server(line(result(2)))
    errors = to_client(replay.stopped())
    assert [error["id"] for error in errors] == [1, "1"]
    assert {error["error"]["code"] for error in errors} == {-32000}
    assert to_client(replay.stopped()) == []


def test_requests_wait_for_the_handshake_of_a_new_server() -> None:
    replay = connected()
    replay.stopped()
    [handshake] = to_server(replay.started())
    assert replay.from_client(line(request(1, "tools/list"))) == Lines([], [])
    assert replay.from_client(line(notification("notifications/x"))) == Lines([], [])
    lines = replay.from_server(line(result(handshake["id"])))
    assert [json.loads(each) for each in lines.to_server] == [
        INITIALIZED,
        request(1, "tools/list"),
        notification("notifications/x"),
    ]
    assert to_client(replay.from_server(line(result(1, tools=[])))) == [result(1, tools=[])]


def test_held_requests_fail_with_a_server_that_never_answers_the_handshake() -> None:
    replay = connected()
    replay.stopped()
    replay.started()
    replay.from_client(line(request(1, "tools/list")))
    assert [error["id"] for error in to_client(replay.stopped())] == [1]
    [handshake] = to_server(replay.started())
    assert len(replay.from_server(line(result(handshake["id"]))).to_server) == 1


def test_without_a_server_requests_fail_and_the_rest_is_dropped() -> None:
    replay = connected()
    replay.stopped()
    [error] = to_client(replay.from_client(line(request(1, "tools/list"))))
    assert (error["id"], error["error"]["code"]) == (1, -32000)
    assert replay.from_client(line(notification("notifications/x"))) == Lines([], [])


def test_a_client_that_is_ready_only_after_the_reload() -> None:
    replay = Replay()
    replay.started()
    replay.from_client(line(INITIALIZE))
    replay.from_server(line(result(0, capabilities={})))
    lines = reloaded(replay)
    assert lines.to_server == []
    assert to_server(replay.from_client(line(INITIALIZED))) == [INITIALIZED]


def test_state_set_by_requests_is_set_again() -> None:
    replay = connected()
    kept = [request(3, "logging/setLevel", level="error"), request(4, "resources/subscribe", uri="a://b")]
    gone = [request(1, "logging/setLevel", level="info"), request(2, "resources/subscribe", uri="a://c")]
    for each in [*gone, *kept, request(5, "resources/unsubscribe", uri="a://c"), request(6, "logging/setLevel")]:
        replay.from_client(line(each))
        if each["id"] == 6:
            replay.from_server(line({"jsonrpc": "2.0", "id": 6, "error": {}}))
        else:
            replay.from_server(line(result(each["id"])))
    lines = reloaded(replay)
    repeated = [json.loads(each) for each in lines.to_server[1:]]
    assert [(each["method"], each["params"]) for each in repeated] == [
        (each["method"], each["params"]) for each in kept
    ]
    # The answers are not for the client.
    assert replay.from_server(line(result(repeated[0]["id"]))) == Lines([], [])
    assert replay.from_server(line(result(repeated[1]["id"]))) == Lines([], [])


def test_answers_to_a_server_that_is_gone_do_not_reach_the_next() -> None:
    replay = connected()
    asked = request(0, "roots/list")
    assert to_client(replay.from_server(line(asked))) == [asked]
    reloaded(replay)
    assert replay.from_client(line(result(0, roots=[]))) == Lines([], [])
    # The next server may use the same id.
    replay.from_server(line(asked))
    assert to_server(replay.from_client(line(result(0, roots=[])))) == [result(0, roots=[])]


def test_notifications_of_the_server_pass() -> None:
    message = notification("notifications/message")
    assert to_client(connected().from_server(line(message))) == [message]


def test_what_is_no_single_message_passes_as_it_is() -> None:
    replay = connected()
    for text in (b"noise\n", b"[]\n", b"3\n", b"[" * 100_000 + b"\n", line(request({"odd": 1}, "x"))):
        assert replay.from_client(text) == Lines([text], [])
        assert replay.from_server(text).to_client == [text]
