"""POST over ASGI: what is answered how, and who waits for what."""

import json
from typing import Any

import anyio
import pytest

import mcp.types as types
from mcp.server._http import writers
from mcp.server.streamable_http import StreamableHTTPServerTransport

pytestmark = pytest.mark.anyio

MODES = pytest.mark.parametrize("json_response", [False, True], ids=["sse", "json"])


@MODES
async def test_notifications_and_responses(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-34: also unknown ones"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session()
        for body in (
            http.INITIALIZED,
            {"jsonrpc": "2.0", "method": "notifications/unknown"},
            {"jsonrpc": "2.0", "id": 77, "result": {}},
            {"jsonrpc": "2.0", "id": 77, "error": {"code": 1, "message": "x"}},
            {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}},
        ):
            call = await wire.send(body=body, headers=own)
            assert (call.status, call.body) == (202, b"")
            assert call.headers["content-type"] == "application/json"
            assert call.session_id == own["mcp-session-id"]


async def test_a_request_is_answered_with_a_stream(demo: Any, http: Any) -> None:
    """TSV-24 TSV-35"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        call = await wire.send(body=http.call_tool("notify", 7, count=2), headers=own)
        assert call.status == 200
        assert call.headers == {
            "content-type": "text/event-stream",
            "cache-control": "no-cache, no-transform",
            "connection": "keep-alive",
            "x-accel-buffering": "no",
            "mcp-session-id": own["mcp-session-id"],
        }
        assert [event.event for event in call.events] == ["message"] * 3
        assert [event.id for event in call.events] == [None] * 3
        assert [event.json.get("method") for event in call.events] == ["notifications/message"] * 2 + [None]
        assert call.answer["id"] == 7
        assert call.complete


async def test_http2_streams_have_no_connection_header(demo: Any, http: Any) -> None:
    """TSV-35: the header is illegal there"""
    async with http.serve(demo) as wire:
        call = await wire.initialize(http_version="2")
        assert "connection" not in call.headers


async def test_a_request_is_answered_with_json(demo: Any, http: Any) -> None:
    """TSV-37"""
    async with http.serve(demo, json_response=True) as wire:
        own = await wire.session()
        call = await wire.send(body=http.call_tool("notify", "x"), headers=own)
        assert call.status == 200
        assert call.headers["content-type"] == "application/json"
        assert call.headers["content-length"] == str(len(call.body))
        assert call.json["id"] == "x"
        assert call.json["result"]["content"][0]["text"] == "notified"
        assert len(call.messages) == 2


@MODES
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "no/such"}, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 3}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}, -32602),
    ],
)
async def test_session_level_errors_are_http_200(
    demo: Any, http: Any, json_response: bool, body: Any, code: int
) -> None:
    """TSV-36"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session()
        call = await wire.send(body=body, headers=own)
        assert call.status == 200
        assert call.answer["error"]["code"] == code


async def test_requests_before_initialize(demo: Any, http: Any) -> None:
    """TSV-36"""
    async with http.connect(demo, StreamableHTTPServerTransport(None)) as wire:
        call = await wire.send(body=http.request("tools/list"))
        assert (call.status, call.answer["error"]["code"]) == (200, -32602)
        assert (await wire.send(body=http.request("ping"))).answer["result"] == {}


