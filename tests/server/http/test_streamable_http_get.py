"""GET streams, resumption and closing streams from handlers, over ASGI."""

from typing import Any

import anyio
import pytest

from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.types import JSONRPCMessage

pytestmark = pytest.mark.anyio

OLD = "2025-06-18"


def ids(call: Any) -> list[str]:
    return [event.id for event in call.events]


def numbers(call: Any) -> list[Any]:
    """What the notifications carry, and the ids of the responses."""
    return [
        event.json["params"]["data"] if "method" in event.json else event.json["id"]
        for event in call.events
        if event.data
    ]


async def test_the_standalone_stream(demo: Any, http: Any) -> None:
    """TSV-42 TSV-43 TSV-57"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        # Nobody listens: dropped.
        assert (await wire.send(body=http.call_tool("notify", related=False), headers=own)).status == 200
        stream = await wire.start("GET", headers=own).until_started()
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-cache, no-transform"
        assert stream.session_id == own["mcp-session-id"]
        call = await wire.send(body=http.call_tool("notify", count=2, related=False), headers=own)
        assert numbers(call) == [1]
        await stream.until_events(2)
        assert numbers(stream) == [0, 1]
        assert not stream.complete


@pytest.mark.parametrize("stored", [False, True])
async def test_a_question_without_a_standalone_stream_waits(demo: Any, http: Any, stored: bool) -> None:
    """TSV-43: it is dropped, or stored for a client that comes back, and whoever asked waits for an answer"""
    store = http.MemoryStore()
    async with http.serve(demo, event_store=store if stored else None) as wire:
        own = await wire.session(OLD)
        call = wire.start(body=http.call_tool("ask", related=False), headers=own)
        await call.until_started()
        await anyio.wait_all_tasks_blocked()
        assert not call.complete
        stream = await wire.start("GET", headers=own).until_started()
        await wire.send(body=http.call_tool("notify", 2, related=False), headers=own)
        assert [event.json["method"] for event in await stream.until_events(1)] == ["notifications/message"]
        kept = [message.root for stream_id, message in store.events if stream_id.endswith("/_GET_stream")]
        assert [root.method for root in kept] == (["elicitation/create", "notifications/message"] if stored else [])
        assert not call.complete
        answer = {"jsonrpc": "2.0", "id": kept[0].id if stored else 0, "result": {"action": "decline"}}
        assert (await wire.send(body=answer, headers=own)).status == 202
        await call.until_done()
        assert call.answer["result"]["content"][0]["text"] == "decline"


async def test_only_one_standalone_stream(demo: Any, http: Any) -> None:
    """TSV-42"""
    for store in (None, http.MemoryStore()):
        async with http.serve(demo, event_store=store) as wire:
            own = await wire.session()
            first = await wire.start("GET", headers=own).until_started()
            second = await wire.send("GET", headers=own)
            assert second.status == 409
            assert second.json["error"]["message"] == "Conflict: Only one SSE stream is allowed per session"
            assert second.json["error"]["code"] == -32600
            assert not first.complete
            first.disconnect()
            await first.until_done()
            assert (await wire.start("GET", headers=own).until_started()).status == 200


async def test_delete(demo: Any, http: Any) -> None:
    """TSV-45"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        stream = await wire.start("GET", headers=own).until_started()
        call = wire.start(body=http.call_tool("wait"), headers=own)
        await demo.until_reached("gate")
        gone = await wire.send("DELETE", headers=own)
        assert (gone.status, gone.body, gone.headers["content-type"]) == (200, b"", "application/json")
        for open_call in (stream, call):
            await open_call.until_done()
            assert open_call.complete
        assert demo.ended == {"gate": "cancelled"}
        for method in ("DELETE", "GET", "POST"):
            late = await wire.send(method, body=http.request("ping"), headers=own)
            assert (late.status, late.json["error"]["message"]) == (404, "Session not found")
        assert demo.living == 0


@pytest.mark.parametrize("stateless", [False, True])
async def test_resuming_without_a_store_opens_the_standalone_stream(demo: Any, http: Any, stateless: bool) -> None:
    """TSV-50 TSV-78"""
    async with http.serve(demo, stateless=stateless) as wire:
        own = {} if stateless else await wire.session()
        stream = await wire.start("GET", headers={**own, "last-event-id": "5"}).until_started()
        assert (stream.status, stream.complete) == (200, False)


# Priming


