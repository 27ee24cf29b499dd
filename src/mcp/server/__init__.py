"""The server side: `FastMCP`, the low-level `Server`, and their options.

Names are loaded on first use, so that importing a transport or a session does not load all of FastMCP.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp.server.fastmcp.server import FastMCP
    from mcp.server.lowlevel.server import NotificationOptions, Server
    from mcp.server.models import InitializationOptions

__all__ = ["FastMCP", "InitializationOptions", "NotificationOptions", "Server"]

_HOMES = {
    "FastMCP": "mcp.server.fastmcp.server",
    "InitializationOptions": "mcp.server.models",
    "NotificationOptions": "mcp.server.lowlevel.server",
    "Server": "mcp.server.lowlevel.server",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | _HOMES)
