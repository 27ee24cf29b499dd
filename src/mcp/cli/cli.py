"""The `mcp` command: `version`, `dev`, `run`, `install`, and the client commands.

What a command needs beyond its options is loaded when it runs, so that help and version are quick.
"""

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from mcp.cli import claude
from mcp.cli._client_commands import add_client_commands
from mcp.cli._errors import CliError, short_traceback
from mcp.cli._files import import_server, parse_file_spec
from mcp.cli._inspector import build_uv_command, get_npx_command, run_inspector
from mcp.cli._output import configure_logging

if TYPE_CHECKING:
    from mcp.server.fastmcp.server import FastMCP

logger = logging.getLogger("cli")

# Their names of old, under which tests of other packages reach for them.
_build_uv_command = build_uv_command
_get_npx_command = get_npx_command

app = typer.Typer(
    name="mcp",
    help="MCP development tools",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)

FileSpec = Annotated[
    str,
    typer.Argument(help="Python file of the server, optionally with :object", show_default=False),
]
WithEditable = Annotated[
    Path | None,
    typer.Option(
        "--with-editable",
        "-e",
        help="Folder with a pyproject.toml to install in editable mode",
        exists=True,
        file_okay=False,
        resolve_path=True,
    ),
]
WithPackages = Annotated[list[str], typer.Option("--with", help="Another package to install; may be repeated")]


@app.callback()
def _prepare() -> None:  # pyright: ignore[reportUnusedFunction]
    configure_logging()


@contextmanager
def _reporting() -> Generator[None, None, None]:
    """Log an error that is meant for the user, and end the process."""
    try:
        yield
    except CliError as error:
        logger.error(str(error))
        sys.exit(error.code)


def _parse_file_path(file_spec: str) -> tuple[Path, str | None]:
    """The absolute path and the object name of `FILE[:OBJECT]`; ends the process if there is no such file."""
    with _reporting():
        return parse_file_spec(file_spec)


@app.command()
def version() -> None:
    """Show the MCP version."""
    from importlib import metadata

    try:
        typer.echo(f"MCP version {metadata.version('mcp')}")
    except metadata.PackageNotFoundError:
        typer.echo("MCP version unknown (package not installed)")
        sys.exit(1)


@app.command()
def dev(
    file_spec: FileSpec,
    with_editable: WithEditable = None,
    with_packages: WithPackages = [],  # noqa: B006
) -> None:
    """Run an MCP server with the MCP Inspector.

    It needs Node.js (npx) and uv. The server runs in an environment of its own,
    with the packages given here and those that it names as its dependencies.
    """
    file, server_object = _parse_file_path(file_spec)
    packages = set(with_packages)
    with _reporting():
        try:
            packages.update(import_server(file, server_object).dependencies)
        except CliError:
            raise
        except Exception as error:
            # It may lack just the packages that are to be installed for it.
            logger.warning("The dependencies of the server are not known, it does not import here: %s", error)
        status = run_inspector(file_spec, with_editable, sorted(packages))
    if status != 0:
        logger.error("Dev server failed")
        sys.exit(status)


@app.command()
def run(
    file_spec: FileSpec,
    transport: Annotated[
        str | None,
        typer.Option("--transport", "-t", help="stdio, sse or streamable-http; stdio by default", show_default=False),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen at, for sse and streamable-http", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", help="Port to listen at, for sse and streamable-http", min=0, max=65535, show_default=False
        ),
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Run the server again whenever a Python file beside it changes")
    ] = False,
) -> None:
    """Run an MCP server.

    The file is imported, so an `if __name__ == "__main__":` block does not run.
    Then its FastMCP object is run: the one that is named (server.py:app), or
    else the first under the names mcp, server and app.

    What the server needs must be installed here; `mcp dev` and `mcp install`
    make an environment for it.
    """
    file, server_object = _parse_file_path(file_spec)
    if (host is not None or port is not None) and transport in (None, "stdio"):
        raise typer.BadParameter("--host and --port need --transport sse or streamable-http.")
    if reload:
        _run_reloading(file, server_object, transport, host, port)
    with _reporting():
        try:
            server = import_server(file, server_object)
            _listen_at(server, host, port)
            options: dict[str, Any] = {"transport": transport} if transport else {}
            server.run(**options)
        except CliError:
            raise
        except Exception as error:
            raise CliError(f"Failed to run server\n{short_traceback(error)}") from None