async def test_priming(demo: Any, http: Any) -> None:
    """TSV-58 TSV-61: of the stream that answers initialize too"""
    store = http.MemoryStore()
    async with http.serve(demo, event_store=store, retry_interval=250) as wire:
        opening = await wire.initialize()
        own = {"mcp-session-id": opening.session_id, "mcp-protocol-version": "2025-11-25"}
        for call in (opening, await wire.send(body=http.call_tool("echo"), headers=own)):
            priming, answer = call.events
            assert (priming.event, priming.data, priming.retry) == (None, "", "250")
            assert answer.event == "message"
            assert int(answer.id) == int(priming.id) + 1
            assert store.events[int(priming.id) - 1][1] is None
            stored = store.events[int(answer.id) - 1][1]
            assert stored.model_dump(by_alias=True, exclude_none=True)["id"] == answer.json["id"]


async def test_priming_of_the_standalone_stream(demo: Any, http: Any) -> None:
    """TSV-44"""
    store = http.MemoryStore()
    async with http.serve(demo, event_store=store) as wire:
        own = await wire.session()
        stream = wire.start("GET", headers=own)
        (priming,) = await stream.until_events(1)
        assert (priming.data, priming.event, priming.retry) == ("", None, None)
        assert store.events[int(priming.id) - 1] == (f"{own['mcp-session-id']}/_GET_stream", None)


@pytest.mark.parametrize("version", [OLD, None])
async def test_older_clients_are_not_primed(demo: Any, http: Any, version: str | None) -> None:
    """TSV-61: nor may handlers close their streams (TSV-70)"""
    store = http.MemoryStore()
    async with http.serve(demo, event_store=store) as wire:
        own = {**(await wire.session(OLD)), "mcp-protocol-version": version}
        call = await wire.send(body=http.call_tool("echo"), headers=own)
        assert len(call.events) == 1
        assert call.events[0].id is not None
        stream = await wire.start("GET", headers=own).until_started()
        assert stream.events == []
        assert None not in [message for _, message in store.events]
        assert demo.seen[0].close_sse_stream is None
        assert demo.seen[0].close_standalone_sse_stream is None


async def test_no_priming_with_json_answers(demo: Any, http: Any) -> None:
    """TSV-61 TSV-70"""
    store = http.MemoryStore()
    async with http.serve(demo, event_store=store, json_response=True) as wire:
        own = await wire.session()
        await wire.send(body=http.call_tool("echo"), headers=own)
        assert demo.seen[0].close_sse_stream is None
        assert None not in [message for _, message in store.events]


