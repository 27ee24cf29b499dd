"""JSON-RPC batches, which revision 2025-03-26 alone has. Plain code, no I/O.

A transport shows what passes through it, learns from the handshake whether batches may come, takes the ones that come
apart, and puts the answers to their requests together again.

Source: specification 2025-03-26, page "Base Protocol", section "Batching"; JSON-RPC 2.0, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp.shared._codec import read_message
from mcp.shared.exceptions import McpError, ProtocolError
from mcp.shared.message import ResultMessage, SessionMessage
from mcp.types import (
    INVALID_REQUEST,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)

BATCH_REVISION = "2025-03-26"


@dataclass
class _Batch:
    """The answers to one batch: those there are, and how many are missing."""

    missing: int = 0
    answers: list[bytes] = field(default_factory=list[bytes])

    @property
    def line(self) -> bytes:
        return b"[%b]\n" % b",".join(self.answers)


class Batches:
    """The batches of one connection, at either end.

    Attributes:
        concerned: whether anything is to be done here; if not, a transport may save the calls.
        welcome: whether the revision that was agreed on has batches.
    """

    def __init__(self) -> None:
        self.concerned = True
        self.welcome = False
        self._initialize_id: RequestId | None = None
        self._open: dict[RequestId | None, list[_Batch]] = {}

    def saw(self, item: SessionMessage) -> None:
        """Look at a message that came in or goes out: the handshake says which revision is spoken."""
        if isinstance(item, ResultMessage) and item.unopened is not None:
            if item.request_id == self._initialize_id:
                self._agreed(getattr(item.unopened, "protocolVersion", None))
            return
        root = item.message.root
        if isinstance(root, JSONRPCRequest):
            if root.method == "initialize":
                self._initialize_id = root.id
        elif isinstance(root, JSONRPCResponse) and root.id == self._initialize_id:
            self._agreed(root.result.get("protocolVersion"))

    def _agreed(self, revision: object) -> None:
        if isinstance(revision, str):
            self.concerned = self.welcome = revision == BATCH_REVISION

    def take_apart(self, values: list[object]) -> list[JSONRPCMessage | McpError]:
        """The messages of a batch that came in, and errors in place of what is none.

        Raises:
            ProtocolError: the batch is empty (code -32600).
        """
        if not values:
            raise ProtocolError(INVALID_REQUEST, "Invalid Request: the batch is empty", answerable=True)
        members = [_read_member(value) for value in values]
        batch = _Batch()
        for member in members:
            if isinstance(member, ProtocolError):
                request_id = member.request_id
                if request_id is None and not member.answerable:
                    continue
            elif not isinstance(member, McpError) and isinstance(member.root, JSONRPCRequest):
                request_id = member.root.id
            else:
                continue
            batch.missing += 1
            self._open.setdefault(request_id, []).append(batch)
        return members

    def put_together(self, item: SessionMessage, line: bytes) -> bytes | None:
        """What to write for a message that goes out as `line`: itself, the answer of its batch, or nothing yet.

        Lines end with a line feed.
        """
        if not self._open:
            return line
        if isinstance(item, ResultMessage) and item.unopened is not None:
            request_id = item.request_id
        else:
            root = item.message.root
            if not isinstance(root, JSONRPCResponse | JSONRPCError):
                return line
            request_id = root.id
        waiting = self._open.get(request_id)
        if not waiting:
            return line
        batch = waiting.pop(0)
        if not waiting:
            del self._open[request_id]
        batch.answers.append(line.rstrip(b"\n"))
        batch.missing -= 1
        return batch.line if not batch.missing else None

    def rest(self) -> list[bytes]:
        """Give up on the answers that are missing: one line for each batch that has any. Later ones go out alone."""
        batches = {id(batch): batch for waiting in self._open.values() for batch in waiting}
        self._open.clear()
        return [batch.line for batch in batches.values() if batch.answers]


def _read_member(value: object) -> JSONRPCMessage | McpError:
    try:
        message = read_message(value)
    except McpError as error:
        return error
    root = message.root
    if isinstance(root, JSONRPCRequest) and root.method == "initialize":
        text = "Invalid Request: initialize must not be part of a batch"
        return ProtocolError(INVALID_REQUEST, text, request_id=root.id, answerable=True)
    return message
