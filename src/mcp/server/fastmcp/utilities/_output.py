"""The structured output of a tool: from its return annotation to a pydantic model and a JSON schema.

The protocol wants an object at the root, so everything else is wrapped as `{"result": ...}`.

Source: specification 2025-11-25, page "Tools", section "Structured Content".
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import types
from enum import Enum
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar, cast, get_args, get_origin, get_type_hints

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from typing_extensions import is_typeddict
from typing_inspection.introspection import AnnotationSource, inspect_annotation
from typing_inspection.typing_objects import is_typealiastype

from mcp.server.fastmcp.utilities._arguments import add_field
from mcp.server.fastmcp.utilities.logging import get_logger

logger = get_logger("mcp.server.fastmcp.utilities.func_metadata")

_Schema = dict[str, Any]
_SCALARS = (str, int, float, bool, bytes, types.NoneType)


class StrictJsonSchema(GenerateJsonSchema):
    """A JSON schema generator that refuses what it could only describe in part."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Raise ValueError where the base class warns."""
        raise ValueError(f"JSON schema warning: {kind} - {detail}")


class SharedResult(BaseModel):
    """Base of the wrapped scalars, which all tools share."""


class TypedDictResult(BaseModel):
    """Base of the models made of a TypedDict, whose absent keys stay absent."""


class Output(NamedTuple):
    """How a result becomes structured content: its model, the schema of that, and whether it is wrapped."""

    model: type[BaseModel]
    schema: _Schema
    wrapped: bool


def describe_output(annotation: Any, function_name: str) -> Output | None:
    """The structured output for a type; None where there is none, which is logged if the type looked like one.

    Args:
        annotation: A return annotation, not a string.
        function_name: Name of the function, for titles.
    """
    if annotation is None:
        annotation = types.NoneType
    if annotation in _SCALARS:
        model, schema = _shared(annotation)
        return Output(model, {**copy.deepcopy(schema), "title": f"{function_name}Output"}, wrapped=True)
    try:
        described = _model(annotation, function_name)
        if described is None:
            return None
        model, wrapped = described
        schema = _object_schema(model)
        if schema.get("type") != "object" and not wrapped:
            model, wrapped = _wrapped(model, function_name), True
            schema = _object_schema(model)
    except (PydanticUserError, TypeError, ValueError, NameError, AttributeError) as error:
        logger.info("Cannot create schema for type %s in %s: %s", annotation, function_name, error)
        return None
    return Output(model, schema, wrapped)


def may_hold_floats(schema: _Schema) -> bool:
    """Whether a value that fits `schema` may have a floating point number inside.

    Where the schema says nothing about the type, pydantic has made null of what JSON cannot express.
    """
    return b'"number"' in pydantic_core.to_json(schema)


def check_finite(value: Any) -> None:
    """Refuse numbers that JSON cannot express.

    Args:
        value: JSON as Python objects.

    Raises:
        ValueError: NaN or an infinity was found; the text tells where.
    """
    # Looking for their names in the text is many times faster than looking at each value.
    text = pydantic_core.to_json(value, inf_nan_mode="constants")
    if b"NaN" in text or b"Infinity" in text:
        _check_finite(value, "$")


def _check_finite(value: Any, path: str) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{path} is {value}, which JSON cannot express")
    elif isinstance(value, dict):
        for key, member in cast("_Schema", value).items():
            _check_finite(member, f"{path}.{key}")
    elif isinstance(value, list):
        for index, member in enumerate(cast("list[Any]", value)):
            _check_finite(member, f"{path}[{index}]")


def _model(annotation: Any, function_name: str) -> tuple[type[BaseModel], bool] | None:
    """The model for a type that is no scalar, and whether it wraps it."""
    bare = _bare(annotation)
    origin = get_origin(bare)
    if origin is dict and isinstance(bare, types.GenericAlias) and get_args(bare)[0] is str:
        return create_model(f"{function_name}DictOutput", __base__=RootModel, root=(cast("Any", bare), ...)), False
    if bare in _SCALARS or origin is not None or isinstance(bare, TypeVar) or hasattr(bare, "__supertype__"):
        return _wrapped(annotation, function_name), True
    if is_typeddict(bare):
        return _typed_dict_model(cast("type[Any]", bare)), False
    if not inspect.isclass(bare) or issubclass(bare, Enum | tuple):
        return None
    model = bare if issubclass(bare, BaseModel) else _class_model(bare)
    return None if model is None else (model, False)


def _bare(annotation: Any) -> Any:
    """The type without metadata, and without a name given to it by `type X = ...`."""
    inspected = inspect_annotation(annotation, annotation_source=AnnotationSource.BARE)
    return _bare(inspected.type.__value__) if is_typealiastype(inspected.type) else inspected.type


def _wrapped(annotation: Any, function_name: str) -> type[BaseModel]:
    return create_model(f"{function_name}Output", result=(annotation, ...))


@cache
def _shared(scalar: Any) -> tuple[type[BaseModel], _Schema]:
    model = create_model("Output", __base__=SharedResult, result=(scalar, ...))
    return model, _object_schema(model)


def _typed_dict_model(typed_dict: type[Any]) -> type[BaseModel]:
    required: frozenset[str] = typed_dict.__required_keys__  # pyright: ignore[reportAttributeAccessIssue]
    fields: dict[str, Any] = {}
    for name, hint in get_type_hints(typed_dict, include_extras=True).items():
        inspected = inspect_annotation(hint, annotation_source=AnnotationSource.TYPED_DICT)
        annotation = inspected.type
        if inspected.metadata:
            annotation = Annotated[(annotation, *inspected.metadata)]
        # With postponed annotations `__required_keys__` knows nothing of the qualifiers.
        absent = "not_required" in inspected.qualifiers or (
            name not in required and "required" not in inspected.qualifiers
        )
        add_field(fields, name, annotation, None if absent else ...)
    return create_model(typed_dict.__name__, __base__=TypedDictResult, __module__=typed_dict.__module__, **fields)


def _class_model(cls: type[Any]) -> type[BaseModel] | None:
    fields: dict[str, Any] = {}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        qualifiers = inspect_annotation(hint, annotation_source=AnnotationSource.DATACLASS).qualifiers
        if not name.startswith("_") and not qualifiers & {"class_var", "init_var"}:
            add_field(fields, name, hint, _class_default(cls, name))
    if not fields:
        return None
    config = ConfigDict(from_attributes=True)
    return create_model(cls.__name__, __config__=config, __module__=cls.__module__, **fields)


def _class_default(cls: type[Any], name: str) -> Any:
    """The default of an attribute as the default of a model field; `...` if it has none."""
    if dataclasses.is_dataclass(cls):
        for field in dataclasses.fields(cls):
            if field.name == name and field.default_factory is not dataclasses.MISSING:
                return Field(default_factory=field.default_factory)
            if field.name == name:
                return ... if field.default is dataclasses.MISSING else field.default
    default = inspect.getattr_static(cls, name, ...)
    # A slot or a property says how to get the value, not what it is.
    return ... if inspect.isdatadescriptor(default) else default


def _object_schema(model: type[BaseModel]) -> _Schema:
    """The schema of a model, with what a reference at the root stands for in its place."""
    schema = model.model_json_schema(schema_generator=StrictJsonSchema)
    if "$ref" in schema:
        definitions: _Schema = schema["$defs"]
        name = schema["$ref"].rpartition("/")[2]
        schema = {**definitions[name], "$defs": definitions}
    return schema