async def test_no_close_callbacks_without_a_store(demo: Any, http: Any) -> None:
    """TSV-70"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        await wire.send(body=http.call_tool("echo"), headers=own)
        assert demo.seen[0].close_sse_stream is None


# Closing and resuming


async def test_closing_a_stream_and_coming_back(demo: Any, http: Any) -> None:
    """TSV-46 TSV-48 TSV-49 TSV-70 TSV-71"""
    store = http.MemoryStore()
    async with http.serve(demo, event_store=store, retry_interval=10) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("close", 3), headers=own)
        await demo.until_reached("before")
        await call.until_events(2)
        demo.gate("close").set()
        await call.until_done()
        assert call.complete
        assert numbers(call) == ["before"]
        await demo.until_reached("gate")

        last = call.events[0].id
        resumed = wire.start("GET", headers={**own, "last-event-id": last})
        events = await resumed.until_events(3)
        assert numbers(resumed) == ["before", "after"]
        # Primed anew, after the replay and before what is live.
        assert (events[2].data, events[2].retry) == ("", "10")
        demo.gate("gate").set()
        await resumed.until_done()
        assert resumed.complete
        assert numbers(resumed) == ["before", "after", 3]

        # It is over: replayed, and ended.
        again = await wire.send("GET", headers={**own, "last-event-id": events[2].id})
        assert (again.status, again.complete, numbers(again)) == (200, True, [3])
        assert wire.manager.statistics() == (1, 0, 0, 0)


async def test_messages_that_were_not_written_come_with_the_replay(demo: Any, http: Any) -> None:
    """TSV-71"""
    async with http.serve(demo, event_store=http.MemoryStore()) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("close"), headers=own)
        await call.until_events(1)
        call.may_send = anyio.Event()
        await demo.until_reached("before")
        demo.gate("close").set()
        demo.gate("gate").set()
        call.may_send.set()
        await call.until_done()
        last = call.events[0].id
        resumed = await wire.send("GET", headers={**own, "last-event-id": last})
        assert numbers(resumed) == ["before", "after", 1]


@pytest.mark.parametrize("related", [True, False])
async def test_what_waits_for_a_slow_reader_is_not_written_after_the_closing(
    demo: Any, http: Any, related: bool
) -> None:
    """TSV-71: it would come twice"""
    transport = StreamableHTTPServerTransport("mine", event_store=http.MemoryStore())
    async with http.connect(demo, transport) as wire:
        own = await wire.session()
        tool = http.call_tool("notify", 5, count=3, related=related, gate="gate")
        slow = wire.start(body=tool, headers=own) if related else wire.start("GET", headers=own)
        slow.may_send = anyio.Event()
        if not related:
            await anyio.wait_all_tasks_blocked()
            wire.start(body=tool, headers=own)
        await demo.until_reached("gate")
        if related:
            transport.close_sse_stream(5)
        else:
            transport.close_standalone_sse_stream()
        slow.may_send.set()
        await slow.until_done()
        (priming,) = slow.events
        resumed = wire.start("GET", headers={**own, "last-event-id": priming.id})
        await resumed.until_events(4)
        assert numbers(resumed) == [0, 1, 2]
        demo.gate("gate").set()


async def test_a_client_that_lost_its_connection_comes_back(demo: Any, http: Any) -> None:
    """TSV-40 TSV-46"""
    async with http.serve(demo, event_store=http.MemoryStore()) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("notify", 4, count=2, gate="gate"), headers=own)
        await call.until_events(3)
        call.disconnect()
        await call.until_done()
        demo.gate("gate").set()
        resumed = await wire.send("GET", headers={**own, "last-event-id": call.events[1].id})
        assert numbers(resumed) == [1, 4]


async def test_closing_the_standalone_stream(demo: Any, http: Any) -> None:
    """TSV-44 TSV-46 TSV-70: what comes before the client is back is replayed"""
    async with http.serve(demo, event_store=http.MemoryStore()) as wire:
        own = await wire.session()
        stream = wire.start("GET", headers=own)
        (priming,) = await stream.until_events(1)
        call = wire.start(body=http.call_tool("close", standalone=True), headers=own)
        demo.gate("close").set()
        await stream.until_done()
        assert stream.complete
        demo.gate("gate").set()
        await call.until_done()
        assert numbers(call) == ["before", "after", 1]
        await wire.send(body=http.call_tool("notify", related=False), headers=own)
        resumed = wire.start("GET", headers={**own, "last-event-id": priming.id})
        await resumed.until_events(2)
        await wire.send(body=http.call_tool("notify", count=2, related=False), headers=own)
        await resumed.until_events(4)
        assert numbers(resumed) == [0, 0, 1]


async def test_closing_what_is_not_open(demo: Any, http: Any) -> None:
    """TSV-70"""
    store = http.MemoryStore()
    transport = StreamableHTTPServerTransport("mine", event_store=store)
    async with http.connect(demo, transport) as wire:
        own = await wire.session()
        transport.close_sse_stream(99)
        transport.close_standalone_sse_stream()
        call = wire.start(body=http.call_tool("wait", 5), headers=own)
        await demo.until_reached("gate")
        # Programs have the id as text.
        transport.close_sse_stream("5")
        await call.until_done()
        transport.close_sse_stream(5)
        demo.gate("gate").set()


async def test_closing_without_a_store_writes_what_waits(demo: Any, http: Any) -> None:
    """TSV-44 TSV-71: nobody could replay it"""
    transport = StreamableHTTPServerTransport("mine")
    async with http.connect(demo, transport) as wire:
        own = await wire.session()
        stream = await wire.start("GET", headers=own).until_started()
        stream.may_send = anyio.Event()
        await wire.send(body=http.call_tool("notify", count=3, related=False), headers=own)
        transport.close_standalone_sse_stream()
        stream.may_send.set()
        await stream.until_done()
        assert (numbers(stream), stream.complete) == ([0, 1, 2], True)
        assert (await wire.start("GET", headers=own).until_started()).status == 200


async def test_replaying_an_unknown_event(demo: Any, http: Any) -> None:
    """TSV-47"""
    async with http.serve(demo, event_store=http.MemoryStore()) as wire:
        own = await wire.session()
        for last in ("999", "", "nope"):
            call = await wire.send("GET", headers={**own, "last-event-id": last})
            assert (call.status, call.body, call.complete) == (200, b"", True)
            assert call.headers["content-type"] == "text/event-stream"


async def test_replaying_a_stream_that_somebody_reads(demo: Any, http: Any) -> None:
    """TSV-47: for request streams and the standalone one"""
    async with http.serve(demo, event_store=http.MemoryStore()) as wire:
        own = await wire.session()
        stream = wire.start("GET", headers=own)
        (priming,) = await stream.until_events(1)
        call = wire.start(body=http.call_tool("notify", gate="gate"), headers=own)
        await call.until_events(2)
        await wire.send(body=http.call_tool("notify", 2, related=False), headers=own)
        for last, expected in ((call.events[0].id, [0]), (priming.id, [0])):
            replayed = await wire.send("GET", headers={**own, "last-event-id": last})
            assert replayed.complete
            assert numbers(replayed) == expected
        assert not call.complete
        assert not stream.complete
        demo.gate("gate").set()


async def test_the_replay_comes_after_the_checks(demo: Any, http: Any) -> None:
    """TSV-46"""
    async with http.serve(demo, event_store=http.MemoryStore()) as wire:
        own = await wire.session()
        call = await wire.send("GET", headers={"last-event-id": "1"})
        assert call.status == 400
        call = await wire.send("GET", headers={**own, "mcp-protocol-version": "x", "last-event-id": "1"})
        assert call.status == 400


async def test_sessions_cannot_read_each_other(demo: Any, http: Any) -> None:
    """TSV-51 TSV-60: one store, two sessions, every event id; the same ids of requests in both"""
    store = http.MemoryStore()
    async with http.serve(demo, event_store=store) as wire:
        mine, theirs = await wire.session(), await wire.session()
        for own, text in ((mine, "mine"), (theirs, "theirs")):
            stream = await wire.start("GET", headers=own).until_started()
            await wire.send(body=http.call_tool("echo", 1, text=text), headers=own)
            await wire.send(body=http.call_tool("notify", 2, related=False), headers=own)
            stream.disconnect()
            await stream.until_done()
        prefixes = {stream_id.split("/")[0] for stream_id, _ in store.events}
        assert prefixes == {mine["mcp-session-id"], theirs["mcp-session-id"]}
        for number in range(1, len(store.events) + 1):
            call = wire.start("GET", headers={**mine, "last-event-id": str(number)})
            await call.until_started()
            await anyio.wait_all_tasks_blocked()
            assert "theirs" not in call.text
            if not store.events[number - 1][0].startswith(mine["mcp-session-id"]):
                await call.until_done()
                assert call.body == b""
            call.disconnect()
            await call.until_done()


async def test_transports_without_an_id_do_not_share_streams(demo: Any, http: Any) -> None:
    """TSV-51"""
    store = http.MemoryStore()
    for _ in range(2):
        async with http.connect(http.Demo(), StreamableHTTPServerTransport(None, event_store=store)) as wire:
            await wire.initialize()
    assert len({stream_id for stream_id, _ in store.events}) == 2


class SlowStore:
    """Wraps a store whose calls the test holds up."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.held: dict[str, anyio.Event] = {}
        self.reached: dict[str, anyio.Event] = {}

    def hold(self, name: str) -> None:
        self.held[name] = anyio.Event()
        self.reached[name] = anyio.Event()

    async def _pass(self, name: str) -> None:
        if name in self.held:
            self.reached[name].set()
            await self.held[name].wait()

    async def store_event(self, stream_id: str, message: Any) -> str:
        event_id = await self.store.store_event(stream_id, message)
        await self._pass("prime" if message is None else "store")
        return event_id

    async def replay_events_after(self, last_event_id: str, send_callback: Any) -> str | None:
        stream_id = await self.store.replay_events_after(last_event_id, send_callback)
        await self._pass("replay")
        return stream_id


