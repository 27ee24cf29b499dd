"""What a client command talks to: a server file (in this process), a command (over stdio) or a URL (over HTTP)."""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from mcp.cli._errors import CONNECTION_ERROR, USAGE_ERROR, CliError, leaf_of, short_traceback
from mcp.cli._files import find_any_server, import_file, parse_file_spec
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import SESSION_TERMINATED, McpError
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp.types import InitializeResult

ReadStream: TypeAlias = MemoryObjectReceiveStream[SessionMessage | Exception]
WriteStream: TypeAlias = MemoryObjectSendStream[SessionMessage]
MakeSession: TypeAlias = Callable[[ReadStream, WriteStream], ClientSession]
Opened: TypeAlias = tuple[ClientSession, InitializeResult]

SSE_STATUSES = (400, 404, 405)
"""Answers to the first POST that suggest a server of the older HTTP+SSE transport.

Source: specification 2025-11-25, page "Transports", section "Backwards Compatibility".
"""


@dataclass(frozen=True)
class FileTarget:
    """A server in a file, run in this process."""

    spec: str


@dataclass(frozen=True)
class CommandTarget:
    """A command that speaks over its standard input and output."""

    command: tuple[str, ...]


@dataclass(frozen=True)
class UrlTarget:
    """A server that listens for HTTP."""

    url: str
    headers: dict[str, str] = field(default_factory=dict[str, str])


Target: TypeAlias = FileTarget | CommandTarget | UrlTarget


def parse_target(text: str, command: list[str] | None, headers: dict[str, str]) -> Target:
    """Tell which kind of target the user means.

    Args:
        text: the first argument; not looked at if there is a command.
        command: what stood after `--`, if that was there.
        headers: HTTP headers to send.

    Raises:
        CliError: it is none.
    """
    scheme = "" if command is not None else text.partition("://")[0].lower() if "://" in text else ""
    if headers and scheme not in ("http", "https"):
        raise CliError("Headers and tokens can be sent only to a URL", USAGE_ERROR)
    if command is not None:
        if not command:
            raise CliError("Give a command after --", USAGE_ERROR)
        return CommandTarget(tuple(command))
    if scheme in ("http", "https"):
        return UrlTarget(text, headers)
    if scheme:
        raise CliError(f"Cannot talk to {scheme} URLs, only to http and https", USAGE_ERROR)
    return FileTarget(text)


def load_server(target: FileTarget) -> Any:
    """Run a server file and find the server, FastMCP or low-level.

    Raises:
        CliError: there is no such file, or it does not run.
    """
    try:
        file, name = parse_file_spec(target.spec)
    except CliError as error:
        hint = "A target is a server file, a URL, or a command after --."
        raise CliError(f"{error}\n{hint}", USAGE_ERROR) from None
    try:
        module = import_file(file)
    except SystemExit as error:
        raise CliError(f"{file} ended the process on import, with status {error.code}", CONNECTION_ERROR) from None
    except Exception as error:
        raise CliError(f"Failed to import {file}\n{short_traceback(error)}", CONNECTION_ERROR) from None
    return find_any_server(module, file, name)


@asynccontextmanager
async def open_session(target: Target, server: Any, make_session: MakeSession) -> AsyncGenerator[Opened, None]:
    """Connect to a target, and shake hands.

    Args:
        target: what to connect to.
        server: the loaded server of a `FileTarget`.
        make_session: makes the client session on two streams.
    """
    async with AsyncExitStack() as stack:
        if isinstance(target, FileTarget):
            yield await _open(stack, _in_process(server), make_session)
        elif isinstance(target, CommandTarget):
            yield await _open(stack, _process(target), make_session)
        else:
            yield await _open_url(stack, target, make_session)


async def _open(
    stack: AsyncExitStack, transport: AbstractAsyncContextManager[tuple[Any, ...]], make_session: MakeSession
) -> Opened:
    read, write, *_ = await stack.enter_async_context(transport)
    session = await stack.enter_async_context(make_session(read, write))
    return session, await session.initialize()


@asynccontextmanager
async def _in_process(server: Any) -> AsyncGenerator[tuple[Any, Any], None]:
    lowlevel = getattr(server, "_mcp_server", server)
    async with create_client_server_memory_streams() as (client, (read, write)), anyio.create_task_group() as tasks:
        tasks.start_soon(lowlevel.run, read, write, lowlevel.create_initialization_options())
        try:
            yield client
        finally:
            tasks.cancel_scope.cancel()


def _process(target: CommandTarget) -> AbstractAsyncContextManager[tuple[Any, Any]]:
    import os

    command, *arguments = target.command
    # The user started it, as in a shell, so it gets the whole environment.
    parameters = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    return stdio_client(parameters, errlog=sys.stderr)


async def _open_url(stack: AsyncExitStack, target: UrlTarget, make_session: MakeSession) -> Opened:
    attempt = AsyncExitStack()
    try:
        opened = await _open(attempt, _streamable_http(target), make_session)
    except BaseException as error:
        with suppress(Exception):
            await attempt.aclose()
        if not suggests_sse(error):
            raise
        try:
            return await _open(stack, _sse(target), make_session)
        except Exception:
            raise error from None
    await stack.enter_async_context(attempt)
    return opened


def suggests_sse(error: BaseException) -> bool:
    """Whether the failure of a first request by Streamable HTTP suggests to try HTTP+SSE."""
    error = leaf_of(error)
    return is_not_found(error) or http_status(error) in SSE_STATUSES


def is_not_found(error: BaseException) -> bool:
    """Whether the server has answered 404, which the client takes for a session that is gone."""
    return isinstance(error, McpError) and error.error.code == SESSION_TERMINATED


def http_status(error: BaseException) -> int | None:
    """The status of the HTTP response that an error is about."""
    return getattr(getattr(error, "response", None), "status_code", None)


@asynccontextmanager
async def _streamable_http(target: UrlTarget) -> AsyncGenerator[tuple[Any, Any], None]:
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    async with create_mcp_http_client(headers=target.headers) as client:
        async with streamable_http_client(target.url, http_client=client) as (read, write, _):
            yield read, write


def _sse(target: UrlTarget) -> AbstractAsyncContextManager[tuple[Any, Any]]:
    from mcp.client.sse import sse_client

    return sse_client(target.url, headers=dict(target.headers))
