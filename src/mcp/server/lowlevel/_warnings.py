"""Python warnings raised while a message is handled become log lines.

`warnings.catch_warnings` swaps global state and cannot be held across an await. Here the hook is put in place once,
while any server runs, and only what a context variable marks as handling is taken.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

logger = logging.getLogger("mcp.server.lowlevel.server")

handling_message: ContextVar[bool] = ContextVar("handling_message", default=False)

_lock = threading.Lock()
_users = 0
_previous: Any = None


def _show(message: Any, category: type[Warning], *rest: Any, **options: Any) -> None:
    if handling_message.get():
        logger.info("Warning: %s: %s", category.__name__, message)
    else:
        _previous(message, category, *rest, **options)


@contextmanager
def warnings_to_log() -> Generator[None, None, None]:
    """Take warnings of handlers while inside; may be nested and used from several event loops."""
    global _users, _previous
    with _lock:
        _users += 1
        if _users == 1:
            _previous, warnings.showwarning = warnings.showwarning, _show
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and warnings.showwarning is _show:
                warnings.showwarning = _previous
