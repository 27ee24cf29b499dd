"""Root unions and unions of content blocks."""

import json
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from mcp import types

UNIONS: list[Any] = [
    types.ClientRequest,
    types.ServerRequest,
    types.ClientResult,
    types.ServerResult,
    types.ClientNotification,
    types.ServerNotification,
]


@pytest.mark.parametrize(
    ("union", "member"),
    [
        (types.ClientRequest, types.PingRequest()),
        (types.ServerRequest, types.PingRequest()),
        (types.ClientResult, types.ElicitResult(action="cancel")),
        (types.ServerResult, types.EmptyResult()),
        (types.ClientNotification, types.InitializedNotification()),
        (types.ServerNotification, types.ToolListChangedNotification()),
        (types.JSONRPCMessage, types.JSONRPCNotification(jsonrpc="2.0", method="x")),
    ],
)
def test_root(union: Any, member: BaseModel) -> None:
    """TYP-23, TYP-25: the value is under `.root`, and it is the very instance."""
    assert union(member).root is member
    assert union.model_validate(member).root is member


def test_wrong_root() -> None:
    """TYP-23."""
    with pytest.raises(ValidationError):
        types.ClientRequest.model_validate(types.EmptyResult())


@pytest.mark.parametrize("union", UNIONS)
def test_alias_of_the_members(union: Any) -> None:
    """TYP-23: `ClientRequest` is a model over the plain union `ClientRequestType`, and so the others."""
    alias = getattr(types, f"{union.__name__}Type")
    assert union.model_fields["root"].annotation == alias
    for member in get_args(alias):
        assert isinstance(member.model_construct(), alias)


TASK = {
    "taskId": "t",
    "status": "working",
    "createdAt": "2025-11-25T10:30:00Z",
    "lastUpdatedAt": "2025-11-25T10:30:00Z",
    "ttl": 1,
}
MESSAGE = {"role": "user", "model": "m"}
TEXT = {"type": "text", "text": "x"}


@pytest.mark.parametrize(
    ("result", "chosen"),
    [
        ({}, "EmptyResult"),
        ({"_meta": {}}, "EmptyResult"),
        ({"unknown": 1}, "EmptyResult"),
        (
            {"protocolVersion": "1", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}},
            "InitializeResult",
        ),
        ({"completion": {"values": []}}, "CompleteResult"),
        ({"messages": []}, "GetPromptResult"),
        ({"prompts": []}, "ListPromptsResult"),
        ({"resources": []}, "ListResourcesResult"),
        ({"resourceTemplates": []}, "ListResourceTemplatesResult"),
        ({"contents": []}, "ReadResourceResult"),
        ({"content": []}, "CallToolResult"),
        ({"content": [TEXT], "unknown": 1}, "CallToolResult"),
        ({"tools": []}, "ListToolsResult"),
        ({"tasks": []}, "ListTasksResult"),
        (TASK, "GetTaskResult"),
        ({"task": TASK}, "CreateTaskResult"),
    ],
)
def test_server_result_is_the_best_match(result: dict[str, Any], chosen: str) -> None:
    """TYP-24."""
    assert type(types.ServerResult.model_validate(result).root).__name__ == chosen
    assert type(types.ServerResult.model_validate_json(json.dumps(result)).root).__name__ == chosen


@pytest.mark.parametrize(
    ("result", "chosen"),
    [
        ({}, "EmptyResult"),
        ({**MESSAGE, "content": TEXT}, "CreateMessageResult"),
        ({**MESSAGE, "content": [TEXT]}, "CreateMessageResultWithTools"),
        ({**MESSAGE, "content": []}, "CreateMessageResultWithTools"),
        (
            {**MESSAGE, "content": {"type": "tool_use", "name": "x", "id": "1", "input": {}}},
            "CreateMessageResultWithTools",
        ),
        ({"roots": []}, "ListRootsResult"),
        ({"action": "accept"}, "ElicitResult"),
        (TASK, "GetTaskResult"),
        ({"tasks": []}, "ListTasksResult"),
        ({"task": TASK}, "CreateTaskResult"),
    ],
)
def test_client_result_is_the_best_match(result: dict[str, Any], chosen: str) -> None:
    """TYP-24."""
    assert type(types.ClientResult.model_validate(result).root).__name__ == chosen
    assert type(types.ClientResult.model_validate_json(json.dumps(result)).root).__name__ == chosen


