"""The client commands: connect to a target, do one thing, print the result.

Loading this module loads the client, so the commands do it only when they run.
"""

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TextIO, TypeVar

import anyio

from mcp.cli import _elicitation, _render
from mcp.cli._errors import (
    CONNECTION_ERROR,
    TOOL_ERROR,
    USAGE_ERROR,
    CliError,
    leaf_of,
    short_traceback,
    unknown_name,
)
from mcp.cli._output import OutputClosed, results_only
from mcp.cli._targets import FileTarget, Target, UrlTarget, http_status, is_not_found, load_server, open_session
from mcp.cli._terminal import ProgressBar, ask, in_daemon_thread, is_interactive, printable, tell
from mcp.cli._values import BadValue, json_object, parse_arguments, split_assignment
from mcp.client.session import ClientSession
from mcp.shared import _event_loop
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import ConnectionClosedError, McpError, UrlElicitationRequiredError
from mcp.types import (
    CONNECTION_CLOSED,
    METHOD_NOT_FOUND,
    URL_ELICITATION_REQUIRED,
    ElicitRequestParams,
    ElicitResult,
    Implementation,
    InitializeResult,
    LoggingMessageNotificationParams,
    PaginatedRequestParams,
    Prompt,
    Tool,
)

T = TypeVar("T")

KINDS = ("tools", "resources", "templates", "prompts")


class Patience:
    """The time a server has to give a sign of life, from the start of the connection to its end.

    Args:
        seconds: how long; for ever if None.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.scope = anyio.CancelScope()
        self._paused = 0
        self.renew()

    def renew(self) -> None:
        """Count from now."""
        if self.seconds is not None and not self._paused:
            self.scope.deadline = anyio.current_time() + self.seconds

    @contextmanager
    def paused(self) -> Generator[None, None, None]:
        """Do not count while the user thinks."""
        self._paused += 1
        self.scope.deadline = float("inf")
        try:
            yield
        finally:
            self._paused -= 1
            self.renew()


@dataclass
class Connection:
    """What a command works with: an open session, and where to write."""

    session: ClientSession
    server: InitializeResult
    out: TextIO
    as_json: bool
    patience: Patience
    bar: ProgressBar

    def show(self, data: Any, text: str) -> None:
        """Print a result: the data for scripts, the text for people."""
        if self.as_json:
            unicode = (self.out.encoding or "utf-8").lower().replace("_", "-") == "utf-8"
            text = _render.to_json(data, ascii_only=not unicode)
        elif self.out.isatty():
            text = printable(text)
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            raise OutputClosed from None

    def write(self, data: bytes) -> None:
        """Write a binary result as it is."""
        try:
            self.out.flush()
            self.out.buffer.write(data)
            self.out.buffer.flush()
        except BrokenPipeError:
            raise OutputClosed from None

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Take a report of progress: the server is alive."""
        self.patience.renew()
        self.bar.show(progress, total, message)


Command = Callable[[Connection], Awaitable[int]]


def run(command: Command, target: Target, *, as_json: bool, timeout: float | None) -> int:
    """Run a client command and return the exit code.

    Args:
        command: what to do with the connection.
        target: what to connect to.
        as_json: whether to print for scripts.
        timeout: seconds without a sign of life after which the server is given up; None for never.

    Raises:
        CliError: it failed.
        OutputClosed: nobody reads the results.
    """
    with results_only() as out:
        server = load_server(target) if isinstance(target, FileTarget) else None
        return _event_loop.run(lambda: _run(command, target, server, out, as_json, timeout))


async def _run(command: Command, target: Target, server: Any, out: TextIO, as_json: bool, timeout: float | None) -> int:
    patience = Patience(timeout)
    connected = False
    code: int | None = None
    try:
        with patience.scope:
            async with _connect(target, server, out, as_json, patience) as connection:
                connected = True
                code = await command(connection)
                # The connection is closed with the same patience.
                patience.renew()
    except Exception as error:
        cause = leaf_of(error)
        raise cause if isinstance(cause, OutputClosed) else explain(cause, target, connected) from None
    if code is None:
        raise CliError(f"No answer from {_named(target)} for {timeout:g} s (--timeout)", CONNECTION_ERROR)
    return code