async def test_nothing_is_lost_or_doubled_while_a_replay_runs(demo: Any, http: Any) -> None:
    """TSV-46 TSV-58: a message stored after the store has read its events, and before the stream is taken up"""
    store = SlowStore(http.MemoryStore())
    async with http.serve(demo, event_store=store) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("close"), headers=own)
        demo.gate("close").set()
        await demo.until_reached("gate")
        await call.until_done()
        store.hold("replay")
        resumed = wire.start("GET", headers={**own, "last-event-id": call.events[0].id})
        with anyio.fail_after(http.LIMIT):
            await store.reached["replay"].wait()
        demo.gate("gate").set()
        await wire.send(body=http.request("ping", 2), headers=own)
        store.held["replay"].set()
        await resumed.until_done()
        assert numbers(resumed) == ["before", "after", 1]
        assert len(set(ids(resumed))) == len(ids(resumed))


async def test_a_message_being_stored_when_its_stream_is_taken_up(demo: Any, http: Any) -> None:
    """TSV-58: comes once, from the replay or live"""
    store = SlowStore(http.MemoryStore())
    async with http.serve(demo, event_store=store) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("close"), headers=own)
        demo.gate("close").set()
        await demo.until_reached("gate")
        await call.until_done()
        store.hold("store")
        demo.gate("gate").set()
        with anyio.fail_after(http.LIMIT):
            await store.reached["store"].wait()
        resumed = wire.start("GET", headers={**own, "last-event-id": call.events[0].id})
        await anyio.wait_all_tasks_blocked()
        assert resumed.messages == []
        store.held.pop("store").set()
        await resumed.until_done()
        assert numbers(resumed) == ["before", "after", 1]


