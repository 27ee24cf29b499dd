"""Where the command line writes: results to standard output, everything else to standard error."""

import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TextIO

LOGGERS = ("cli", "mcp.cli")


class OutputClosed(Exception):
    """Nobody reads the results any more, as in `mcp list server.py | head -1`."""


class _StderrHandler(logging.Handler):
    """Writes to standard error as long as nobody has configured logging.

    A server file may configure the root logger, before or after; then the message comes out there, once.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers:
            print(self.format(record), file=sys.stderr)  # noqa: T201


def configure_logging() -> None:
    """Let the diagnostics of the command line be seen, without touching the root logger."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
            logger.addHandler(_StderrHandler())


@contextmanager
def results_only() -> Generator[TextIO, None, None]:
    """Keep standard output for results: yields it, and sends whatever else is written there to standard error.

    That covers `print` in a server that runs in this process, and child processes and C code that write to
    descriptor 1.
    """
    results, private = sys.stdout, -1
    # Tests replace sys.stdout by something without a descriptor.
    with suppress(AttributeError, OSError, ValueError):
        if results.fileno() == 1:
            results.flush()
            private = os.dup(1)
            os.dup2(2, 1)
    if private == -1:
        sys.stdout = sys.stderr
        try:
            yield results
        finally:
            sys.stdout = results
        return
    sys.stdout = sys.stderr
    # Results are not for this program to judge; what has no form in the encoding is escaped, as JSON would.
    stream = os.fdopen(private, "w", encoding=results.encoding, errors="backslashreplace", closefd=False)
    try:
        yield stream
    finally:
        with suppress(BrokenPipeError):
            stream.close()
        sys.stdout = results
        os.dup2(private, 1)
        os.close(private)
