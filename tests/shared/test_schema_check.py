"""JSON Schema checks: the words are jsonschema's, whether the compiled check exists or not. CSN-15, LLS-43."""

import math
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp.shared._schema import CompiledSchema, SchemaError

OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.fixture(params=["compiled", "plain"])
def checker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[CompiledSchema]:
    """Checks with and without jsonschema-rs."""
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    return CompiledSchema


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        (OBJECT, {"a": 1}, None),
        (OBJECT, {"a": 1, "more": []}, None),
        (OBJECT, {}, "'a' is a required property"),
        (OBJECT, {"a": "x"}, "'x' is not of type 'integer'"),
        (OBJECT, [], "[] is not of type 'object'"),
        (OBJECT, None, "None is not of type 'object'"),
        (OBJECT, {"a": 1.0}, None),
        (OBJECT, {"a": True}, "True is not of type 'integer'"),
        (OBJECT, {"a": math.nan}, "nan is not of type 'integer'"),
        ({}, {"any": object}, None),
        # What has no JSON form is judged by jsonschema alone.
        (OBJECT, {"a": 1, "more": object()}, None),
        (OBJECT, {"a": (), "more": object()}, "() is not of type 'integer'"),
        (True, 1, None),
        (False, 1, "False schema does not allow 1"),
        ({"type": "array", "minItems": 2}, [1], "[1] is too short"),
        ({"enum": ["a", "b"]}, "c", "'c' is not one of ['a', 'b']"),
        # Formats are not asserted.
        ({"type": "string", "format": "email"}, "no address", None),
        # References inside the schema
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "string"}}}, "s", None),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "string"}}}, 1, "1 is not of type 'string'"),
        # The dialect is the schema's own: the array form of `items` is draft 7's.
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]},
            [1],
            "1 is not of type 'string'",
        ),
        ({"$schema": "urn:unknown", "type": "string"}, 1, "1 is not of type 'string'"),
        # A bad reference harms only what needs it.
        ({"properties": {"a": {"$ref": "https://e.invalid/x"}}}, {}, None),
    ],
)
def test_values(checker: type[CompiledSchema], schema: Any, value: Any, problem: str | None) -> None:
    """LLS-43."""
    check = checker(schema)
    for _ in range(2):
        assert check.error(value) == problem


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no such type"},
        {"type": 1},
        {"required": "a"},
        {"$ref": "#/nowhere"},
        {"$ref": "https://e.invalid/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"a": {"$ref": "other.json"}}},
    ],
)
def test_schemas_that_cannot_be_used(checker: type[CompiledSchema], schema: Any) -> None:
    """CSN-15: nothing is ever fetched."""
    check = checker(schema)
    for _ in range(2):
        with pytest.raises(SchemaError) as raised:
            check.error({"a": 1})
        assert str(raised.value)


def nested(levels: int) -> Any:
    value: Any = "leaf"
    for _ in range(levels):
        value = [value]
    return value


TREE = {"$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree"}
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"


@pytest.mark.parametrize(
    "schema",
    [
        TREE,
        {"anyOf": [{"items": {"$dynamicRef": "#x"}}], "$dynamicAnchor": "x"},
        {"$schema": DRAFT_2019, "items": {"$recursiveRef": "#"}},
    ],
)
def test_values_deeper_than_any_recursion_goes(checker: type[CompiledSchema], schema: Any) -> None:
    """A recursive schema follows them all the way: an error, and not the end of the process."""
    assert checker(schema).error(nested(100)) is None
    assert checker(schema).error({"a": (nested(50_000),)}) == "The value is nested more than 1000 levels deep"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({**TREE, "$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}, "type": "array"}}}, nested(900)),
        ({"type": "string"}, nested(50_000)),
        ({"uniqueItems": True}, [nested(900), nested(900)]),
    ],
)
def test_values_too_deep_for_words(checker: type[CompiledSchema], schema: Any, value: Any) -> None:
    """LLS-43, CSN-15: what is wrong with them cannot be said, but that it is no recursion error of ours."""
    for _ in range(2):
        assert checker(schema).error(value) == "The value is nested too deep to be checked"


def test_schemas_too_deep_for_words(checker: type[CompiledSchema]) -> None:
    """CSN-15."""
    schema: Any = {"type": "string"}
    for _ in range(900):
        schema = {"items": schema}
    with pytest.raises(SchemaError, match=r"^The schema is nested too deep to be checked$"):
        checker(schema).error(nested(901))


def test_deep_values_of_a_schema_that_does_not_look(checker: type[CompiledSchema]) -> None:
    assert checker({"type": "array"}).error(nested(50_000)) is None


SCHEMAS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null"]),
        "minimum": st.integers(-5, 5),
        "maxLength": st.integers(0, 3),
        "enum": st.lists(st.none() | st.integers() | st.text(max_size=2), min_size=1, max_size=3, unique_by=repr),
        "required": st.lists(st.sampled_from("ab"), unique=True),
        "items": st.sampled_from([{}, {"type": "integer"}, False]),
        "uniqueItems": st.booleans(),
        "pattern": st.sampled_from(["^a", "[0-9]+$", "."]),
        "multipleOf": st.sampled_from([1, 2, 3]),
    },
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.floats(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=4,
)


@settings(deadline=None)
@given(SCHEMAS, VALUES)
def test_the_compiled_check_agrees_with_jsonschema(schema: dict[str, Any], value: Any) -> None:
    """LLS-43: accepting is all it decides, and it accepts what jsonschema accepts."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    worst = best_match(Draft202012Validator(schema).iter_errors(value))
    assert CompiledSchema(schema).error(value) == (None if worst is None else worst.message)
