"""What a session keeps in tables, without streams and event loop: SES-7 to SES-11, SES-24, TYP-40, TYP-41."""

from typing import Any

import pytest

from mcp import types
from mcp.shared._backlog import Backlog
from mcp.shared._requests import (
    MAX_ABANDONED,
    OutgoingRequests,
    PendingRequest,
    models_by_method,
    normalize_response_id,
)
from mcp.shared.exceptions import McpError
from mcp.shared.message import SessionMessage
from mcp.types import ErrorData


@pytest.mark.parametrize(
    ("response_id", "own"),
    [
        (7, 7),
        ("7", 7),
        ("-1", -1),
        ("007", 7),
        ("", None),
        ("seven", None),
        ("7.0", None),
        ("task-7", None),
        ("9" * 10_000, None),
        (10**30, 10**30),
    ],
)
def test_response_ids(response_id: Any, own: Any) -> None:
    """SES-10."""
    assert normalize_response_id(response_id) == own


def response(request_id: int = 0) -> SessionMessage:
    return SessionMessage(types.JSONRPCMessage(types.JSONRPCResponse(jsonrpc="2.0", id=request_id, result={})))


def test_the_first_outcome_counts() -> None:
    """SES-11."""
    woken: list[int] = []
    pending = PendingRequest(lambda: woken.append(1))
    first = response()
    pending.settle(first)
    pending.settle(KeyError())
    assert pending.outcome is first
    assert woken == [1]


def pending() -> PendingRequest:
    return PendingRequest(lambda: None)


def test_abandoned_requests() -> None:
    """SES-14, SES-15: a late answer is recognised once; no more than a bounded number is remembered."""
    requests = OutgoingRequests()
    requests.abandon(0)
    assert not requests.is_late(0)
    for number in range(MAX_ABANDONED + 1):
        requests[number] = pending()
        requests.abandon(number)
    assert requests == {}
    assert not requests.is_late(0)
    assert requests.is_late(1)
    assert not requests.is_late(1)
    assert requests.is_late(MAX_ABANDONED)


def test_failing() -> None:
    """SES-3, and answers that cannot be read."""
    requests = OutgoingRequests()
    one, two, three = pending(), pending(), pending()
    requests.update({1: one, 2: two, 3: three})
    error = KeyError("unreadable")
    requests.fail("2", error)
    requests.fail("two", error)
    requests.fail(9, error)
    assert two.outcome is error
    assert requests.is_late(2)
    assert requests.only_one() is None
    requests.fail_all(lambda: McpError(ErrorData(code=1, message="m")))
    assert isinstance(one.outcome, McpError)
    assert isinstance(three.outcome, McpError)
    assert one.outcome is not three.outcome
    del requests[1]
    assert requests.only_one() is three


@pytest.mark.parametrize(
    ("union", "methods"),
    [
        (
            types.ClientRequest,
            "ping initialize completion/complete logging/setLevel prompts/get prompts/list resources/list "
            "resources/templates/list resources/read resources/subscribe resources/unsubscribe tools/call tools/list "
            "tasks/get tasks/result tasks/list tasks/cancel",
        ),
        (
            types.ServerRequest,
            "ping sampling/createMessage roots/list elicitation/create tasks/get tasks/result tasks/list tasks/cancel",
        ),
        (
            types.ClientNotification,
            "notifications/cancelled notifications/progress notifications/initialized "
            "notifications/roots/list_changed notifications/tasks/status",
        ),
        (
            types.ServerNotification,
            "notifications/cancelled notifications/progress notifications/message notifications/resources/updated "
            "notifications/resources/list_changed notifications/tools/list_changed "
            "notifications/prompts/list_changed notifications/elicitation/complete notifications/tasks/status",
        ),
    ],
)
def test_methods(union: Any, methods: str) -> None:
    """TYP-40, TYP-41, SES-24: which model belongs to a method of that direction."""
    models = models_by_method(union)
    assert set(models) == set(methods.split())
    for method, model in models.items():
        assert model.model_fields["method"].default == method
    assert models_by_method(union) is models


def test_a_union_of_one() -> None:
    """A program's own session may know a single request."""
    from pydantic import RootModel

    class Only(RootModel[types.PingRequest]):
        pass

    assert models_by_method(Only) == {"ping": types.PingRequest}


# What waits for a handler that was overtaken


def notification(token: Any = None) -> Any:
    if token is None:
        return types.ToolListChangedNotification()
    params = types.ProgressNotificationParams(progressToken=token, progress=1)
    return types.ProgressNotification(params=params)


@pytest.mark.parametrize(
    ("typed", "waits"),
    [
        (notification(), True),
        (notification(4), True),
        (notification(5), False),
        (notification(6), False),
        (notification("5"), True),
    ],
)
def test_which_notifications_wait(typed: Any, waits: bool) -> None:
    """SES-39: all but progress of requests that were sent since (here from id 5 on)."""
    backlog: Backlog[Any] = Backlog("loop", 5)
    assert backlog.holds(typed, typed) is waits
    assert list(backlog) == ([typed] if waits else [])


def test_which_responses_wait() -> None:
    """CSN-26: those whose progress waits."""
    backlog: Backlog[Any] = Backlog("loop", 5)
    assert backlog.owner == "loop"
    progress, error, answer = notification(4), KeyError(), response(4)
    assert not backlog.holds_response(4, answer)
    assert backlog.holds(progress, progress)
    backlog.add(error)
    assert backlog.holds_response(4, answer)
    assert not backlog.holds_response(3, response(3))
    assert not backlog.holds_response(5, response(5))
    taken = []
    for item in backlog:
        taken.append(item)
        if item is error:
            backlog.add(item := TypeError())
            assert isinstance(item, TypeError)
    assert taken[:3] == [progress, error, answer]
    assert isinstance(taken[3], TypeError)
    # Its progress is through.
    assert not backlog.holds_response(4, answer)


def test_responses_go_first_when_the_connection_ends() -> None:
    """SES-3."""
    backlog: Backlog[Any] = Backlog("loop", 5)
    progress, answer = notification(4), response(4)
    backlog.holds(progress, progress)
    backlog.holds_response(4, answer)
    assert backlog.take_responses() == [answer]
    assert list(backlog) == [progress]
