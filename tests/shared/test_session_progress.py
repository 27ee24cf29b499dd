"""Progress of requests: SES-18 to SES-22, and the helper for handlers: SES-54."""

import contextlib
import logging
from datetime import timedelta
from typing import Any

import anyio
import pytest

import mcp.shared.session
from mcp import types
from mcp.client.session import ClientSession
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import McpError
from mcp.shared.progress import Progress, ProgressContext, progress
from mcp.types import CallToolRequest, CallToolRequestParams, ClientRequest, EmptyResult, PingRequest

pytestmark = pytest.mark.anyio


def progress_of(token: Any, amount: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"method": "notifications/progress", "params": {"progressToken": token, "progress": amount, **more}}


class Reports:
    """A progress callback that keeps what it gets."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    async def __call__(self, *report: Any) -> None:
        self.seen.append(report)


@pytest.mark.parametrize(
    ("params", "sent"),
    [
        pytest.param(None, {"_meta": {"progressToken": 0}}, id="no params"),
        pytest.param({"name": "t"}, {"name": "t", "_meta": {"progressToken": 0}}, id="no meta"),
        pytest.param(
            {"name": "t", "_meta": {"a": 1}}, {"name": "t", "_meta": {"a": 1, "progressToken": 0}}, id="other members"
        ),
        pytest.param(
            {"name": "t", "_meta": {"progressToken": "mine"}},
            {"name": "t", "_meta": {"progressToken": 0}},
            id="a token of the caller's",
        ),
    ],
)
async def test_the_token_is_the_id(raw_peer: Any, params: Any, sent: Any) -> None:
    """SES-18."""
    request: Any = PingRequest()
    if params is not None:
        request = CallToolRequest(params=CallToolRequestParams.model_validate(params))
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.send_request, ClientRequest(request), EmptyResult, None, None, Reports())
            assert (await peer.receive())["params"] == sent
            await peer.send(id=0, result={})
    # The caller's own object is as it was.
    if params is not None:
        assert request.params.model_dump(by_alias=True, exclude_none=True) == params


async def test_the_callback_gets_each_report(raw_peer: Any) -> None:
    """SES-19: three positional arguments; tokens are compared as they are."""
    reports = Reports()
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.send_request, ClientRequest(PingRequest()), EmptyResult, None, None, reports)
            await peer.receive()
            await peer.send(**progress_of(0, 1))
            await peer.send(**progress_of("0", 2))
            await peer.send(**progress_of(1, 3))
            await peer.send(**progress_of(0, 0.5, total=4, message="half"))
            await peer.send(id=0, result={})
    assert reports.seen == [(1.0, None, None), (0.5, 4.0, "half")]


@pytest.mark.parametrize("end", ["result", "error", "timeout", "cancel", "invalid"])
async def test_the_callback_is_forgotten_with_its_request(raw_peer: Any, end: str) -> None:
    """SES-20."""
    reports = Reports()
    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    async with (
        raw_peer() as peer,
        ClientSession(peer.read_stream, peer.write_stream, message_handler=take) as session,
    ):
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                timeout = timedelta(seconds=0.01) if end == "timeout" else None
                with contextlib.suppress(McpError, ValueError):
                    await session.send_request(
                        ClientRequest(PingRequest()), types.ListToolsResult, timeout, progress_callback=reports
                    )

            tasks.start_soon(call)
            await peer.receive()
            if end == "result":
                await peer.send(id=0, result={"tools": []})
            elif end == "error":
                await peer.send(id=0, error={"code": 1, "message": "x"})
            elif end == "invalid":
                await peer.send(id=0, result={})
            elif end == "cancel":
                tasks.cancel_scope.cancel()
        if end in ("cancel", "timeout"):
            await peer.receive()
        await peer.send(**progress_of(0))
        await peer.silent()
        assert session._progress_callbacks == {}
    assert reports.seen == []
    assert len(seen) == 1


async def test_a_request_that_could_not_be_sent_leaves_no_callback(raw_peer: Any) -> None:
    """SES-20."""
    async with raw_peer() as peer, ClientSession(peer.read_stream, peer.write_stream) as session:
        unsendable = CallToolRequest(params=CallToolRequestParams(name="t", arguments={"a": object()}))
        with pytest.raises(ValueError, match="serialize"):
            await session.send_request(ClientRequest(unsendable), EmptyResult, progress_callback=Reports())
        assert session._progress_callbacks == {}


async def test_a_callback_that_raises(
    raw_peer: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SES-21: logged on the root logger, through a name that programs patch (SES-68); the request is unaffected."""
    calls: list[tuple[Any, ...]] = []
    log = logging.error
    monkeypatch.setattr(
        mcp.shared.session.logging, "error", lambda *arguments: (calls.append(arguments), log(*arguments))
    )
    error = KeyError("callback")

    async def fails(*report: Any) -> None:
        raise error

    seen: list[Any] = []

    async def take(message: Any) -> None:
        seen.append(message)

    async with (
        raw_peer() as peer,
        ClientSession(peer.read_stream, peer.write_stream, message_handler=take) as session,
    ):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.send_request, ClientRequest(PingRequest()), EmptyResult, None, None, fails)
            await peer.receive()
            await peer.send(**progress_of(0))
            await peer.send(id=0, result={})
    assert calls == [("Progress callback raised an exception: %s", error)]
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("root", "Progress callback raised an exception: 'callback'")
    ]
    # SES-22: it goes on to the handlers.
    assert len(seen) == 1


