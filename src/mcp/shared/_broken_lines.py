"""What can be made of a line that does not parse. Plain code, no I/O.

Two questions: can it be mended without guessing, and which request does it belong to? Whoever waits for that request
must hear that nothing will come of it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from mcp.types import RequestId

SCAN_LIMIT = 1024 * 1024
"""Bytes of a broken line that are looked at."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

# Strings (the last one may lack its end), runs of brackets, and what stands between them.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{]+|[\]}]+|[:,]|[^\s"\[\]{}:,]+', re.DOTALL)


def mend(line: bytes | str, *, lenient: bool) -> str | None:
    """The text of a line with U+FFFD in place of what is no character; None if that is not what is wrong with it.

    JavaScript cuts strings between the two halves of a character and sends the half as an escape, `\\ud83d`.

    Args:
        line: the line.
        lenient: replace bytes that are no UTF-8, too.
    """
    if isinstance(line, str):
        text, mended = line, False
    else:
        try:
            text, mended = line.decode(), False
        except UnicodeDecodeError:
            if not lenient:
                return None
            text, mended = line.decode(errors="replace"), True
    if _SURROGATE.search(text):
        try:
            # Pairs of escapes become characters here, only lone ones stay what they are.
            plain = json.dumps(json.loads(text), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
        else:
            text, mended = plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), True
    return text if mended else None


@dataclass
class Subject:
    """What a broken message is about.

    Attributes:
        request_id: the id of the request.
        is_request: it is the request itself, not the answer to it.
    """

    request_id: RequestId
    is_request: bool


def subject_of(line: bytes) -> Subject | None:
    """Which request a broken message makes or answers, None if that cannot be told."""
    members = _outer_members(line)
    try:
        request_id = json.loads(members.get(b'"id"') or b"null")
    except ValueError:
        return None
    if b'"jsonrpc"' not in members or (type(request_id) is not int and type(request_id) is not str):
        return None
    return Subject(request_id, is_request=b'"method"' in members)


def _outer_members(line: bytes) -> dict[bytes, bytes]:
    """The members of the outermost object as they are written; values that are objects or arrays are left empty."""
    members: dict[bytes, bytes] = {}
    depth = 0
    name: bytes | None = None
    for match in _TOKEN.finditer(line, 0, SCAN_LIMIT):
        token = match.group()
        if token[0] in b"[{":
            if depth == 0 and token != b"{":
                break
            if depth == 1 and name is not None:
                members[name] = b""
            depth += len(token)
        elif token[0] in b"]}":
            depth -= len(token)
        elif depth == 0:
            break
        elif depth == 1 and token == b",":
            name = None
        elif depth == 1 and token != b":":
            if name is None:
                name = token
            else:
                members[name] = token
    return members
