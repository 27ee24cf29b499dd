"""The JSON schema of a plain signature, which pydantic would make as well, at ten times the cost.

Most parameters are numbers, text, and lists or dicts of these. Anything else is left to pydantic.
"""

import math
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def plain_schema(title: str, parameters: Mapping[str, tuple[Any, Any]]) -> dict[str, Any] | None:
    """The schema of an object as pydantic would make it; None where that is not plain.

    Args:
        title: The title of the schema.
        parameters: Annotation and default (`...` for none) by name.
    """
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, (annotation, default) in parameters.items():
        member = _member(annotation)
        if member is None:
            return None
        member["title"] = name.title().replace("_", " ").strip()
        if default is ...:
            required.append(name)
        elif (
            default is None or type(default) in (str, int, bool) or (type(default) is float and math.isfinite(default))
        ):
            member["default"] = default
        else:
            return None
        properties[name] = dict(sorted(member.items()))
    schema: dict[str, Any] = {"properties": properties, "title": title, "type": "object"}
    return dict(sorted({**schema, "required": required}.items())) if required else schema


def _member(annotation: Any) -> dict[str, Any] | None:
    """The schema of a plain type; None for any other."""
    if annotation is Any:
        return {}
    origin = get_origin(annotation)
    if origin is None:
        # Looked for by identity: other types may be equal.
        kind = next((kind for scalar, kind in _SCALARS.items() if annotation is scalar), None)
        return None if kind is None else {"type": kind}
    members = get_args(annotation)
    if origin is list:
        items = _member(members[0])
        return None if items is None else {"items": items, "type": "array"}
    if origin is dict and members[0] is str:
        values = _member(members[1])
        return None if values is None else {"additionalProperties": values or True, "type": "object"}
    if origin in (Union, types.UnionType) and len(members) == 2 and types.NoneType in members:
        present = _member(members[0] if members[1] is types.NoneType else members[1])
        return None if not present or "anyOf" in present else {"anyOf": [present, {"type": "null"}]}
    return None
