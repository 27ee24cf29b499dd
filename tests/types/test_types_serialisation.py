"""What the models put on the wire."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel

from mcp import types

TIME = "2025-11-25T10:30:00Z"


def dump(model: BaseModel) -> dict[str, Any]:
    """As everything is dumped for a wire, in both forms."""
    dumped = model.model_dump(by_alias=True, mode="json", exclude_none=True)
    assert json.loads(model.model_dump_json(by_alias=True, exclude_none=True)) == dumped
    return dumped


def test_members_that_are_none_are_left_out() -> None:
    """TYP-29."""
    tool = types.Tool(name="x", inputSchema={}, title=None, _meta={"a": 1})
    assert dump(tool) == {"name": "x", "inputSchema": {}, "_meta": {"a": 1}}


NULLS = {"a": None, "b": [None], "c": {"d": None}}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (types.CallToolResult(content=[], structuredContent=NULLS), "structuredContent"),
        (types.CallToolResult(content=[], _meta=NULLS), "_meta"),
        (types.Tool(name="x", inputSchema=NULLS), "inputSchema"),
        (types.CallToolRequestParams(name="x", arguments=NULLS), "arguments"),
        (types.LoggingMessageNotificationParams(level="info", data=NULLS), "data"),
        (types.ErrorData(code=1, message="x", data=NULLS), "data"),
        (types.JSONRPCRequest(jsonrpc="2.0", id=1, method="x", params=NULLS), "params"),
        (types.JSONRPCNotification(jsonrpc="2.0", method="x", params=NULLS), "params"),
        (types.JSONRPCResponse(jsonrpc="2.0", id=1, result=NULLS), "result"),
    ],
)
def test_none_within_free_form_values_stays(model: BaseModel, path: str) -> None:
    """TYP-30."""
    assert dump(model)[path] == NULLS


def test_defaults_that_are_sent() -> None:
    """TYP-31."""
    assert dump(types.CallToolResult(content=[])) == {"content": [], "isError": False}
    capabilities = types.ServerCapabilities(
        experimental={},
        logging=types.LoggingCapability(),
        prompts=types.PromptsCapability(listChanged=False),
        resources=types.ResourcesCapability(subscribe=False, listChanged=False),
        tasks=types.ServerTasksCapability(list=types.TasksListCapability()),
    )
    assert dump(capabilities) == {
        "experimental": {},
        "logging": {},
        "prompts": {"listChanged": False},
        "resources": {"subscribe": False, "listChanged": False},
        "tasks": {"list": {}},
    }


TASK = {"taskId": "t", "status": "working", "createdAt": TIME, "lastUpdatedAt": TIME}


@pytest.mark.parametrize(
    "members",
    [pytest.param({**TASK, "ttl": None}, id="null"), pytest.param(TASK, id="missing")],
)
@pytest.mark.parametrize(
    "model", [types.Task, types.GetTaskResult, types.CancelTaskResult, types.TaskStatusNotificationParams]
)
def test_ttl_without_expiry(model: type[types.Task], members: dict[str, Any]) -> None:
    """TYP-32: read as null also where it is missing, and always sent."""
    for task in (
        model.model_validate(members),
        model.model_validate_json(json.dumps(members)),
        model(**members),
    ):
        assert task.ttl is None
        assert dump(task) == {**TASK, "ttl": None}


def test_ttl_without_expiry_within_others() -> None:
    """TYP-32."""
    assert dump(types.CreateTaskResult.model_validate({"task": TASK})) == {"task": {**TASK, "ttl": None}}
    assert dump(types.ListTasksResult.model_validate({"tasks": [TASK]})) == {"tasks": [{**TASK, "ttl": None}]}
    assert dump(types.ServerResult.model_validate({"task": TASK})) == {"task": {**TASK, "ttl": None}}
    notification = types.ServerNotification.model_validate({"method": "notifications/tasks/status", "params": TASK})
    assert dump(notification)["params"] == {**TASK, "ttl": None}


def test_ttl_with_expiry_and_other_members() -> None:
    """TYP-32: nothing else changes, what the caller leaves out stays out."""
    task = types.Task.model_validate({**TASK, "ttl": 5})
    assert dump(task) == {**TASK, "ttl": 5}
    forever = types.Task.model_validate(TASK)
    assert forever.model_dump()["ttl"] is None
    assert forever.model_dump(mode="json", exclude_none=True, exclude={"ttl"}) == TASK
    assert forever.model_dump(exclude_none=True, include={"taskId"}) == {"taskId": "t"}
    assert types.Task.model_construct(taskId="t").model_dump(exclude_none=True) == {"taskId": "t"}


def test_ttl_in_json_schema() -> None:
    """TYP-32: the schema is that of the model, in both directions."""
    assert types.Task.model_json_schema(mode="serialization")["properties"].keys() == types.Task.model_fields.keys()
    assert "ttl" in types.Task.model_json_schema()["required"]


def test_a_task_is_not_read_from_anything_else() -> None:
    """TYP-32: instances and wrong values go the usual way."""
    task = types.Task.model_validate(TASK)
    assert types.Task.model_validate(task) is task
    with pytest.raises(ValueError, match="valid dictionary or instance of Task"):
        types.Task.model_validate([])


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2025, 11, 25, 10, 30, tzinfo=timezone.utc), "2025-11-25T10:30:00Z"),
        (datetime(2025, 11, 25, 10, 30, tzinfo=timezone(timedelta(hours=1))), "2025-11-25T10:30:00+01:00"),
        (datetime(2025, 11, 25, 10, 30, 0, 250_000, tzinfo=timezone.utc), "2025-11-25T10:30:00.250000Z"),
    ],
)
def test_times(time: datetime, text: str) -> None:
    """TYP-33."""
    task = types.Task(taskId="t", status="working", createdAt=time, lastUpdatedAt=time, ttl=None)
    assert dump(task)["createdAt"] == text
    assert types.Task.model_validate(dump(task)).createdAt == time


def test_json_text() -> None:
    """TYP-34: compact, and not escaped beyond need."""
    message = types.JSONRPCMessage(
        types.JSONRPCNotification(jsonrpc="2.0", method="é\u2028😀", params={"a": [1, None]})
    )
    text = message.model_dump_json(by_alias=True, exclude_none=True)
    assert text == '{"method":"é\u2028😀","params":{"a":[1,null]},"jsonrpc":"2.0"}'


def test_member_order_does_not_matter() -> None:
    """TYP-35."""
    one = {"id": 1, "jsonrpc": "2.0", "method": "x"}
    other = dict(reversed(one.items()))
    assert types.JSONRPCMessage.model_validate(one) == types.JSONRPCMessage.model_validate(other)
