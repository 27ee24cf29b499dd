"""Arguments on the command line, `key=value`, parsed by a JSON schema.

What a value means depends on what the schema accepts: `1` is a string for a string parameter and a number for a number.
A parameter that accepts a string gets the text as it is. `key:=JSON` says the value outright, and a repeated key makes
a list.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, cast

from mcp.cli._errors import unknown_name

Schema = Mapping[str, Any]

BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}

MAX_REFERENCES = 32
"""How many references are followed in a row: they may go in circles."""

MAX_ALTERNATIVES = 100
"""How many members of unions are looked at: unions may hold themselves."""


class BadValue(ValueError):
    """An argument that does not fit; the text says why, for people."""


class Assignment(NamedTuple):
    """One `key=value` or `key:=JSON` of the command line."""

    key: str
    text: str
    is_json: bool


def split_assignment(word: str) -> Assignment:
    """Take `key=value` or `key:=JSON` apart.

    Raises:
        BadValue: it is neither.
    """
    key, equals, text = word.partition("=")
    is_json = key.endswith(":")
    key = key[:-1] if is_json else key
    if not equals or not key:
        raise BadValue(f"Expected KEY=VALUE, got '{word}'")
    return Assignment(key, text, is_json)


def json_object(words: Iterable[str]) -> dict[str, Any] | None:
    """The arguments, if they are given as one JSON object instead of assignments.

    Raises:
        BadValue: it looks like one, and is none, or is not alone.
    """
    words = list(words)
    if not any(word.lstrip().startswith("{") for word in words):
        return None
    if len(words) != 1:
        raise BadValue("Give the arguments either as one JSON object or as KEY=VALUE, not both")
    return cast("dict[str, Any]", _parse_json(words[0], "The argument"))


def parse_arguments(words: Iterable[str], schema: Schema) -> dict[str, Any]:
    """The arguments of a tool.

    Args:
        words: the assignments of the command line, or one JSON object, which is taken unchecked.
        schema: JSON schema of the tool's arguments.

    Raises:
        BadValue: an argument is unknown, missing, or does not fit.
    """
    words = list(words)
    whole = json_object(words)
    if whole is not None:
        return whole
    texts: dict[str, list[Assignment]] = {}
    for word in words:
        assignment = split_assignment(word)
        texts.setdefault(assignment.key, []).append(assignment)
    resolved = resolve(schema, schema)
    properties: Mapping[str, Any] = resolved.get("properties") or {}
    arguments = {key: _argument(key, given, properties, resolved, schema) for key, given in texts.items()}
    missing = [key for key in resolved.get("required") or () if key not in arguments]
    if missing:
        raise BadValue(f"Missing argument{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")
    return arguments


def _argument(
    key: str, given: Sequence[Assignment], properties: Mapping[str, Any], schema: Schema, root: Schema
) -> Any:
    if key in properties:
        wanted = properties[key]
    elif schema.get("additionalProperties") or schema.get("patternProperties"):
        wanted = schema.get("additionalProperties")
    else:
        raise BadValue(unknown_name("argument", key, properties))
    if any(assignment.is_json for assignment in given):
        if len(given) > 1:
            raise BadValue(f"{key} is given more than once")
        return _parse_json(given[0].text, key)
    return parse_value([assignment.text for assignment in given], _as_schema(wanted), root, name=key)


def parse_value(texts: Sequence[str], schema: Schema, root: Schema | None = None, *, name: str = "value") -> Any:
    """Parse the text of one argument by its schema.

    Args:
        texts: what was written; more than one if the argument was repeated, which makes a list.
        schema: what the argument may be.
        root: the schema that references point into; `schema` itself if None.
        name: the argument's name, for errors.

    Raises:
        BadValue: the text fits nothing that the schema accepts.
    """
    root = schema if root is None else root
    alternatives = alternatives_of(schema, root)
    arrays = [alternative for alternative in alternatives if "array" in types_of(alternative)]
    if len(texts) > 1 and not arrays:
        raise BadValue(f"{name} is given more than once")
    if len(texts) > 1:
        return [parse_value([text], items_of(arrays[0]), root, name=name) for text in texts]
    return _parse_one(texts[0], alternatives, root, name)


# Strings first, for a text always is one; then from the narrow to the wide.
_ORDER = ("string", "boolean", "integer", "number", "null", "array", "object")


def _parse_one(text: str, alternatives: Sequence[Schema], root: Schema, name: str) -> Any:
    choices = [choice for alternative in alternatives for choice in choices_of(alternative)]
    for choice in choices:
        if text == (choice if isinstance(choice, str) else json.dumps(choice)):
            return choice
    open_ones = [alternative for alternative in alternatives if not choices_of(alternative)]
    if not open_ones:
        shown = ", ".join(choice if isinstance(choice, str) else json.dumps(choice) for choice in choices)
        raise BadValue(f"{name} must be one of {shown}, got '{text}'")
    by_type = {kind: alternative for alternative in reversed(open_ones) for kind in types_of(alternative)}
    if any(not types_of(alternative) for alternative in open_ones):
        return _json_or_text(text)
    reasons: list[BadValue] = []
    for kind in _ORDER:
        if kind in by_type:
            try:
                return _parse_as(kind, text, by_type[kind], root, name)
            except BadValue as error:
                reasons.append(error)
    if len(reasons) == 1 and str(reasons[0]):
        raise reasons[0]
    raise BadValue(f"{name} must be {_describe(by_type)}, got '{text}'")


def _parse_as(kind: str, text: str, schema: Schema, root: Schema, name: str) -> Any:
    """Parse the text as one type; a `BadValue` without text just says that it is none."""
    if kind == "string":
        return text
    if kind == "boolean" and text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if kind == "null" and text in ("", "null"):
        return None
    if kind in ("integer", "number"):
        return _parse_number(kind, text)
    if kind == "array" and not text.lstrip().startswith("["):
        return [parse_value([text], items_of(schema), root, name=name)] if text else []
    if kind == "array" or (kind == "object" and text.lstrip().startswith("{")):
        return _parse_json(text, name)
    raise BadValue


def _parse_number(kind: str, text: str) -> int | float:
    try:
        value = json.loads(text)
    except ValueError:
        raise BadValue from None
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else int | float):
        raise BadValue
    if not math.isfinite(value):
        raise BadValue
    return value


def items_of(schema: Schema) -> Schema:
    """The schema of an array's items; anything if it says nothing."""
    return _as_schema(schema.get("items"))


