"""The servers of this folder as one command: `server NAME [stdio|sse|streamable-http]`."""

import argparse
import runpy
import sys
from pathlib import Path

from mcp.server.fastmcp import FastMCP

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="server", description="Run a server of this folder.")
    names = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__init__")
    parser.add_argument("name", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument(
        "transport", nargs="?", choices=["stdio", "sse", "streamable-http"], help="else what the file says"
    )
    arguments = parser.parse_args()
    # Some files import a neighbour.
    sys.path.insert(0, str(HERE))
    file = str(HERE / f"{arguments.name}.py")
    if arguments.transport is None:
        runpy.run_path(file, run_name="__main__")
        return
    servers = [value for value in runpy.run_path(file).values() if isinstance(value, FastMCP)]
    if not servers:
        parser.error(f"{arguments.name} is no FastMCP server, and chooses its transport itself")
    servers[0].run(arguments.transport)