@asynccontextmanager
async def _connect(
    target: Target, server: Any, out: TextIO, as_json: bool, patience: Patience
) -> AsyncGenerator[Connection, None]:
    bar = ProgressBar()
    user = _User(patience, bar)

    def make_session(read: Any, write: Any) -> ClientSession:
        return ClientSession(
            read,
            write,
            elicitation_callback=user.elicit,
            logging_callback=user.log,
            client_info=Implementation(name="mcp-cli", version=_version()),
        )

    try:
        async with open_session(target, server, make_session) as (session, initialized):
            user.server = initialized.serverInfo.title or initialized.serverInfo.name
            patience.renew()
            yield Connection(session, initialized, out, as_json, patience, bar)
    finally:
        bar.close()


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("mcp")
    except metadata.PackageNotFoundError:
        return "unknown"


class _User:
    """What the server wants to tell the user, or to know."""

    def __init__(self, patience: Patience, bar: ProgressBar) -> None:
        self.server = "The server"
        self._patience = patience
        self._bar = bar
        self._terminal = anyio.Lock()

    async def log(self, params: LoggingMessageNotificationParams) -> None:
        """Show a log message."""
        self._patience.renew()
        with self._bar.hidden():
            tell(printable(_render.log_text(params.level, params.logger, params.data)))

    async def elicit(self, context: RequestContext[ClientSession, Any], params: ElicitRequestParams) -> ElicitResult:
        """Ask the user; decline if nobody is there."""
        if not is_interactive():
            question = f"{printable(self.server)} asks: {printable(params.message)}"
            tell(f"{question} (declined: standard input is no terminal)")
            return _elicitation.DECLINED
        with self._patience.paused():
            async with self._terminal:
                with self._bar.hidden():
                    return await in_daemon_thread(lambda: _elicitation.answer(params, self.server, ask, tell))


# What goes wrong


def explain(error: BaseException, target: Target, connected: bool) -> CliError:
    """The message and exit code for what a command ran into.

    Args:
        error: what was raised.
        target: what the command talked to.
        connected: whether the handshake was over.
    """
    if isinstance(error, CliError):
        return error
    if isinstance(error, BadValue):
        return CliError(str(error), USAGE_ERROR)
    status = http_status(error)
    if status is not None:
        hint = "\nGive credentials with --bearer or --header." if status in (401, 403) else ""
        return CliError(f"{_first_line(error)}{hint}", CONNECTION_ERROR)
    if isinstance(error, ConnectionClosedError) or (isinstance(error, McpError) and _is_lost(error)):
        # The last lines of a server's stderr have been shown already.
        return CliError(f"{_named(target)}: {_first_line(error).removesuffix(', stderr:')}", CONNECTION_ERROR)
    if isinstance(error, McpError):
        if not connected and isinstance(target, UrlTarget) and is_not_found(error):
            return CliError(f"There is no MCP server at {_named(target)} (404 Not Found)", CONNECTION_ERROR)
        if not connected:
            return CliError(f"{_named(target)} refused to initialize: {_answered(error)}", CONNECTION_ERROR)
        return CliError(_answered(error), TOOL_ERROR)
    if isinstance(error, RuntimeError) and (connected or str(error).startswith("Unsupported protocol version")):
        return CliError(str(error), TOOL_ERROR if connected else CONNECTION_ERROR)
    if isinstance(target, FileTarget):
        return CliError(f"{_named(target)} failed\n{short_traceback(error)}", CONNECTION_ERROR)
    reason = _first_line(error) or type(error).__name__
    verb = "connect to" if isinstance(target, UrlTarget) else "start"
    what = f"Connection to {_named(target)} lost" if connected else f"Cannot {verb} {_named(target)}"
    return CliError(f"{what}: {reason}", CONNECTION_ERROR)


def _is_lost(error: McpError) -> bool:
    return error.error.code == CONNECTION_CLOSED


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _named(target: Target) -> str:
    if isinstance(target, FileTarget):
        return target.spec
    return target.url if isinstance(target, UrlTarget) else " ".join(target.command)


def _answered(error: McpError) -> str:
    message = printable(error.error.message)
    if error.error.code == URL_ELICITATION_REQUIRED:
        try:
            urls = [str(each.url) for each in UrlElicitationRequiredError.from_error(error.error).elicitations]
        except ValueError:
            urls = []
        return "\n".join([message, *(f"Open {printable(url)} and try again" for url in urls)])
    return f"{message} (error {error.error.code})"


# The commands


