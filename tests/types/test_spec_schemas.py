"""Our models against the published JSON schemas of the four handshake revisions, in both directions.

From the wire: instances made from each definition of a revision are read by our model; what it dumps is the same
instance and valid again. To the wire: instances made from our own model's schema are dumped to what is valid by the
definition of the newest revision. The deviations are in the tables, with the reason.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.protocols import Validator
from pydantic import BaseModel, TypeAdapter

from mcp import types

DATA = Path(__file__).parents[1] / "data" / "spec"
REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
NEWEST = REVISIONS[-1]
SCHEMAS: dict[str, dict[str, Any]] = {
    revision: json.loads((DATA / revision / "schema.json").read_bytes()) for revision in REVISIONS
}

# Definitions that go by another name in the API. ResourceReference itself warns when used (TYP-15).
NAMES: dict[Any, Any] = {
    "ElicitationCompleteNotification": types.ElicitCompleteNotification,
    "Error": types.ErrorData,
    "JSONRPCErrorResponse": types.JSONRPCError,
    "JSONRPCResultResponse": types.JSONRPCResponse,
    "PaginatedRequest": types.PaginatedRequest[str],
    "ResourceReference": types.ResourceTemplateReference,
    "ResourceRequestParams": types.ReadResourceRequestParams,
    "TaskAugmentedRequestParams": types.RequestParams,
    "URLElicitationRequiredError": types.JSONRPCError,
    (NEWEST, "CreateMessageResult"): types.CreateMessageResultWithTools,
    (NEWEST, "JSONRPCResponse"): types.JSONRPCMessage,
}

WITHOUT_MODEL = {
    "Annotated": "a mix-in of 2024-11-05: its one member is in the models",
    "Icons": "a mix-in: its one member is in the models",
    "Notification": "a generic base: see its subclasses",
    "Request": "a generic base: see its subclasses",
    "JSONRPCBatchRequest": "TYP-39: no batches",
    "JSONRPCBatchResponse": "TYP-39: no batches",
    **dict.fromkeys(
        (
            "BooleanSchema",
            "EnumSchema",
            "LegacyTitledEnumSchema",
            "MultiSelectEnumSchema",
            "NumberSchema",
            "PrimitiveSchemaDefinition",
            "SingleSelectEnumSchema",
            "StringSchema",
            "TitledMultiSelectEnumSchema",
            "TitledSingleSelectEnumSchema",
            "UntitledMultiSelectEnumSchema",
            "UntitledSingleSelectEnumSchema",
        ),
        "part of `requestedSchema`, a plain dict in the API",
    ),
}

# Definitions that are narrower than the model that reads them, and so no measure of what the model sends.
NOT_SENT_AS = {
    "JSONRPCResponse": "one half of JSONRPCMessage",
    "URLElicitationRequiredError": "an error with a certain code and certain data",
}

# Models that appear in no definition.
UNMEASURED = {"ElicitationRequiredErrorData"}

# Methods whose params drop unknown members (TYP-6).
CLOSED_PARAMS = {
    "ping",
    "roots/list",
    "notifications/initialized",
    "notifications/roots/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/tools/list_changed",
}

# A member that no schema knows, added where it allows further ones.
UNKNOWN = "vendor.example/key"

FORMATS = {
    "uri": "file:///some/path",
    "uri-template": "file:///{path}",
    "byte": "aGk=",
    "date-time": "2025-11-25T10:30:00Z",
}

# Members that the schema of a revision calls a string without giving the format that it describes in words.
UNSAID = {"createdAt": "2025-11-25T10:30:00Z", "lastUpdatedAt": "2025-11-25T10:30:00+01:00"}

# Members for which our types admit more than the specification lets one send, with a value that both know.
OBJECT_SCHEMA = {"type": "object", "properties": {}}
WIDER: dict[str, Any] = {
    "protocolVersion": "2025-11-25",  # TYP-10: also int
    "costPriority": 0.5,  # TYP-11: any number
    "speedPriority": 0.5,
    "intelligencePriority": 0,
    "inputSchema": OBJECT_SCHEMA,  # any dict
    "outputSchema": OBJECT_SCHEMA,
    "requestedSchema": OBJECT_SCHEMA,
}
# TYP-28: also float and null
ELICITED = {"text": "x", "number": 1, "flag": True, "choices": ["a"]}


@dataclass
class Maker:
    """Makes instances of a schema."""

    definitions: dict[str, Any]
    by_name: dict[str, Any]

    def all(self, schema: dict[str, Any]) -> list[Any]:
        """Instances with required members only and with all, for several values and each branch of a union."""
        turns = max(6, len(schema.get("anyOf", ())))
        return [self.one(schema, turn, whole) for turn in range(turns) for whole in (False, True)]

    def one(self, schema: dict[str, Any], turn: int, whole: bool, name: str = "") -> Any:
        """One instance, the value of member `name`: `turn` chooses among branches and values."""
        if name in self.by_name:
            return self.by_name[name]
        if "$ref" in schema:
            return self.one(self.definitions[schema["$ref"].rpartition("/")[2]], turn, whole)
        if "anyOf" in schema:
            branches = [branch for branch in schema["anyOf"] if not _is_batch(branch)]
            return self.one(branches[turn % len(branches)], turn, whole)
        if "allOf" in schema:
            merged: dict[str, Any] = {}
            for part in schema["allOf"]:
                merged |= self.one(part, turn, whole)
            return merged
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][turn % len(schema["enum"])]
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = kind[turn % len(kind)]
        match kind:
            case "object":
                return self._object(schema, turn, whole)
            case "array":
                return [self.one(schema["items"], turn + i, whole) for i in range(turn % 3)]
            case "string":
                return FORMATS.get(schema.get("format", ""), f"text {turn} é")
            case "integer":
                return schema.get("minimum", 0) + turn
            case "number":
                return min(schema.get("minimum", 0) + turn / 4, schema.get("maximum", 100))
            case "boolean":
                return turn % 2 == 0
            case "null":
                return None
            case _:
                return {"anything": [turn, None, "x", True]}

    def _object(self, schema: dict[str, Any], turn: int, whole: bool) -> dict[str, Any]:
        properties: dict[str, Any] = schema.get("properties", {})
        wanted = properties if whole else schema.get("required", ())
        made = {name: self.one(properties[name], turn + i, whole, name) for i, name in enumerate(wanted)}
        rest = schema.get("additionalProperties")
        if whole and isinstance(rest, dict):
            made[UNKNOWN] = self.one(rest, turn, whole)
        return made


def _is_batch(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "array" and "batch" in schema.get("description", "")


def _definitions(revision: str) -> dict[str, Any]:
    schema = SCHEMAS[revision]
    return schema.get("$defs") or schema["definitions"]


def _validator(revision: str, name: str) -> Validator:
    schema = SCHEMAS[revision]
    key = "$defs" if "$defs" in schema else "definitions"
    kind = Draft202012Validator if key == "$defs" else Draft7Validator
    return kind({key: schema[key], "$ref": f"#/{key}/{name}"})


def _model(revision: str, name: str) -> TypeAdapter[Any]:
    return TypeAdapter(NAMES.get((revision, name)) or NAMES.get(name) or getattr(types, name))


def _dump(adapter: TypeAdapter[Any], value: Any) -> Any:
    return adapter.dump_python(value, by_alias=True, mode="json", exclude_none=True)


def _expected(name: str, instance: Any) -> Any:
    """What is dumped after reading `instance` of definition `name`: the same, but for defaults and closed params."""
    if not isinstance(instance, dict) or name.startswith("JSONRPC"):
        return instance
    expected: dict[str, Any] = dict(instance)
    if name in ("CallToolResult", "ServerResult") and "content" in expected:
        expected.setdefault("isError", False)  # TYP-31
    if "requestedSchema" in expected:
        expected.setdefault("mode", "form")  # TYP-9
    if isinstance(params := expected.get("params"), dict):
        expected["params"] = _expected("", params)
        if expected["method"] in CLOSED_PARAMS:
            expected["params"].pop(UNKNOWN, None)
    return expected


@pytest.mark.parametrize(
    ("revision", "name"),
    [(revision, name) for revision in REVISIONS for name in _definitions(revision) if name not in WITHOUT_MODEL],
)
def test_from_the_wire_and_back(revision: str, name: str) -> None:
    """TYP-4, TYP-5, TYP-6, TYP-29: what a peer of the revision may send is read, kept whole, and sent on valid."""
    definitions = _definitions(revision)
    validator = _validator(revision, name)
    adapter = _model(revision, name)
    for instance in Maker(definitions, UNSAID).all(definitions[name]):
        if isinstance(instance, dict) and "error" in instance and "id" not in instance:
            continue  # TYP-18: the parser makes an event of it, the models know no such message
        validator.validate(instance)
        expected = _expected(name, instance)
        dumped = _dump(adapter, adapter.validate_python(instance))
        validator.validate(dumped)
        assert dumped == expected
        assert _dump(adapter, adapter.validate_json(json.dumps(instance))) == expected


@pytest.mark.parametrize(
    "name", [name for name in _definitions(NEWEST) if name not in WITHOUT_MODEL and name not in NOT_SENT_AS]
)
def test_to_the_wire(name: str) -> None:
    """TYP-29, TYP-30, TYP-32: what we send is valid by the newest revision."""
    validator = _validator(NEWEST, name)
    adapter = _model(NEWEST, name)
    schema = adapter.json_schema()
    for instance in Maker(schema.get("$defs", {}), WIDER).all(schema):
        if name in ("ElicitResult", "ClientResult") and "action" in instance and instance.get("content") is not None:
            instance["content"] = ELICITED
        dumped = _dump(adapter, adapter.validate_python(instance))
        if isinstance(dumped, dict) and "method" in dumped:
            # The session adds the envelope, which the newest schema has in each definition.
            dumped |= {"jsonrpc": "2.0", "id": 1}
        validator.validate(dumped)


def test_every_model_is_measured() -> None:
    """No public model of ours escapes: those without a definition of their own are parts or bases of others."""
    measured = {model for name in types.__all__ if isinstance(model := getattr(types, name), type)}
    reached: set[str] = set()
    for revision in REVISIONS:
        for name in _definitions(revision).keys() - WITHOUT_MODEL.keys():
            reached |= {name, *_model(revision, name).json_schema().get("$defs", {})}
    reached |= {base.__name__ for model in measured if model.__name__ in reached for base in model.__mro__}
    assert {model.__name__ for model in measured if issubclass(model, BaseModel)} - reached == UNMEASURED
