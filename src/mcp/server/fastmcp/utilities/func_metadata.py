"""From a function's signature to argument model, output model, validation and result conversion."""

import inspect
import types
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import cached_property
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails
from typing_inspection.introspection import AnnotationSource, ForbiddenQualifier, inspect_annotation

from mcp.server.fastmcp.exceptions import InvalidSignature
from mcp.server.fastmcp.utilities._arguments import ArgModelBase, ArgumentPlan, plan_arguments, read_signature
from mcp.server.fastmcp.utilities._callables import callable_name
from mcp.server.fastmcp.utilities._content import to_content, to_json_text
from mcp.server.fastmcp.utilities._output import (
    Output,
    SharedResult,
    StrictJsonSchema,
    TypedDictResult,
    check_finite,
    describe_output,
    may_hold_floats,
)
from mcp.server.fastmcp.utilities.logging import get_logger
from mcp.types import CallToolResult, ContentBlock, TextContent

__all__ = ["ArgModelBase", "FuncMetadata", "StrictJsonSchema", "func_metadata"]

logger = get_logger(__name__)


class FuncMetadata(BaseModel):
    """What is known about a function that clients call: how to check its arguments and to present its result.

    Args:
        arg_model: The model of the arguments.
        output_schema: JSON schema of the structured result; None if there is none.
        output_model: The model behind that schema.
        wrap_output: Whether the result is the member `result` of that model.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    arg_model: Annotated[type[ArgModelBase], WithJsonSchema(None)]
    output_schema: dict[str, Any] | None = None
    output_model: Annotated[type[BaseModel], WithJsonSchema(None)] | None = None
    wrap_output: bool = False

    @cached_property
    def argument_plan(self) -> ArgumentPlan:
        """How arguments get to a call, for the present `arg_model`."""
        return ArgumentPlan(self.arg_model)

    @cached_property
    def may_hold_floats(self) -> bool:
        """Whether a structured result may hold a number that JSON cannot express."""
        return self.output_schema is not None and may_hold_floats(self.output_schema)

    async def call_fn_with_arg_validation(
        self,
        fn: Callable[..., Any | Awaitable[Any]],
        fn_is_async: bool,
        arguments_to_validate: dict[str, Any],
        arguments_to_pass_directly: dict[str, Any] | None,
    ) -> Any:
        """Check the arguments and call the function.

        Args:
            fn: The function.
            fn_is_async: Whether calling it gives a coroutine.
            arguments_to_validate: What the client gave, by public name; unknown names are ignored.
            arguments_to_pass_directly: Further arguments by parameter name, not checked.

        Returns:
            What the function returns.

        Raises:
            pydantic.ValidationError: The arguments do not fit the model.
        """
        validated = self.arg_model.model_validate(self.pre_parse_json(arguments_to_validate))
        args, kwargs = self._arguments().call_arguments(validated, arguments_to_pass_directly or {})
        result = fn(*args, **kwargs)
        if fn_is_async or inspect.isawaitable(result):
            return await result
        return result

    def convert_result(self, result: Any) -> Any:
        """What the function returned, as content and structured content.

        Args:
            result: What the function returned.

        Returns:
            A list of content blocks; with an output schema a pair of that and a dict; a `CallToolResult` as it is.

        Raises:
            pydantic.ValidationError: The result does not fit the output model.
            ValueError: It has no form in JSON.
        """
        if isinstance(result, CallToolResult):
            # An error need not have the form of a success.
            if self.output_model is not None and not result.isError:
                self.output_model.model_validate(result.structuredContent)
            return result
        if self.output_schema is None:
            return to_content(result)

        content: list[ContentBlock]
        if hasattr(result, "__next__"):
            # It can be read only once, but is needed twice.
            result = list(cast("Iterator[Any]", result))
            content = [TextContent(type="text", text=to_json_text(result))]
        else:
            content = to_content(result)
        return content, self._structured(result)

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """A copy of `data` in which JSON text is parsed, where the declared type cannot be a string.

        Clients send objects and arrays as text now and then. Only these and `null` are replaced.

        Args:
            data: Arguments by public name.
        """
        return self._arguments().parse_json(data)

    def _arguments(self) -> ArgumentPlan:
        plan = self.argument_plan
        if plan.model is not self.arg_model:
            # A program assigned another model.
            plan = self.argument_plan = ArgumentPlan(self.arg_model)
        return plan

    def _structured(self, result: Any) -> dict[str, Any]:
        model = self.output_model
        assert model is not None, "Output model must be set if output schema is defined"
        try:
            validated = model.model_validate({"result": result} if self.wrap_output else result)
        except ValidationError as error:
            raise self._titled(error) from None
        absent: set[str] | None = None
        if isinstance(validated, TypedDictResult):
            absent = type(validated).model_fields.keys() - validated.model_fields_set
        structured = validated.model_dump(mode="json", by_alias=True, exclude=absent)
        if self.may_hold_floats:
            check_finite(structured)
        return structured

    def _titled(self, error: ValidationError) -> ValidationError:
        """The error under the name of this function's output, where it came from a model that many share."""
        if self.output_schema is None or self.output_model is None or not issubclass(self.output_model, SharedResult):
            return error
        details = [
            InitErrorDetails(type=line["type"], loc=line["loc"], input=line["input"], ctx=line.get("ctx", {}))
            for line in error.errors(include_url=False)
        ]
        return ValidationError.from_exception_data(self.output_schema["title"], details)


