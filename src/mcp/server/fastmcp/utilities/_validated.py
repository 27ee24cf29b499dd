"""A user function with its arguments checked by pydantic, all but the context."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from pydantic import validate_call

from mcp.server.fastmcp.utilities._arguments import read_signature
from mcp.server.fastmcp.utilities._callables import is_async_callable


def validated(fn: Callable[..., Any], context_kwarg: str | None) -> Callable[..., Any]:
    """`fn` behind a check of its arguments, which are coerced to the annotated types; the result is not checked.

    Args:
        fn: The function.
        context_kwarg: The parameter that takes the `Context`, which is handed over as it is: it may be a subclass, or
            annotated with type arguments, and is no input.

    Raises:
        pydantic.PydanticUserError: The type of a parameter cannot be validated.
    """
    signature = read_signature(fn)
    positional = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY
    ]
    if context_kwarg is None and not positional and inspect.isroutine(fn):
        return validate_call(fn)

    call = _forwarding(fn, positional)
    parameters = [_shown(parameter, context_kwarg) for parameter in signature.parameters.values()]
    call.__signature__ = signature.replace(parameters=parameters)
    call.__annotations__ = {
        parameter.name: parameter.annotation
        for parameter in parameters
        if parameter.annotation is not inspect.Parameter.empty
    }
    return validate_call(call)


def _forwarding(fn: Callable[..., Any], positional: list[str]) -> Any:
    """A function that takes all arguments of `fn` by name, a coroutine function if `fn` is one."""

    def call(**kwargs: Any) -> Any:
        return fn(*[kwargs.pop(name) for name in positional], **kwargs)

    async def call_async(**kwargs: Any) -> Any:
        return await call(**kwargs)

    return functools.wraps(fn)(call_async if is_async_callable(fn) else call)


def _shown(parameter: inspect.Parameter, context_kwarg: str | None) -> inspect.Parameter:
    """The parameter as it is shown to pydantic."""
    if parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
        parameter = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    return parameter.replace(annotation=Any) if parameter.name == context_kwarg else parameter


def with_context(fn: Callable[..., Any], context_kwarg: str, get_context: Callable[[], Any]) -> Callable[[], Any]:
    """`fn`, which takes only the context, as a function without parameters.

    Args:
        fn: The function.
        context_kwarg: Its parameter.
        get_context: Gives the context of the request being served.
    """

    def call() -> Any:
        return fn(**{context_kwarg: get_context()})

    async def call_async() -> Any:
        return await call()

    bound = functools.update_wrapper(call_async if is_async_callable(fn) else call, fn)
    # What looks behind the wrapper would find the parameter again.
    del bound.__wrapped__
    return bound
