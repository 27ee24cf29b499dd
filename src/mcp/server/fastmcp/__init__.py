"""The high-level server: `FastMCP` and what programs use with it.

Names are loaded on first use, so that a module below does not load all of them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp.server.fastmcp.server import Context, FastMCP
    from mcp.server.fastmcp.utilities.types import Audio, Image
    from mcp.types import Icon

    __version__: str

__all__ = ["Audio", "Context", "FastMCP", "Icon", "Image"]

_HOMES = {
    "Audio": "mcp.server.fastmcp.utilities.types",
    "Context": "mcp.server.fastmcp.server",
    "FastMCP": "mcp.server.fastmcp.server",
    "Icon": "mcp.types",
    "Image": "mcp.server.fastmcp.utilities.types",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value = version("mcp")
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | _HOMES | {"__version__"})