def _as_schema(value: Any) -> Schema:
    """A schema as a mapping; `true` is one too, and allows anything."""
    return cast("Schema", value) if isinstance(value, Mapping) else {}


def _describe(kinds: Iterable[str]) -> str:
    names = {"boolean": "true or false", "object": "a JSON object", "null": "null"}
    shown = [names.get(kind, f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}") for kind in _ORDER if kind in kinds]
    return " or ".join(shown) or "a known type"


def _parse_json(text: str, name: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, ValueError) else "nested too deeply"
        raise BadValue(f"{name} is no valid JSON: {reason}") from None


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _json_or_text(text: str) -> Any:
    try:
        return _parse_json(text, "value")
    except BadValue:
        return text


# Schemas


def resolve(schema: Schema, root: Schema) -> Schema:
    """Follow `$ref`s inside the document; members beside a reference count too."""
    for _ in range(MAX_REFERENCES):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            break
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**_look_up(reference, root), **beside}
    return schema


def _look_up(reference: str, root: Schema) -> Schema:
    node: Any = root
    if not reference.startswith("#"):
        return {}
    for step in reference[1:].split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, Mapping) or step not in node:
            return {}
        node = cast("Any", node[step])
    return _as_schema(node)


def alternatives_of(schema: Any, root: Schema) -> list[Schema]:
    """The schemas of which a value has to fit one, without references and unions."""
    return list(islice(_alternatives(schema, root, 0), MAX_ALTERNATIVES))


def _alternatives(schema: Any, root: Schema, depth: int) -> Iterator[Schema]:
    schema = resolve(_as_schema(schema), root)
    if depth < MAX_REFERENCES:
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                for alternative in schema[key]:
                    yield from _alternatives(alternative, root, depth + 1)
                return
        if schema.get("allOf"):
            merged = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                merged = {**resolve(_as_schema(part), root), **merged}
            yield from _alternatives(merged, root, depth + 1)
            return
    yield schema


def types_of(schema: Schema) -> list[str]:
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return [kinds]
    if kinds:
        return list(kinds)
    if "properties" in schema:
        return ["object"]
    return ["array"] if "items" in schema else []


def choices_of(schema: Schema) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    return list(schema.get("enum") or ())
