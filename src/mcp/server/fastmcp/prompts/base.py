"""A prompt built from a function, and prompt messages.

Source: specification 2025-11-25, page "Prompts".
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic import ValidationError as PydanticValidationError

from mcp.server.fastmcp.context import Context
from mcp.server.fastmcp.exceptions import MissingArgumentsError
from mcp.server.fastmcp.utilities._arguments import VARIADIC, read_signature
from mcp.server.fastmcp.utilities._callables import callable_name, documentation
from mcp.server.fastmcp.utilities._content import media_block, to_json_text
from mcp.server.fastmcp.utilities._validated import validated
from mcp.server.fastmcp.utilities.calling import called
from mcp.server.fastmcp.utilities.context_injection import find_context_parameter, inject_context
from mcp.server.fastmcp.utilities.func_metadata import func_metadata
from mcp.server.session import ServerSessionT
from mcp.shared.context import LifespanContextT, RequestT
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp.types import ContentBlock, Icon, PromptMessage, TextContent


class Message(BaseModel):
    """One message of a prompt.

    Args:
        content: A content block, or text.
        role: Who says it.
    """

    model_config = ConfigDict(defer_build=True)

    role: Literal["user", "assistant"]
    content: ContentBlock

    def __init__(self, content: str | ContentBlock, **kwargs: Any) -> None:
        if isinstance(content, str):
            content = TextContent(type="text", text=content)
        super().__init__(content=content, **kwargs)


class UserMessage(Message):
    """A message of the user."""

    role: Literal["user", "assistant"] = "user"

    def __init__(self, content: str | ContentBlock, **kwargs: Any) -> None:
        super().__init__(content=content, **kwargs)


class AssistantMessage(Message):
    """A message of the assistant."""

    role: Literal["user", "assistant"] = "assistant"

    def __init__(self, content: str | ContentBlock, **kwargs: Any) -> None:
        super().__init__(content=content, **kwargs)


message_validator: TypeAdapter[UserMessage | AssistantMessage] = TypeAdapter(
    UserMessage | AssistantMessage, config=ConfigDict(defer_build=True)
)
"""Makes messages of dicts; without a role they are the user's."""

SyncPromptResult: TypeAlias = str | Message | dict[str, Any] | Sequence[str | Message | dict[str, Any]]
PromptResult: TypeAlias = SyncPromptResult | Awaitable[SyncPromptResult]


class PromptArgument(BaseModel):
    """An argument of a prompt, as clients are told about it.

    Args:
        name: The public name.
        description: What it is.
        required: Whether it has to be given.
    """

    model_config = ConfigDict(defer_build=True)

    name: str
    description: str | None = None
    required: bool = False


class Prompt(BaseModel):
    """A function that makes the messages of a prompt, and what clients are told about it.

    Args:
        name: The name clients ask for it by.
        title: A name for people.
        description: What it is for.
        arguments: Its arguments; None if nothing is known about them.
        fn: The function; its arguments are text, or whatever it makes of text.
        icons: Pictures for user interfaces.
        context_kwarg: The parameter that takes the `Context`.
        run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.
    """

    model_config = ConfigDict(defer_build=True)

    name: str
    title: str | None = None
    description: str | None = None
    arguments: list[PromptArgument] | None = None
    fn: Callable[..., PromptResult | Awaitable[PromptResult]] = Field(exclude=True)
    icons: list[Icon] | None = None
    context_kwarg: str | None = Field(default=None, exclude=True)
    run_in_thread: bool | None = Field(default=None, exclude=True, repr=False)

    @classmethod
    def from_function(
        cls,
        fn: Callable[..., PromptResult | Awaitable[PromptResult]],
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        icons: list[Icon] | None = None,
        context_kwarg: str | None = None,
        run_in_thread: bool | None = None,
    ) -> "Prompt":
        """Build a prompt.

        Args:
            fn: A function that returns a message, or a list of messages. A message is text, a `Message`, a
                `PromptMessage`, a content block, an `Image` or `Audio`, a dict with `role` and `content`, or anything
                else, which is shown as JSON.
            name: The name clients ask for it by; that of the function if not given.
            title: A name for people.
            description: What it is for; the function's docstring if not given.
            icons: Pictures for user interfaces.
            context_kwarg: The parameter that takes the `Context`; found by its annotation if not given.
            run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.

        Raises:
            ValueError: A lambda has no name.
            InvalidSignature: The function cannot become a prompt.
        """
        prompt_name = name or callable_name(fn)
        if prompt_name == "<lambda>":
            raise ValueError("You must provide a name for lambda functions")

        if context_kwarg is None:
            context_kwarg = find_context_parameter(fn)
        metadata = func_metadata(
            fn,
            skip_names=[
                name
                for name, parameter in read_signature(fn).parameters.items()
                # Whatever else clients give goes to variadic parameters; there is nothing to list for them.
                if name == context_kwarg or parameter.kind in VARIADIC
            ],
            structured_output=False,
        )
        return cls(
            name=prompt_name,
            title=title,
            description=description or documentation(fn),
            arguments=_arguments(metadata.argument_plan.schema()),
            fn=validated(fn, context_kwarg),
            icons=icons,
            context_kwarg=context_kwarg,
            run_in_thread=run_in_thread,
        )

    async def render(
        self,
        arguments: dict[str, Any] | None = None,
        context: "Context[ServerSessionT, LifespanContextT, RequestT] | None" = None,
    ) -> list[Message]:
        """Call the function and make messages of what it returns.

        Args:
            arguments: What the client gave, by name.
            context: For the parameter that takes the `Context`.

        Raises:
            MissingArgumentsError: Required arguments are missing; a ValueError.
            ValueError: Anything else went wrong; the exception is its `__cause__`.
            UrlElicitationRequiredError: The function raised it.
        """
        arguments = arguments or {}
        missing = [
            argument.name for argument in self.arguments or () if argument.required and argument.name not in arguments
        ]
        if missing:
            raise MissingArgumentsError(missing)
        try:
            result = await called(
                self.fn,
                inject_context(self.fn, arguments, context, self.context_kwarg),
                run_in_thread=self.run_in_thread,
                kind="prompt",
                name=self.name,
            )
            items = cast("Sequence[Any]", result) if isinstance(result, list | tuple) else [result]
            return [_message(item) for item in items]
        except UrlElicitationRequiredError:
            # Clients must see its code and data to act on it.
            raise
        except Exception as error:
            raise ValueError(f"Error rendering prompt {self.name}: {error}") from error


def _arguments(schema: dict[str, Any]) -> list[PromptArgument]:
    required = schema.get("required", [])
    return [
        PromptArgument(name=name, description=member.get("description"), required=name in required)
        for name, member in schema["properties"].items()
    ]


def _message(item: Any) -> Message:
    if isinstance(item, Message):
        return item
    if isinstance(item, PromptMessage):
        return Message(content=item.content, role=item.role)
    if isinstance(item, dict):
        try:
            return message_validator.validate_python(item)
        except (PydanticValidationError, TypeError) as error:
            raise ValueError(f"Could not convert prompt result to message: {item}") from error
    if isinstance(item, str):
        return UserMessage(item)
    return Message(media_block(item) or to_json_text(item), role="user")