def test_an_instance_passes_unchanged() -> None:
    """TYP-25: not read again as a member that would fit better."""
    result = types.EmptyResult.model_validate({"tools": []})
    assert types.ServerResult(result).root is result

    class Own(types.TextContent):
        more: int = 3

    for block in (
        Own(type="text", text="x"),
        types.ImageContent(type="image", data="", mimeType=""),
        types.TextContent.model_construct(text="without type"),
        types.TextContent.model_construct(type="other", text="x"),  # pyright: ignore[reportArgumentType]
    ):
        assert types.CallToolResult(content=[block]).content[0] is block
        assert types.PromptMessage(role="user", content=block).content is block
        assert types.SamplingMessage(role="user", content=block).content is block


def test_a_subclass_is_dumped_as_its_base() -> None:
    """TYP-25, TYP-29: what the field's class knows, that is what goes on the wire."""

    class Own(types.TextContent):
        more: int = 3

    result = types.CallToolResult(content=[Own(type="text", text="x")])
    assert result.model_dump(by_alias=True, mode="json", exclude_none=True)["content"] == [TEXT]


FORM = {"message": "x", "requestedSchema": {}}
URL = {"message": "x", "url": "u", "elicitationId": "e"}


@pytest.mark.parametrize(
    ("params", "mode"),
    [
        (FORM, "form"),
        (URL, "url"),
        (FORM | URL, "url"),
        (FORM | {"url": "u"}, "form"),
        (FORM | URL | {"mode": "form"}, "form"),
        (FORM | URL | {"mode": "url"}, "url"),
    ],
)
def test_elicitation_mode(params: dict[str, Any], mode: str) -> None:
    """TYP-26."""
    parsed = types.ElicitRequest.model_validate({"params": params}).params
    assert parsed.mode == mode
    assert isinstance(parsed, types.ElicitRequestURLParams if mode == "url" else types.ElicitRequestFormParams)


@pytest.mark.parametrize("params", [FORM | {"mode": "voice"}, {"message": "x"}, {"message": "x", "url": "u"}])
def test_wrong_elicitation(params: dict[str, Any]) -> None:
    """TYP-26."""
    with pytest.raises(ValidationError):
        types.ElicitRequest.model_validate({"params": params})


BLOCKS: list[tuple[dict[str, Any], type[BaseModel]]] = [
    (TEXT, types.TextContent),
    ({"type": "image", "data": "aGk=", "mimeType": "image/png"}, types.ImageContent),
    ({"type": "audio", "data": "aGk=", "mimeType": "audio/wav"}, types.AudioContent),
    ({"type": "resource_link", "uri": "file:///x", "name": "x"}, types.ResourceLink),
    ({"type": "resource", "resource": {"uri": "file:///x", "text": "x"}}, types.EmbeddedResource),
]
TOOL_BLOCKS: list[tuple[dict[str, Any], type[BaseModel]]] = [
    ({"type": "tool_use", "id": "1", "name": "x", "input": {}}, types.ToolUseContent),
    ({"type": "tool_result", "toolUseId": "1", "content": [TEXT]}, types.ToolResultContent),
]


@pytest.mark.parametrize(("block", "model"), BLOCKS)
def test_content_blocks(block: dict[str, Any], model: type[BaseModel]) -> None:
    """TYP-27."""
    block = {**block, "unknown": 1}
    result = {"content": [block], "isError": False}
    for parsed in (
        types.CallToolResult.model_validate(result),
        types.CallToolResult.model_validate_json(json.dumps(result)),
    ):
        assert type(parsed.content[0]) is model
        assert parsed.model_dump(by_alias=True, mode="json", exclude_none=True) == result
    assert type(types.PromptMessage.model_validate({"role": "user", "content": block}).content) is model
    assert type(TypeAdapter[Any](types.ContentBlock).validate_python(block)) is model


@pytest.mark.parametrize(("block", "model"), BLOCKS[:3] + TOOL_BLOCKS)
def test_sampling_blocks(block: dict[str, Any], model: type[BaseModel]) -> None:
    """TYP-27, TYP-16."""
    for content in (block, [block, block]):
        message = types.SamplingMessage.model_validate({"role": "user", "content": content})
        assert [type(item) for item in message.content_as_list] == [model] * len(message.content_as_list)
        assert message.model_dump(by_alias=True, mode="json", exclude_none=True)["content"] == content


