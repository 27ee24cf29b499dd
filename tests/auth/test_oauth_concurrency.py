"""Requests side by side: no lock on the wire, one refresh, one flow (CL-8), and the end of every wait."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest

from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.client.auth._single_flight import SingleFlight
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

pytestmark = pytest.mark.anyio

MCP = "POST https://mcp.example/mcp"
TOKEN = "POST https://as.example/token"


def provider_with_token(world: Any, make_storage: Any, **token: Any) -> OAuthClientProvider:
    client = OAuthClientInformationFull.model_validate(
        {"client_id": "stored", "redirect_uris": ["http://localhost:3030/callback"], "issuer": "https://as.example"}
    )
    tokens = OAuthToken.model_validate({"access_token": "token-old", "refresh_token": "refresh-old", **token})
    return OAuthClientProvider(**world.arguments(storage=make_storage(tokens, client)))


async def all_at_once(count: int, call: Callable[[], Awaitable[httpx.Response]]) -> list[int | Exception]:
    results: list[int | Exception] = []

    async def one() -> None:
        try:
            results.append((await call()).status_code)
        except Exception as error:
            results.append(error)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(one)
    return results


async def test_authorized_calls_run_side_by_side(world: Any, make_storage: Any) -> None:
    """CL-8: four calls of 0.6 s take less than 0.9 s."""
    running = 0
    all_there = anyio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal running
        running += 1
        if running == 4:
            all_there.set()
        await all_there.wait()  # nobody is answered before all are there
        await anyio.sleep(0.6)
        return httpx.Response(200)

    world.answers[MCP] = slow
    provider = provider_with_token(world, make_storage)
    started = time.monotonic()
    assert await all_at_once(4, lambda: world.call(provider)) == [200] * 4
    assert time.monotonic() - started < 0.9
    assert {request.headers["authorization"] for request in world.seen} == {"Bearer token-old"}


async def test_a_request_whose_headers_never_come_stops_nobody(world: Any, make_storage: Any) -> None:
    """CL-8"""
    provider = provider_with_token(world, make_storage)
    world.good_tokens.add("token-old")
    on_the_wire = anyio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        on_the_wire.set()
        await anyio.sleep_forever()
        raise AssertionError

    world.answers["GET https://mcp.example/mcp"] = hang
    with anyio.fail_after(5):
        async with world.http(provider) as http, anyio.create_task_group() as tasks:
            tasks.start_soon(http.get, world.server_url)
            await on_the_wire.wait()
            assert not provider.context.lock.locked()
            assert (await http.post(world.server_url)).status_code == 200
            tasks.cancel_scope.cancel()


async def test_one_refresh_for_ten_requests(world: Any, make_storage: Any) -> None:
    """CL-8 CL-12"""
    provider = provider_with_token(world, make_storage)
    await provider._initialize()
    provider.context.token_expiry_time = time.time() - 1

    async def slow_token(request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.02)
        assert not provider.context.lock.locked()
        return world.serve_token(request)

    world.answers[TOKEN] = slow_token
    assert await all_at_once(10, lambda: world.call(provider)) == [200] * 10
    assert world.log.count(TOKEN) == 1
    assert world.log.count(MCP) == 10


async def test_refreshed_token_that_expires_at_once_is_refreshed_once_per_round(world: Any, make_storage: Any) -> None:
    """CL-12: a server whose tokens live for no time does not make anybody wait for ever."""
    provider = provider_with_token(world, make_storage)
    await provider._initialize()
    provider.context.token_expiry_time = time.time() - 1

    async def slow_token(request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.02)
        return world.serve_token(request)

    world.answers[TOKEN] = slow_token
    world.token_answers = [{"access_token": "token-short", "expires_in": -1}]
    assert await all_at_once(5, lambda: world.call(provider)) == [200] * 5
    assert world.log.count(TOKEN) == 1


@pytest.mark.parametrize("stored", [True, False])
async def test_one_flow_for_ten_refused_requests(world: Any, make_storage: Any, stored: bool) -> None:
    """CL-8 CL-14"""
    provider = provider_with_token(world, make_storage) if stored else OAuthClientProvider(**world.arguments())
    arrived = 0
    all_there = anyio.Event()

    async def serve(request: httpx.Request) -> httpx.Response:
        nonlocal arrived
        arrived += 1
        if arrived == 10:
            all_there.set()
        await all_there.wait()
        return world.serve_mcp(request)

    world.answers[MCP] = serve
    assert await all_at_once(10, lambda: world.call(provider)) == [200] * 10
    assert world.log.count(TOKEN) == 1
    assert world.log.count(MCP) == 20
    assert len(world.opened) == (0 if stored else 1)


async def test_a_401_that_comes_after_the_flow_uses_its_token(world: Any, make_storage: Any) -> None:
    """CL-8"""
    provider = provider_with_token(world, make_storage)
    refused, release = anyio.Event(), anyio.Event()

    async def serve(request: httpx.Request) -> httpx.Response:
        answer = world.serve_mcp(request)
        if "x-late" in request.headers and answer.status_code == 401:
            refused.set()
            await release.wait()
        return answer

    world.answers[MCP] = serve
    statuses: list[int] = []

    async def late_call() -> None:
        async with world.http(provider) as http:
            statuses.append((await http.post(world.server_url, headers={"x-late": "1"})).status_code)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(late_call)
            await refused.wait()
            statuses.append((await world.call(provider)).status_code)
            release.set()
    assert statuses == [200, 200]
    assert world.log.count(TOKEN) == 1


async def test_a_refusal_is_shared(world: Any) -> None:
    """CL-7 CL-8: the user says no once."""
    provider = OAuthClientProvider(**world.arguments())

    async def refuse(query: dict[str, str]) -> Any:
        await anyio.sleep(0.02)
        return "", query["state"]

    world.callback = refuse
    results = await all_at_once(5, lambda: world.call(provider))
    assert len(world.opened) == 1
    assert {str(result) for result in results} == {"No authorization code received"}
    assert {type(result) for result in results} == {OAuthFlowError}
    assert len({id(result) for result in results}) == 5


async def test_a_refusal_that_cannot_be_copied_is_shared(world: Any) -> None:
    """CL-7"""

    class Odd(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__("odd")

    async def fail(query: dict[str, str]) -> Any:
        await anyio.sleep(0.02)
        raise Odd(1, 2)

    world.callback = fail
    provider = OAuthClientProvider(**world.arguments())
    results = await all_at_once(3, lambda: world.call(provider))
    assert sorted(type(result).__name__ for result in results) == ["OAuthFlowError", "OAuthFlowError", "Odd"]
    assert {str(result) for result in results} == {"odd"}


async def test_when_the_leader_is_cancelled_another_takes_over(world: Any) -> None:
    """CL-8"""
    provider = OAuthClientProvider(**world.arguments())
    asked = anyio.Event()

    async def first_never(query: dict[str, str]) -> Any:
        if len(world.opened) == 1:
            asked.set()
            await anyio.sleep_forever()
        return "the-code", query["state"]

    world.callback = first_never
    scope = anyio.CancelScope()

    async def leader() -> None:
        with scope:
            await world.call(provider)

    statuses: list[int] = []

    async def follower() -> None:
        statuses.append((await world.call(provider)).status_code)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(leader)
            await asked.wait()
            for _ in range(3):
                tasks.start_soon(follower)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    assert statuses == [200] * 3
    assert world.log.count(TOKEN) == 1


async def test_when_the_leaders_connection_breaks_another_takes_over(world: Any) -> None:
    """CL-8"""
    provider = OAuthClientProvider(**world.arguments())
    attempts = 0

    async def flaky(request: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        await anyio.sleep(0.02)
        if attempts == 1:
            raise httpx.ConnectError("no route")
        return world.serve_token(request)

    world.answers[TOKEN] = flaky
    results = await all_at_once(3, lambda: world.call(provider))
    assert sorted(map(str, results)) == ["200", "200", "no route"]
    assert attempts == 2


async def test_different_step_ups_come_one_after_the_other(world: Any, make_storage: Any) -> None:
    """CL-8 STEP-3 R26-155"""
    provider = provider_with_token(world, make_storage)
    granted = {"token-old": ""}

    def token(request: httpx.Request) -> httpx.Response:
        name = f"token-{len(world.opened)}"
        granted[name] = world.opened[-1]["scope"]
        return httpx.Response(200, json={"access_token": name})

    async def serve(request: httpx.Request) -> httpx.Response:
        needed = request.headers["x-needs"]
        await anyio.sleep(0.01)
        held = granted[request.headers["authorization"].removeprefix("Bearer ")].split()
        challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
        return httpx.Response(200) if needed in held else httpx.Response(403, headers={"www-authenticate": challenge})

    world.answers[TOKEN] = token
    world.answers[MCP] = serve
    needs = iter(["a", "b", "c"])

    async def call() -> httpx.Response:
        async with world.http(provider) as http:
            return await http.post(world.server_url, headers={"x-needs": next(needs)})

    assert await all_at_once(3, call) == [200] * 3
    assert sorted(world.opened[-1]["scope"].split()) == ["a", "b", "c"]
    assert len(world.opened) == 3


async def test_fresh_tokens_that_are_refused_end_in_401(world: Any) -> None:
    """CL-16: whoever shared the flow does not start another."""
    world.answers[MCP] = httpx.Response(401)
    provider = OAuthClientProvider(**world.arguments())

    async def slowly(query: dict[str, str]) -> Any:
        await anyio.sleep(0.02)
        return "the-code", query["state"]

    world.callback = slowly
    assert await all_at_once(4, lambda: world.call(provider)) == [401] * 4
    assert len(world.opened) == 1


async def test_storage_is_read_once_by_many(world: Any, make_storage: Any) -> None:
    """CL-3 CL-10"""
    provider = provider_with_token(world, make_storage)
    world.good_tokens.add("token-old")
    await all_at_once(5, lambda: world.call(provider))
    assert provider.context.storage.reads == 1


async def test_a_late_look_into_storage_does_not_replace_newer_tokens(world: Any, make_storage: Any) -> None:
    """CL-3"""
    provider = provider_with_token(world, make_storage)
    storage = provider.context.storage
    newer = OAuthToken(access_token="token-newer")

    async def slow_get() -> Any:
        provider.context.current_tokens = newer
        return OAuthToken(access_token="token-stale")

    storage.get_tokens = slow_get
    await provider._initialize()
    assert provider.context.current_tokens is newer


async def test_single_flight() -> None:
    """CL-8"""
    flights = SingleFlight()
    with flights.lead() as flight:
        assert flights.current is flight
        assert flight.outcome is None
    assert flights.current is None
    assert (flight.outcome, flight.error) == ("done", None)
    with anyio.fail_after(1):
        await flight.wait()
    error = ValueError()
    with pytest.raises(ValueError), flights.lead() as flight:
        raise error
    assert (flight.outcome, flight.error) == ("failed", error)
    with pytest.raises(KeyboardInterrupt), flights.lead() as flight:
        raise KeyboardInterrupt
    assert (flight.outcome, flight.error) == ("abandoned", None)
