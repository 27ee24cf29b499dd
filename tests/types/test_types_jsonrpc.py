"""Classification of JSON-RPC messages by the model `JSONRPCMessage`."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from mcp import types

ERROR = {"code": 1, "message": "x"}


def envelope(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", **members}


@pytest.mark.parametrize(
    ("message", "kind", "extra"),
    [
        pytest.param(envelope(method="m", id=1), types.JSONRPCRequest, {}, id="request"),
        pytest.param(envelope(method="m", id="1", params={}), types.JSONRPCRequest, {}, id="request, text id"),
        pytest.param(envelope(method="m", id=10**40), types.JSONRPCRequest, {}, id="request, large id"),
        pytest.param(envelope(method="m"), types.JSONRPCNotification, {}, id="notification"),
        pytest.param(envelope(id=1, result={}), types.JSONRPCResponse, {}, id="response"),
        pytest.param(envelope(id=1, error=ERROR), types.JSONRPCError, {}, id="error"),
        pytest.param(
            envelope(id=1, error=ERROR, result={}), types.JSONRPCError, {"result": {}}, id="error with a result"
        ),
        pytest.param(
            envelope(method="m", id=1, result={}), types.JSONRPCRequest, {"result": {}}, id="request with a result"
        ),
        pytest.param(
            envelope(method="m", id=1, error=1), types.JSONRPCRequest, {"error": 1}, id="request with an error"
        ),
        pytest.param(envelope(method="m", id=1, more=1), types.JSONRPCRequest, {"more": 1}, id="unknown member"),
    ],
)
def test_classification(message: dict[str, Any], kind: type[Any], extra: dict[str, Any]) -> None:
    """TYP-36."""
    for parsed in (
        types.JSONRPCMessage.model_validate(message).root,
        types.JSONRPCMessage.model_validate_json(json.dumps(message)).root,
    ):
        assert type(parsed) is kind
        assert parsed.model_extra == extra


@pytest.mark.parametrize("message", [envelope(method="m", id=1), envelope(method="m")])
def test_null_params_count_as_absent(message: dict[str, Any]) -> None:
    """TYP-36."""
    parsed = types.JSONRPCMessage.model_validate({**message, "params": None})
    assert parsed.model_dump(by_alias=True, mode="json", exclude_none=True) == message


def test_numeric_error_code() -> None:
    """TYP-36."""
    error = types.JSONRPCMessage.model_validate(envelope(id=1, error={"code": "-5", "message": "x"})).root
    assert isinstance(error, types.JSONRPCError)
    assert error.error.code == -5


@pytest.mark.parametrize(
    "message",
    [
        envelope(method="m", id=1, params=[]),
        envelope(method="m", params="x"),
        envelope(method=1, id=1),
        envelope(id=1, result=None),
        envelope(id=1, result=[]),
        envelope(id=1, result=1),
        envelope(id=True, result={}),
        envelope(id=1.0, result={}),
        envelope(id=None, result={}),
        envelope(id=1, error=None),
        envelope(id=1, error={"code": 1}),
        envelope(id=1),
        envelope(),
        {"method": "m", "id": 1},
        {"jsonrpc": "1.0", "method": "m", "id": 1},
        {"jsonrpc": 2.0, "method": "m", "id": 1},
        {},
        "text",
        1,
        None,
    ],
)
def test_no_message(message: Any) -> None:
    """TYP-36."""
    with pytest.raises(ValidationError):
        types.JSONRPCMessage.model_validate(message)
    with pytest.raises(ValidationError):
        types.JSONRPCMessage.model_validate_json(json.dumps(message))


@pytest.mark.parametrize("request_id", [None, 1.0, 1.5, True, [], [1], {}, float("nan")])
def test_request_with_an_invalid_id_is_no_notification(request_id: Any) -> None:
    """TYP-37: its sender waits for an answer."""
    message = envelope(method="m", id=request_id)
    with pytest.raises(ValidationError, match="a request id must be a string or an integer"):
        types.JSONRPCMessage.model_validate(message)
    with pytest.raises(ValidationError, match="a request id must be a string or an integer"):
        types.JSONRPCMessage.model_validate_json(json.dumps(message))


def test_unknown_members_of_a_notification() -> None:
    """TYP-37: other ones than `id` are welcome."""
    notification = types.JSONRPCMessage.model_validate(envelope(method="m", more=1)).root
    assert isinstance(notification, types.JSONRPCNotification)
    assert notification.model_extra == {"more": 1}


TEXT = '{"jsonrpc":"2.0","method":"m","id":1}'


@pytest.mark.parametrize(
    ("text", "request_id"),
    [
        (f" \t\r\n{TEXT}\r\n\t ", 1),
        ('{"jsonrpc":"2.0","method":"m","id":1,"params":{"x":NaN}}', 1),
        ('{"jsonrpc":"2.0","method":"m","id":1,"id":2}', 2),
        ('{"jsonrpc":"2.0","method":"\\ud83d\\ude00","id":"\\u00e9"}', "é"),
    ],
)
def test_tolerated_text(text: str, request_id: str | int) -> None:
    """TYP-38."""
    for form in (text, text.encode()):
        parsed = types.JSONRPCMessage.model_validate_json(form).root
        assert isinstance(parsed, types.JSONRPCRequest)
        assert parsed.id == request_id


@pytest.mark.parametrize(
    "text", ["", " ", f"\ufeff{TEXT}", TEXT.replace("m", "\\ud800"), f"{TEXT}x", TEXT[:-1], TEXT + TEXT, "{'a':1}"]
)
def test_invalid_text(text: str) -> None:
    """TYP-38."""
    for form in (text, text.encode()):
        with pytest.raises(ValidationError, match="Invalid JSON"):
            types.JSONRPCMessage.model_validate_json(form)


@pytest.mark.parametrize("batch", [[], [{}], [json.loads(TEXT)], [json.loads(TEXT), envelope(id=1, result={})]])
def test_batches(batch: list[Any]) -> None:
    """TYP-39, TYP-36."""
    with pytest.raises(ValidationError):
        types.JSONRPCMessage.model_validate(batch)
    with pytest.raises(ValidationError):
        types.JSONRPCMessage.model_validate_json(json.dumps(batch))
