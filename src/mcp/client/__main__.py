"""`python -m mcp.client COMMAND_OR_URL`: connect to a server, initialize and leave, to see whether it is well.

An http or https URL is tried as Streamable HTTP first and as HTTP+SSE if the server refuses that, as the specification
advises (2025-11-25, page "Transports", section "Backwards Compatibility"); anything else is a command to start.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared._event_loop import run
from mcp.shared.exceptions import McpError

logger = logging.getLogger("client")


async def connect(command_or_url: str, args: list[str], env: dict[str, str]) -> None:
    """Open a session and close it.

    Args:
        command_or_url: what to start or where to connect.
        args: arguments of the command.
        env: variables to add to the command's environment.
    """
    if urlsplit(command_or_url).scheme in ("http", "https"):
        await _connect_url(command_or_url)
    else:
        parameters = StdioServerParameters(command=command_or_url, args=args, env=env)
        await _initialize(stdio_client(parameters))


async def _connect_url(url: str) -> None:
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamable_http_client

    try:
        await _initialize(streamable_http_client(url))
    except McpError as error:
        logger.info("No Streamable HTTP there (%s), trying SSE", error)
    else:
        return
    await _initialize(sse_client(url))


async def _initialize(transport: AbstractAsyncContextManager[Sequence[Any]]) -> None:
    async with transport as streams:
        async with ClientSession(streams[0], streams[1], message_handler=_log_message) as session:
            logger.info("Initializing session")
            await session.initialize()
            logger.info("Initialized")


async def _log_message(message: object) -> None:
    if isinstance(message, Exception):
        logger.error("Error: %s", message)
    else:
        logger.info("Received message from server: %s", message)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; `SystemExit` 2 if it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m mcp.client", description="Try out an MCP server.")
    parser.add_argument("command_or_url", help="command to start, or URL to connect to")
    parser.add_argument("args", nargs="*", help="arguments of the command; put -- before those that begin with a dash")
    parser.add_argument(
        "-e",
        "--env",
        nargs=2,
        action="append",
        metavar=("KEY", "VALUE"),
        default=[],
        help="environment variable of the command; may be given several times",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit status."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.INFO)
    options = parse_arguments(arguments)
    try:
        run(lambda: connect(options.command_or_url, options.args, dict(options.env)))
    except KeyboardInterrupt:
        logger.info("Interrupted")
        return 130
    except Exception as error:
        logger.error("Could not connect to %s: %s", options.command_or_url, _innermost(error))
        return 1
    return 0


def _innermost(error: BaseException) -> BaseException:
    while nested := getattr(error, "exceptions", None):
        error = nested[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
