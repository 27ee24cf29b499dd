"""Request ids, progress tokens, task times and URIs."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mcp import types

BIG = 10**40


@pytest.mark.parametrize("value", [0, 1, -5, BIG, "1", "", "text é"])
def test_request_ids(value: Any) -> None:
    """TYP-17: as they are; text and number stay apart."""
    adapter: TypeAdapter[str | int] = TypeAdapter(types.RequestId)
    for parsed in (adapter.validate_python(value), adapter.validate_json(adapter.dump_json(value))):
        assert parsed == value
        assert type(parsed) is type(value)


@pytest.mark.parametrize("value", [1.0, 1.5, True, False, None, [], [1], {}])
def test_no_request_ids(value: Any) -> None:
    """TYP-17."""
    with pytest.raises(ValidationError):
        TypeAdapter(types.RequestId).validate_python(value)
    with pytest.raises(ValidationError):
        types.JSONRPCRequest(jsonrpc="2.0", id=value, method="x")
    with pytest.raises(ValidationError):
        types.JSONRPCResponse(jsonrpc="2.0", id=value, result={})


@pytest.mark.parametrize(("value", "read"), [(1, 1), (1.0, 1), (True, 1), ("1", "1")])
def test_error_ids_are_lax(value: Any, read: str | int) -> None:
    """TYP-18."""
    error = types.JSONRPCError(jsonrpc="2.0", id=value, error=types.ErrorData(code=1, message="x"))
    assert error.id == read
    assert type(error.id) is type(read)


@pytest.mark.parametrize("envelope", [{"jsonrpc": "2.0"}, {"jsonrpc": "2.0", "id": None}, {"jsonrpc": "2.0", "id": []}])
def test_error_without_id_is_no_model(envelope: dict[str, Any]) -> None:
    """TYP-18: we never emit one; on the way in the parser makes an event of it before it comes to the models."""
    with pytest.raises(ValidationError):
        types.JSONRPCError.model_validate({**envelope, "error": {"code": 1, "message": "x"}})


@pytest.mark.parametrize(("value", "read"), [(5, 5), ("5", "5"), ("", ""), (1.0, 1), (True, 1), (BIG, BIG)])
def test_progress_tokens_are_lax(value: Any, read: str | int) -> None:
    """TYP-19."""
    for token in (
        types.ProgressNotificationParams(progressToken=value, progress=1).progressToken,
        types.RequestParams.Meta(progressToken=value).progressToken,
    ):
        assert token == read
        assert type(token) is type(read)


@pytest.mark.parametrize("value", [1.5, [], {}])
def test_no_progress_tokens(value: Any) -> None:
    """TYP-19."""
    with pytest.raises(ValidationError):
        types.ProgressNotificationParams(progressToken=value, progress=1)
    with pytest.raises(ValidationError):
        types.RequestParams.Meta(progressToken=value)


TASK = {
    "taskId": "t",
    "status": "working",
    "createdAt": "2025-11-25T10:30:00Z",
    "lastUpdatedAt": "2025-11-25T10:30:00Z",
    "ttl": None,
}


@pytest.mark.parametrize("value", ["5", 1.0, True])
def test_task_times_are_strict(value: Any) -> None:
    """TYP-20."""
    with pytest.raises(ValidationError):
        types.TaskMetadata(ttl=value)
    with pytest.raises(ValidationError):
        types.Task.model_validate({**TASK, "ttl": value})
    with pytest.raises(ValidationError):
        types.Task.model_validate({**TASK, "pollInterval": value})


def test_task_times() -> None:
    """TYP-20."""
    task = types.Task.model_validate({**TASK, "ttl": 5, "pollInterval": 0})
    assert (task.ttl, task.pollInterval, types.TaskMetadata(ttl=BIG).ttl) == (5, 0, BIG)


def test_cancelled_request_id_is_optional() -> None:
    """TYP-42: optional, and of the strict kind where it is there (TYP-17)."""
    assert types.CancelledNotificationParams().requestId is None
    assert types.CancelledNotificationParams(requestId="1").requestId == "1"
    with pytest.raises(ValidationError):
        types.CancelledNotificationParams.model_validate({"requestId": 1.0})


URI_MODELS: list[tuple[Any, dict[str, Any]]] = [
    (types.Resource, {"name": "x"}),
    (types.ResourceLink, {"name": "x", "type": "resource_link"}),
    (types.TextResourceContents, {"text": "x"}),
    (types.BlobResourceContents, {"blob": "x"}),
    (types.ReadResourceRequestParams, {}),
    (types.SubscribeRequestParams, {}),
    (types.UnsubscribeRequestParams, {}),
    (types.ResourceUpdatedNotificationParams, {}),
]


@pytest.mark.parametrize(("model", "members"), URI_MODELS)
@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("http://h", "http://h/"),
        ("HTTP://EX.com/A", "http://ex.com/A"),
        ("FOO://bar/X", "foo://bar/X"),
        ("file:///a b/{c}", "file:///a%20b/%7Bc%7D"),
        ("file://Host/x", "file://host/x"),
        ("custom:opaque", "custom:opaque"),
        ("urn:a:B", "urn:a:B"),
        ("http://h/é", "http://h/%C3%A9"),
    ],
)
def test_uris_are_normalised(model: Any, members: dict[str, Any], text: str, normalised: str) -> None:
    """TYP-21: any scheme, host optional; compared and echoed in normal form."""
    parsed = model.model_validate({**members, "uri": text})
    assert str(parsed.uri) == normalised
    assert parsed.uri == types.AnyUrl(text)
    assert parsed.model_dump(mode="json")["uri"] == normalised


@pytest.mark.parametrize(("model", "members"), URI_MODELS)
@pytest.mark.parametrize("text", ["foo/bar", "//host/x", "/x", ""])
def test_relative_references_are_no_uris(model: Any, members: dict[str, Any], text: str) -> None:
    """TYP-21."""
    with pytest.raises(ValidationError):
        model.model_validate({**members, "uri": text})


def test_plain_strings() -> None:
    """TYP-21."""
    text = "no URL {x}"
    assert types.ResourceTemplate(name="x", uriTemplate=text).uriTemplate == text
    assert types.ResourceTemplateReference(type="ref/resource", uri=text).uri == text
    assert types.ElicitRequestURLParams(message="x", elicitationId="e", url=text).url == text


def test_root_uri() -> None:
    """TYP-22."""
    assert str(types.Root.model_validate({"uri": "FILE:///A b"}).uri) == "file:///A%20b"
    for text in ("http://host/x", "/x", "custom:x"):
        with pytest.raises(ValidationError):
            types.Root.model_validate({"uri": text})
