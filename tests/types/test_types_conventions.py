"""Names, aliases, unknown members and defaults of the models."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ValidationError

from mcp import types

MODELS: list[type[BaseModel]] = [
    model
    for name in types.__all__
    if isinstance(model := getattr(types, name), type)
    and issubclass(model, BaseModel)
    and not model.__pydantic_root_model__
]


def dump(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


@pytest.mark.parametrize("model", MODELS)
def test_names_are_the_wire_names(model: type[BaseModel]) -> None:
    """TYP-4, TYP-5: attributes are camelCase; the one alias is `_meta`, and names do not populate."""
    for name, field in model.model_fields.items():
        assert "_" not in name
        assert field.alias == ("_meta" if name == "meta" else None)
    assert not model.model_config.get("populate_by_name")


def test_meta_is_set_by_its_alias_only() -> None:
    """TYP-5: `meta=` makes an unrelated member on open models and is dropped on closed ones."""
    by_alias = types.CallToolResult(content=[], _meta={"a": 1})
    assert by_alias.meta == {"a": 1}
    assert dump(by_alias)["_meta"] == {"a": 1}
    assert "meta" not in dump(by_alias)

    by_name = types.CallToolResult.model_validate({"content": [], "meta": {"a": 1}})
    assert by_name.meta is None
    assert dump(by_name)["meta"] == {"a": 1}
    assert "_meta" not in dump(by_name)

    closed = types.RequestParams.model_validate({"meta": {"progressToken": 1}})
    assert dump(closed) == {}


CLOSED = {types.RequestParams, types.PaginatedRequestParams, types.NotificationParams, types.BaseMetadata}


@pytest.mark.parametrize("model", MODELS)
def test_unknown_members(model: type[BaseModel]) -> None:
    """TYP-6: kept by every model but four."""
    expected = None if model in CLOSED else "allow"
    assert model.model_config.get("extra") == expected


@pytest.mark.parametrize(
    "request_type",
    [
        types.PingRequest,
        types.ListRootsRequest,
        types.ListToolsRequest,
        types.ListPromptsRequest,
        types.ListResourcesRequest,
        types.ListResourceTemplatesRequest,
        types.ListTasksRequest,
        types.InitializedNotification,
        types.RootsListChangedNotification,
        types.ToolListChangedNotification,
        types.PromptListChangedNotification,
        types.ResourceListChangedNotification,
    ],
)
def test_params_that_lose_unknown_members(request_type: type[BaseModel]) -> None:
    """TYP-6: in the params; members beside the params, and of `_meta`, survive."""
    request = request_type.model_validate({"params": {"unknown": 1, "_meta": {"unknown": 2}}, "beside": 3})
    dumped = dump(request)
    assert dumped["params"] == {"_meta": {"unknown": 2}}
    assert dumped["beside"] == 3


@pytest.mark.parametrize(
    ("request_type", "params"),
    [
        (types.CallToolRequest, {"name": "x"}),
        (types.GetPromptRequest, {"name": "x"}),
        (types.ReadResourceRequest, {"uri": "file:///x"}),
        (types.SubscribeRequest, {"uri": "file:///x"}),
        (types.SetLevelRequest, {"level": "info"}),
        (
            types.InitializeRequest,
            {"protocolVersion": "1", "capabilities": {"later": {}}, "clientInfo": {"name": "x", "version": "1"}},
        ),
        (types.CompleteRequest, {"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": "b"}}),
        (types.CreateMessageRequest, {"messages": [], "maxTokens": 1}),
        (types.ElicitRequest, {"mode": "form", "message": "x", "requestedSchema": {}}),
        (types.ElicitRequest, {"mode": "url", "message": "x", "url": "u", "elicitationId": "e"}),
        (types.GetTaskRequest, {"taskId": "x"}),
        (types.ProgressNotification, {"progressToken": 1, "progress": 0.5}),
        (types.CancelledNotification, {"requestId": 1}),
        (types.LoggingMessageNotification, {"level": "info", "data": None}),
    ],
)
def test_params_that_keep_unknown_members(request_type: type[BaseModel], params: dict[str, Any]) -> None:
    """TYP-6."""
    params = {**params, "unknown": {"a": [1]}}
    dumped = request_type.model_validate({"params": params}).model_dump(by_alias=True, mode="json", exclude_unset=True)
    assert dumped["params"] == params


def test_meta_of_params_is_a_model_and_of_the_rest_a_dict() -> None:
    """TYP-7."""
    params = types.CallToolRequestParams.model_validate({"name": "x", "_meta": {"progressToken": "t", "other": 1}})
    assert isinstance(params.meta, types.RequestParams.Meta)
    assert params.meta.progressToken == "t"
    assert params.meta.model_extra == {"other": 1}
    progress = types.ProgressNotificationParams.model_validate({"progressToken": 1, "progress": 1, "_meta": {"a": 1}})
    assert isinstance(progress.meta, types.NotificationParams.Meta)
    assert progress.meta.model_extra == {"a": 1}

    for model, members in [
        (types.EmptyResult, {}),
        (types.CallToolResult, {"content": []}),
        (types.TextContent, {"type": "text", "text": ""}),
        (types.Tool, {"name": "x", "inputSchema": {}}),
        (types.Prompt, {"name": "x"}),
        (types.Resource, {"name": "x", "uri": "file:///x"}),
        (types.ResourceTemplate, {"name": "x", "uriTemplate": "x"}),
        (types.Root, {"uri": "file:///x"}),
        (types.SamplingMessage, {"role": "user", "content": []}),
    ]:
        assert model.model_validate({**members, "_meta": {"progressToken": 1.5}}).meta == {"progressToken": 1.5}


def test_typed_request_keeps_the_envelope() -> None:
    """TYP-8."""
    request = types.ClientRequest.model_validate({"jsonrpc": "2.0", "id": "7", "method": "ping"}).root
    assert isinstance(request, types.PingRequest)
    assert request.model_extra == {"jsonrpc": "2.0", "id": "7"}


@pytest.mark.parametrize(
    ("model", "members"),
    [
        (types.TextContent, {"text": "x"}),
        (types.ImageContent, {"data": "x", "mimeType": "x"}),
        (types.AudioContent, {"data": "x", "mimeType": "x"}),
        (types.ResourceLink, {"name": "x", "uri": "file:///x"}),
        (types.EmbeddedResource, {"resource": {"uri": "file:///x", "text": "x"}}),
        (types.ToolUseContent, {"name": "x", "id": "1", "input": {}}),
        (types.ToolResultContent, {"toolUseId": "1"}),
        (types.PromptReference, {"name": "x"}),
        (types.ResourceTemplateReference, {"uri": "x"}),
    ],
)
def test_discriminators_have_no_default(model: type[BaseModel], members: dict[str, Any]) -> None:
    """TYP-9."""
    with pytest.raises(ValidationError, match="type"):
        model.model_validate(members)


def test_method_and_mode_have_their_default() -> None:
    """TYP-9."""
    assert types.PingRequest().method == "ping"
    assert types.ToolListChangedNotification().method == "notifications/tools/list_changed"
    assert types.ElicitRequestFormParams(message="x", requestedSchema={}).mode == "form"
    assert types.ElicitRequestURLParams(message="x", url="u", elicitationId="e").mode == "url"


@pytest.mark.parametrize("version", ["2025-11-25", 20251125])
def test_protocol_version_is_text_or_number(version: str | int) -> None:
    """TYP-10."""
    result = types.InitializeResult.model_validate(
        {"protocolVersion": version, "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
    )
    assert result.protocolVersion == version
    assert type(result.protocolVersion) is type(version)


@pytest.mark.parametrize("priority", [0, 0.5, 1])
def test_annotation_priority(priority: float) -> None:
    """TYP-11."""
    assert types.Annotations(priority=priority).priority == priority


@pytest.mark.parametrize("members", [{"priority": -0.1}, {"priority": 1.1}, {"audience": ["system"]}])
def test_wrong_annotations(members: dict[str, Any]) -> None:
    """TYP-11."""
    with pytest.raises(ValidationError):
        types.Annotations.model_validate(members)


def test_model_preferences_are_not_range_checked() -> None:
    """TYP-11."""
    assert types.ModelPreferences(costPriority=7, speedPriority=-1).costPriority == 7


def test_open_and_closed_enumerations() -> None:
    """TYP-12: any stop reason, eight logging levels, any JSON value as data, but some value."""
    message = {"role": "user", "content": {"type": "text", "text": "x"}, "model": "m", "stopReason": "vendor"}
    assert types.CreateMessageResult.model_validate(message).stopReason == "vendor"
    for level in ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"):
        assert types.LoggingMessageNotificationParams(level=level, data=None).level == level
    with pytest.raises(ValidationError):
        types.SetLevelRequestParams.model_validate({"level": "WARNING"})
    with pytest.raises(ValidationError):
        types.LoggingMessageNotificationParams.model_validate({"level": "info"})
    for data in (None, 1, "x", [None], {"a": None}):
        assert types.LoggingMessageNotificationParams(level="info", data=data).data == data


def test_more_completion_values_than_the_specification_allows() -> None:
    """TYP-13."""
    values = [str(i) for i in range(101)]
    assert dump(types.Completion(values=values))["values"] == values


def test_icon_source_is_unchecked() -> None:
    """TYP-14."""
    assert types.Icon(src="HTTP://no url").src == "HTTP://no url"


def test_deprecated_names() -> None:
    """TYP-15."""
    text = "^`ResourceReference` is deprecated, you should use `ResourceTemplateReference`.$"
    with pytest.warns(DeprecationWarning, match=text):
        reference = types.ResourceReference(type="ref/resource", uri="x")  # pyright: ignore[reportDeprecated]
    assert isinstance(reference, types.ResourceTemplateReference)
    assert types.Content == types.ContentBlock


@pytest.mark.parametrize(
    ("model", "more"), [(types.SamplingMessage, {}), (types.CreateMessageResultWithTools, {"model": "m"})]
)
def test_content_as_list(
    model: type[types.SamplingMessage | types.CreateMessageResultWithTools], more: dict[str, Any]
) -> None:
    """TYP-16."""
    block = {"type": "text", "text": "x"}
    single = model.model_validate({"role": "user", "content": block, **more})
    assert single.content_as_list == [single.content]
    several = model.model_validate({"role": "user", "content": [block, block], **more})
    assert several.content_as_list is several.content


class _Params(types.RequestParams):
    wanted: int


def test_own_requests() -> None:
    """Programs parametrise the generic bases: the parameters are what is validated."""

    class Own(types.Request[_Params, Literal["vendor/own"]]):
        pass

    class OwnList(types.PaginatedRequest[Literal["vendor/list"]]):
        pass

    class OwnNotification(types.Notification[types.NotificationParams | None, Literal["vendor/changed"]]):
        pass

    assert Own.model_validate({"method": "vendor/own", "params": {"wanted": "1"}}).params.wanted == 1
    with pytest.raises(ValidationError):
        Own.model_validate({"method": "vendor/other", "params": {"wanted": 1}})
    with pytest.raises(ValidationError):
        Own.model_validate({"method": "vendor/own", "params": {}})
    assert OwnList(method="vendor/list").params is None
    with pytest.raises(ValidationError):
        OwnList.model_validate({"method": "tools/list"})
    with pytest.raises(ValidationError):
        OwnNotification.model_validate({"method": "vendor/other", "params": None})


def test_concrete_messages_are_no_generics() -> None:
    """A message class of ours is a subclass of its public base, and takes no parameters."""
    assert issubclass(types.ListToolsRequest, types.PaginatedRequest)
    assert issubclass(types.ListToolsRequest, types.Request)
    assert issubclass(types.ToolListChangedNotification, types.Notification)
    with pytest.raises(TypeError, match="not a generic class"):
        types.CallToolRequest[int, str]  # pyright: ignore[reportInvalidTypeArguments]
