"""Decides whether a registered handler wants the request object as its argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")
R = TypeVar("R")


def create_call_wrapper(func: Callable[..., R], request_type: type[T]) -> Callable[[T], R]:
    """Make a function that calls `func` with the request if `func` asks for it, without arguments otherwise.

    It asks for it with a parameter that is annotated with exactly `request_type` and has no default.
    """
    name = _request_parameter(func, request_type)
    if name is None:
        return lambda _: func()
    if name == "":
        return lambda request: func(request)
    return lambda request: func(**{name: request})


def _request_parameter(func: Callable[..., Any], request_type: type[Any]) -> str | None:
    """Name of the parameter that takes the request, an empty one if it is positional, None if there is none."""
    try:
        parameters = inspect.signature(func).parameters
        hints = get_type_hints(func if inspect.isroutine(func) else func.__call__)
    except Exception:
        # Whatever cannot be resolved is called the old way.
        return None
    for name, parameter in parameters.items():
        if hints.get(name) is not request_type or parameter.default is not inspect.Parameter.empty:
            continue
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            return name
        if parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
            return "" if parameter.kind is inspect.Parameter.POSITIONAL_ONLY else name
    return None
