"""`key=value` arguments, parsed by JSON schemas."""

from typing import Any

import pytest

from mcp.cli._values import BadValue, json_object, parse_arguments, parse_value, split_assignment

INTEGER = {"type": "integer"}
STRING = {"type": "string"}
ANY_OF = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
OPTIONAL_STRING = {"anyOf": [{"type": "string"}, {"type": "null"}]}
LIST_OF_INTEGERS = {"type": "array", "items": INTEGER}


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        (STRING, "1", "1"),
        (STRING, "", ""),
        (STRING, '{"a": 1}', '{"a": 1}'),
        (INTEGER, "1", 1),
        (INTEGER, "-12", -12),
        (INTEGER, "2.0", 2),
        (INTEGER, "123456789012345678901234567890", 123456789012345678901234567890),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "number"}, "7", 7),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "No", False),
        ({"type": "boolean"}, "1", True),
        ({"type": "null"}, "null", None),
        ({"type": "null"}, "", None),
        (ANY_OF, "3", 3),
        (ANY_OF, "null", None),
        ({"type": ["integer", "null"]}, "3", 3),
        (OPTIONAL_STRING, "null", "null"),
        ({"anyOf": [INTEGER, STRING]}, "1", "1"),
        ({"oneOf": [INTEGER, {"type": "boolean"}]}, "true", True),
        ({"oneOf": [{"const": "a"}, {"const": 2}]}, "2", 2),
        ({"enum": ["a", "b"]}, "b", "b"),
        ({"enum": [1, "1"]}, "1", 1),
        ({"type": "integer", "enum": [1, 2]}, "2", 2),
        ({"enum": [None, True]}, "null", None),
        ({"anyOf": [{"enum": ["auto"]}, INTEGER]}, "auto", "auto"),
        ({"anyOf": [{"enum": ["auto"]}, INTEGER]}, "5", 5),
        (LIST_OF_INTEGERS, "[1, 2]", [1, 2]),
        (LIST_OF_INTEGERS, "1", [1]),
        (LIST_OF_INTEGERS, "", []),
        ({"type": "array"}, "a", ["a"]),
        ({"items": STRING}, "a", ["a"]),
        ({"type": "array", "items": True}, "1", [1]),
        ({"type": "object"}, '{"a": [1]}', {"a": [1]}),
        ({"properties": {}}, "{}", {}),
        ({}, "1", 1),
        ({}, "one", "one"),
        ({"title": "Anything"}, '{"a": 1}', {"a": 1}),
        ({"$ref": "#/$defs/N"}, "4", 4),
        ({"$ref": "#/$defs/N", "default": 1}, "4", 4),
        ({"allOf": [{"$ref": "#/$defs/N"}], "title": "N"}, "4", 4),
        ({"$ref": "#/$defs/a~1b~0c"}, "4", 4),
        ({"$ref": "#/$defs/none"}, "4", 4),
        ({"$ref": "other.json#/x"}, "x", "x"),
        ({"$ref": "#/$defs/loop"}, "x", "x"),
        ({"$ref": "#/$defs/tree"}, "x", "x"),
        ({"allOf": [{"$ref": "#/$defs/all"}, True]}, "x", "x"),
        ({"anyOf": [True, INTEGER]}, "x", "x"),
    ],
)
def test_a_value_is_read_as_the_schema_says(schema: dict[str, Any], text: str, expected: Any) -> None:
    root: dict[str, Any] = {"$defs": {"N": INTEGER, "a/b~c": INTEGER, "loop": {"$ref": "#/$defs/loop"}}}
    root["$defs"]["tree"] = {"anyOf": [{"$ref": "#/$defs/tree"}, {"$ref": "#/$defs/tree"}]}
    root["$defs"]["all"] = {"allOf": [{"$ref": "#/$defs/all"}]}
    value = parse_value([text], schema, root)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("schema", "text", "complaint"),
    [
        (INTEGER, "x", "n must be an integer, got 'x'"),
        (INTEGER, "1.5", "n must be an integer, got '1.5'"),
        (INTEGER, "true", "n must be an integer, got 'true'"),
        (INTEGER, "", "n must be an integer, got ''"),
        ({"type": "number"}, "NaN", "n must be a number, got 'NaN'"),
        ({"type": "number"}, "1e400", "n must be a number, got '1e400'"),
        ({"type": "boolean"}, "maybe", "n must be true or false, got 'maybe'"),
        (ANY_OF, "x", "n must be an integer or null, got 'x'"),
        ({"enum": ["a", 1]}, "c", "n must be one of a, 1, got 'c'"),
        (LIST_OF_INTEGERS, "x", "n must be an integer, got 'x'"),
        (LIST_OF_INTEGERS, "[1", "n is no valid JSON: "),
        ({"type": "object"}, "x", "n must be a JSON object, got 'x'"),
        ({"type": "object"}, "{", "n is no valid JSON: "),
        ({"type": "object"}, '{"a": NaN}', "n is no valid JSON: NaN is not JSON"),
        ({"type": "array"}, "[" * 100_000, "n is no valid JSON: "),
        ({"type": "mystery"}, "x", "n must be a known type, got 'x'"),
    ],
)
def test_a_value_that_fits_nothing_is_refused(schema: dict[str, Any], text: str, complaint: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_value([text], schema, name="n")
    assert str(caught.value).startswith(complaint)


def test_a_repeated_argument_makes_a_list() -> None:
    assert parse_value(["1", "2"], LIST_OF_INTEGERS) == [1, 2]
    assert parse_value(["1", "2"], {"anyOf": [LIST_OF_INTEGERS, {"type": "null"}]}) == [1, 2]
    with pytest.raises(BadValue, match="n is given more than once"):
        parse_value(["1", "2"], INTEGER, name="n")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a=1", ("a", "1", False)),
        ("a=x=y", ("a", "x=y", False)),
        ("a=", ("a", "", False)),
        ("a:=[1]", ("a", "[1]", True)),
    ],
)
def test_an_assignment_is_taken_apart(word: str, expected: tuple[str, str, bool]) -> None:
    assert split_assignment(word) == expected