async def test_a_session_that_ends_while_a_stream_is_primed(demo: Any, http: Any) -> None:
    """TSV-45: POST and GET are both told; TSV-61: and the session has seen nothing of the request yet"""
    store = SlowStore(http.MemoryStore())
    for method in ("POST", "GET"):
        async with http.serve(demo, event_store=store) as wire:
            own = await wire.session()
            store.hold("prime")
            call = wire.start(method, http.call_tool("echo"), own)
            with anyio.fail_after(http.LIMIT):
                await store.reached["prime"].wait()
            await anyio.wait_all_tasks_blocked()
            assert demo.seen == []
            assert (await wire.send("DELETE", headers=own)).status == 200
            store.held.pop("prime").set()
            await call.until_done()
            assert call.status == 404
            assert call.json["error"]["message"] == "Not Found: Session has been terminated"
            assert wire.manager.statistics() == (0, 0, 0, 0)


async def test_two_clients_take_up_the_same_stream(demo: Any, http: Any) -> None:
    """TSV-42: one gets it, also when both are primed at once"""
    store = SlowStore(http.MemoryStore())
    async with http.serve(demo, event_store=store) as wire:
        own = await wire.session()
        store.hold("prime")
        calls = [wire.start("GET", headers=own) for _ in range(2)]
        await anyio.wait_all_tasks_blocked()
        store.held.pop("prime").set()
        for call in calls:
            await call.until_started()
        assert sorted(call.status for call in calls) == [200, 409]


async def test_a_store_that_hands_over_markers(demo: Any, http: Any) -> None:
    """TSV-59: they are not replayed"""
    store = http.MemoryStore()
    inner = store.replay_events_after

    async def sloppy(last_event_id: str, send_callback: Any) -> str | None:
        from mcp.server.streamable_http import EventMessage

        await send_callback(EventMessage(None, "0"))  # pyright: ignore[reportArgumentType]
        return await inner(last_event_id, send_callback)

    store.replay_events_after = sloppy
    async with http.serve(demo, event_store=store) as wire:
        own = await wire.session()
        call = await wire.send(body=http.call_tool("echo"), headers=own)
        resumed = await wire.send("GET", headers={**own, "last-event-id": call.events[0].id})
        assert numbers(resumed) == [1]


@pytest.mark.parametrize("stored", [False, True])
async def test_messages_for_a_stream_that_is_over(http: Any, stored: bool) -> None:
    """TSV-57: stored if there is a store, else dropped"""
    store = http.MemoryStore()
    transport = StreamableHTTPServerTransport("mine", event_store=store if stored else None)
    own = {"mcp-session-id": "mine", "mcp-protocol-version": OLD}
    async with http.Wire(transport.handle_request, own).open() as wire:
        async with transport.connect() as (read_stream, write_stream):

            async def send(related: int | None = None, **members: Any) -> None:
                message = JSONRPCMessage.model_validate({"jsonrpc": "2.0", **members})
                await write_stream.send(SessionMessage(message, ServerMessageMetadata(related_request_id=related)))

            call = wire.start(body=http.request("tools/call", 7))
            await read_stream.receive()
            await send(id=7, result={})
            await call.until_done()
            await send(related=7, method="notifications/message", params={"data": "late"})
            await send(id=7, result={"again": True})
            assert len(store.events) == (3 if stored else 0)
            assert {stream_id for stream_id, _ in store.events} <= {"mine/7"}
            if stored:
                replayed = await wire.send("GET", headers={"last-event-id": "1"})
                assert numbers(replayed) == ["late", 7]