@MODES
async def test_a_second_initialize_is_refused(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-31, decision on a second initialize"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session()
        call = await wire.send(body=http.initialize("2025-03-26", 9), headers=own)
        assert (call.status, call.answer["error"]["code"]) == (200, -32600)
        assert (await wire.send(body=http.call_tool("echo", text="on"), headers=own)).answer["result"]


@MODES
async def test_ids_that_look_alike(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-41: 1 and "1" are two requests"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session()
        number = wire.start(body=http.call_tool("wait", 1, gate="number"), headers=own)
        text = wire.start(body=http.call_tool("wait", "1", gate="text"), headers=own)
        standalone = wire.start(body=http.call_tool("echo", "_GET_stream"), headers=own)
        assert (await standalone.until_done()).answer["id"] == "_GET_stream"
        await demo.until_reached("number")
        await demo.until_reached("text")
        demo.gate("text").set()
        assert (await text.until_done()).answer["id"] == "1"
        demo.gate("number").set()
        assert (await number.until_done()).answer["id"] == 1


@MODES
async def test_an_id_in_flight_is_not_taken_twice(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-41, decision on duplicate ids"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session()
        first = wire.start(body=http.call_tool("wait", 1), headers=own)
        await demo.until_reached("gate")
        second = await wire.send(body=http.call_tool("echo", 1), headers=own)
        assert second.status == 400
        assert second.json["error"] == {"code": -32600, "message": "Request id already in use"}
        demo.gate("gate").set()
        assert (await first.until_done()).answer["result"]["content"][0]["text"] == "waited"
        assert (await wire.send(body=http.call_tool("echo", 1, text="again"), headers=own)).status == 200


@MODES
async def test_a_client_that_leaves_does_not_stop_the_handler(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-40"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("wait"), headers=own)
        await demo.until_reached("gate")
        call.disconnect()
        await call.until_done()
        assert call.error is None
        assert wire.manager.statistics() == (1, 0, 0, 1)
        demo.gate("gate").set()
        assert (await wire.send(body=http.request("ping", 2), headers=own)).status == 200
        assert demo.ended == {"gate": "done"}
        assert wire.manager.statistics() == (1, 0, 0, 0)


@MODES
async def test_an_error_of_send_means_the_client_has_left(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-40: ASGI servers may raise OSError"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("notify"), headers=own)

        async def broken(_: Any) -> None:
            raise BrokenPipeError

        call.send = broken
        await call.until_done()
        assert call.error is None
        assert (await wire.send(body=http.request("ping", 2), headers=own)).status == 200
        assert wire.manager.statistics() == (1, 0, 0, 0)


@pytest.mark.parametrize(("json_response", "name"), [(False, "sse"), (True, "json")])
async def test_termination_while_a_request_waits(demo: Any, http: Any, json_response: bool, name: str) -> None:
    """TSV-38 TSV-39 TSV-45"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("wait"), headers=own)
        await demo.until_reached("gate")
        assert (await wire.send("DELETE", headers=own)).status == 200
        await call.until_done()
        assert call.complete
        if name == "sse":
            assert (call.status, call.events) == (200, [])
        else:
            assert call.status == 500
            assert call.json["error"] == {"code": -32603, "message": "Error processing request"}
        assert demo.ended == {"gate": "cancelled"}
        assert wire.manager.statistics() == (0, 0, 0, 0)


async def test_a_session_that_ends_without_an_answer(demo: Any, http: Any) -> None:
    """TSV-38: the server's run stops by itself"""
    transport = StreamableHTTPServerTransport(None, is_json_response_enabled=True)
    async with http.Wire(transport.handle_request).open() as wire:
        async with transport.connect() as (read_stream, write_stream):
            call = wire.start(body=http.request("ping"))
            await read_stream.receive()
            read_stream.close()
            await call.until_done()
            assert call.status == 500
            assert call.json["error"] == {
                "code": -32600,
                "message": "Error processing request: No response received",
            }
            await write_stream.aclose()
            for method, text in (("POST", "Error handling POST request"), ("GET", "Error handling GET request")):
                late = await wire.send(method, body=http.request("ping"))
                assert (late.status, late.json["error"]["message"]) == (500, text)
        assert transport.statistics() == (0, 0, 0)


async def test_related_requests_and_their_answers(demo: Any, http: Any) -> None:
    """TSV-57: a server request takes the stream of the client's request"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("ask"), headers=own)
        (question,) = await call.until_events(1)
        answer = {"jsonrpc": "2.0", "id": question.json["id"], "result": {"action": "decline"}}
        assert (await wire.send(body=answer, headers=own)).status == 202
        await call.until_done()
        assert call.answer["result"]["content"][0]["text"] == "decline"


async def test_json_mode_without_a_channel_fails_server_requests_at_once(demo: Any, http: Any) -> None:
    """TSV-37: and drops notifications"""
    async with http.serve(demo, json_response=True) as wire:
        own = await wire.session()
        for related in (True, False):
            call = await wire.send(body=http.call_tool("ask", related=related), headers=own)
            text = call.json["result"]["content"][0]["text"]
            assert call.json["result"]["isError"]
            assert "json_response=True" in text


async def test_json_mode_uses_the_get_stream(demo: Any, http: Any) -> None:
    """TSV-37: for related requests and notifications"""
    async with http.serve(demo, json_response=True) as wire:
        own = await wire.session()
        stream = await wire.start("GET", headers=own).until_started()
        call = wire.start(body=http.call_tool("ask"), headers=own)
        (question,) = await stream.until_events(1)
        answer = {"jsonrpc": "2.0", "id": question.json["id"], "result": {"action": "accept"}}
        assert (await wire.send(body=answer, headers=own)).status == 202
        assert (await call.until_done()).json["result"]["content"][0]["text"] == "accept"
        await wire.send(body=http.call_tool("notify"), headers=own)
        assert [event.json["method"] for event in await stream.until_events(2)][1] == "notifications/message"


async def test_stateless_servers_cannot_ask(demo: Any, http: Any) -> None:
    """TSV-79: fails at once, naming the setting"""
    for json_response in (False, True):
        async with http.serve(demo, stateless=True, json_response=json_response) as wire:
            for related in (True, False):
                call = await wire.send(body=http.call_tool("ask", related=related))
                assert call.answer["result"]["isError"]
                assert "stateless_http=True" in call.answer["result"]["content"][0]["text"]


@pytest.mark.parametrize("fail_on", ["prime", "store", "replay"])
async def test_a_store_that_fails(demo: Any, http: Any, fail_on: str, caplog: pytest.LogCaptureFixture) -> None:
    """TSV-33: while priming it is 500, and reaches the session (LLS-61); later the message matters more"""
    store = http.MemoryStore()
    async with http.serve(demo, event_store=store) as wire:
        own = await wire.session()
        stream = await wire.start("GET", headers=own).until_started()
        await stream.until_events(1)
        store.fail_on = fail_on
        call = await wire.send(body=http.call_tool("notify"), headers=own)
        if fail_on == "prime":
            assert call.status == 500
            assert call.json["error"] == {"code": -32603, "message": "Error handling POST request"}
            report = (await stream.until_events(2))[1]
            assert report.json["params"]["logger"] == "mcp.server.exception_handler"
        elif fail_on == "store":
            # Also its stream cannot be primed.
            assert call.status == 500
            old = await wire.send(body=http.call_tool("notify"), headers={**own, "mcp-protocol-version": "2025-06-18"})
            assert [event.id for event in old.events] == [None, None]
            assert "failed to store" in caplog.text
        else:
            assert call.status == 200
            resumed = await wire.send("GET", headers={**own, "last-event-id": "1"})
            assert resumed.status == 500
            assert resumed.json["error"] == {"code": -32603, "message": "Error handling GET request"}
        store.fail_on = None
        assert (await wire.send(body=http.request("ping"), headers=own)).status == 200
        assert wire.manager.statistics().unanswered == 0


async def test_headers_come_soon_even_when_the_answer_does_not(demo: Any, http: Any) -> None:
    """TSV-35"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        call = await wire.start(body=http.call_tool("wait"), headers=own).until_started()
        assert call.status == 200
        assert not demo.gate("gate").is_set()
        demo.gate("gate").set()
        await call.until_done()
        assert call.complete


async def test_a_slow_reader_holds_up_only_its_own_request(
    demo: Any, http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TSV-56"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        slow = wire.start(body=http.call_tool("notify", 1, count=40), headers=own)
        slow.may_send = anyio.Event()
        # Seventeen may wait, and the sender of the seventeenth with them.
        await demo.until_reached("notified 15")
        await anyio.wait_all_tasks_blocked()
        assert not demo.reach("notified 39").is_set()
        for number in range(2, 6):
            call = await wire.send(body=http.call_tool("echo", number, text="on"), headers=own)
            assert call.answer["id"] == number
        slow.may_send.set()
        await slow.until_done()
        assert len(slow.events) == 41


async def test_a_reader_that_stalls_for_ever_is_given_up(demo: Any, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """TSV-56: a half-open connection does not hold its request for ever"""
    monkeypatch.setattr("mcp.server._http.heartbeat.TICK_SECONDS", 0.01)
    monkeypatch.setattr("mcp.server._http.heartbeat.PING_SECONDS", 0.02)
    monkeypatch.setattr(writers, "STALL_SECONDS", 0.05)
    monkeypatch.setattr(writers, "SHORT_SECONDS", 0.01)
    async with http.serve(demo) as wire:
        own = await wire.session()
        stalled = wire.start(body=http.call_tool("notify", 1, count=1, gate="gate"), headers=own)
        await stalled.until_events(1)
        stalled.may_send = anyio.Event()
        await stalled.until_done()
        assert stalled.error is None
        demo.gate("gate").set()
        assert (await wire.send(body=http.request("ping", 2), headers=own)).status == 200
        assert wire.manager.statistics() == (1, 0, 0, 0)


async def test_pings(demo: Any, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """TSV-35"""
    monkeypatch.setattr("mcp.server._http.heartbeat.TICK_SECONDS", 0.01)
    monkeypatch.setattr("mcp.server._http.heartbeat.PING_SECONDS", 0.02)
    async with http.serve(demo) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("wait"), headers=own)
        await call.until(lambda: call.body.count(b": ping - ") >= 2)
        demo.gate("gate").set()
        await call.until_done()
        assert call.answer["id"] == 1


async def test_big_and_strange_content(demo: Any, http: Any) -> None:
    """TSV-35: five megabytes, and characters that readers stumble over"""
    text = "\u2028\u2029\u0085\r\n\r\U0001f980é"
    for json_response in (False, True):
        async with http.serve(demo, json_response=json_response, max_request_body_size=10_000_000) as wire:
            own = await wire.session()
            call = await wire.send(body=http.call_tool("echo", text=text), headers=own)
            assert call.answer["result"]["content"][0]["text"] == text
            big = "\U0001f980" * 1_250_000
            body = json.dumps(http.call_tool("echo", text=big), ensure_ascii=False).encode()
            chunks = [body[start : start + 65_537] for start in range(0, len(body), 65_537)]
            call = await wire.send(chunks=chunks, headers=own)
            assert call.answer["result"]["content"][0]["text"] == big


async def test_handlers_see_the_http_request(demo: Any, http: Any) -> None:
    """TSV-34, LLS-23: its headers, and its body although that was read"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        await wire.send(body=http.call_tool("echo", text="x"), headers={**own, "x-trace": "7"}, state={"seen": 1})
        request = demo.seen[0].request
        assert request.headers["x-trace"] == "7"
        assert request.state.seen == 1
        assert (await request.json())["params"]["name"] == "echo"


async def test_results_without_a_json_form(demo: Any, http: Any) -> None:
    """TSV-35: are answered with an error"""
    demo.request_handlers[types.ListToolsRequest] = lambda _: _unserialisable()
    async with http.serve(demo) as wire:
        own = await wire.session()
        call = await wire.send(body=http.request("tools/list"), headers=own)
        assert call.answer["error"]["code"] == -32603


async def _unserialisable() -> types.ServerResult:
    return types.ServerResult(types.EmptyResult.model_validate({"x": "\ud800"}))


# Batches of revision 2025-03-26


@MODES
async def test_a_batch_is_answered_whole(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-26 row 11: only for the revision that has batches"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session("2025-03-26")
        batch = [http.call_tool("wait", 1), http.INITIALIZED, http.call_tool("notify", "1")]
        for headers in (own, {**own, "mcp-protocol-version": None}):
            call = wire.start(body=batch, headers=headers)
            await demo.until_reached("gate")
            demo.gate("gate").set()
            await call.until_done()
            assert call.status == 200
            answers = call.json if json_response else [event.json for event in call.events if "id" in event.json]
            assert sorted(str(type(answer["id"])) for answer in answers) == ["<class 'int'>", "<class 'str'>"]
            if not json_response:
                assert len(call.events) == 3
        assert (await wire.send(body=[http.INITIALIZED], headers=own)).status == 202
        assert wire.manager.statistics() == (1, 0, 0, 0)


async def test_who_may_send_a_batch(demo: Any, http: Any) -> None:
    """TSV-26 row 11"""
    batch = [http.request("ping", 1)]
    async with http.serve(demo) as wire:
        own = await wire.session("2025-06-18")
        for version, status in (("2025-06-18", 400), (None, 400), ("2025-03-26", 200)):
            call = await wire.send(body=batch, headers={**own, "mcp-protocol-version": version})
            assert call.status == status
    async with http.serve(demo, stateless=True) as wire:
        assert (await wire.send(body=batch)).status == 400
        assert (await wire.send(body=batch, headers={"mcp-protocol-version": "2025-03-26"})).status == 200


@MODES
async def test_a_batch_with_an_id_in_flight(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-41"""
    async with http.serve(demo, json_response=json_response) as wire:
        own = await wire.session("2025-03-26")
        first = wire.start(body=[http.call_tool("wait", 1), http.request("ping", 2)], headers=own)
        await demo.until_reached("gate")
        assert (await wire.send(body=[http.request("ping", 1)], headers=own)).status == 400
        assert (await wire.send(body=http.request("ping", 2), headers=own)).status == 200
        demo.gate("gate").set()
        await first.until_done()
        assert first.complete


# Older releases of starlette leave a generator behind, which trio tells.
@pytest.mark.filterwarnings("ignore:Async generator .(httpx|httpcore|starlette|anyio):ResourceWarning")
async def test_middleware_that_insists_on_an_answer(demo: Any, http: Any) -> None:
    """TSV-40: a client that vanished is no error, not even behind starlette's base class for middleware"""
    from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
    from starlette.requests import Request
    from starlette.responses import Response

    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    for json_response in (False, True):
        async with http.serve(demo, json_response=json_response) as inner:
            own = await inner.session()
            async with http.Wire(BaseHTTPMiddleware(inner.manager.handle_request, dispatch)).open() as wire:
                assert (await wire.send(body=http.call_tool("notify"), headers=own)).answer["id"] == 1
                gate = f"gate {json_response}"
                call = wire.start(body=http.call_tool("wait", gate=gate), headers=own)
                await demo.until_reached(gate)
                call.disconnect()
                await call.until_done()
                assert call.error is None
                demo.gate(gate).set()