@pytest.mark.parametrize("word", ["a", "=1", ":=1", ""])
def test_no_assignment(word: str) -> None:
    with pytest.raises(BadValue, match="Expected KEY=VALUE, got"):
        split_assignment(word)


SCHEMA = {
    "type": "object",
    "properties": {"a": INTEGER, "name": STRING, "tags": {"type": "array", "items": STRING}},
    "required": ["a"],
}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a=1"], {"a": 1}),
        (["a=1", "name=2", "tags=x", "tags=y"], {"a": 1, "name": "2", "tags": ["x", "y"]}),
        (['a:="text"', "name:=null"], {"a": "text", "name": None}),
        (['{"a": "unchecked", "zz": 1}'], {"a": "unchecked", "zz": 1}),
        ([" {}"], {}),
    ],
)
def test_the_arguments_of_a_tool(words: list[str], expected: dict[str, Any]) -> None:
    assert parse_arguments(words, SCHEMA) == expected


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "Missing argument: a"),
        (["nam=x", "a=1"], "Unknown argument 'nam', did you mean name?"),
        (["a=1", "a=2"], "a is given more than once"),
        (["a:=1", "a=2"], "a is given more than once"),
        (["a:={"], "a is no valid JSON: "),
        (["x"], "Expected KEY=VALUE, got 'x'"),
        (["{", "a=1"], "Give the arguments either as one JSON object or as KEY=VALUE, not both"),
        (["{bad"], "The argument is no valid JSON: "),
    ],
)
def test_bad_arguments_of_a_tool(words: list[str], complaint: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_arguments(words, SCHEMA)
    assert str(caught.value).startswith(complaint)


def test_several_missing_arguments() -> None:
    with pytest.raises(BadValue, match=r"^Missing arguments: a, b$"):
        parse_arguments([], {"properties": {"a": {}, "b": {}}, "required": ["a", "b"]})


def test_further_arguments_where_the_schema_allows_them() -> None:
    assert parse_arguments(["x=1"], {"additionalProperties": True}) == {"x": 1}
    assert parse_arguments(["x=1"], {"additionalProperties": STRING}) == {"x": "1"}
    assert parse_arguments(["x=1"], {"patternProperties": {"^x": {}}}) == {"x": 1}
    with pytest.raises(BadValue, match=r"^Unknown argument 'x': there are none$"):
        parse_arguments(["x=1"], {"type": "object"})


def test_arguments_by_reference() -> None:
    schema = {"$ref": "#/$defs/Args", "$defs": {"Args": SCHEMA}}
    assert parse_arguments(["a=1"], schema) == {"a": 1}


def test_no_json_object() -> None:
    assert json_object([]) is None
    assert json_object(["a=1"]) is None
