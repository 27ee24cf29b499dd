"""Server files: the spec `FILE[:OBJECT]`, running the file, and finding the server object in it."""

import logging
import os
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mcp.cli._errors import CliError

if TYPE_CHECKING:
    from mcp.server.fastmcp.server import FastMCP

MODULE_NAME = "server_module"
"""Name under which a server file runs, so that an `if __name__ == "__main__":` block does not."""

OBJECT_NAMES = ("mcp", "server", "app")
"""Names that are looked for, in this order, where the spec names none."""

NO_SERVER = """No server object found in {file}. Please either:
1. Use a standard variable name (mcp, server, or app)
2. Specify the object name with file:object syntax
3. If the server creates the FastMCP object within main() or another function, refactor the FastMCP object to be a \
global variable named mcp, server, or app."""

LOW_LEVEL_SERVER = "Note that only FastMCP server is supported. Low level Server class is not yet supported."

logger = logging.getLogger("cli")


def split_file_spec(spec: str) -> tuple[str, str | None]:
    """Take `FILE[:OBJECT]` apart at the last colon; the one of a Windows drive (`C:\\x.py`) does not count."""
    drive, rest = (spec[:2], spec[2:]) if spec[1:2] == ":" else ("", spec)
    if ":" not in rest:
        return spec, None
    file, name = rest.rsplit(":", 1)
    return drive + file, name or None


def parse_file_spec(spec: str) -> tuple[Path, str | None]:
    """The absolute path and the object name of `FILE[:OBJECT]`.

    Raises:
        CliError: there is no such file.
    """
    name, server_object = split_file_spec(spec)
    file = Path(name).expanduser().resolve()
    if not file.exists():
        raise CliError(f"File not found: {file}")
    if not file.is_file():
        raise CliError(f"Not a file: {file}")
    return file, server_object


def import_file(file: Path) -> ModuleType:
    """Run a Python file as a module, with its folder first on `sys.path`. Raises whatever the file raises."""
    folder = os.fspath(file.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    loader = SourceFileLoader(MODULE_NAME, os.fspath(file))
    spec = spec_from_loader(MODULE_NAME, loader)
    assert spec is not None
    module = module_from_spec(spec)
    # Dataclasses and type hints look their module up there.
    sys.modules[MODULE_NAME] = module
    loader.exec_module(module)
    return module


def find_server(module: ModuleType, file: Path, name: str | None) -> "FastMCP[Any]":
    """The FastMCP object of a module: the named one, or the first under a usual name.

    Raises:
        CliError: there is none.
    """
    from mcp.server.fastmcp import FastMCP

    return _find(module, file, name, (FastMCP,))


def find_any_server(module: ModuleType, file: Path, name: str | None) -> Any:
    """Like `find_server`, but a low-level `Server` will do too."""
    from mcp.server.fastmcp import FastMCP
    from mcp.server.lowlevel import Server

    return _find(module, file, name, (FastMCP, Server))


def import_server(file: Path, name: str | None) -> "FastMCP[Any]":
    """Run a server file and find its FastMCP object.

    Raises:
        CliError: there is none. The file itself may raise anything.
    """
    return find_server(import_file(file), file, name)


def _find(module: ModuleType, file: Path, name: str | None, accepted: tuple[type, ...]) -> Any:
    if name is not None:
        found = getattr(module, name, None)
        if found is None:
            raise CliError(f"Server object '{name}' not found")
        if isinstance(found, accepted):
            return found
        raise CliError(_wrong_type(name, found, accepted))
    for usual in OBJECT_NAMES:
        found = getattr(module, usual, None)
        if isinstance(found, accepted):
            return found
        if found is not None:
            shown = f"{file}:{usual}"
            logger.error(_wrong_type(shown, found, accepted))
            logger.warning("Ignoring object '%s' as it's not a valid server object", shown)
    raise CliError(NO_SERVER.format(file=file))


def _wrong_type(shown: str, found: object, accepted: tuple[type, ...]) -> str:
    from mcp.server.lowlevel import Server

    message = f"The server object {shown} is of type {type(found)} (expecting {accepted[0]})."
    return f"{message}\n{LOW_LEVEL_SERVER}" if isinstance(found, Server) else message
