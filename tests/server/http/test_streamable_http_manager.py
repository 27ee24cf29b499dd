"""Sessions behind one endpoint: opened, found, limited, expired, owned, ended; and the stateless mode."""

import gc
import logging
import math
import weakref
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from mcp.server import streamable_http as transport_module
from mcp.server import streamable_http_manager as manager_module
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import EventStore, StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

pytestmark = pytest.mark.anyio


async def until(condition: Any) -> None:
    with anyio.fail_after(5):
        while not condition():
            await anyio.sleep(0.005)


def test_defaults(demo: Any) -> None:
    """TSV-72 TSV-15"""
    assert manager_module.DEFAULT_SESSION_IDLE_TIMEOUT == 1800
    assert manager_module.DEFAULT_MAX_SESSIONS == 10_000
    assert manager_module.DEFAULT_MAX_REQUEST_BODY_SIZE == 4 * 1024 * 1024
    manager = StreamableHTTPSessionManager(demo)
    assert (manager.session_idle_timeout, manager.max_sessions) == (1800, 10_000)
    assert (manager.json_response, manager.stateless, manager.event_store) == (False, False, None)
    assert (manager.security_settings, manager.retry_interval) == (None, None)
    assert manager.max_request_body_size == manager.asgi_app.max_body_size == 4 * 1024 * 1024
    assert manager.app is demo
    assert (manager._server_instances, manager._session_owners) == ({}, {})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"session_idle_timeout": 0}, "session_idle_timeout must be a positive, finite number of seconds"),
        ({"session_idle_timeout": -1}, "session_idle_timeout must be a positive, finite number of seconds"),
        ({"session_idle_timeout": math.inf}, "session_idle_timeout must be a positive, finite number of seconds"),
        ({"session_idle_timeout": math.nan}, "session_idle_timeout must be a positive, finite number of seconds"),
        ({"max_sessions": 0}, "max_sessions must be a positive number of sessions or None"),
        ({"max_sessions": -1}, "max_sessions must be a positive number of sessions or None"),
        ({"max_request_body_size": 0}, "max_request_body_size must be a positive number of bytes"),
    ],
)
def test_limits_are_positive(demo: Any, options: dict[str, Any], text: str) -> None:
    """TSV-16 TSV-72"""
    with pytest.raises(ValueError) as caught:
        StreamableHTTPSessionManager(demo, **options)
    assert str(caught.value) == text


def test_no_limits(demo: Any) -> None:
    """TSV-72"""
    manager = StreamableHTTPSessionManager(demo, session_idle_timeout=None, max_sessions=None)
    assert (manager.session_idle_timeout, manager.max_sessions) == (None, None)


async def test_run_is_entered_once(demo: Any) -> None:
    """TSV-73"""
    manager = StreamableHTTPSessionManager(demo)
    async with manager.run():
        with pytest.raises(RuntimeError, match="can only be called once"):
            async with manager.run():
                raise AssertionError
    with pytest.raises(RuntimeError) as caught:
        async with manager.run():
            raise AssertionError
    assert str(caught.value) == (
        "StreamableHTTPSessionManager .run() can only be called once per instance. "
        "Create a new instance if you need to run again."
    )


async def test_requests_outside_of_run(demo: Any, http: Any) -> None:
    """TSV-73"""
    manager = StreamableHTTPSessionManager(demo)
    async with http.Wire(manager.handle_request).open() as wire:
        before = await wire.initialize()
        async with manager.run():
            assert (await wire.initialize()).status == 200
        after = await wire.initialize()
        for call in (before, after):
            assert isinstance(call.error, RuntimeError)
            assert str(call.error) == "Task group is not initialized. Make sure to use run()."


async def test_run_may_be_left_in_another_task(demo: Any, http: Any) -> None:
    """TSV-73: fixtures and exit stacks do so"""
    stack = AsyncExitStack()
    manager = StreamableHTTPSessionManager(demo)

    async def enter() -> None:
        await stack.enter_async_context(manager.run())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(enter)
    async with http.Wire(manager.handle_request).open() as wire:
        await wire.session()
    await stack.aclose()
    assert demo.living == 0


