"""What can be told about a user's function without calling it."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast


def unwrapped(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function inside of any `functools.partial`."""
    while isinstance(fn, functools.partial):
        fn = cast("functools.partial[Any]", fn).func
    return fn


def callable_name(fn: Callable[..., Any]) -> str:
    """The `__name__` of `fn`, else that of the function it wraps or of its class.

    Raises:
        AttributeError: `fn` cannot be called and has no name.
    """
    # A partial may have been given a name.
    for named in (fn, unwrapped(fn)):
        name: str | None = getattr(named, "__name__", None)
        if name is not None:
            return name
    if callable(cast("Any", fn)):
        return type(unwrapped(fn)).__name__
    return fn.__name__


def documentation(fn: Callable[..., Any]) -> str:
    """The docstring of `fn` as it stands; empty if there is none."""
    return unwrapped(fn).__doc__ or ""


def is_async_callable(fn: Callable[..., Any]) -> bool:
    """Whether calling `fn` gives a coroutine."""
    fn = unwrapped(fn)
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004