def _listen_at(server: "FastMCP[Any]", host: str | None, port: int | None) -> None:
    if port is not None:
        server.settings.port = port
    if host is None:
        return
    from mcp.server.fastmcp import FastMCP

    def protection(host: str) -> Any:
        return FastMCP(host=host).settings.transport_security

    # Which hosts may be asked for follows from the address, unless the server says so itself.
    if server.settings.transport_security == protection(server.settings.host):
        server.settings.transport_security = protection(host)
    server.settings.host = host


def _run_reloading(
    file: Path, server_object: str | None, transport: str | None, host: str | None, port: int | None
) -> NoReturn:
    from mcp.cli._reload import run_with_reload

    arguments = ["run", f"{file}:{server_object or ''}"]
    for option, value in (("--transport", transport), ("--host", host), ("--port", port)):
        if value is not None:
            arguments += [option, str(value)]
    sys.exit(run_with_reload(file, arguments, stdio=transport in (None, "stdio")))


@app.command()
def install(
    file_spec: FileSpec,
    server_name: Annotated[
        str | None,
        typer.Option(
            "--name",
            "-n",
            help="Name in the application; by default that of the server, or of the file",
            show_default=False,
        ),
    ] = None,
    with_editable: WithEditable = None,
    with_packages: WithPackages = [],  # noqa: B006
    env_vars: Annotated[
        list[str], typer.Option("--env-var", "-v", help="Environment variable, KEY=VALUE; may be repeated")
    ] = [],  # noqa: B006
    env_file: Annotated[
        Path | None,
        typer.Option(
            "--env-file",
            "-f",
            help="Take environment variables from a .env file",
            exists=True,
            dir_okay=False,
            resolve_path=True,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Install an MCP server in the Claude desktop app.

    Environment variables of an earlier installation stay, unless they are
    given anew.
    """
    file, server_object = _parse_file_path(file_spec)
    if claude.get_claude_config_path() is None:
        logger.error("Claude app not found")
        sys.exit(1)
    with _reporting():
        environment = {**_read_env_file(env_file), **_parse_env_vars(env_vars)}
        name, dependencies = _look_at(file, server_object, server_name)
    if not claude.update_claude_config(
        f"{file}:{server_object}" if server_object else str(file),
        name,
        with_editable=with_editable,
        with_packages=sorted({*with_packages, *dependencies}),
        env_vars=environment or None,
    ):
        logger.error("Failed to install %s in Claude app", name)
        sys.exit(1)
    logger.info("Successfully installed %s in Claude app", name)


def _look_at(file: Path, server_object: str | None, name: str | None) -> tuple[str, list[str]]:
    """Name and dependencies of a server; where the name is given, the server need not even import."""
    try:
        server = import_server(file, server_object)
    except ImportError as error:
        logger.warning("The dependencies of the server are not known, it does not import here: %s", error)
        return name or file.stem, []
    except (Exception, SystemExit) as error:
        if name is not None:
            logger.warning("The dependencies of the server are not known: %s", error)
            return name, []
        if isinstance(error, CliError | SystemExit):
            raise
        raise CliError(f"Failed to import {file}\n{short_traceback(error)}") from None
    return name or server.name, server.dependencies


def _parse_env_vars(assignments: list[str]) -> dict[str, str]:
    """The variables of `--env-var` options.

    Raises:
        CliError: one is not `KEY=VALUE`.
    """
    variables: dict[str, str] = {}
    for assignment in assignments:
        key, equals, value = (part.strip() for part in assignment.partition("="))
        if not equals or not key:
            raise CliError(f"Invalid environment variable format: {assignment}. Must be KEY=VALUE")
        variables[key] = value
    return variables


def _read_env_file(file: Path | None) -> dict[str, str]:
    """The variables of a `.env` file that have a value.

    Raises:
        CliError: python-dotenv is not installed, or the file is no text.
    """
    if file is None:
        return {}
    try:
        from dotenv import dotenv_values
    except ImportError:
        raise CliError("python-dotenv is not installed. Cannot load .env file.") from None
    try:
        return {key: value for key, value in dotenv_values(file).items() if value is not None}
    except (OSError, ValueError) as error:
        raise CliError(f"Failed to load .env file: {error}") from None


add_client_commands(app)
