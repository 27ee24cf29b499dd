"""Logger creation, and the log output of a process that a server owns.

Standard output is never used: on the stdio transport it carries the protocol.
"""

import importlib.util
import logging
import sys
from typing import Literal


def get_logger(name: str) -> logging.Logger:
    """The logger called `name`.

    Args:
        name: A dotted logger name, as for `logging.getLogger`.
    """
    return logging.getLogger(name)


def configure_logging(
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO",
) -> None:
    """Send the records of all loggers to standard error; nothing if the root logger already has a handler.

    A terminal gets the layout of `rich` where that is installed, everything else plain lines, which cost a fraction.

    Args:
        level: The lowest level shown.
    """
    if logging.getLogger().handlers:
        return
    logging.basicConfig(level=level, format="%(message)s", handlers=[_handler()])


def _handler() -> logging.Handler:
    if _stderr_is_terminal() and importlib.util.find_spec("rich") is not None:
        from rich.console import Console
        from rich.logging import RichHandler

        return RichHandler(console=Console(stderr=True), rich_tracebacks=True)
    return logging.StreamHandler()


def _stderr_is_terminal() -> bool:
    # A windowed or daemonised process may have no standard error at all, or a closed one.
    try:
        return sys.stderr is not None and sys.stderr.isatty()  # pyright: ignore[reportUnnecessaryComparison]
    except ValueError:
        return False
