"""The MCP Inspector, which `mcp dev` starts: a Node.js program that runs a server with `uv`."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from mcp.cli._errors import CliError
from mcp.cli._requirement import own_requirement

INSPECTOR = "@modelcontextprotocol/inspector"

NPX_MISSING = (
    "npx not found. Please ensure Node.js and npm are properly installed and added to your system PATH. "
    "You may need to restart your terminal after installation."
)


def build_uv_command(
    file_spec: str,
    with_editable: Path | None = None,
    with_packages: Iterable[str] | None = None,
    *,
    own: Iterable[str] = ("--with", "mcp"),
) -> list[str]:
    """The command that runs a server file with `uv`.

    Args:
        file_spec: the server, `FILE[:OBJECT]`, taken as it is.
        with_editable: a project folder to install in editable mode.
        with_packages: requirements to install.
        own: the options that install this package.
    """
    command = ["uv", "run", *own]
    if with_editable is not None:
        command += ["--with-editable", str(with_editable)]
    for package in with_packages or ():
        command += ["--with", package]
    return [*command, "mcp", "run", file_spec]


def get_npx_command() -> str | None:
    """The command to start npx with: on Windows the first that works, None if none does."""
    if not _on_windows():
        return "npx"
    for command in ("npx.cmd", "npx.exe", "npx"):
        try:
            subprocess.run([command, "--version"], check=True, capture_output=True, shell=True)
        except (subprocess.CalledProcessError, OSError):
            continue
        return command
    return None


def run_inspector(file_spec: str, with_editable: Path | None, packages: Iterable[str]) -> int:
    """Run the Inspector on a server until it ends, and return its exit status.

    Raises:
        CliError: there is no npx.
    """
    npx = get_npx_command()
    if npx is None:
        raise CliError(NPX_MISSING)
    server = build_uv_command(file_spec, with_editable, packages, own=own_requirement().uv_options)
    try:
        # npx is a batch file on Windows, which only the shell can run.
        return subprocess.run([npx, INSPECTOR, *server], shell=_on_windows(), env=dict(os.environ)).returncode
    except FileNotFoundError:
        raise CliError(NPX_MISSING) from None


def _on_windows() -> bool:
    return sys.platform == "win32"
