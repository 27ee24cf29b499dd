"""Asking the user through the client, with a form or by URL, and the typed outcomes.

Source: specification 2025-11-25, page "Elicitation".
"""

from __future__ import annotations

import types as python_types
from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel

from mcp.server.session import ServerSession
from mcp.shared.exceptions import McpError
from mcp.types import (
    INVALID_REQUEST,
    ClientCapabilities,
    ElicitationCapability,
    ErrorData,
    FormElicitationCapability,
    RequestId,
    UrlElicitationCapability,
)

ElicitSchemaModelT = TypeVar("ElicitSchemaModelT", bound=BaseModel)

_PRIMITIVES = (str, int, float, bool)
_Schema: TypeAlias = dict[str, Any]


class AcceptedElicitation(BaseModel, Generic[ElicitSchemaModelT]):
    """The user filled in the form; `data` is the answer."""

    action: Literal["accept"] = "accept"
    data: ElicitSchemaModelT


class DeclinedElicitation(BaseModel):
    """The user said no."""

    action: Literal["decline"] = "decline"


class CancelledElicitation(BaseModel):
    """The user closed the question without an answer."""

    action: Literal["cancel"] = "cancel"


class AcceptedUrlElicitation(BaseModel):
    """The user agreed to visit the URL; what happens there is not told."""

    action: Literal["accept"] = "accept"


ElicitationResult: TypeAlias = AcceptedElicitation[ElicitSchemaModelT] | DeclinedElicitation | CancelledElicitation
UrlElicitationResult: TypeAlias = AcceptedUrlElicitation | DeclinedElicitation | CancelledElicitation


async def elicit_with_validation(
    session: ServerSession,
    message: str,
    schema: type[ElicitSchemaModelT],
    related_request_id: RequestId | None = None,
) -> ElicitationResult[ElicitSchemaModelT]:
    """Ask the user to fill in a form, and check the answer.

    Args:
        session: The session with the client.
        message: What to tell the user.
        schema: Model of the answer. Fields are strings, numbers, booleans, enumerations of strings (`Literal` or
            `Enum`), lists of strings, or one of these or None; what may be None may be left out.
        related_request_id: The client's request in whose course the user is asked.

    Returns:
        `AcceptedElicitation` with the answer as `data`, `DeclinedElicitation` or `CancelledElicitation`.

    Raises:
        TypeError: A field of `schema` has another type; nothing was sent.
        McpError: The client cannot show forms (nothing was sent then), or answered with an error.
        pydantic.ValidationError: The answer does not fit `schema`.

    Source: specification 2025-11-25, page "Elicitation", section "Form Mode Elicitation Requests".
    """
    form, nullable = _form(schema)
    _require(session, ElicitationCapability(form=FormElicitationCapability()))
    result = await session.elicit_form(
        message=message,
        requestedSchema=form,
        related_request_id=related_request_id,
    )
    if result.action == "accept":
        answer: dict[str, Any] = {**dict.fromkeys(nullable), **(result.content or {})}
        return AcceptedElicitation(data=schema.model_validate(answer))
    return _not_accepted(result.action)


async def elicit_url(
    session: ServerSession,
    message: str,
    url: str,
    elicitation_id: str,
    related_request_id: RequestId | None = None,
) -> UrlElicitationResult:
    """Ask the user to visit a URL.

    Args:
        session: The session with the client.
        message: What to tell the user.
        url: Where to go.
        elicitation_id: A name for this elicitation that no other has, for `send_elicit_complete`.
        related_request_id: The client's request in whose course the user is asked.

    Returns:
        `AcceptedUrlElicitation`, `DeclinedElicitation` or `CancelledElicitation`.

    Raises:
        McpError: The client cannot open URLs (nothing was sent then), or answered with an error.

    Source: specification 2025-11-25, page "Elicitation", section "URL Mode Elicitation Requests".
    """
    _require(session, ElicitationCapability(url=UrlElicitationCapability()))
    result = await session.elicit_url(
        message=message,
        url=url,
        elicitation_id=elicitation_id,
        related_request_id=related_request_id,
    )
    if result.action == "accept":
        return AcceptedUrlElicitation()
    return _not_accepted(result.action)