def func_metadata(
    func: Callable[..., Any],
    skip_names: Sequence[str] = (),
    structured_output: bool | None = None,
) -> FuncMetadata:
    """Read the signature of a function.

    Args:
        func: The function. Parameters without annotation take anything.
        skip_names: Parameters that do not come from the client.
        structured_output: Whether results are structured: as the return annotation allows (None), always (True, an
            annotation that does not allow it is an error), or never (False).

    Raises:
        InvalidSignature: An annotation cannot be evaluated, a parameter's name starts with an underscore or stands
            for any number of arguments, or the return annotation cannot be used.
        pydantic.PydanticUserError: The type of a parameter cannot be validated.
    """
    signature = read_signature(func)
    plan = plan_arguments(func, signature, skip_names)
    # What a class is annotated to return is what its `__init__` returns.
    returned = inspect.Signature.empty if inspect.isclass(func) else signature.return_annotation
    output = _output(returned, callable_name(func), structured_output)
    if output is None:
        metadata = FuncMetadata(arg_model=plan.model)
    else:
        metadata = FuncMetadata(
            arg_model=plan.model,
            output_schema=output.schema,
            output_model=output.model,
            wrap_output=output.wrapped,
        )
    metadata.argument_plan = plan
    return metadata


def _output(annotation: Any, name: str, structured_output: bool | None) -> Output | None:
    """The structured output that a return annotation declares."""
    if structured_output is False:
        return None
    if annotation is inspect.Signature.empty:
        if structured_output:
            raise InvalidSignature(f"Function {name}: return annotation required for structured output")
        return None
    try:
        inspected = inspect_annotation(annotation, annotation_source=AnnotationSource.FUNCTION)
    except ForbiddenQualifier as error:
        raise InvalidSignature(f"Function {name}: return annotation contains an invalid type qualifier") from error

    returned = inspected.type
    if get_origin(returned) in (Union, types.UnionType) and any(map(_is_tool_result, get_args(returned))):
        raise InvalidSignature(
            f"Function {name}: CallToolResult cannot be used in Union or Optional types. "
            "To return empty results, use: CallToolResult(content=[])"
        )
    if _is_tool_result(returned):
        if not inspected.metadata:
            return None
        # `Annotated[CallToolResult, M]`: the function builds the result itself, M is what its structured content is.
        annotation = inspected.metadata[0]
    output = describe_output(annotation, name)
    if output is None and structured_output:
        raise InvalidSignature(f"Function {name}: return type {annotation} is not serializable for structured output")
    return output


def _is_tool_result(annotation: Any) -> bool:
    # Python 3.10 takes `list[int]` for a class, which `issubclass` then refuses.
    return isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, CallToolResult)
