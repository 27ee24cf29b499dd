"""The configuration file of the Claude desktop application, which `mcp install` edits.

```json
{"mcpServers": {"Demo": {"command": "/usr/bin/uv", "args": ["run", "--frozen", "--with", "mcp[cli]", …], "env": {}}}}
```
"""

import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from mcp.cli._files import split_file_spec
from mcp.cli._requirement import own_requirement

MCP_PACKAGE = "mcp[cli]"

CONFIG_FILE = "claude_desktop_config.json"

logger = logging.getLogger(__name__)


def get_claude_config_path() -> Path | None:
    """The folder of the Claude desktop application's configuration; None if there is none."""
    if sys.platform == "win32":
        folder = Path(Path.home(), "AppData", "Roaming", "Claude")
    elif sys.platform == "darwin":
        folder = Path(Path.home(), "Library", "Application Support", "Claude")
    elif sys.platform.startswith("linux"):
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path(Path.home(), ".config"), "Claude")
    else:
        return None
    return folder if folder.exists() else None


def get_uv_path() -> str:
    """The full path of `uv`; desktop applications often have a shorter PATH. Just `uv` if it is not found."""
    path = shutil.which("uv")
    if path is None:
        logger.error(
            "uv executable not found in PATH, falling back to 'uv'. Please ensure uv is installed and in your PATH"
        )
        return "uv"
    return path


def update_claude_config(
    file_spec: str,
    server_name: str,
    *,
    with_editable: Path | None = None,
    with_packages: list[str] | None = None,
    env_vars: dict[str, str] | None = None,
) -> bool:
    """Add a server to the configuration of the Claude desktop application, or replace it.

    The server is run by `uv`, on the same distribution of this package as this process. Other servers and other
    settings stay as they are, and so do the environment variables of the server's earlier entry that are not given
    anew.

    Args:
        file_spec: the server, `FILE[:OBJECT]`.
        server_name: its name in the application.
        with_editable: a project folder to install in editable mode.
        with_packages: requirements to install.
        env_vars: environment variables for the server.

    Returns:
        Whether it worked; if not, the reason is logged.

    Raises:
        RuntimeError: the application is not installed.
    """
    folder = get_claude_config_path()
    if folder is None:
        raise RuntimeError(
            "Claude Desktop config directory not found. Please ensure Claude Desktop is installed and has been run at "
            "least once to initialize its config."
        )
    entry: dict[str, Any] = {"command": get_uv_path(), "args": _uv_arguments(file_spec, with_editable, with_packages)}
    try:
        # An application may keep it elsewhere and link to it.
        file = (folder / CONFIG_FILE).resolve()
        config = _read(file)
        _write(file, _with_server(config, server_name, entry, env_vars))
    except (OSError, ValueError) as error:
        logger.error("Failed to update Claude config: %s", error)
        return False
    logger.info("Added server '%s' to Claude config", server_name)
    return True


def _uv_arguments(file_spec: str, with_editable: Path | None, with_packages: list[str] | None) -> list[str]:
    own = own_requirement()
    packages = set(with_packages or ()) - {MCP_PACKAGE, "mcp"}
    if not own.editable:
        packages.add(own.text)
    arguments = ["run", "--frozen"]
    for package in sorted(packages):
        arguments += ["--with", package]
    if own.editable:
        arguments += own.uv_options
    if with_editable is not None:
        arguments += ["--with-editable", str(with_editable)]
    name, server_object = split_file_spec(file_spec)
    file = Path(name).expanduser().resolve()
    return [*arguments, "mcp", "run", f"{file}:{server_object}" if server_object else str(file)]


def _read(file: Path) -> dict[str, Any]:
    """The configuration; `ValueError` if it is none, or not text."""
    try:
        # Editors on Windows like to put a byte order mark in front.
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    return _object(json.loads(text), file.name)


def _with_server(
    config: dict[str, Any], name: str, entry: dict[str, Any], env_vars: dict[str, str] | None
) -> dict[str, Any]:
    """The configuration with one server put in."""
    servers = _object(config.get("mcpServers", {}), "mcpServers")
    earlier = servers.get(name)
    env = _object(earlier.get("env") or {}, "env") if isinstance(earlier, dict) else {}  # pyright: ignore
    env = {**env, **(env_vars or {})}
    if env:
        entry = {**entry, "env": env}
    return {**config, "mcpServers": {**servers, name: entry}}


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} holds no JSON object")
    return cast("dict[str, Any]", value)


def _write(file: Path, config: dict[str, Any]) -> None:
    """Replace the file at one go: the application may read it at any time, and the disk may be full."""
    text = json.dumps(config, indent=2, ensure_ascii=False)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        if file.exists():
            shutil.copymode(file, temporary)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
