"""A tool built from a function.

Source: specification 2025-11-25, page "Tools".
"""

import functools
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mcp.server.fastmcp.context import Context
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.fastmcp.utilities._callables import callable_name, documentation, is_async_callable
from mcp.server.fastmcp.utilities.calling import prepared
from mcp.server.fastmcp.utilities.context_injection import find_context_parameter
from mcp.server.fastmcp.utilities.func_metadata import FuncMetadata, func_metadata
from mcp.server.session import ServerSessionT
from mcp.shared.context import LifespanContextT, RequestT
from mcp.shared.exceptions import TaskModeError, UrlElicitationRequiredError
from mcp.shared.tool_name_validation import validate_and_warn_tool_name
from mcp.types import Icon, ToolAnnotations


class Tool(BaseModel):
    """A function that clients may call, and what they are told about it.

    Args:
        fn: The function.
        name: The name clients call it by.
        title: A name for people.
        description: What it does, for the client's model.
        parameters: JSON schema of the arguments.
        fn_metadata: How to check arguments and present results.
        is_async: Whether calling the function gives a coroutine.
        context_kwarg: The parameter that takes the `Context`.
        annotations: Hints about its behaviour.
        icons: Pictures for user interfaces.
        meta: `_meta` of the tool; None for none.
        run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.
    """

    model_config = ConfigDict(defer_build=True)

    fn: Callable[..., Any] = Field(exclude=True)
    name: str
    title: str | None = None
    description: str
    parameters: dict[str, Any]
    fn_metadata: FuncMetadata
    is_async: bool
    context_kwarg: str | None = None
    annotations: ToolAnnotations | None = None
    icons: list[Icon] | None = None
    meta: dict[str, Any] | None = None
    run_in_thread: bool | None = Field(default=None, exclude=True, repr=False)

    @functools.cached_property
    def output_schema(self) -> dict[str, Any] | None:
        """JSON schema of the structured result; None if there is none."""
        return self.fn_metadata.output_schema

    @classmethod
    def from_function(
        cls,
        fn: Callable[..., Any],
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        context_kwarg: str | None = None,
        annotations: ToolAnnotations | None = None,
        icons: list[Icon] | None = None,
        meta: dict[str, Any] | None = None,
        structured_output: bool | None = None,
        run_in_thread: bool | None = None,
    ) -> "Tool":
        """Build a tool.

        Args:
            fn: The function, a method, a class, or an object with `__call__`.
            name: The name clients call it by; that of the function if not given. A name that breaks the rules of the
                protocol is logged and taken.
            title: A name for people.
            description: What it does; the function's docstring if not given.
            context_kwarg: The parameter that takes the `Context`; found by its annotation if not given.
            annotations: Hints about its behaviour.
            icons: Pictures for user interfaces.
            meta: `_meta` of the tool.
            structured_output: Whether results are structured: as the return annotation allows (None), always (True),
                or never (False).
            run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.

        Raises:
            ValueError: A lambda has no name.
            InvalidSignature: The function cannot become a tool.
            pydantic.PydanticUserError: The type of a parameter has no JSON schema.
        """
        tool_name = name or callable_name(fn)
        validate_and_warn_tool_name(tool_name)
        if tool_name == "<lambda>":
            raise ValueError("You must provide a name for lambda functions")

        if context_kwarg is None:
            context_kwarg = find_context_parameter(fn)
        metadata = func_metadata(
            fn,
            skip_names=[context_kwarg] if context_kwarg is not None else [],
            structured_output=structured_output,
        )
        return cls(
            fn=fn,
            name=tool_name,
            title=title,
            description=description or documentation(fn),
            parameters=metadata.argument_plan.schema(),
            fn_metadata=metadata,
            is_async=is_async_callable(fn),
            context_kwarg=context_kwarg,
            annotations=annotations,
            icons=icons,
            meta=meta,
            run_in_thread=run_in_thread,
        )

    async def run(
        self,
        arguments: dict[str, Any],
        context: "Context[ServerSessionT, LifespanContextT, RequestT] | None" = None,
        convert_result: bool = False,
    ) -> Any:
        """Check the arguments and call the function.

        Args:
            arguments: What the client gave, by name.
            context: For the parameter that takes the `Context`.
            convert_result: Return content and structured content rather than what the function returned.

        Raises:
            ToolError: Anything went wrong; the exception is its `__cause__`.
            UrlElicitationRequiredError, TaskModeError: The function raised it.
        """
        fn, is_async = prepared(self.fn, self.is_async, run_in_thread=self.run_in_thread, kind="tool", name=self.name)
        direct = {self.context_kwarg: context} if self.context_kwarg is not None else None
        try:
            result = await self.fn_metadata.call_fn_with_arg_validation(fn, is_async, arguments, direct)
            return self.fn_metadata.convert_result(result) if convert_result else result
        except (UrlElicitationRequiredError, TaskModeError):
            # Clients must see its code and data to act on it.
            raise
        except Exception as error:
            raise ToolError(f"Error executing tool {self.name}: {error}") from error
