"""One message on its way to the server, and the answer on its way back.

An `Exchange` is the one place that knows whether the answer to a request is on the read stream.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias, cast

import anyio
import httpx
from anyio.streams.memory import MemoryObjectSendStream

from mcp.client._http_answers import read_body, same_id
from mcp.client._http_bodies import body_chunks, drain
from mcp.client._http_reconnection import StreamPosition
from mcp.client._sse_events import EventDecoder, ServerEvent
from mcp.shared._codec import encode_message
from mcp.shared.exceptions import ConnectionClosedError, McpError, ProtocolError
from mcp.shared.message import ClientMessageMetadata, FailedRequestMessage, SessionMessage
from mcp.types import INTERNAL_ERROR, JSONRPCError, JSONRPCMessage, JSONRPCRequest, JSONRPCResponse, RequestId

logger = logging.getLogger("mcp.client.streamable_http")

SessionMessageOrError: TypeAlias = SessionMessage | Exception
StreamWriter: TypeAlias = MemoryObjectSendStream[SessionMessageOrError]
AnswerHook: TypeAlias = Callable[[JSONRPCRequest, bytes, JSONRPCResponse], None]


@dataclass
class RequestContext:
    """One message on its way to the server.

    Attributes:
        client: the HTTP client.
        session_id: the session it is sent in, None before there is one.
        session_message: the message.
        metadata: what the session told about it.
        read_stream_writer: where answers go.
        headers: not used.
        sse_read_timeout: not used.
    """

    client: httpx.AsyncClient
    session_id: str | None
    session_message: SessionMessage
    metadata: ClientMessageMetadata | None
    read_stream_writer: StreamWriter
    headers: dict[str, str] | None = None
    sse_read_timeout: float | None = None


def _ignore_answer(request: JSONRPCRequest, body: bytes, response: JSONRPCResponse) -> None:
    pass


@dataclass
class Exchange(RequestContext):
    """A message on its way, and what has become of it.

    Attributes:
        body: the message as bytes.
        on_answer: called with a result before it is delivered.
        scope: cancelled when nobody wants the answer any more.
        answered: whether the answer is on the read stream.
        handled: whether the server has begun to answer, so that a handler may have seen the request.
        position: where the answering stream stands.
    """

    body: bytes = b""
    on_answer: AnswerHook = _ignore_answer
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    answered: bool = False
    handled: bool = False
    position: StreamPosition = field(default_factory=StreamPosition)

    def __post_init__(self) -> None:
        self.body = self.body or encode_message(self.session_message)

    @classmethod
    def of(cls, context: RequestContext, on_answer: AnswerHook) -> Exchange:
        """The exchange of a context that a program made, or put something of the same shape in the place of."""
        if isinstance(context, Exchange):
            return context
        members: dict[str, Any] = {
            member.name: getattr(context, member.name, None) for member in fields(RequestContext)
        }
        return cls(**members, on_answer=on_answer)

    @property
    def is_request(self) -> bool:
        """Whether an answer has to come."""
        return isinstance(self.session_message.message.root, JSONRPCRequest)

    @property
    def request(self) -> JSONRPCRequest:
        """The message, which must be a request."""
        return cast("JSONRPCRequest", self.session_message.message.root)

    @property
    def resumption_token(self) -> str | None:
        """The event to go on after, if the request is not to be sent anew."""
        return self.metadata.resumption_token if self.metadata is not None else None

    async def fail(self, failure: Exception) -> None:
        """Answer the request with an exception."""
        # Where it came from in here is of no use to who raises it.
        failure = failure.with_traceback(None)
        await self.read_stream_writer.send(FailedRequestMessage(self.request.id, failure))
        self.answered = True

    async def read_json(self, response: httpx.Response) -> None:
        """Deliver a JSON body.

        Raises:
            McpError: the answer is not in it.
        """
        others: list[RequestId] = []
        for message in read_body(await response.aread()):
            if isinstance(message, ProtocolError):
                logger.error("Could not read the answer to request %s: %s", self.request.id, message)
                await self.read_stream_writer.send(message)
                raise ProtocolError(INTERNAL_ERROR, f"The answer of the server could not be read: {message}")
            if isinstance(message, McpError):
                raise message
            await self._deliver(message)
            if isinstance(message.root, JSONRPCResponse | JSONRPCError):
                others.append(message.root.id)
        if not self.answered:
            raise self._not_answered(others)

    async def follow(self, response: httpx.Response, *, resumed: bool) -> None:
        """Deliver the events of an answering stream until the answer, or the stream's end.

        Args:
            response: the stream.
            resumed: whether it is not the request's own stream; the first response in it is then the answer.

        Raises:
            McpError: the answer cannot come any more.
        """
        decoder = EventDecoder()
        async with body_chunks(response) as chunks:
            async for chunk in chunks:
                for event in decoder.feed(chunk):
                    self.position.note(event)
                    await self._take_event(event, resumed=resumed)
                    if self.answered:
                        await drain(chunks)
                        return

    async def _take_event(self, event: ServerEvent, *, resumed: bool) -> None:
        others: list[RequestId] = []
        for message in messages_of(event):
            if isinstance(message, ProtocolError):
                await self.read_stream_writer.send(message)
            elif isinstance(message, McpError):
                # Without an id, but here it can only be about this request.
                raise message
            else:
                root = message.root
                if isinstance(root, JSONRPCResponse | JSONRPCError):
                    others.append(root.id)
                    if resumed:
                        root.id = self.request.id
                await self._deliver(message)
        if others and not self.answered:
            raise self._not_answered(others)
        await self._tell_position(event)

    async def _deliver(self, message: JSONRPCMessage) -> None:
        root = message.root
        is_answer = isinstance(root, JSONRPCResponse | JSONRPCError) and same_id(root.id, self.request.id)
        if is_answer and isinstance(root, JSONRPCResponse):
            self.on_answer(self.request, self.body, root)
        await self.read_stream_writer.send(SessionMessage(message))
        if is_answer:
            self.answered = True

    async def _tell_position(self, event: ServerEvent) -> None:
        tell = self.metadata.on_resumption_token_update if self.metadata is not None else None
        if tell is not None and event.id:
            try:
                await tell(event.id)
            except Exception:
                logger.exception("The callback for resumption tokens failed")

    def _not_answered(self, others: list[RequestId]) -> ProtocolError:
        found = f"a response to {', '.join(repr(other) for other in others)}" if others else "no response"
        return ProtocolError(INTERNAL_ERROR, f"The server answered request {self.request.id!r} with {found}")


class AnswerCapture:
    """Stands in for the sending end of the read stream: keeps an answer that nobody there waits for.

    Args:
        writer: gets everything else.
    """

    def __init__(self, writer: StreamWriter) -> None:
        self._writer = writer
        self._answer: JSONRPCResponse | None = None

    async def send(self, item: SessionMessage | Exception) -> None:
        """Take an item; raises `McpError` if it is an error response."""
        root = None if isinstance(item, Exception) else item.message.root
        if isinstance(root, JSONRPCError):
            raise McpError(root.error)
        if isinstance(root, JSONRPCResponse):
            self._answer = root
        else:
            await self._writer.send(item)

    def result(self) -> dict[str, Any]:
        """The result, or `ConnectionClosedError` if none came."""
        if self._answer is None:
            raise ConnectionClosedError("the server ended the stream without an answer")
        return self._answer.result


def messages_of(event: ServerEvent) -> list[JSONRPCMessage | McpError]:
    """The messages in an event, as `read_body` has them; none if it is empty or of another name."""
    if event.event != "message":
        logger.warning("Unknown SSE event: %s", event.event)
        return []
    messages = read_body(event.data) if event.data else []
    for message in messages:
        if isinstance(message, McpError):
            logger.error("Could not read an event: %s", message)
    return messages
