"""Ending a child process and its descendants on POSIX."""

from __future__ import annotations

import logging
import os
import signal

import anyio
from anyio.abc import Process

logger = logging.getLogger(__name__)

POLL_INTERVAL = 0.1
"""Seconds between two looks at whether a process group is gone."""


async def terminate_posix_process_tree(process: Process, timeout_seconds: float = 2.0) -> None:
    """End a process that leads a process group, and all of the group: SIGTERM first, SIGKILL after the timeout.

    If the group cannot be signalled, the process alone is ended the same way.

    Args:
        process: the leader of the group.
        timeout_seconds: how long the group may take to end after SIGTERM.
    """
    try:
        group = os.getpgid(process.pid)
        os.killpg(group, signal.SIGTERM)
        if not await _is_gone(process, group, timeout_seconds):
            os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        # Ended by itself, or meanwhile.
        return
    except OSError as error:
        logger.warning("Could not signal the process group of %s: %s", process.pid, error)
        await _end_alone(process, timeout_seconds)


async def _is_gone(process: Process, group: int, timeout_seconds: float) -> bool:
    with anyio.move_on_after(timeout_seconds):
        while True:
            # A process that has ended belongs to its group until somebody takes its status: looking at it does.
            _ = process.returncode
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return True
            await anyio.sleep(POLL_INTERVAL)
    return False


async def _end_alone(process: Process, timeout_seconds: float) -> None:
    try:
        process.terminate()
        with anyio.move_on_after(timeout_seconds) as scope:
            await process.wait()
        if scope.cancelled_caught:
            process.kill()
    except ProcessLookupError:
        return
    except OSError as error:
        logger.error("Could not end process %s: %s", process.pid, error)
