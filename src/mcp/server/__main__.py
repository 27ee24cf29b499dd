"""`python -m mcp.server`: an empty server on standard input and output, for trying out clients."""

from __future__ import annotations

import logging
import sys
import warnings

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared._event_loop import run

logger = logging.getLogger("server")


async def serve() -> None:
    """Serve until the input ends."""
    server: Server[object] = Server("mcp")
    options = server.create_initialization_options().model_copy(update={"capabilities": types.ServerCapabilities()})
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, options)


def main() -> int:
    """Run the command; its exit status."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.INFO)
    try:
        run(serve)
    except KeyboardInterrupt:
        logger.info("Interrupted")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
