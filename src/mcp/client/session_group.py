"""`ClientSessionGroup`: several connections presented as one set of tools, prompts and resources."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeAlias, overload

from pydantic import BaseModel, Field
from typing_extensions import Self, deprecated

import mcp
import mcp.types as types
from mcp.client.session import ElicitationFnT, ListRootsFnT, LoggingFnT, MessageHandlerFnT, SamplingFnT
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import McpError
from mcp.shared.session import ProgressFnT


class SseServerParameters(BaseModel):
    """How to reach a server over HTTP+SSE.

    Attributes:
        url: the SSE endpoint.
        headers: sent with every request.
        timeout: seconds for ordinary requests.
        sse_read_timeout: seconds without any event after which the stream counts as lost.
    """

    url: str
    headers: dict[str, Any] | None = None
    timeout: float = 5
    sse_read_timeout: float = 60 * 5


class StreamableHttpParameters(BaseModel):
    """How to reach a server over Streamable HTTP.

    Attributes:
        url: the endpoint.
        headers: sent with every request.
        timeout: for ordinary requests.
        sse_read_timeout: without any event after which a stream counts as lost.
        terminate_on_close: end the session at the server when it is closed here.
    """

    url: str
    headers: dict[str, Any] | None = None
    timeout: timedelta = timedelta(seconds=30)
    sse_read_timeout: timedelta = timedelta(seconds=60 * 5)
    terminate_on_close: bool = True


ServerParameters: TypeAlias = StdioServerParameters | SseServerParameters | StreamableHttpParameters


@dataclass
class ClientSessionParameters:
    """What each session of a group is made with; see `ClientSession`."""

    read_timeout_seconds: timedelta | None = None
    sampling_callback: SamplingFnT | None = None
    elicitation_callback: ElicitationFnT | None = None
    list_roots_callback: ListRootsFnT | None = None
    logging_callback: LoggingFnT | None = None
    message_handler: MessageHandlerFnT | None = None
    client_info: types.Implementation | None = None


class ClientSessionGroup:
    """Several sessions whose tools, prompts and resources are offered under one roof.

    ```python
    async with ClientSessionGroup(component_name_hook=lambda name, server: f"{server.name}.{name}") as group:
        await group.connect_to_server(StdioServerParameters(command="python", args=["server.py"]))
        result = await group.call_tool("demo.add", {"a": 1, "b": 2})
    ```

    Args:
        exit_stack: where connections are entered, too; one of its own if None. A given one is closed by its owner.
        component_name_hook: makes the name in the group of a component's name and its server's description.

    What is offered is a snapshot of the first page of each list, taken when a server is connected.
    """

    class _ComponentNames(BaseModel):
        """Names that a session contributed."""

        prompts: set[str] = Field(default_factory=set)
        resources: set[str] = Field(default_factory=set)
        tools: set[str] = Field(default_factory=set)

    def __init__(
        self,
        exit_stack: contextlib.AsyncExitStack | None = None,
        component_name_hook: Callable[[str, types.Implementation], str] | None = None,
    ) -> None:
        self._prompts: dict[str, types.Prompt] = {}
        self._resources: dict[str, types.Resource] = {}
        self._tools: dict[str, types.Tool] = {}
        self._sessions: dict[mcp.ClientSession, ClientSessionGroup._ComponentNames] = {}
        self._tool_to_session: dict[str, mcp.ClientSession] = {}
        self._owns_exit_stack = exit_stack is None
        self._exit_stack = exit_stack or contextlib.AsyncExitStack()
        self._session_exit_stacks: dict[mcp.ClientSession, contextlib.AsyncExitStack] = {}
        self._component_name_hook = component_name_hook

    async def __aenter__(self) -> Self:
        if self._owns_exit_stack:
            await self._exit_stack.__aenter__()
        return self

    async def __aexit__(
        self,
        _exc_type: type[BaseException] | None,
        _exc_val: BaseException | None,
        _exc_tb: TracebackType | None,
    ) -> bool | None:
        """Close every connection of the group, also if closing one fails."""
        stacks = list(self._session_exit_stacks.values())
        self._session_exit_stacks.clear()
        async with contextlib.AsyncExitStack() as closing:
            for stack in stacks:
                closing.push_async_callback(stack.aclose)
            if self._owns_exit_stack:
                closing.push_async_callback(self._exit_stack.aclose)
        return None

    @property
    def sessions(self) -> list[mcp.ClientSession]:
        """The sessions of the group."""
        return list(self._sessions)

    @property
    def prompts(self) -> dict[str, types.Prompt]:
        """All prompts, by their name in the group."""
        return self._prompts

    @property
    def resources(self) -> dict[str, types.Resource]:
        """All resources, by their name in the group."""
        return self._resources

    @property
    def tools(self) -> dict[str, types.Tool]:
        """All tools, by their name in the group."""
        return self._tools

    @overload
    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        read_timeout_seconds: timedelta | None = None,
        progress_callback: ProgressFnT | None = None,
        *,
        meta: dict[str, Any] | None = None,
    ) -> types.CallToolResult: ...

    @overload
    @deprecated("The 'args' parameter is deprecated. Use 'arguments' instead.")
    async def call_tool(
        self,
        name: str,
        *,
        args: dict[str, Any],
        read_timeout_seconds: timedelta | None = None,
        progress_callback: ProgressFnT | None = None,
        meta: dict[str, Any] | None = None,
    ) -> types.CallToolResult: ...

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        read_timeout_seconds: timedelta | None = None,
        progress_callback: ProgressFnT | None = None,
        *,
        meta: dict[str, Any] | None = None,
        args: dict[str, Any] | None = None,
    ) -> types.CallToolResult:
        """Call a tool by its name in the group; arguments as for `ClientSession.call_tool`.

        Args:
            args: deprecated name of `arguments`, which it wins over.

        Raises:
            KeyError: no tool has this name.
        """
        session = self._tool_to_session[name]
        return await session.call_tool(
            self._tools[name].name,
            arguments if args is None else args,
            read_timeout_seconds=read_timeout_seconds,
            progress_callback=progress_callback,
            meta=meta,
        )

    async def connect_to_server(
        self,
        server_params: ServerParameters,
        session_params: ClientSessionParameters | None = None,
    ) -> mcp.ClientSession:
        """Open a connection, shake hands, and take the server's components in.

        Raises:
            McpError: a component has a name that the group knows already (code -32602); the connection is closed.
        """
        server_info, session = await self._establish_session(server_params, session_params or ClientSessionParameters())
        try:
            return await self.connect_with_session(server_info, session)
        except BaseException:
            await self._session_exit_stacks.pop(session).aclose()
            raise

    async def connect_with_session(
        self, server_info: types.Implementation, session: mcp.ClientSession
    ) -> mcp.ClientSession:
        """Take the components of an initialized session in. Closing it stays its owner's business.

        Raises:
            McpError: a component has a name that the group knows already (code -32602); nothing was taken in.
        """
        prompts = await self._fetch("prompts", lambda: session.list_prompts())
        resources = await self._fetch("resources", lambda: session.list_resources())
        tools = await self._fetch("tools", lambda: session.list_tools())

        new_prompts = {self._name(prompt.name, server_info): prompt for prompt in prompts}
        new_resources = {self._name(resource.name, server_info): resource for resource in resources}
        new_tools = {self._name(tool.name, server_info): tool for tool in tools}
        for kind, known, new in (
            ("prompts", self._prompts, new_prompts),
            ("resources", self._resources, new_resources),
            ("tools", self._tools, new_tools),
        ):
            if taken := known.keys() & new.keys():
                message = f"{taken} already exist in group {kind}."
                raise McpError(types.ErrorData(code=types.INVALID_PARAMS, message=message))

        self._sessions[session] = self._ComponentNames(
            prompts=set(new_prompts), resources=set(new_resources), tools=set(new_tools)
        )
        self._prompts.update(new_prompts)
        self._resources.update(new_resources)
        self._tools.update(new_tools)
        self._tool_to_session.update(dict.fromkeys(new_tools, session))
        return session

    async def disconnect_from_server(self, session: mcp.ClientSession) -> None:
        """Take a session's components out, and close its connection if the group opened it.

        Raises:
            McpError: the session is not in the group (code -32602).
        """
        names = self._sessions.pop(session, None)
        stack = self._session_exit_stacks.pop(session, None)
        if names is None and stack is None:
            message = "Provided session is not managed or already disconnected."
            raise McpError(types.ErrorData(code=types.INVALID_PARAMS, message=message))
        if names is not None:
            for name in names.prompts:
                self._prompts.pop(name, None)
            for name in names.resources:
                self._resources.pop(name, None)
            for name in names.tools:
                self._tools.pop(name, None)
                self._tool_to_session.pop(name, None)
        if stack is not None:
            await stack.aclose()

    async def _establish_session(
        self, server_params: ServerParameters, session_params: ClientSessionParameters
    ) -> tuple[types.Implementation, mcp.ClientSession]:
        stack = contextlib.AsyncExitStack()
        try:
            read, write = await self._open(stack, server_params)
            session = await stack.enter_async_context(
                # Looked up through the facade: tests put stand-ins there.
                mcp.ClientSession(
                    read,
                    write,
                    read_timeout_seconds=session_params.read_timeout_seconds,
                    sampling_callback=session_params.sampling_callback,
                    elicitation_callback=session_params.elicitation_callback,
                    list_roots_callback=session_params.list_roots_callback,
                    logging_callback=session_params.logging_callback,
                    message_handler=session_params.message_handler,
                    client_info=session_params.client_info,
                )
            )
            result = await session.initialize()
        except BaseException:
            await stack.aclose()
            raise
        # Closed when the session is disconnected, at the latest with the group or its owner's exit stack.
        self._session_exit_stacks[session] = await self._exit_stack.enter_async_context(stack)
        return result.serverInfo, session

    async def _open(self, stack: contextlib.AsyncExitStack, server_params: ServerParameters) -> tuple[Any, Any]:
        if isinstance(server_params, StdioServerParameters):
            return await stack.enter_async_context(mcp.stdio_client(server_params))
        if isinstance(server_params, SseServerParameters):
            return await stack.enter_async_context(
                sse_client(
                    url=server_params.url,
                    headers=server_params.headers,
                    timeout=server_params.timeout,
                    sse_read_timeout=server_params.sse_read_timeout,
                )
            )
        import httpx

        http_client = create_mcp_http_client(
            headers=server_params.headers,
            timeout=httpx.Timeout(
                server_params.timeout.total_seconds(), read=server_params.sse_read_timeout.total_seconds()
            ),
        )
        await stack.enter_async_context(http_client)
        read, write, _ = await stack.enter_async_context(
            streamable_http_client(
                url=server_params.url,
                http_client=http_client,
                terminate_on_close=server_params.terminate_on_close,
            )
        )
        return read, write

    async def _fetch(self, kind: str, list_page: Callable[[], Any]) -> list[Any]:
        try:
            return getattr(await list_page(), kind)
        except McpError as error:
            logging.warning("Could not fetch %s: %s", kind, error)
            return []

    def _name(self, name: str, server_info: types.Implementation) -> str:
        return name if self._component_name_hook is None else self._component_name_hook(name, server_info)