def _not_accepted(action: str) -> DeclinedElicitation | CancelledElicitation:
    if action == "decline":
        return DeclinedElicitation()
    if action == "cancel":
        return CancelledElicitation()
    raise ValueError(f"Unexpected elicitation action: {action}")


def _require(session: ServerSession, mode: ElicitationCapability) -> None:
    """Refuse a mode that the client did not declare; one whose handshake is not known is asked anyway."""
    # Relays that are no real sessions have no such attribute.
    if getattr(session, "client_params", None) is None:
        return
    if not session.check_client_capability(ClientCapabilities(elicitation=mode)):
        raise McpError(ErrorData(code=INVALID_REQUEST, message="Elicitation not supported"))


def _form(model: type[BaseModel]) -> tuple[_Schema, list[str]]:
    """The restricted JSON schema of a form, and the required members of `model` that a user may leave empty.

    The protocol allows flat objects of primitives, without null and without references: what may be None is made
    optional, and enumerations are written out.
    """
    for name, field in model.model_fields.items():
        if not _is_askable(field.annotation):
            raise TypeError(
                f"Elicitation schema field '{name}' must be a primitive type {_PRIMITIVES}, "
                "a sequence of strings (list[str], etc.), or Optional of these types. "
                "Nested models and complex types are not allowed."
            )

    schema = model.model_json_schema()
    definitions: _Schema = schema.pop("$defs", {})
    properties: _Schema = schema.get("properties", {})
    required: list[str] = schema.get("required", [])
    nullable: list[str] = []
    for name, member in properties.items():
        properties[name], may_be_none = _form_field(member, definitions)
        if may_be_none and name in required:
            nullable.append(name)
    if nullable:
        schema["required"] = [name for name in required if name not in nullable]
        if not schema["required"]:
            del schema["required"]
    return schema, nullable


def _is_askable(annotation: Any) -> bool:
    if annotation is None or annotation is python_types.NoneType or annotation in _PRIMITIVES:
        return True
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_askable(get_args(annotation)[0])
    if origin is Union or origin is python_types.UnionType:
        return all(_is_askable(member) for member in get_args(annotation))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        items = get_args(annotation)
        return len(items) == 1 and (items[0] is str or _is_enumeration(items[0]))
    return _is_enumeration(annotation)


def _is_enumeration(annotation: Any) -> bool:
    """Whether values are strings out of a fixed set."""
    values: Sequence[Any]
    if get_origin(annotation) is Literal:
        values = get_args(annotation)
    # Python 3.10 takes `dict[str, str]` for a class, which `issubclass` then refuses.
    elif isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, Enum):
        values = [member.value for member in annotation]
    else:
        return False
    return bool(values) and all(isinstance(value, str) for value in values)


def _form_field(member: _Schema, definitions: _Schema) -> tuple[_Schema, bool]:
    """The schema of one member without references and null, and whether it may be null."""
    member = _inlined(member, definitions)
    if "items" in member:
        member["items"] = _inlined(member["items"], definitions)
    if "anyOf" not in member:
        return member, False

    choices = cast("list[_Schema]", member["anyOf"])
    present = [choice for choice in choices if choice.get("type") != "null"]
    if len(present) == len(choices) or not present:
        return member, False
    if member.get("default", ...) is None:
        del member["default"]
    if len(present) > 1:
        member["anyOf"] = [_form_field(choice, definitions)[0] for choice in present]
    else:
        del member["anyOf"]
        member = {**_form_field(present[0], definitions)[0], **member}
    return member, True


def _inlined(member: _Schema, definitions: _Schema) -> _Schema:
    """A copy in which a reference to an enumeration, or a set of one, is written as `enum`."""
    member = dict(member)
    reference = member.pop("$ref", None)
    if reference is not None:
        member = {**definitions[reference.rpartition("/")[2]], **member}
    if "const" in member:
        member["enum"] = [member.pop("const")]
    return member