@pytest.mark.parametrize(
    "block",
    [
        {"type": "video", "data": "", "mimeType": ""},
        {"type": "tool_use", "id": "1", "name": "x", "input": {}},
        {"type": None, "text": "x"},
        {"type": ["text"], "text": "x"},
        {"text": "x"},
        {"type": "text"},
        {"type": "text", "text": 1},
        {"type": "resource", "resource": {"uri": "file:///x"}},
        "text",
        None,
    ],
)
def test_wrong_content_block_spoils_the_message(block: Any) -> None:
    """TYP-27."""
    with pytest.raises(ValidationError):
        types.CallToolResult.model_validate({"content": [TEXT, block]})
    with pytest.raises(ValidationError):
        types.CallToolResult.model_validate_json(json.dumps({"content": [TEXT, block]}))
    with pytest.raises(ValidationError):
        types.PromptMessage.model_validate({"role": "user", "content": block})


def test_resource_links_are_no_sampling_content() -> None:
    """TYP-27."""
    for model in (types.SamplingMessage, types.CreateMessageResult, types.CreateMessageResultWithTools):
        with pytest.raises(ValidationError):
            model.model_validate({**MESSAGE, "content": BLOCKS[3][0]})
    with pytest.raises(ValidationError):
        types.CreateMessageResult.model_validate({**MESSAGE, "content": TOOL_BLOCKS[0][0]})


@pytest.mark.parametrize(
    ("contents", "model"),
    [
        ({"text": "x"}, types.TextResourceContents),
        ({"blob": "eA=="}, types.BlobResourceContents),
        ({"blob": "eA==", "text": None}, types.BlobResourceContents),
        ({"text": "x", "blob": "eA=="}, types.TextResourceContents),
    ],
)
def test_resource_contents(contents: dict[str, Any], model: type[BaseModel]) -> None:
    """TYP-27: contents with both are text, and keep the blob as an unknown member."""
    contents = {"uri": "file:///x", **contents}
    embedded = types.EmbeddedResource.model_validate({"type": "resource", "resource": contents}).resource
    read = types.ReadResourceResult.model_validate({"contents": [contents]}).contents[0]
    assert type(embedded) is type(read) is model
    assert embedded.model_dump(mode="json", exclude_unset=True) == contents


@pytest.mark.parametrize("value", ["1", 1, 1.0, 1.5, True, ["a"], [], None])
def test_elicited_values_keep_their_type(value: Any) -> None:
    """TYP-28."""
    for result in (
        types.ElicitResult(action="accept", content={"value": value}),
        types.ElicitResult.model_validate_json(json.dumps({"action": "accept", "content": {"value": value}})),
    ):
        assert result.content == {"value": value}
        assert type(result.content["value"]) is type(value)


@pytest.mark.parametrize("value", [{}, {"a": 1}, [1], [["a"]]])
def test_no_elicited_values(value: Any) -> None:
    """TYP-28."""
    with pytest.raises(ValidationError):
        types.ElicitResult.model_validate({"action": "accept", "content": {"value": value}})


def _methods(union: Any) -> set[str]:
    return {member.model_fields["method"].default for member in get_args(getattr(types, f"{union.__name__}Type"))}


TASK_METHODS = {"tasks/get", "tasks/result", "tasks/list", "tasks/cancel"}


def test_known_requests() -> None:
    """TYP-40."""
    assert _methods(types.ClientRequest) == TASK_METHODS | {
        "ping",
        "initialize",
        "completion/complete",
        "logging/setLevel",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "tools/call",
        "tools/list",
    }
    assert _methods(types.ServerRequest) == TASK_METHODS | {
        "ping",
        "sampling/createMessage",
        "roots/list",
        "elicitation/create",
    }


def test_known_notifications() -> None:
    """TYP-41."""
    both = {"notifications/cancelled", "notifications/progress", "notifications/tasks/status"}
    assert _methods(types.ClientNotification) == both | {
        "notifications/initialized",
        "notifications/roots/list_changed",
    }
    assert _methods(types.ServerNotification) == both | {
        "notifications/message",
        "notifications/resources/updated",
        "notifications/resources/list_changed",
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/elicitation/complete",
    }


def test_unknown_methods() -> None:
    """TYP-40: unknown to the typed unions, unrestricted in the envelope."""
    with pytest.raises(ValidationError):
        types.ClientRequest.model_validate({"method": "vendor/own"})
    with pytest.raises(ValidationError):
        types.ServerRequest.model_validate({"method": "tools/list"})
    assert types.JSONRPCRequest(jsonrpc="2.0", id=1, method="vendor/own ").method == "vendor/own "
