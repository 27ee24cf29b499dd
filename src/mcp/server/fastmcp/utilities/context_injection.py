"""Finds and fills the context parameter of a user function."""

import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any, cast, get_args, get_origin, get_type_hints

from mcp.server.fastmcp.context import Context
from mcp.server.fastmcp.exceptions import InvalidSignature
from mcp.server.fastmcp.utilities._callables import callable_name, unwrapped


def find_context_parameter(fn: Callable[..., Any]) -> str | None:
    """The name of the parameter of `fn` that takes the `Context`, None if there is none.

    That is the one annotated with `Context`, a subclass, or a union or other generic with one directly inside.

    Args:
        fn: A function, a method, a class, or an object with `__call__`.

    Raises:
        InvalidSignature: There is more than one.
    """
    try:
        hints = get_type_hints(_annotated(fn), include_extras=True)
    except Exception:
        # What cannot be resolved is reported when the signature is read.
        return None
    names = [name for name, hint in hints.items() if name != "return" and _takes_context(hint)]
    if names:
        names = [name for name in names if name not in _bound(fn)]
    if len(names) > 1:
        raise InvalidSignature(
            f"Function {callable_name(fn)}: only one parameter can take the Context, not {', '.join(names)}"
        )
    return names[0] if names else None


def inject_context(
    fn: Callable[..., Any],
    kwargs: dict[str, Any],
    context: Any | None,
    context_kwarg: str | None,
) -> dict[str, Any]:
    """The arguments of a call with the context among them.

    Args:
        fn: The function to call.
        kwargs: Its other arguments.
        context: The context, None where there is none to give.
        context_kwarg: The parameter that takes it, None if `fn` has none.

    Returns:
        `kwargs` itself, or a copy with the context.
    """
    if context_kwarg is not None and context is not None:
        return {**kwargs, context_kwarg: context}
    return kwargs


def _annotated(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function whose annotations name the parameters of `fn`."""
    fn = unwrapped(fn)
    if inspect.isclass(fn):
        return fn.__init__
    return fn if inspect.isroutine(fn) else type(fn).__call__


def _bound(fn: Callable[..., Any]) -> Collection[str]:
    """The parameters that a `functools.partial` already gives."""
    if not isinstance(fn, functools.partial):
        return ()
    partial = cast("functools.partial[Any]", fn)
    free = inspect.signature(partial).parameters.keys() - partial.keywords.keys()
    return inspect.signature(unwrapped(partial)).parameters.keys() - free


def _takes_context(hint: Any) -> bool:
    return _is_context(hint) or any(_is_context(member) for member in get_args(hint))


def _is_context(hint: Any) -> bool:
    # Python 3.10 takes `list[int]` for a class, which `issubclass` then refuses.
    return isinstance(hint, type) and get_origin(hint) is None and issubclass(hint, Context)
