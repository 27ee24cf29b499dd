"""JSON Schema checks: compiled once, fast for values that are valid, with jsonschema's words for those that are not.

A compiled validator (jsonschema-rs) accepts; only what it does not accept, or cannot judge, is checked again by
jsonschema, which is loaded then. Its verdict and message are the ones that count, so messages are the same with and
without the fast path. References to other documents are never fetched.

Source: specification 2025-11-25, page "Base Protocol", section "JSON Schema Usage".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

MAX_DEPTH = 1000
"""Levels of nesting that a value may have where the schema could follow them all; no message goes as deep."""


class SchemaError(ValueError):
    """The schema itself is broken, or refers to something that is not in it."""


class CompiledSchema:
    """A JSON Schema, ready to check values.

    Args:
        schema: the schema; its dialect is `$schema`, or 2020-12. Formats are not asserted.
    """

    __slots__ = ("_accepts", "_exact", "_may_recurse", "_schema")

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._accepts: Callable[[Any], bool] | None = None
        self._exact: Any = None
        self._may_recurse = False

    def error(self, value: Any) -> str | None:
        """Check a value; the message of what is wrong, None if nothing is.

        Raises:
            SchemaError: the schema cannot be used.
        """
        if self._accepts is None:
            self._accepts = _compile(self._schema)
            self._may_recurse = _refers(self._schema)
        if self._may_recurse and _is_deep(value):
            return f"The value is nested more than {MAX_DEPTH} levels deep"
        try:
            if self._accepts(value):
                return None
        except Exception:
            # The value has no form in strict JSON (NaN, a tuple): the exact check decides.
            pass
        return self._explain(value)

    def _explain(self, value: Any) -> str | None:
        import jsonschema.exceptions
        from referencing.exceptions import Unresolvable

        best_match: Any = jsonschema.exceptions.best_match  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        try:
            if self._exact is None:
                self._exact = _exact_validator(self._schema)
            worst = best_match(self._exact.iter_errors(value))
        except jsonschema.exceptions.SchemaError as error:
            raise SchemaError(error.message) from error
        except Unresolvable as error:
            raise SchemaError(str(error)) from error
        except RecursionError:
            # How deep that is depends on who asks; the compiled check goes deeper, but has no words.
            if self._exact is None:
                raise SchemaError("The schema is nested too deep to be checked") from None
            return "The value is nested too deep to be checked"
        return None if worst is None else worst.message


def _exact_validator(schema: dict[str, Any]) -> Any:
    from jsonschema import validators
    from referencing.jsonschema import EMPTY_REGISTRY

    validator_for: Any = validators.validator_for  # pyright: ignore[reportUnknownMemberType]
    validator = validator_for(schema, default=validators.Draft202012Validator)
    validator.check_schema(schema)
    # With a registry of its own the validator fetches nothing.
    return validator(schema, registry=EMPTY_REGISTRY)


def _compile(schema: dict[str, Any]) -> Callable[[Any], bool]:
    """The compiled check; one that accepts nothing where there is none, so that the exact check decides."""
    try:
        import jsonschema_rs

        return jsonschema_rs.validator_for(schema, validate_formats=False, retriever=_fetch_nothing).is_valid
    except Exception:
        return _accept_nothing


def _refers(schema: Any) -> bool:
    """Whether there are references in the schema, so that it may be recursive."""
    found = [schema]
    for node in found:
        if isinstance(node, dict):
            members = cast("dict[str, Any]", node)
            if not _REFERENCES.isdisjoint(members):
                return True
            found.extend(members.values())
        elif isinstance(node, list):
            found.extend(cast("list[Any]", node))
    return False


_REFERENCES = frozenset(("$ref", "$dynamicRef", "$recursiveRef"))


def _is_deep(value: Any) -> bool:
    # Level by level: this is about values that recursion, here or in the compiled check, would not survive.
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(cast("dict[str, Any]", node).values())
            elif isinstance(node, list | tuple):
                below.extend(cast("list[Any]", node))
        if not below:
            return False
        level = below
    return True


def _accept_nothing(_: Any) -> bool:
    return False


def _fetch_nothing(uri: str) -> Any:
    raise LookupError(f"{uri} is not part of the schema")
