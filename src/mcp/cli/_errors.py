"""What goes wrong on the command line: exit codes, short messages, short tracebacks, nearest names."""

import difflib
import os
import traceback
from collections.abc import Iterable
from types import TracebackType

TOOL_ERROR = 1
"""Exit code: the server was reached and answered with an error."""

USAGE_ERROR = 2
"""Exit code: the command line is wrong."""

CONNECTION_ERROR = 3
"""Exit code: the server was not reached, or lost."""

SHOWN_FRAMES = 4
"""How many frames a short traceback shows at most."""

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep


class CliError(Exception):
    """Ends a command with a message for the user.

    Args:
        message: what went wrong, for people.
        code: exit code of the process.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def short_traceback(error: BaseException) -> str:
    """The traceback of an error in a server file: the last frames, without those that led to the file."""
    frames = _skip_own_frames(error.__traceback__)
    report = traceback.TracebackException(type(error), error, frames, limit=-SHOWN_FRAMES, compact=True)
    return "".join(report.format(chain=False)).rstrip()


def _skip_own_frames(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None:
        file = frames.tb_frame.f_code.co_filename
        if not file.startswith((_OWN_FOLDER, "<frozen importlib")):
            return frames
        frames = frames.tb_next
    return None


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that does not exist, with the nearest of those that do.

    Args:
        kind: what is named, such as `tool`.
        name: what the user wrote.
        known: the names there are.
    """
    names = sorted(known)
    if not names:
        return f"Unknown {kind} '{name}': there are none"
    lower = {candidate.lower(): candidate for candidate in names}
    near = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3)]
    if near:
        return f"Unknown {kind} '{name}', did you mean {' or '.join(near)}?"
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f"Unknown {kind} '{name}', there is: {shown}"


def leaf_of(error: BaseException) -> BaseException:
    """The first exception inside nested exception groups, or the error itself."""
    while inner := getattr(error, "exceptions", None):
        error = inner[0]
    return error