async def list_all(connection: Connection, kinds: Iterable[str]) -> int:
    """Print what the server offers of these kinds."""
    wanted = {kind: kind in set(kinds) for kind in KINDS}
    session = connection.session
    listing = _render.Listing(
        tools=await _pages(connection, session.list_tools, "tools") if wanted["tools"] else None,
        resources=await _pages(connection, session.list_resources, "resources") if wanted["resources"] else None,
        templates=await _pages(connection, session.list_resource_templates, "resourceTemplates", "resources")
        if wanted["templates"]
        else None,
        prompts=await _pages(connection, session.list_prompts, "prompts") if wanted["prompts"] else None,
    )
    connection.show(_render.listing_data(connection.server, listing), _render.listing_text(connection.server, listing))
    return 0


async def _pages(connection: Connection, fetch: Any, member: str, capability: str | None = None) -> list[Any]:
    """All pages of a list; empty if the server has no such list."""
    if getattr(connection.server.capabilities, capability or member) is None:
        return []
    found: list[Any] = []
    cursors: set[str | None] = set()
    cursor: str | None = None
    while cursor not in cursors:
        cursors.add(cursor)
        try:
            page = await (fetch(params=PaginatedRequestParams(cursor=cursor)) if cursor is not None else fetch())
        except McpError as error:
            if error.error.code == METHOD_NOT_FOUND and not found:
                return []
            raise
        connection.patience.renew()
        found += getattr(page, member)
        cursor = page.nextCursor
        if cursor is None:
            return found
    tell("Warning: the server repeats its pages, the list may be incomplete")
    return found


async def call(connection: Connection, name: str, words: Iterable[str]) -> int:
    """Call a tool and print its result."""
    tools: list[Tool] = await _pages(connection, connection.session.list_tools, "tools")
    tool = _by_name("tool", name, tools)
    arguments = parse_arguments(words, tool.inputSchema)
    result = await connection.session.call_tool(name, arguments, progress_callback=connection.progress)
    connection.bar.close()
    if result.isError and not connection.as_json:
        raise CliError(printable(_render.tool_result_text(result)) or "The tool failed", TOOL_ERROR)
    connection.show(result, _render.tool_result_text(result))
    return TOOL_ERROR if result.isError else 0


async def read(connection: Connection, uri: str) -> int:
    """Read a resource and print it; the bytes of a binary one, unless to a terminal."""
    uri_type: Any = uri
    result = await connection.session.read_resource(uri_type)
    data = None if connection.as_json or connection.out.isatty() else _render.resource_bytes(result)
    if data is None:
        connection.show(result, _render.resource_text(result))
    else:
        connection.write(data)
    return 0


async def prompt(connection: Connection, name: str, words: Iterable[str]) -> int:
    """Get a prompt and print its messages."""
    prompts: list[Prompt] = await _pages(connection, connection.session.list_prompts, "prompts")
    found = _by_name("prompt", name, prompts)
    result = await connection.session.get_prompt(name, prompt_arguments(words, found))
    connection.show(result, _render.prompt_text(result))
    return 0


def prompt_arguments(words: Iterable[str], prompt: Prompt) -> dict[str, str]:
    """The arguments of a prompt, which are all strings.

    Raises:
        BadValue: one is unknown, missing, or given twice.
    """
    words = list(words)
    arguments: dict[str, str] = {}
    whole = json_object(words)
    if whole is not None:
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in whole.items()}
    known = {argument.name: argument for argument in prompt.arguments or ()}
    for word in words:
        key, text, _ = split_assignment(word)
        if key not in known:
            raise BadValue(unknown_name("argument", key, known))
        if key in arguments:
            raise BadValue(f"{key} is given more than once")
        arguments[key] = text
    missing = [key for key, argument in known.items() if argument.required and key not in arguments]
    if missing:
        raise BadValue(f"Missing argument{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")
    return arguments


async def ping(connection: Connection) -> int:
    """Ping the server and print who it is and how long it took."""
    start = time.perf_counter()
    await connection.session.send_ping()
    seconds = time.perf_counter() - start
    server = connection.server
    info = server.serverInfo
    connection.show(
        {"server": info, "protocolVersion": server.protocolVersion, "seconds": round(seconds, 6)},
        f"{info.name} {info.version} (protocol {server.protocolVersion}) answered in {seconds * 1000:.1f} ms",
    )
    return 0


def _by_name(kind: str, name: str, known: Iterable[T]) -> T:
    by_name = {getattr(each, "name", ""): each for each in known}
    if name not in by_name:
        raise CliError(unknown_name(kind, name, by_name), USAGE_ERROR)
    return by_name[name]
