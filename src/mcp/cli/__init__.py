"""The `mcp` command. It needs the extra `cli`."""

import sys

try:
    import typer as _typer  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ImportError:
    print("Error: typer is required. Install with 'pip install mcp[cli]'")  # noqa: T201
    sys.exit(1)

from mcp.cli.cli import app

__all__ = ["app"]
