"""`FastMCP`, its `Settings`, and the `Context` handed to user functions.

`FastMCP` puts tools, resources and prompts made of functions before a low-level `Server`, and runs that on a
transport.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, cast

from pydantic import AnyUrl

import mcp.types as types
from mcp.server.fastmcp._configured import noting_given
from mcp.server.fastmcp._masking import is_meant_for_clients, masked
from mcp.server.fastmcp._served import Served
from mcp.server.fastmcp._tool_list import ToolList
from mcp.server.fastmcp.context import Context, set_client_log_level
from mcp.server.fastmcp.exceptions import ResourceError, ToolError, UnknownPromptError, UnknownResourceError
from mcp.server.fastmcp.prompts import Prompt, PromptManager
from mcp.server.fastmcp.resources import FunctionResource, Resource, ResourceManager
from mcp.server.fastmcp.resources.templates import placeholders
from mcp.server.fastmcp.tools import Tool, ToolManager
from mcp.server.fastmcp.utilities._arguments import read_signature
from mcp.server.fastmcp.utilities._validated import with_context
from mcp.server.fastmcp.utilities.calling import sync_functions
from mcp.server.fastmcp.utilities.context_injection import find_context_parameter
from mcp.server.fastmcp.utilities.logging import get_logger
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.lowlevel.server import LifespanResultT, Server
from mcp.server.lowlevel.server import lifespan as default_lifespan
from mcp.server.session import ServerSession
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import McpError
from mcp.types import AnyFunction, ContentBlock, GetPromptResult, Icon, ToolAnnotations

if TYPE_CHECKING:
    from starlette.requests import Request

    from mcp.server.auth.provider import OAuthAuthorizationServerProvider, TokenVerifier
    from mcp.server.auth.settings import AuthSettings
    from mcp.server.fastmcp.apps import StreamableHTTPASGIApp
    from mcp.server.fastmcp.settings import Settings
    from mcp.server.streamable_http import EventStore

__all__ = ["AuthSettings", "Context", "FastMCP", "Settings", "StreamableHTTPASGIApp", "lifespan_wrapper"]

logger = get_logger(__name__)

# Loaded on first use: they cost more than the rest of the server, and stdio servers do without them.
_HOMES = {
    "AuthSettings": "mcp.server.auth.settings",
    "Settings": "mcp.server.fastmcp.settings",
    "StreamableHTTPASGIApp": "mcp.server.fastmcp.apps",
}

_MAX_COMPLETIONS = 100


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(home), name)
    return value


def lifespan_wrapper(
    app: FastMCP[LifespanResultT],
    lifespan: Callable[[FastMCP[LifespanResultT]], AbstractAsyncContextManager[LifespanResultT]],
) -> Callable[[Server[LifespanResultT, Request]], AbstractAsyncContextManager[LifespanResultT]]:
    """A lifespan for the low-level server that calls one for this server.

    Args:
        app: The server that `lifespan` is called with.
        lifespan: An async context manager factory.
    """

    @asynccontextmanager
    async def wrap(_: Server[LifespanResultT, Request]) -> AsyncGenerator[LifespanResultT, None]:
        async with lifespan(app) as context:
            yield context

    return wrap


class FastMCP(Served[LifespanResultT], Generic[LifespanResultT]):
    """A server made of functions.

    ```python
    mcp = FastMCP("Demo")

    @mcp.tool()
    def add(a: int, b: int) -> int:
        \"\"\"Add two numbers.\"\"\"
        return a + b

    mcp.run()
    ```

    A setting that is not given as an argument is taken from the environment variable `FASTMCP_<NAME>`, else from the
    file `.env` in the current directory, else has its default. The settings, which may be changed, are `mcp.settings`.

    Args:
        name: Name to announce.
        instructions: How to use the server, for the client's model.
        website_url: Where people read more.
        icons: Pictures for user interfaces.
        auth_server_provider: An authorization server to serve beside the protected HTTP app.
        token_verifier: Checks the tokens of another authorization server.
        event_store: Keeps what was sent over Streamable HTTP, so that clients can resume.
        retry_interval: Milliseconds after which clients come back to a closed stream.
        tools: Tools to begin with.
        debug: Whether HTTP apps show tracebacks.
        log_level: Level of the log output of `run`.
        host: Address to listen on.
        port: Port to listen on.
        mount_path: Where the SSE app is mounted, as clients see it.
        sse_path: Where clients open the SSE stream.
        message_path: Where SSE clients post messages.
        streamable_http_path: The endpoint of Streamable HTTP.
        json_response: Whether Streamable HTTP answers with JSON rather than an SSE stream.
        stateless_http: Whether each HTTP request is served by itself, without sessions.
        max_request_body_size: Bytes.
        session_idle_timeout: Seconds until an unused HTTP session ends; None for never.
        max_sessions: How many HTTP sessions there may be; None for any number.
        warn_on_duplicate_resources: Log a warning when a URI is registered again.
        warn_on_duplicate_tools: Log a warning when the name of a tool is registered again.
        warn_on_duplicate_prompts: Log a warning when the name of a prompt is registered again.
        dependencies: Packages that `mcp install` and `mcp dev` add.
        lifespan: Async context manager factory, called with the server once per connection (for stateless HTTP, once
            per request); what it yields is `ctx.request_context.lifespan_context`.
        auth: How HTTP apps are protected.
        transport_security: Which hosts and origins HTTP apps accept; if None, only local ones where `host` is local.
        sync_in_threads: Whether plain functions run in worker threads rather than on the event loop's thread, where
            they hold up all other requests.
        mask_error_details: Whether clients get a reference to the log in the place of an error's text; `ToolError`s
            and complaints about a tool's arguments are shown all the same.

    Raises:
        pydantic.ValidationError: A setting is not valid.
        pydantic_settings.SettingsError: An environment variable, which is named, is not valid.
        ValueError: `auth` comes without anything to verify tokens, with two things to do so, or is missing.
    """

    @noting_given
    def __init__(
        self,
        name: str | None = None,
        instructions: str | None = None,
        website_url: str | None = None,
        icons: list[Icon] | None = None,
        auth_server_provider: OAuthAuthorizationServerProvider[Any, Any, Any] | None = None,
        token_verifier: TokenVerifier | None = None,
        event_store: EventStore | None = None,
        retry_interval: int | None = None,
        *,
        tools: list[Tool] | None = None,
        debug: bool = False,
        log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO",
        host: str = "127.0.0.1",
        port: int = 8000,
        mount_path: str = "/",
        sse_path: str = "/sse",
        message_path: str = "/messages/",
        streamable_http_path: str = "/mcp",
        json_response: bool = False,
        stateless_http: bool = False,
        max_request_body_size: int = 4 * 1024 * 1024,
        session_idle_timeout: float | None = 1800,
        max_sessions: int | None = 10_000,
        warn_on_duplicate_resources: bool = True,
        warn_on_duplicate_tools: bool = True,
        warn_on_duplicate_prompts: bool = True,
        dependencies: Collection[str] = (),
        lifespan: Callable[[FastMCP[LifespanResultT]], AbstractAsyncContextManager[LifespanResultT]] | None = None,
        auth: AuthSettings | None = None,
        transport_security: TransportSecuritySettings | None = None,
        sync_in_threads: bool = False,
        mask_error_details: bool = False,
    ) -> None:
        self._configure(locals())
        self._prepare_serving(auth_server_provider, token_verifier, event_store, retry_interval)

        own_lifespan = self._option("lifespan")
        self._mcp_server: Server[LifespanResultT, Request] = Server(
            name=name or "FastMCP",
            instructions=instructions,
            website_url=website_url,
            icons=icons,
            lifespan=cast("Any", default_lifespan if own_lifespan is None else lifespan_wrapper(self, own_lifespan)),
        )
        self._tool_manager = ToolManager(tools=tools, warn_on_duplicate_tools=self._option("warn_on_duplicate_tools"))
        self._tool_list = ToolList()
        self._resource_manager = ResourceManager(
            warn_on_duplicate_resources=self._option("warn_on_duplicate_resources")
        )
        self._prompt_manager = PromptManager(warn_on_duplicate_prompts=self._option("warn_on_duplicate_prompts"))
        self._setup_handlers()

    # What the server says about itself

    @property
    def name(self) -> str:
        """The name that is announced."""
        return self._mcp_server.name

    @property
    def instructions(self) -> str | None:
        """How to use the server, for the client's model."""
        return self._mcp_server.instructions

    @property
    def website_url(self) -> str | None:
        """Where people read more."""
        return self._mcp_server.website_url

    @property
    def icons(self) -> list[Icon] | None:
        """Pictures for user interfaces."""
        return self._mcp_server.icons

    # Handlers of the low-level server

    def _setup_handlers(self) -> None:
        # Bound methods: those of a subclass win.
        self._mcp_server.list_tools()(self.list_tools)
        # Arguments are checked once, by the model of the tool.
        self._mcp_server.call_tool(validate_input=False)(self.call_tool)
        self._mcp_server.list_resources()(self.list_resources)
        self._mcp_server.read_resource()(self.read_resource)
        self._mcp_server.list_prompts()(self.list_prompts)
        self._mcp_server.get_prompt()(self.get_prompt)
        self._mcp_server.list_resource_templates()(self.list_resource_templates)
        self._mcp_server.set_logging_level()(self._set_logging_level)

    async def _set_logging_level(self, level: types.LoggingLevel) -> None:
        set_client_log_level(self._mcp_server.request_context.session, level)

    def get_context(self) -> Context[ServerSession, LifespanResultT, Request]:
        """The context of the request being served; outside of one its members that need a request raise ValueError."""
        try:
            request_context = self._mcp_server.request_context
        except LookupError:
            request_context = None
        return Context(request_context=request_context, fastmcp=self)

    # Tools

    async def list_tools(self) -> list[types.Tool]:
        """All tools, as clients get them."""
        return self._tool_list.listed(self._tool_manager.list_tools())

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Sequence[ContentBlock] | dict[str, Any]:
        """Call a tool.

        Args:
            name: The name of the tool.
            arguments: Its arguments, by name.

        Returns:
            A list of content blocks; for a tool with an output schema, a pair of that and a dict; or the
            `CallToolResult` that the tool made itself.

        Raises:
            ToolError: There is no such tool, or the call failed.
            UrlElicitationRequiredError: The tool raised it.
        """
        with sync_functions(in_threads=self._option("sync_in_threads")):
            try:
                return await self._tool_manager.call_tool(
                    name, arguments, context=self.get_context(), convert_result=True
                )
            except ToolError as error:
                cause = error.__cause__
                tool = self._tool_manager.get_tool(name)
                if cause is None or not self._is_masked(cause, tool):
                    raise
                raise ToolError(masked(f"Error executing tool {name}", cause)) from cause

    def add_tool(
        self,
        fn: AnyFunction,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        annotations: ToolAnnotations | None = None,
        icons: list[Icon] | None = None,
        meta: dict[str, Any] | None = None,
        structured_output: bool | None = None,
        run_in_thread: bool | None = None,
    ) -> None:
        """Register a function as a tool; if its name is taken, the tool that has it stays.

        Clients are not told by themselves; `ctx.session.send_tool_list_changed()` tells one.

        Args:
            fn: The function. A parameter annotated with `Context` gets the context, the others are arguments.
            name: The name clients call it by; that of the function if not given.
            title: A name for people.
            description: What it does, for the client's model; the function's docstring if not given.
            annotations: Hints about its behaviour.
            icons: Pictures for user interfaces.
            meta: `_meta` of the tool.
            structured_output: Whether results are structured: as the return annotation allows (None), always (True),
                or never (False).
            run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.

        Raises:
            ValueError: A lambda has no name.
            InvalidSignature: The function cannot become a tool.
        """
        self._tool_manager.add_tool(
            fn,
            name=name,
            title=title,
            description=description,
            annotations=annotations,
            icons=icons,
            meta=meta,
            structured_output=structured_output,
            run_in_thread=run_in_thread,
        )

    def remove_tool(self, name: str) -> None:
        """Remove a tool.

        Raises:
            ToolError: There is none of that name.
        """
        self._tool_manager.remove_tool(name)

    def tool(
        self,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        annotations: ToolAnnotations | None = None,
        icons: list[Icon] | None = None,
        meta: dict[str, Any] | None = None,
        structured_output: bool | None = None,
        run_in_thread: bool | None = None,
    ) -> Callable[[AnyFunction], AnyFunction]:
        """Decorator that registers a function as a tool; arguments as for `add_tool`.

        Raises:
            TypeError: The parentheses are missing.
        """
        if callable(name):
            raise TypeError(
                "The @tool decorator was used incorrectly. Did you forget to call it? Use @tool() instead of @tool"
            )

        def decorator(fn: AnyFunction) -> AnyFunction:
            options = {} if run_in_thread is None else {"run_in_thread": run_in_thread}
            self.add_tool(
                fn,
                name=name,
                title=title,
                description=description,
                annotations=annotations,
                icons=icons,
                meta=meta,
                structured_output=structured_output,
                **options,
            )
            return fn

        return decorator

    # Resources

    async def list_resources(self) -> list[types.Resource]:
        """All resources, without templates, as clients get them."""
        return [
            types.Resource(
                uri=resource.uri,
                name=resource.name or "",
                title=resource.title,
                description=resource.description,
                mimeType=resource.mime_type,
                icons=resource.icons,
                annotations=resource.annotations,
                _meta=resource.meta,
            )
            for resource in self._resource_manager.list_resources()
        ]

    async def list_resource_templates(self) -> list[types.ResourceTemplate]:
        """All resource templates, as clients get them."""
        return [
            types.ResourceTemplate(
                uriTemplate=template.uri_template,
                name=template.name,
                title=template.title,
                description=template.description,
                mimeType=template.mime_type,
                icons=template.icons,
                annotations=template.annotations,
                _meta=template.meta,
            )
            for template in self._resource_manager.list_templates()
        ]

    async def read_resource(self, uri: AnyUrl | str) -> Iterable[ReadResourceContents]:
        """Read a resource.

        Args:
            uri: Where it is.

        Returns:
            A list of one item.

        Raises:
            ValueError: There is no such resource, or its template's function failed.
            ResourceError: It could not be read.
            UrlElicitationRequiredError: Its function raised it.
        """
        with sync_functions(in_threads=self._option("sync_in_threads")):
            try:
                resource = await self._resource_manager.get_resource(uri, context=self.get_context())
            except McpError:
                raise
            except ValueError as error:
                if not self._is_masked(error.__cause__ or error):
                    raise
                raise ValueError(masked(f"Error reading resource {uri}", error)) from error
            if resource is None:
                raise UnknownResourceError(str(uri))
            try:
                content = await resource.read()
            except McpError:
                raise
            except Exception as error:
                raise ResourceError(self._told(f"Error reading resource {uri}", error)) from error
            return [ReadResourceContents(content=content, mime_type=resource.mime_type, meta=resource.meta)]

    def add_resource(self, resource: Resource) -> None:
        """Register a resource; if its URI is taken, the resource that has it stays.

        Args:
            resource: The resource.
        """
        self._resource_manager.add_resource(resource)

    def resource(
        self,
        uri: str,
        *,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        mime_type: str | None = None,
        icons: list[Icon] | None = None,
        annotations: types.Annotations | None = None,
        meta: dict[str, Any] | None = None,
        run_in_thread: bool | None = None,
    ) -> Callable[[AnyFunction], AnyFunction]:
        """Decorator that registers a function as a resource, or as a template if the URI has placeholders.

        The function returns text, bytes, a `Resource`, or anything else, which becomes JSON. It is called at each
        read. A parameter annotated with `Context` gets the context; the others are the placeholders:

        ```python
        @mcp.resource("weather://{city}/today")
        async def weather(city: str, ctx: Context) -> str: ...
        ```

        Args:
            uri: Where it is; a placeholder `{name}` stands for one or more characters other than `/`, which are
                handed over as they stand in the URI, percent-encoded and all.
            name: Its name; that of the function if not given.
            title: A name for people.
            description: What it is; the function's docstring if not given.
            mime_type: What its content is; `text/plain` if not given.
            icons: Pictures for user interfaces.
            annotations: For whom it is, and how important.
            meta: `_meta` of the resource.
            run_in_thread: Whether a plain function runs in a worker thread; None for the server's setting.

        Raises:
            TypeError: The URI is missing.
            ValueError: Placeholders and parameters differ, a lambda has no name, or the URI or MIME type is not valid.
        """
        if callable(uri):
            raise TypeError(
                "The @resource decorator was used incorrectly. "
                "Did you forget to call it? Use @resource('uri') instead of @resource"
            )

        def decorator(fn: AnyFunction) -> AnyFunction:
            context_kwarg = find_context_parameter(fn)
            parameters = set(read_signature(fn).parameters) - {context_kwarg}
            if parameters or ("{" in uri and "}" in uri):
                names = set(placeholders(uri))
                if names != parameters:
                    raise ValueError(f"Mismatch between URI parameters {names} and function parameters {parameters}")
                self._resource_manager.add_template(
                    fn=fn,
                    uri_template=uri,
                    name=name,
                    title=title,
                    description=description,
                    mime_type=mime_type,
                    icons=icons,
                    annotations=annotations,
                    meta=meta,
                    run_in_thread=run_in_thread,
                )
            else:
                resource = FunctionResource.from_function(
                    fn=fn if context_kwarg is None else with_context(fn, context_kwarg, self.get_context),
                    uri=uri,
                    name=name,
                    title=title,
                    description=description,
                    mime_type=mime_type,
                    icons=icons,
                    annotations=annotations,
                    meta=meta,
                    run_in_thread=run_in_thread,
                )
                self.add_resource(resource)
            return fn

        return decorator

    # Errors

    def _is_masked(self, cause: BaseException, tool: Tool | None = None) -> bool:
        """Whether clients must not see the text of an error."""
        return self._option("mask_error_details") and not is_meant_for_clients(cause, tool)

    def _told(self, what: str, error: Exception) -> str:
        """Log an error, and make the text that tells clients of it."""
        if self._is_masked(error.__cause__ or error):
            return masked(what, error)
        logger.exception(what)
        return str(error)

    # Prompts

    async def list_prompts(self) -> list[types.Prompt]:
        """All prompts, as clients get them."""
        return [
            types.Prompt(
                name=prompt.name,
                title=prompt.title,
                description=prompt.description,
                arguments=[
                    types.PromptArgument(
                        name=argument.name, description=argument.description, required=argument.required
                    )
                    for argument in prompt.arguments or ()
                ],
                icons=prompt.icons,
            )
            for prompt in self._prompt_manager.list_prompts()
        ]

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None) -> GetPromptResult:
        """The messages of a prompt.

        Args:
            name: The name of the prompt.
            arguments: Its arguments, by name.

        Raises:
            ValueError: There is no such prompt, arguments are missing, or its function failed.
            UrlElicitationRequiredError: Its function raised it.
        """
        with sync_functions(in_threads=self._option("sync_in_threads")):
            prompt = self._prompt_manager.get_prompt(name)
            if prompt is None:
                raise UnknownPromptError(name)
            try:
                messages = await prompt.render(arguments, context=self.get_context())
                return GetPromptResult(
                    description=prompt.description,
                    messages=[types.PromptMessage(role=message.role, content=message.content) for message in messages],
                )
            except McpError:
                raise
            except Exception as error:
                raise ValueError(self._told(f"Error getting prompt {name}", error)) from error

    def add_prompt(self, prompt: Prompt) -> None:
        """Register a prompt; if its name is taken, the prompt that has it stays.

        Args:
            prompt: The prompt.
        """
        self._prompt_manager.add_prompt(prompt)

    def prompt(
        self,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        icons: list[Icon] | None = None,
        run_in_thread: bool | None = None,
    ) -> Callable[[AnyFunction], AnyFunction]:
        """Decorator that registers a function as a prompt; arguments and results as for `Prompt.from_function`.

        Raises:
            TypeError: The parentheses are missing.
            ValueError: A lambda has no name.
            InvalidSignature: The function cannot become a prompt.
        """
        if callable(name):
            raise TypeError(
                "The @prompt decorator was used incorrectly. "
                "Did you forget to call it? Use @prompt() instead of @prompt"
            )

        def decorator(func: AnyFunction) -> AnyFunction:
            prompt = Prompt.from_function(
                func,
                name=name,
                title=title,
                description=description,
                icons=icons,
                run_in_thread=run_in_thread,
            )
            self.add_prompt(prompt)
            return func

        return decorator

    # Completion

    def completion(self):
        """Decorator that registers the function that completes arguments of prompts and resource templates.

        It is an async function of `(ref, argument, context)`, which returns a `Completion`, or None for nothing. Of
        more than 100 values clients get the first 100.

        Source: specification 2025-11-25, page "Completion".
        """

        def decorator(func: Callable[..., Awaitable[types.Completion | None]]):
            async def complete(
                ref: types.PromptReference | types.ResourceTemplateReference,
                argument: types.CompletionArgument,
                context: types.CompletionContext | None,
            ) -> types.Completion | None:
                return _limited(await func(ref, argument, context))

            self._mcp_server.completion()(complete)
            return func

        return decorator


def _limited(completion: types.Completion | None) -> types.Completion | None:
    """A completion with as many values as the protocol allows."""
    if completion is None or len(completion.values) <= _MAX_COMPLETIONS:
        return completion
    total = completion.total if completion.total is not None else len(completion.values)
    return completion.model_copy(
        update={"values": completion.values[:_MAX_COMPLETIONS], "total": total, "hasMore": True}
    )