async def test_progress_is_also_delivered_like_any_notification(raw_peer: Any) -> None:
    """SES-22: to the hook, then to the message handler, whether or not a callback matched."""
    order: list[str] = []

    class Watching(ClientSession):
        async def _received_notification(self, notification: types.ServerNotification) -> None:
            order.append("hook")
            await super()._received_notification(notification)

    async def callback(*report: Any) -> None:
        order.append("callback")

    async def take(message: Any) -> None:
        assert isinstance(message, types.ServerNotification)
        assert isinstance(message.root, types.ProgressNotification)
        order.append("handler")

    async with raw_peer() as peer, Watching(peer.read_stream, peer.write_stream, message_handler=take) as session:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.send_request, ClientRequest(PingRequest()), EmptyResult, None, None, callback)
            await peer.receive()
            await peer.send(**progress_of(0))
            await peer.send(id=0, result={})
        await peer.send(**progress_of("nobody's"))
        await peer.silent()
    assert order == ["callback", "hook", "handler", "hook", "handler"]


# The helper


class Told:
    """As much of a session as the helper needs."""

    def __init__(self) -> None:
        self.reports: list[tuple[Any, ...]] = []

    async def send_progress_notification(self, token: Any, progress: float, **more: Any) -> None:
        self.reports.append((token, progress, more["total"], more["message"]))


def context(meta: Any) -> tuple[Any, Told]:
    session: Any = Told()
    return RequestContext(1, meta, session, None), session


@pytest.mark.parametrize("meta", [None, types.RequestParams.Meta()])
def test_the_helper_needs_a_token(meta: Any) -> None:
    """SES-54."""
    with pytest.raises(ValueError, match=r"^No progress token provided$"), progress(context(meta)[0]):
        pass


@pytest.mark.parametrize("token", ["t", 0])
async def test_the_helper_adds_up(token: Any) -> None:
    """SES-54: no notification of its own at the end."""
    ctx, session = context(types.RequestParams.Meta(progressToken=token))
    with progress(ctx, total=3) as reporting:
        assert isinstance(reporting, ProgressContext)
        assert reporting.current == 0.0
        await reporting.progress(1)
        await reporting.progress(1.5, message="nearly")
    assert session.reports == [(token, 1.0, 3, None), (token, 2.5, 3, "nearly")]
    assert reporting.current == 2.5


def test_the_progress_model() -> None:
    assert Progress(progress=1, total=None).model_dump() == {"progress": 1.0, "total": None}
