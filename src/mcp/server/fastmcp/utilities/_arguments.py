"""The arguments of a user function: from its signature to a pydantic model, and back to a call.

Nothing here calls the function.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, Json, SecretBytes, SecretStr, WithJsonSchema, create_model
from pydantic.fields import FieldInfo

from mcp.server.fastmcp.exceptions import InvalidSignature
from mcp.server.fastmcp.utilities._callables import callable_name
from mcp.server.fastmcp.utilities._plain_schema import plain_schema

VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
"""The kinds of parameters that take any number of arguments."""

_TEXT = (str, bytes, bytearray, SecretStr, SecretBytes)


class ArgModelBase(BaseModel):
    """Base of the models of function arguments."""

    # Parameters may be called what they like.
    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

    def model_dump_one_level(self) -> dict[str, Any]:
        """The values by public name (alias, or else field name); nested models stay models."""
        return {field.alias or name: getattr(self, name) for name, field in type(self).model_fields.items()}


class ArgumentPlan:
    """How arguments get from a client to a call: what to parse first, and what becomes of the validated model.

    Args:
        model: The model of the arguments.
        names: The parameter for each field; None to go by `model_dump_one_level`.
        positional: Parameters that cannot be given by name, in order.
        fields: Annotation and default of the model's fields, if they are known.
    """

    __slots__ = ("_fields", "_json_keys", "_names", "_positional", "model")

    def __init__(
        self,
        model: type[ArgModelBase],
        names: dict[str, str] | None = None,
        positional: Iterable[str] = (),
        fields: dict[str, tuple[Any, Any]] | None = None,
    ) -> None:
        self.model = model
        self._names = names
        self._positional = tuple(positional)
        self._fields = fields
        self._json_keys = frozenset(_json_keys(model))

    def schema(self) -> dict[str, Any]:
        """A new JSON schema of the model, by public names.

        Raises:
            pydantic.PydanticUserError: A type has none.
        """
        plain = plain_schema(self.model.__name__, self._fields) if self._fields is not None else None
        return self.model.model_json_schema(by_alias=True) if plain is None else plain

    def parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """A copy of `data` with JSON text replaced by its value where the declared type cannot be a string.

        Clients send objects and arrays as text now and then. Only those and `null` are replaced: a number in text is
        left to validation, which knows whether it may be one.
        """
        parsed = data.copy()
        for key in self._json_keys & data.keys():
            text = data[key]
            if isinstance(text, str) and text.lstrip()[:1] in ("{", "[", "n"):
                try:
                    parsed[key] = pydantic_core.from_json(text)
                except ValueError:
                    continue
        return parsed

    def call_arguments(self, validated: ArgModelBase, direct: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments of a call.

        Args:
            validated: What the client gave, as an instance of the model.
            direct: What it did not give, by parameter name.
        """
        names = self._names
        if names is None:
            keywords = validated.model_dump_one_level()
        else:
            keywords = {names[field]: value for field, value in validated.__dict__.items()}
        keywords.update(direct)
        return [keywords.pop(name) for name in self._positional], keywords


def read_signature(func: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function, with annotations that are text evaluated.

    Raises:
        InvalidSignature: An annotation cannot be evaluated.
        TypeError: `func` cannot be called.
        ValueError: `func` has no signature.
    """
    # Python 3.14 evaluates annotations that are not text at the first look.
    with _reporting_unevaluable(func, NameError):
        signature = inspect.signature(func)
    if any(isinstance(annotation, str) for annotation in _annotations(signature)):
        with _reporting_unevaluable(func, Exception):
            signature = inspect.signature(func, eval_str=True)
    return signature


@contextmanager
def _reporting_unevaluable(func: Callable[..., Any], expected: type[Exception]) -> Generator[None, None, None]:
    try:
        yield
    except expected as error:
        raise InvalidSignature(f"Unable to evaluate type annotations for callable '{callable_name(func)}'") from error


def _annotations(signature: inspect.Signature) -> Iterable[Any]:
    yield signature.return_annotation
    for parameter in signature.parameters.values():
        yield parameter.annotation


def plan_arguments(func: Callable[..., Any], signature: inspect.Signature, skip: Collection[str]) -> ArgumentPlan:
    """Build the model of a function's arguments, and the way from it to a call.

    Args:
        func: The function.
        signature: Its signature, with evaluated annotations.
        skip: Parameters that the client does not give.

    Raises:
        InvalidSignature: A parameter is variadic, or its name starts with an underscore.
    """
    function_name = callable_name(func)
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    positional: list[str] = []
    for parameter in signature.parameters.values():
        name = parameter.name
        if name.startswith("_"):
            raise InvalidSignature(f"Parameter {name} of {function_name} cannot start with '_'")
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            positional.append(name)
        if name in skip:
            continue
        if parameter.kind in VARIADIC:
            raise InvalidSignature(
                f"Parameter {name} of {function_name} takes any number of arguments, which a schema cannot describe"
            )
        annotation = parameter.annotation
        if annotation is inspect.Parameter.empty:
            # Shown as text, since most are, but nothing is known about it and so nothing is checked.
            annotation = Annotated[Any, WithJsonSchema({"title": name, "type": "string"})]
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        names[add_field(fields, name, annotation, default, signature.parameters)] = name
    # References inside annotations, as in `list["Node"]`, are those of the function's module.
    module = getattr(func, "__module__", None) or __name__
    model = create_model(f"{function_name}Arguments", __base__=ArgModelBase, __module__=module, **fields)
    return ArgumentPlan(model, names, positional, fields)


def add_field(fields: dict[str, Any], name: str, annotation: Any, default: Any, taken: Collection[str] = ()) -> str:
    """Add the definition of a model field to `fields`.

    Args:
        fields: Field definitions as `create_model` takes them.
        name: The public name.
        annotation: The type.
        default: The default, or `...`.
        taken: Names that fields cannot get.

    Returns:
        The name of the field: `name`, or another with `name` as alias where `name` would hide an attribute of models.
    """
    field = name
    if hasattr(ArgModelBase, name):
        field = f"field_{name}"
        while field in taken:
            field += "_"
        if FieldInfo.from_annotated_attribute(annotation, default).alias is None:
            annotation = Annotated[annotation, Field(alias=name)]
    fields[field] = (annotation, default)
    return field


def _json_keys(model: type[BaseModel]) -> Iterable[str]:
    """The names under which a value may come whose declared type cannot be a string."""
    for name, field in model.model_fields.items():
        if any(map(_is_json_text, field.metadata)) or _can_be_text(field.annotation):
            continue
        yield name
        for alias in (field.alias, field.validation_alias):
            if isinstance(alias, str):
                yield alias


def _can_be_text(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        return any(map(_is_json_text, metadata)) or _can_be_text(inner)
    if origin is Literal:
        return any(isinstance(value, str) for value in get_args(annotation))
    if origin is Union or origin is types.UnionType:
        return any(_can_be_text(member) for member in get_args(annotation))
    if annotation is Any or isinstance(annotation, TypeVar):
        return True
    if origin is None and isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return any(isinstance(member.value, str) for member in annotation)
        return annotation is object or _is_json_text(annotation) or issubclass(annotation, _TEXT)
    # `type X = ...` and NewType stand for another type.
    for attribute in ("__value__", "__supertype__"):
        if hasattr(annotation, attribute):
            return _can_be_text(getattr(annotation, attribute))
    return False


def _is_json_text(annotation: Any) -> bool:
    """Whether this is pydantic's own marker for JSON text."""
    marker: Any = Json
    return annotation is marker or isinstance(annotation, marker)