async def test_leaving_run_ends_everything(demo: Any, http: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TSV-74 TSV-77"""
    manager = StreamableHTTPSessionManager(demo)
    manager.drain_seconds = 0
    async with http.Wire(manager.handle_request).open() as wire:
        async with manager.run():
            own = await wire.session()
            await wire.session()
            stream = await wire.start("GET", headers=own).until_started()
            call = wire.start(body=http.call_tool("wait"), headers=own)
            await demo.until_reached("gate")
            assert manager.statistics() == (2, 2, 2, 1)
        for open_call in (stream, call):
            await open_call.until_done()
            assert open_call.complete
            assert open_call.error is None
        assert demo.ended == {"gate": "cancelled"}
        assert demo.living == 0
        assert manager.statistics() == (0, 0, 0, 0)
        assert manager._server_instances == manager._session_owners == {}
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("options", [{}, {"json_response": True}, {"stateless": True}])
async def test_running_calls_may_finish(demo: Any, http: Any, options: dict[str, Any]) -> None:
    """TSV-74: within `drain_seconds`; GET streams do not count"""
    manager = StreamableHTTPSessionManager(demo, **options)
    manager.drain_seconds = http.LIMIT
    async with http.Wire(manager.handle_request).open() as wire:
        async with manager.run():
            own = {} if options.get("stateless") else await wire.session()
            stream = await wire.start("GET", headers=own).until_started()
            call = wire.start(body=http.call_tool("wait"), headers=own)
            await demo.until_reached("gate")

            async def open_the_gate_when_the_stream_has_ended() -> None:
                await stream.until_done()
                demo.gate("gate").set()

            wire.tasks.start_soon(open_the_gate_when_the_stream_has_ended)
        assert stream.complete
        await call.until_done()
        assert call.answer["result"]["content"][0]["text"] == "waited"
        assert demo.living == 0


async def test_a_cancelled_run_does_not_drain(demo: Any, http: Any) -> None:
    """TSV-74"""
    manager = StreamableHTTPSessionManager(demo)
    manager.drain_seconds = 1000
    async with http.Wire(manager.handle_request).open() as wire:
        with anyio.CancelScope() as scope:
            async with manager.run():
                own = await wire.session()
                call = wire.start(body=http.call_tool("wait"), headers=own)
                await demo.until_reached("gate")
                scope.cancel()
                await anyio.sleep(0)
        await call.until_done()
        assert (demo.ended, demo.living) == ({"gate": "cancelled"}, 0)


async def test_sessions_are_opened_and_found(demo: Any, http: Any) -> None:
    """TSV-75, LLS-2: a lifespan for each"""
    async with http.serve(demo) as wire:
        first, second = await wire.session(), await wire.session()
        assert first["mcp-session-id"] != second["mcp-session-id"]
        assert len(str(first["mcp-session-id"])) == 32
        int(str(first["mcp-session-id"]), 16)
        assert set(wire.manager._server_instances) == {first["mcp-session-id"], second["mcp-session-id"]}
        assert (demo.runs, demo.lives) == (2, 2)


async def test_a_refused_opening_request_leaves_nothing(demo: Any, http: Any) -> None:
    """TSV-75: a session was made for it, and given up"""
    async with http.serve(demo) as wire:
        call = await wire.send(body=http.request("ping"))
        assert (call.status, len(str(call.session_id))) == (400, 32)
        await until(lambda: demo.living == 0)
        assert (demo.runs, demo.lives) == (1, 1)
        assert wire.manager.statistics() == (0, 0, 0, 0)
        late = await wire.send(body=http.request("ping"), headers={"mcp-session-id": call.session_id})
        assert late.json["error"]["message"] == "Session not found"


async def test_an_opening_request_without_an_answer(demo: Any, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """TSV-75: nobody knows the session when its client has gone or its request was cancelled"""

    class Slow(type(demo)):
        async def run(self, *args: Any, **kwargs: Any) -> None:
            await anyio.sleep_forever()

    monkeypatch.setattr(manager_module, "TEARDOWN_SECONDS", 0.01)
    manager = StreamableHTTPSessionManager(Slow(), json_response=True)
    async with manager.run():
        async with http.Wire(manager.handle_request).open() as wire:
            gone = wire.start(body=http.initialize())
            await anyio.wait_all_tasks_blocked()
            assert manager.statistics().sessions == 1
            gone.disconnect()
            await gone.until_done()
            assert (gone.status, gone.body) == (408, b"")
            assert manager.statistics() == (0, 0, 0, 0)
            wire.start(body=http.initialize())
            await anyio.wait_all_tasks_blocked()
            wire.tasks.cancel_scope.cancel()
        assert manager.statistics() == (0, 0, 0, 0)
    # Servers that do not end with their streams are cancelled.
    assert manager._runs.count == 0


async def test_a_server_that_fails_to_start(demo: Any, http: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TSV-77: 500 for the opening request, and nothing left"""

    class Broken(Server[Any, Any]):
        async def run(self, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("no")

    for options in ({}, {"stateless": True}):
        async with http.serve(Broken("broken", version="1"), **options) as wire:
            for method in ("POST", "GET"):
                call = await wire.send(method, http.initialize())
                assert call.status in (400, 500)
                assert call.error is None
            assert wire.manager.statistics() == (0, 0, 0, 0)
    assert "crashed" in caplog.text


async def test_a_server_that_crashes(demo: Any, http: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TSV-77"""

    class Crashing(type(demo)):
        async def run(self, *args: Any, **kwargs: Any) -> None:
            if self.runs:
                return await super().run(*args, **kwargs)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: super(Crashing, self).run(*args, **kwargs))
                await self.gate("crash").wait()
                raise RuntimeError("crash")

    server = Crashing()
    async with http.serve(server) as wire:
        own = await wire.session()
        call = wire.start(body=http.call_tool("wait"), headers=own)
        await server.until_reached("gate")
        server.gate("crash").set()
        await call.until_done()
        assert (call.complete, call.events) == (True, [])
        await until(lambda: f"Session {own['mcp-session-id']} crashed" in caplog.text)
        late = await wire.send(body=http.request("ping"), headers=own)
        assert (late.status, late.json["error"]["message"]) == (404, "Session not found")
        assert wire.manager.statistics() == (0, 0, 0, 0)
        assert (await wire.initialize()).answer["result"]


async def test_idle_sessions_end(demo: Any, http: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TSV-55 TSV-77: with its lifespan left in good order"""
    caplog.set_level(logging.INFO, manager_module.__name__)
    async with http.serve(demo, session_idle_timeout=0.1) as wire:
        own = await wire.session()
        await until(lambda: wire.manager.statistics().sessions == 0)
        assert f"Session {own['mcp-session-id']} idle timeout" in caplog.text
        await until(lambda: demo.living == 0)
        late = await wire.send(body=http.request("ping"), headers=own)
        assert (late.status, late.json["error"]["message"]) == (404, "Session not found")
        # And the next one, after the queue was empty.
        await wire.session()
        await until(lambda: wire.manager.statistics().sessions == 0)


async def test_busy_sessions_do_not_expire(demo: Any, http: Any) -> None:
    """TSV-55: an open stream counts as use"""
    async with http.serve(demo, session_idle_timeout=0.05) as wire:
        own = await wire.session()
        stream = await wire.start("GET", headers=own).until_started()
        await anyio.sleep(0.15)
        assert (await wire.send(body=http.request("ping"), headers=own)).status == 200
        stream.disconnect()
        await until(lambda: wire.manager.statistics().sessions == 0)


async def test_sessions_without_a_timeout(demo: Any, http: Any) -> None:
    """TSV-72"""
    async with http.serve(demo, session_idle_timeout=None) as wire:
        own = await wire.session()
        assert wire.manager._server_instances[own["mcp-session-id"]].idle_scope is None


async def test_ended_sessions_do_not_pile_up_in_the_queue(demo: Any, http: Any) -> None:
    """TSV-77"""
    async with http.serve(demo) as wire:
        for _ in range(5):
            own = await wire.session()
            await wire.send("DELETE", headers=own)
        assert len(wire.manager._expiry) == 0


# Stateless


@pytest.mark.parametrize("json_response", [False, True])
async def test_stateless_requests(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-78, LLS-2, LIFE-2: without initialize, without a session id, one run of the server each"""
    async with http.serve(demo, stateless=True, json_response=json_response, event_store=http.MemoryStore()) as wire:
        for number in range(3):
            call = await wire.send(body=http.call_tool("echo", number, text="hi"), headers={"mcp-session-id": "any"})
            assert call.status == 200
            assert call.session_id is None
            assert call.answer["result"]["content"][0]["text"] == "hi"
            if not json_response:
                assert [event.id for event in call.events] == [None]
        assert (await wire.initialize()).session_id is None
        assert (await wire.send(body=http.INITIALIZED)).status == 202
        assert (demo.runs, demo.lives, demo.living) == (5, 5, 0)
        assert wire.manager.statistics() == (0, 0, 0, 0)
        assert wire.manager.event_store.events == []


async def test_stateless_delete_and_get(demo: Any, http: Any) -> None:
    """TSV-78: no limit of sessions applies"""
    async with http.serve(demo, stateless=True, max_sessions=1) as wire:
        gone = await wire.send("DELETE")
        assert gone.status == 405
        assert gone.json["error"]["message"] == "Method Not Allowed: Session termination not supported"
        streams = [await wire.start("GET").until_started() for _ in range(2)]
        assert [stream.status for stream in streams] == [200, 200]
        assert wire.manager.statistics() == (0, 2, 2, 0)


@pytest.mark.parametrize("json_response", [False, True])
async def test_stateless_handlers_stop_when_the_client_leaves(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-40 TSV-78"""
    async with http.serve(demo, stateless=True, json_response=json_response) as wire:
        call = wire.start(body=http.call_tool("wait"))
        await demo.until_reached("gate")
        call.disconnect()
        await call.until_done()
        assert (demo.ended, demo.living) == ({"gate": "cancelled"}, 0)
        assert wire.manager.statistics() == (0, 0, 0, 0)


async def test_cancelled_stateless_requests(demo: Any, http: Any) -> None:
    """TSV-78"""
    manager = StreamableHTTPSessionManager(demo, stateless=True)
    async with manager.run():
        async with http.Wire(manager.handle_request).open() as wire:
            wire.start(body=http.call_tool("wait"))
            await demo.until_reached("gate")
            wire.tasks.cancel_scope.cancel()
        assert demo.ended == {"gate": "cancelled"}
        assert manager.statistics() == (0, 0, 0, 0)


@pytest.mark.parametrize("json_response", [False, True])
@pytest.mark.parametrize("when", ["at work", "after a notification"])
async def test_a_stateless_server_that_crashes(
    demo: Any, http: Any, json_response: bool, when: str, caplog: pytest.LogCaptureFixture
) -> None:
    """TSV-77 TSV-78: the request is answered all the same, or its stream ends"""

    class Crashing(type(demo)):
        async def run(self, *args: Any, **kwargs: Any) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: super(Crashing, self).run(*args, **kwargs))
                await self.gate("crash").wait()
                raise RuntimeError("crash")

    server = Crashing()
    tool = http.call_tool("wait") if when == "at work" else http.call_tool("notify", gate="gate")
    async with http.serve(server, stateless=True, json_response=json_response) as wire:
        call = wire.start(body=tool)
        await server.until_reached("gate")
        if when != "at work" and not json_response:
            await call.until_events(1)
        server.gate("crash").set()
        await call.until_done()
        assert call.complete
        assert call.error is None
        assert (call.status == 500) is json_response
        assert server.ended == {"gate": "cancelled"}
        assert "Stateless session crashed" in caplog.text
        assert wire.manager.statistics() == (0, 0, 0, 0)


@pytest.mark.parametrize("json_response", [False, True])
async def test_a_stateless_server_behind_wrapped_streams(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-78 TSV-79: tracing sees what comes in, and a question to the client fails all the same"""
    seen: list[str] = []

    class Tracing:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *_: Any) -> None:
            await self._stream.aclose()

        async def __aiter__(self) -> Any:
            async for item in self._stream:
                seen.append(item.message.root.method)
                yield item

    class Traced(type(demo)):
        async def run(self, read_stream: Any, *args: Any, **kwargs: Any) -> None:
            await super().run(Tracing(read_stream), *args, **kwargs)

    async with http.serve(Traced(), stateless=True, json_response=json_response) as wire:
        call = await wire.send(body=http.call_tool("echo", text="hi"))
        assert call.answer["result"]["content"][0]["text"] == "hi"
        call = await wire.send(body=http.call_tool("ask"))
        assert call.answer["result"]["isError"]
        assert "stateless_http=True" in call.answer["result"]["content"][0]["text"]
        assert (await wire.send(body=http.INITIALIZED)).status == 202
    assert seen == ["tools/call", "tools/call", "notifications/initialized"]


async def test_a_stateless_server_that_does_not_end(demo: Any, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """TSV-78: is cancelled after a while; its client has its answer long before"""
    monkeypatch.setattr(transport_module, "TEARDOWN_SECONDS", 0.01)
    ended: list[str] = []

    class Lingering(type(demo)):
        async def run(self, *args: Any, **kwargs: Any) -> None:
            await super().run(*args, **kwargs)
            try:
                await anyio.sleep_forever()
            finally:
                ended.append("cancelled")

    async with http.serve(Lingering(), stateless=True) as wire:
        call = await wire.send(body=http.call_tool("echo", text="hi"))
        assert call.answer["result"]["content"][0]["text"] == "hi"
        assert ended == ["cancelled"]
        assert wire.manager.statistics() == (0, 0, 0, 0)


@pytest.mark.parametrize("json_response", [False, True])
async def test_a_stateless_request_leaves_nothing_to_the_collector(demo: Any, http: Any, json_response: bool) -> None:
    """TSV-78: sessions made for one request are many; what they hold is gone with them"""
    async with http.serve(demo, stateless=True, json_response=json_response) as wire:
        await wire.send(body=http.call_tool("echo"))
        demo.seen.clear()
        gc.collect()
        gc.disable()
        try:
            await wire.send(body=http.call_tool("echo"))
            session = weakref.ref(demo.seen.pop().session)
            await anyio.wait_all_tasks_blocked()
            assert session() is None
        finally:
            gc.enable()


async def test_a_stateless_request_whose_answer_cannot_be_sent(demo: Any, http: Any) -> None:
    """TSV-78: the error is that of the HTTP request, not of the session"""
    manager = StreamableHTTPSessionManager(demo, stateless=True, json_response=True)

    async def behind_middleware(scope: Any, receive: Any, send: Any) -> None:
        async def fail(message: Any) -> None:
            raise RuntimeError("middleware")

        await manager.handle_request(scope, receive, fail)

    async with manager.run(), http.Wire(behind_middleware).open() as wire:
        call = await wire.send(body=http.call_tool("echo"))
        assert str(call.error) == "middleware"
        assert manager.statistics() == (0, 0, 0, 0)
        assert demo.living == 0


# Ownership


def user(client_id: str, subject: str | None = None, issuer: str | None = None) -> Any:
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
    from mcp.server.auth.provider import AccessToken

    claims = None if issuer is None else {"iss": issuer}
    return AuthenticatedUser(AccessToken(token="t", client_id=client_id, scopes=[], subject=subject, claims=claims))


async def test_a_session_belongs_to_who_opened_it(demo: Any, http: Any) -> None:
    """TSV-26 row 3, TSV-52"""
    alice = user("app", "alice", "https://issuer")
    async with http.serve(demo) as wire:
        opening = await wire.initialize(user=alice)
        own = {"mcp-session-id": opening.session_id}
        same = user("app", "alice", "https://issuer")
        assert (await wire.send(body=http.request("ping"), headers=own, user=same)).status == 200
        strangers = [
            user("other", "alice", "https://issuer"),
            user("app", "bob", "https://issuer"),
            user("app", "alice", "https://elsewhere"),
            user("app", "alice"),
            user("app"),
            None,
            object(),
        ]
        for stranger in strangers:
            for method in ("POST", "GET", "DELETE"):
                call = await wire.send(method, http.request("ping"), own, user=stranger)
                assert (call.status, call.json["error"]["message"]) == (404, "Session not found")
                assert call.session_id is None
        assert (await wire.send("DELETE", headers=own, user=same)).status == 200
        assert wire.manager._session_owners == {}


async def test_anonymous_sessions(demo: Any, http: Any) -> None:
    """TSV-52: stay anonymous; users of other kinds do not count"""
    from starlette.authentication import SimpleUser

    async with http.serve(demo) as wire:
        own = await wire.session()
        assert (await wire.send(body=http.request("ping"), headers=own, user=SimpleUser("x"))).status == 200
        assert (await wire.send(body=http.request("ping"), headers=own, user=user("app"))).status == 404


# What programs do to the manager


async def test_transports_may_be_put_in_from_outside(demo: Any, http: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Used in the wild: `_server_instances` entries with an idempotent `terminate()`"""
    terminated: list[str] = []

    class Foreign:
        def __init__(self, name: str) -> None:
            self.name = name

        async def terminate(self) -> None:
            terminated.append(self.name)
            if self.name == "broken":
                raise RuntimeError("broken")

        async def handle_request(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 299, "headers": []})
            await send({"type": "http.response.body"})

    async with http.serve(demo) as wire:
        for name in ("one", "broken"):
            wire.manager._server_instances[name] = Foreign(name)
        assert (await wire.send(headers={"mcp-session-id": "one"})).status == 299
        assert wire.manager.statistics().sessions == 2
        await wire.session()
    assert sorted(terminated) == ["broken", "one"]
    assert "Failed to terminate a session" in caplog.text


async def test_a_subclass_may_compute_the_event_store(demo: Any, http: Any) -> None:
    """Used in the wild: `event_store` as a property, read once per transport"""
    reads: list[int] = []

    class Manager(StreamableHTTPSessionManager):
        @property
        def event_store(self) -> EventStore | None:
            reads.append(1)
            return self._own_store

        @event_store.setter
        def event_store(self, value: EventStore | None) -> None:
            self._own_store = value

    manager = Manager(demo, event_store=http.MemoryStore())
    async with manager.run(), http.Wire(manager.handle_request).open() as wire:
        for sessions in (1, 2):
            own = await wire.session()
            await wire.send(body=http.request("ping"), headers=own)
            assert len(reads) == sessions


async def test_a_session_may_be_terminated_from_outside(demo: Any, http: Any) -> None:
    """TSV-77"""
    async with http.serve(demo) as wire:
        own = await wire.session()
        transport = wire.manager._server_instances[own["mcp-session-id"]]
        assert isinstance(transport, StreamableHTTPServerTransport)
        await transport.terminate()
        assert (await wire.send(body=http.request("ping"), headers=own)).status == 404
        await until(lambda: wire.manager.statistics().sessions == 0 and demo.living == 0)


# The lazy start, for a mounted application whose lifespan nobody runs


async def test_the_lazy_start(demo: Any, http: Any) -> None:
    """APP-9: reliability hint 13"""
    manager = StreamableHTTPSessionManager(demo)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await manager._ensure_running()
        await manager.handle_request(scope, receive, send)

    async with http.Wire(app).open() as wire:
        calls = [wire.start(body=http.initialize()) for _ in range(3)]
        for call in calls:
            assert (await call.until_done()).status == 200
        assert manager.statistics().sessions == 3


def test_the_lazy_start_in_a_second_event_loop(demo: Any, http: Any, anyio_backend: str) -> None:
    """APP-9: test clients run each request in a loop of its own"""
    manager = StreamableHTTPSessionManager(demo)

    async def serve() -> None:
        await manager._ensure_running()
        async with http.Wire(manager.handle_request).open() as wire:
            own = await wire.session()
            assert (await wire.send(body=http.request("ping"), headers=own)).status == 200
            assert manager.statistics().sessions == 1

    for _ in range(2):
        anyio.run(serve, backend=anyio_backend)


async def test_the_lazy_start_leaves_a_run_alone(demo: Any, http: Any) -> None:
    """TSV-73: it starts nothing beside a run, nor after one"""
    manager = StreamableHTTPSessionManager(demo)
    async with manager.run():
        await manager._ensure_running()
        async with http.Wire(manager.handle_request).open() as wire:
            await wire.session()
            await manager._ensure_running()
            assert manager.statistics().sessions == 1
    await manager._ensure_running()
    async with http.Wire(manager.handle_request).open() as wire:
        assert isinstance((await wire.initialize()).error, RuntimeError)


async def test_a_lazy_start_that_was_cancelled(demo: Any, http: Any) -> None:
    """APP-9: the next request starts it"""
    manager = StreamableHTTPSessionManager(demo)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await manager._ensure_running()
    assert scope.cancelled_caught
    await manager._ensure_running()
    async with http.Wire(manager.handle_request).open() as wire:
        await wire.session()
