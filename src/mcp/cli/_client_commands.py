"""`mcp list`, `call`, `read`, `prompt` and `ping`: what they look like on the command line."""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from mcp.cli._errors import CliError
from mcp.cli._output import OutputClosed

if TYPE_CHECKING:
    from mcp.cli import _client

COMMAND = "mcp.command"
"""Where the command after `--` is kept while the other words are parsed."""

STAND_IN = "-"
"""Stands for the target if that is a command after `--`."""

PANEL = "Talk to a server"


class TargetCommand(TyperCommand):
    """A command whose target may be a command line after `--` instead of its first word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the command line of a server away before the words are parsed."""
        if "--" in args:
            index = args.index("--")
            ctx.meta[COMMAND] = args[index + 1 :]
            args = [STAND_IN, *args[:index]]
        return super().parse_args(ctx, args)


class Kind(str, Enum):
    """What `mcp list` can list."""

    tools = "tools"
    resources = "resources"
    templates = "templates"
    prompts = "prompts"


Target = Annotated[
    str,
    typer.Argument(
        help="The server: a file FILE[:OBJECT], or a URL. Leave it out and give a command at the end, after --.",
        show_default=False,
    ),
]
Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Arguments, or all of them as one JSON object.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", "-H", metavar="NAME:VALUE", help="Send an HTTP header.", show_default=False),
]
Bearer = Annotated[
    str | None,
    typer.Option("--bearer", metavar="TOKEN", help="Send a bearer token.", show_default=False),
]
Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="SECONDS", min=0, help="Give up after so long without a sign of life; 0 never."),
]


def add_client_commands(app: typer.Typer) -> None:
    """Add the client commands to the application."""
    for name, function in (
        ("list", list_command),
        ("call", call_command),
        ("read", read_command),
        ("prompt", prompt_command),
        ("ping", ping_command),
    ):
        app.command(name, cls=TargetCommand, rich_help_panel=PANEL)(function)


def list_command(
    ctx: typer.Context,
    target: Target,
    kinds: Annotated[list[Kind] | None, typer.Argument(help="Only these.", show_default=False)] = None,
    as_json: AsJson = False,
    headers: Headers = None,
    bearer: Bearer = None,
    timeout: Timeout = 30,
) -> None:
    """List the tools, resources, templates and prompts of a server."""
    wanted = [kind.value for kind in kinds or Kind]
    _run(ctx, target, headers, bearer, as_json, timeout, lambda client: lambda link: client.list_all(link, wanted))


def call_command(
    ctx: typer.Context,
    target: Target,
    tool: Annotated[str, typer.Argument(help="Name of the tool.", show_default=False)],
    arguments: Words = None,
    as_json: AsJson = False,
    headers: Headers = None,
    bearer: Bearer = None,
    timeout: Timeout = 30,
) -> None:
    """Call a tool of a server.

    Values are read as the tool's schema says. KEY:=JSON gives a value as JSON,
    and a repeated KEY makes a list. For example:

    mcp call server.py add a=1 b=2

    mcp call add a=1 b=2 -- python server.py
    """
    words = arguments or []
    _run(ctx, target, headers, bearer, as_json, timeout, lambda client: lambda link: client.call(link, tool, words))


def read_command(
    ctx: typer.Context,
    target: Target,
    uri: Annotated[str, typer.Argument(help="URI of the resource.", show_default=False)],
    as_json: AsJson = False,
    headers: Headers = None,
    bearer: Bearer = None,
    timeout: Timeout = 30,
) -> None:
    """Read a resource of a server."""
    _run(ctx, target, headers, bearer, as_json, timeout, lambda client: lambda link: client.read(link, uri))


def prompt_command(
    ctx: typer.Context,
    target: Target,
    name: Annotated[str, typer.Argument(help="Name of the prompt.", show_default=False)],
    arguments: Words = None,
    as_json: AsJson = False,
    headers: Headers = None,
    bearer: Bearer = None,
    timeout: Timeout = 30,
) -> None:
    """Get a prompt of a server."""
    words = arguments or []
    _run(ctx, target, headers, bearer, as_json, timeout, lambda client: lambda link: client.prompt(link, name, words))


def ping_command(
    ctx: typer.Context,
    target: Target,
    as_json: AsJson = False,
    headers: Headers = None,
    bearer: Bearer = None,
    timeout: Timeout = 30,
) -> None:
    """Ask a server whether it is there."""
    _run(ctx, target, headers, bearer, as_json, timeout, lambda client: client.ping)


def _run(
    ctx: typer.Context,
    target: str,
    headers: list[str] | None,
    bearer: str | None,
    as_json: bool,
    timeout: float,
    choose: "Callable[[Any], _client.Command]",
) -> NoReturn:
    command: list[str] | None = ctx.meta.get(COMMAND)
    if command is None and target == STAND_IN:
        raise typer.BadParameter("Give a server: a file, a URL, or a command after --.")
    given = parse_headers(headers or [])
    if bearer is not None:
        given["Authorization"] = f"Bearer {bearer}"

    from mcp.cli import _client
    from mcp.cli._targets import parse_target

    try:
        chosen = parse_target(target, command, given)
        code = _client.run(choose(_client), chosen, as_json=as_json, timeout=timeout or None)
    except CliError as error:
        typer.echo(f"Error: {error}", err=True)
        code = error.code
    except OutputClosed:
        code = 1
    raise typer.Exit(code)


def parse_headers(lines: list[str]) -> dict[str, str]:
    """The headers of `--header` options, `NAME:VALUE` each."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise typer.BadParameter(f"Expected NAME:VALUE, got '{line}'", param_hint="--header")
        headers[name.strip()] = value.strip()
    return headers
