"""The handlers of a server by class of request, and the decorators that fill this table.

It knows nothing of connections: a handler takes a typed request and returns a `ServerResult`.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable, Container, Iterable
from typing import Any, cast

from pydantic import AnyUrl

import mcp.types as types
from mcp.server.lowlevel._plain_tools import PlainTools
from mcp.server.lowlevel._tool_results import (
    CombinationContent,
    KnownTool,
    StructuredContent,
    UnstructuredContent,
    error_text,
    output_error,
    split_content,
)
from mcp.server.lowlevel.func_inspection import create_call_wrapper
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.shared._codec import wrap_root
from mcp.shared.exceptions import TaskModeError, UrlElicitationRequiredError
from mcp.shared.tool_name_validation import validate_and_warn_tool_name

# Programs filter this logger by its name.
logger = logging.getLogger("mcp.server.lowlevel.server")

MAX_TOOL_PAGES = 100
"""How many pages of tools are read, at most, to find the schemas of one."""


class HandlerTable:
    """Handlers of requests and notifications.

    Attributes:
        request_handlers: by class of request; a handler takes the request and returns a `ServerResult`.
        notification_handlers: by class of notification.
    """

    def __init__(self) -> None:
        self.request_handlers: dict[type, Callable[..., Awaitable[types.ServerResult]]] = {
            types.PingRequest: _answer_ping
        }
        self.notification_handlers: dict[type, Callable[..., Awaitable[None]]] = {}
        # Programs read and fill this table of listed tools; the compiled schemas stand beside it.
        self._tool_cache: dict[str, types.Tool] = {}
        self._known_tools: dict[str, KnownTool] = {}
        self._plain_tools = PlainTools()

    def list_prompts(self):
        """Register the handler of `prompts/list`.

        It takes no argument and returns a list, or takes the `ListPromptsRequest` and returns a `ListPromptsResult`.
        """
        return self._list_decorator(
            types.ListPromptsRequest, types.ListPromptsResult, lambda items: types.ListPromptsResult(prompts=items)
        )

    def get_prompt(self):
        """Register the handler of `prompts/get`: `(name, arguments)` to `GetPromptResult`."""

        def decorator(func: Callable[[str, dict[str, str] | None], Awaitable[types.GetPromptResult]]):
            async def handler(request: types.GetPromptRequest) -> types.ServerResult:
                return types.ServerResult(await func(request.params.name, request.params.arguments))

            self.request_handlers[types.GetPromptRequest] = handler
            return func

        return decorator

    def list_resources(self):
        """Register the handler of `resources/list`.

        It takes no argument and returns a list, or takes the `ListResourcesRequest` and returns a
        `ListResourcesResult`.
        """
        return self._list_decorator(
            types.ListResourcesRequest,
            types.ListResourcesResult,
            lambda items: types.ListResourcesResult(resources=items),
        )

    def list_resource_templates(self):
        """Register the handler of `resources/templates/list`.

        It takes no argument and returns a list, or takes the `ListResourceTemplatesRequest` and returns a
        `ListResourceTemplatesResult`.
        """
        return self._list_decorator(
            types.ListResourceTemplatesRequest,
            types.ListResourceTemplatesResult,
            lambda items: types.ListResourceTemplatesResult(resourceTemplates=items),
        )

    def _list_decorator(self, request_type: type[Any], result_type: type[Any], wrap: Callable[[list[Any]], Any]):
        def decorator(func: Callable[..., Awaitable[Any]]):
            call = create_call_wrapper(func, request_type)

            async def handler(request: Any) -> types.ServerResult:
                returned = await call(request)
                result = returned if isinstance(returned, result_type) else wrap(returned)
                return wrap_root(types.ServerResult, result)

            self.request_handlers[request_type] = handler
            return func

        return decorator

    def read_resource(self):
        """Register the handler of `resources/read`: a URI to `ReadResourceContents` items.

        Returning a bare str or bytes still works and warns (DeprecationWarning).
        """

        def decorator(func: Callable[[AnyUrl], Awaitable[str | bytes | Iterable[ReadResourceContents]]]):
            async def handler(request: types.ReadResourceRequest) -> types.ServerResult:
                uri = request.params.uri
                contents = [_resource_contents(uri, item) for item in _content_items(await func(uri))]
                return wrap_root(types.ServerResult, types.ReadResourceResult(contents=contents))

            self.request_handlers[types.ReadResourceRequest] = handler
            return func

        return decorator

    def set_logging_level(self):
        """Register the handler of `logging/setLevel`: it takes the level."""

        def decorator(func: Callable[[types.LoggingLevel], Awaitable[None]]):
            async def handler(request: types.SetLevelRequest) -> types.ServerResult:
                await func(request.params.level)
                return types.ServerResult(types.EmptyResult())

            self.request_handlers[types.SetLevelRequest] = handler
            return func

        return decorator

    def subscribe_resource(self):
        """Register the handler of `resources/subscribe`: it takes the URI. Sending updates is up to the program."""

        def decorator(func: Callable[[AnyUrl], Awaitable[None]]):
            async def handler(request: types.SubscribeRequest) -> types.ServerResult:
                await func(request.params.uri)
                return types.ServerResult(types.EmptyResult())

            self.request_handlers[types.SubscribeRequest] = handler
            return func

        return decorator

    def unsubscribe_resource(self):
        """Register the handler of `resources/unsubscribe`: it takes the URI."""

        def decorator(func: Callable[[AnyUrl], Awaitable[None]]):
            async def handler(request: types.UnsubscribeRequest) -> types.ServerResult:
                await func(request.params.uri)
                return types.ServerResult(types.EmptyResult())

            self.request_handlers[types.UnsubscribeRequest] = handler
            return func

        return decorator

    def list_tools(self):
        """Register the handler of `tools/list`.

        It takes no argument and returns a list, or takes the `ListToolsRequest` and returns a `ListToolsResult`.
        Input and output schemas of the tools it lists are what `call_tool` checks against.
        """

        def decorator(
            func: (
                Callable[[], Awaitable[list[types.Tool]]]
                | Callable[[types.ListToolsRequest], Awaitable[types.ListToolsResult]]
            ),
        ):
            call: Any = create_call_wrapper(func, types.ListToolsRequest)

            async def handler(request: types.ListToolsRequest) -> types.ServerResult:
                returned = await call(request)
                whole = not isinstance(returned, types.ListToolsResult)
                result = types.ListToolsResult(tools=returned) if whole else returned
                by_name = {tool.name: tool for tool in result.tools}
                if whole:
                    self._forget_tools_except(by_name)
                for name in by_name:
                    validate_and_warn_tool_name(name)
                self._tool_cache.update(by_name)
                return self._plain_tools.wrapped(result)

            self.request_handlers[types.ListToolsRequest] = handler
            return func

        return decorator

    def call_tool(self, *, validate_input: bool = True):
        """Register the handler of `tools/call`: `(name, arguments)` to the tool's result.

        The function returns content blocks, a dict (structured content), a pair of both, or a whole `CallToolResult`.
        Whatever it raises becomes a result with `isError`, except `UrlElicitationRequiredError`.

        Args:
            validate_input: check the arguments against the tool's input schema first.
        """

        def decorator(
            func: Callable[
                ...,
                Awaitable[
                    UnstructuredContent
                    | StructuredContent
                    | CombinationContent
                    | types.CallToolResult
                    | types.CreateTaskResult
                ],
            ],
        ):
            async def handler(request: types.CallToolRequest) -> types.ServerResult:
                try:
                    result = await self._call_tool(func, request.params, validate_input)
                except (UrlElicitationRequiredError, TaskModeError):
                    raise
                except Exception as error:
                    return self._make_error_result(str(error))
                return wrap_root(types.ServerResult, result) if not isinstance(result, types.ServerResult) else result

            self.request_handlers[types.CallToolRequest] = handler
            return func

        return decorator

    def progress_notification(self):
        """Register the handler of the client's `notifications/progress`: `(token, progress, total, message)`."""

        def decorator(func: Callable[[str | int, float, float | None, str | None], Awaitable[None]]):
            async def handler(notification: types.ProgressNotification) -> None:
                params = notification.params
                await func(params.progressToken, params.progress, params.total, params.message)

            self.notification_handlers[types.ProgressNotification] = handler
            return func

        return decorator

    def completion(self):
        """Register the handler of `completion/complete`: `(ref, argument, context)` to a `Completion` or None."""

        def decorator(
            func: Callable[
                [
                    types.PromptReference | types.ResourceTemplateReference,
                    types.CompletionArgument,
                    types.CompletionContext | None,
                ],
                Awaitable[types.Completion | None],
            ],
        ):
            async def handler(request: types.CompleteRequest) -> types.ServerResult:
                params = request.params
                completion = await func(params.ref, params.argument, params.context)
                return types.ServerResult(
                    types.CompleteResult(
                        completion=completion if completion is not None else types.Completion(values=[])
                    )
                )

            self.request_handlers[types.CompleteRequest] = handler
            return func

        return decorator

    # Calling a tool

    async def _call_tool(
        self, func: Callable[..., Awaitable[Any]], params: types.CallToolRequestParams, validate_input: bool
    ) -> types.CallToolResult | types.CreateTaskResult | types.ServerResult:
        arguments = params.arguments or {}
        tool = await self._find_tool(params.name)
        if validate_input and tool is not None and (problem := tool.input_schema.error(arguments)) is not None:
            return self._make_error_result(f"Input validation error: {problem}")
        returned = await func(params.name, arguments)
        if isinstance(returned, types.CallToolResult | types.CreateTaskResult):
            return returned
        content, structured = split_content(returned)
        if (problem := output_error(tool, structured)) is not None:
            return self._make_error_result(problem)
        return types.CallToolResult(content=content, structuredContent=structured, isError=False)

    def _make_error_result(self, error_message: str) -> types.ServerResult:
        # Looked up on the instance and called inside the except block: analytics packages replace it.
        return wrap_root(types.ServerResult, error_text(error_message))

    def _forget_tools_except(self, names: Container[str]) -> None:
        self._tool_cache.clear()
        for name in [name for name in self._known_tools if name not in names]:
            del self._known_tools[name]

    def _known_tool(self, name: str) -> KnownTool | None:
        tool = self._tool_cache.get(name)
        if tool is None:
            return None
        known = self._known_tools.get(name)
        if known is None or (
            known.tool is not tool
            and (known.tool.inputSchema != tool.inputSchema or known.tool.outputSchema != tool.outputSchema)
        ):
            known = self._known_tools[name] = KnownTool(tool)
        return known

    async def _find_tool(self, name: str) -> KnownTool | None:
        known = self._known_tool(name)
        if known is None and (list_tools := self.request_handlers.get(types.ListToolsRequest)) is not None:
            params: types.PaginatedRequestParams | None = None
            for _ in range(MAX_TOOL_PAGES):
                result = await list_tools(types.ListToolsRequest(params=params))
                known = self._known_tool(name)
                page = getattr(result, "root", result)
                cursor = page.nextCursor if isinstance(page, types.ListToolsResult) else None
                if known is not None or cursor is None:
                    break
                params = types.PaginatedRequestParams(cursor=cursor)
        if known is None:
            logger.warning("Tool '%s' not listed, no validation will be performed", name)
        return known


async def _answer_ping(_: types.PingRequest) -> types.ServerResult:
    return wrap_root(types.ServerResult, types.EmptyResult())


def _content_items(returned: object) -> Iterable[ReadResourceContents]:
    if isinstance(returned, str | bytes):
        import warnings

        warnings.warn(
            "Returning str or bytes from read_resource is deprecated. Use Iterable[ReadResourceContents] instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        return [ReadResourceContents(content=returned)]
    if isinstance(returned, Iterable):
        return cast("Iterable[ReadResourceContents]", returned)
    raise ValueError(f"Unexpected return type from read_resource: {type(returned)}")


def _resource_contents(
    uri: AnyUrl, item: ReadResourceContents
) -> types.TextResourceContents | types.BlobResourceContents:
    content = item.content
    if isinstance(content, str):
        return types.TextResourceContents(
            uri=uri, text=content, mimeType=item.mime_type or "text/plain", _meta=item.meta
        )
    return types.BlobResourceContents(
        uri=uri,
        blob=base64.b64encode(content).decode(),
        mimeType=item.mime_type or "application/octet-stream",
        _meta=item.meta,
    )
