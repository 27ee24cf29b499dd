"""The settings of a server before they are needed as an object.

`Settings` costs the import of pydantic-settings, a good part of the start of a small server, and is needed only where
the environment has a say, an argument has to be converted, or the program looks at `mcp.settings`.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, cast

ENV_PREFIX = "FASTMCP_"
ENV_FILE = ".env"

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

DEFAULTS: dict[str, Any] = {
    "debug": False,
    "log_level": "INFO",
    "host": "127.0.0.1",
    "port": 8000,
    "mount_path": "/",
    "sse_path": "/sse",
    "message_path": "/messages/",
    "streamable_http_path": "/mcp",
    "json_response": False,
    "stateless_http": False,
    "max_request_body_size": 4 * 1024 * 1024,
    "session_idle_timeout": 1800.0,
    "max_sessions": 10_000,
    "warn_on_duplicate_resources": True,
    "warn_on_duplicate_tools": True,
    "warn_on_duplicate_prompts": True,
    "dependencies": [],
    "lifespan": None,
    "auth": None,
    "transport_security": None,
    "sync_in_threads": False,
    "mask_error_details": False,
}
"""What holds where neither the program nor the environment says anything."""


def plain_options(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """All settings, where `given` and the defaults are all there is and nothing has to be converted; else None.

    Args:
        given: The arguments that the program gave.
    """
    if _environment_speaks() or not all(_is_plain(name, value) for name, value in given.items()):
        return None
    return {**DEFAULTS, "dependencies": [], **given}


def _environment_speaks() -> bool:
    if any(name[: len(ENV_PREFIX)].upper() == ENV_PREFIX for name in os.environ):
        return True
    try:
        with open(ENV_FILE, "rb") as file:
            return ENV_PREFIX.lower().encode() in file.read().lower()
    except FileNotFoundError:
        return False
    except OSError:
        # Whatever it is, pydantic-settings knows what to make of it.
        return True


def _is_plain(name: str, value: Any) -> bool:
    if name == "log_level":
        return value in LOG_LEVELS
    if name == "lifespan":
        return value is None or isinstance(value, Callable)
    if name == "dependencies":
        return isinstance(value, list) and all(type(item) is str for item in cast("list[Any]", value))
    if value is None:
        return name in ("session_idle_timeout", "max_sessions", "auth", "transport_security")
    return type(value) is type(DEFAULTS[name])
