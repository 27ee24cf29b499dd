"""Parametrised resources: URI matching and creation on demand.

A template's URI has placeholders `{name}`, one for each parameter of its function. Each stands for one or more
characters other than `/`, and values are handed over as they stand in the URI, percent-encoded and all: a function
that makes a path of one has to decode and check it.

Source: specification 2025-11-25, page "Resources", section "Resource Templates".
"""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import AnyUrl, BaseModel, ConfigDict, Field

from mcp.server.fastmcp.context import Context
from mcp.server.fastmcp.resources.base import MIME_TYPE_PATTERN, Resource
from mcp.server.fastmcp.resources.types import FunctionResource
from mcp.server.fastmcp.utilities._callables import callable_name, documentation
from mcp.server.fastmcp.utilities._validated import validated
from mcp.server.fastmcp.utilities.calling import called
from mcp.server.fastmcp.utilities.context_injection import find_context_parameter, inject_context
from mcp.server.fastmcp.utilities.func_metadata import func_metadata
from mcp.server.session import ServerSessionT
from mcp.shared.context import LifespanContextT, RequestT
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp.types import Annotations, Icon

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def placeholders(uri_template: str) -> list[str]:
    """The names of the placeholders in a URI template, in order."""
    return _PLACEHOLDER.findall(uri_template)


class ResourceTemplate(BaseModel):
    """A function that makes resources of the values in a URI, and what clients are told about it.

    Args:
        uri_template: URI with placeholders `{name}`.
        name: Its name.
        title: A name for people.
        description: What the resources are.
        mime_type: What their content is.
        icons: Pictures for user interfaces.
        annotations: For whom they are, and how important.
        meta: `_meta` of the template; None for none.
        fn: The function.
        parameters: JSON schema of its parameters.
        context_kwarg: The parameter that takes the `Context`.
        run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.
    """

    model_config = ConfigDict(defer_build=True)

    uri_template: str
    name: str
    title: str | None = None
    description: str | None
    mime_type: str = Field(default="text/plain", pattern=MIME_TYPE_PATTERN)
    icons: list[Icon] | None = None
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = None
    fn: Callable[..., Any] = Field(exclude=True)
    parameters: dict[str, Any]
    context_kwarg: str | None = None
    run_in_thread: bool | None = Field(default=None, exclude=True, repr=False)

    @cached_property
    def compiled(self) -> "_Compiled":
        """What matches URIs, for the present `uri_template`."""
        return _compiled(self.uri_template)

    @classmethod
    def from_function(
        cls,
        fn: Callable[..., Any],
        uri_template: str,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        mime_type: str | None = None,
        icons: list[Icon] | None = None,
        annotations: Annotations | None = None,
        meta: dict[str, Any] | None = None,
        context_kwarg: str | None = None,
        run_in_thread: bool | None = None,
    ) -> "ResourceTemplate":
        """Build a template.

        Args:
            fn: A function with a parameter for each placeholder.
            uri_template: URI with placeholders `{name}`.
            name: Its name; that of the function if not given.
            title: A name for people.
            description: What the resources are; the function's docstring if not given.
            mime_type: What their content is; `text/plain` if not given.
            icons: Pictures for user interfaces.
            annotations: For whom they are, and how important.
            meta: `_meta` of the template.
            context_kwarg: The parameter that takes the `Context`; found by its annotation if not given.
            run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.

        Raises:
            ValueError: A lambda has no name, a placeholder is there twice, or the MIME type is not valid.
            InvalidSignature: The function cannot become a template.
        """
        template_name = name or callable_name(fn)
        if template_name == "<lambda>":
            raise ValueError("You must provide a name for lambda functions")
        names = placeholders(uri_template)
        if len(set(names)) < len(names):
            raise ValueError(f"URI template '{uri_template}' has the same placeholder more than once")

        if context_kwarg is None:
            context_kwarg = find_context_parameter(fn)
        metadata = func_metadata(
            fn,
            skip_names=[context_kwarg] if context_kwarg is not None else [],
            structured_output=False,
        )
        return cls(
            uri_template=uri_template,
            name=template_name,
            title=title,
            description=description or documentation(fn),
            mime_type=mime_type or "text/plain",
            icons=icons,
            annotations=annotations,
            meta=meta,
            fn=validated(fn, context_kwarg),
            parameters=metadata.argument_plan.schema(),
            context_kwarg=context_kwarg,
            run_in_thread=run_in_thread,
        )

    def matches(self, uri: str) -> dict[str, Any] | None:
        """The values of the placeholders in `uri`, as they stand there; None if it is not of this template."""
        compiled = self.compiled
        if compiled.source != self.uri_template:
            compiled = self.compiled = _compiled(self.uri_template)
        match = compiled.pattern.fullmatch(uri)
        return None if match is None else dict(zip(compiled.names, match.groups(), strict=True))

    async def create_resource(
        self,
        uri: str,
        params: dict[str, Any],
        context: "Context[ServerSessionT, LifespanContextT, RequestT] | None" = None,
    ) -> Resource:
        """Call the function, and make a resource of what it returns.

        Args:
            uri: Where the resource is.
            params: The values of the placeholders.
            context: For the parameter that takes the `Context`.

        Raises:
            ValueError: It failed; the exception is its `__cause__`.
            UrlElicitationRequiredError: The function raised it.
        """
        try:
            result = await called(
                self.fn,
                inject_context(self.fn, params, context, self.context_kwarg),
                run_in_thread=self.run_in_thread,
                kind="resource template",
                name=self.uri_template,
            )
            return FunctionResource(
                uri=AnyUrl(uri),
                name=self.name,
                title=self.title,
                description=self.description,
                mime_type=self.mime_type,
                icons=self.icons,
                annotations=self.annotations,
                meta=self.meta,
                fn=lambda: result,
                # There is nothing left to wait for.
                run_in_thread=False,
            )
        except UrlElicitationRequiredError:
            # Clients must see its code and data to act on it.
            raise
        except Exception as error:
            raise ValueError(f"Error creating resource from template: {error}") from error


class _Compiled(NamedTuple):
    source: str
    names: list[str]
    pattern: re.Pattern[str]


def _compiled(uri_template: str) -> _Compiled:
    # Odd parts are the names of placeholders.
    parts = _PLACEHOLDER.split(uri_template)
    pattern = "".join("([^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return _Compiled(uri_template, parts[1::2], re.compile(pattern))
