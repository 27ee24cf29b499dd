"""The streams of one session: what is sent takes its way through here to an HTTP response, an event store, or both.

Source: specification 2025-11-25, page "Transports", sections "Multiple Connections" and "Resumability and Redelivery".
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import anyio

from mcp.server._http.checks import resumes_streams
from mcp.server._http.event_store import EventId, EventStore, StreamId
from mcp.server._http.inbox import Inbox
from mcp.server._http.outgoing import GET_STREAM_KEY, EventQueue, OutgoingStream, known_key, route, stream_key
from mcp.server._http.replay import Replay, StoredEvent, stored_stream_id
from mcp.server._http.sse_format import priming_event
from mcp.shared._codec import encode_message
from mcp.shared.exceptions import McpError
from mcp.shared.message import FailedRequestMessage, ResultMessage, SessionMessage
from mcp.types import INVALID_REQUEST, ErrorData, JSONRPCRequest, JSONRPCResponse, RequestId

logger = logging.getLogger("mcp.server.streamable_http")


class Reading(NamedTuple):
    """A stream that an HTTP response has begun to read.

    Attributes:
        stream: the stream; None where only the past of one is shown.
        queue: what the response carries.
        first: what it begins with.
    """

    stream: OutgoingStream | None
    queue: EventQueue
    first: bytes

    def stop(self) -> None:
        """The response is over."""
        if self.stream is not None:
            self.stream.detach(self.queue)


class SessionStreams:
    """The streams of one session, and the sink behind its write stream (see `mcp.shared._streams.MessageSink`).

    Args:
        token: what names the session in the event store.
        json_response: whether requests are answered with plain JSON.
        store: keeps events, so that streams can be resumed.
        retry_interval: milliseconds after which a client whose stream was closed should come back.

    Attributes:
        inbox: where the session reads; None before it does.
        running: the streams of unanswered requests, by the keys of these.
        standalone: the stream of what belongs to no request.
        unanswerable_by: the setting on account of which no answer of the client to the server's requests can arrive.
        negotiated_version: the revision agreed on in `initialize`; None before.
    """

    def __init__(
        self, token: str, *, json_response: bool, store: EventStore | None, retry_interval: int | None
    ) -> None:
        self.inbox: Inbox | None = None
        self.running: dict[str, OutgoingStream] = {}
        self.standalone = OutgoingStream(GET_STREAM_KEY)
        self.unanswerable_by: str | None = None
        self.negotiated_version: str | None = None
        self._token = token
        self._json_response = json_response
        self._event_store = store
        self._retry_interval = retry_interval
        self._initialize_key: str | None = None
        self._replays: tuple[Replay, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the session is over, or has not begun."""
        return self.inbox is None or self.inbox.ended

    def read(self) -> dict[str, EventQueue]:
        """The queues of the streams that are being read, by the key of the stream."""
        streams = {stream.key: stream for stream in (*self.running.values(), self.standalone)}
        return {key: stream.queue for key, stream in streams.items() if stream.queue is not None}

    # For the session

    async def send(self, item: SessionMessage) -> None:
        """Take one message of the session."""
        inbox = self.inbox
        if inbox is None or inbox.ended:
            raise anyio.ClosedResourceError
        to = route(item, self.running, json_response=self._json_response)
        if to.asks is not None and (setting := self._missing_channel()):
            inbox.fail(FailedRequestMessage(to.asks, _no_channel_error(setting)))
            return
        payload = encode_message(item)
        stream = self.standalone if to.key == GET_STREAM_KEY else self.running.get(to.key)
        if self._event_store is None:
            if stream is not None:
                stream.push(payload, None)
        elif stream is None:
            await self._store(self._event_store, to.key, item, payload)
        else:
            async with stream.order:
                event_id = await self._store(self._event_store, stream.key, item, payload)
                stream.push(payload, event_id)
        if stream is None:
            return
        if to.answers:
            if to.key == self._initialize_key:
                self.negotiated_version = _agreed_version(item)
            self.running.pop(to.key, None)
            stream.settle(to.key)
        elif stream.queue is not None:
            await stream.queue.room()

    def _missing_channel(self) -> str | None:
        if self.unanswerable_by is None and self._json_response and self.standalone.queue is None:
            return "json_response=True"
        return self.unanswerable_by

    async def _store(self, store: EventStore, key: str, item: SessionMessage, payload: bytes) -> EventId | None:
        try:
            event_id = await store.store_event(stored_stream_id(self._token, key), item.message)
        except Exception:
            # The message matters more than the chance to have it twice.
            logger.exception("The event store failed to store an event")
            return None
        for replay in self._replays:
            replay.note(key, StoredEvent(payload, event_id))
        return event_id

    def close(self) -> None:
        """End all streams; what was sent is still written."""
        for stream in (*self.running.values(), self.standalone):
            stream.end()
        self.running.clear()

    # For handlers

    def closable_by_handlers(self, version: str | None) -> bool:
        """Whether a client of this revision would come back for a stream that was closed on it."""
        return self._event_store is not None and not self._json_response and resumes_streams(version)

    def close_stream(self, request_id: RequestId | None) -> None:
        """End the HTTP response that carries a request's stream, or the standalone one if None."""
        if request_id is None:
            stream = self.standalone
        elif self._json_response:
            return
        else:
            stream = self.running.get(known_key(request_id, self.running))
        if stream is None:
            return
        if self._event_store is None:
            stream.end()
        else:
            # What is not written yet comes with the replay, and should not come twice.
            stream.detach()

    # For HTTP requests

    def in_use(self, requests: list[JSONRPCRequest]) -> bool:
        """Whether one of the requests has the id of an unanswered one."""
        return bool(self.running) and any(stream_key(request.id) in self.running for request in requests)

    async def open(self, requests: list[JSONRPCRequest], version: str | None) -> Reading | None:
        """Open a stream for the answers to requests, and begin to read it. None if the session ended meanwhile.

        Args:
            requests: those of one POST.
            version: the revision that the client speaks.

        Raises:
            Exception: the event store failed.
        """
        keys = [stream_key(request.id) for request in requests]
        if requests[0].method == "initialize":
            self._initialize_key = keys[0]
        stream = OutgoingStream(keys[0], keys)
        queue = stream.attach()
        self.running.update(dict.fromkeys(keys, stream))
        primed = False
        try:
            first = await self._prime(stream.key, version)
            primed = not self.ended
        finally:
            if not primed:
                for key in keys:
                    self.running.pop(key, None)
        return Reading(stream, queue, first) if primed else None

    async def take_up(self, stream: OutgoingStream, version: str | None) -> Reading | None:
        """Begin to read a stream. None if somebody reads it, or it is over.

        Raises:
            Exception: the event store failed.
        """
        if self._event_store is None:
            return Reading(stream, stream.attach(), b"") if self._free(stream) else None
        async with stream.order:
            if not self._free(stream):
                return None
            first = await self._prime(stream.key, version)
            return Reading(stream, stream.attach(), first) if self._free(stream) else None

    def _free(self, stream: OutgoingStream) -> bool:
        live = stream is self.standalone or any(other is stream for other in self.running.values())
        return live and stream.queue is None and not self.ended

    async def resume(self, last_event_id: EventId, version: str | None) -> Reading | None:
        """Show the events after one, and then go on with their stream, if it is not over and nobody else reads it.

        None without an event store.

        Raises:
            Exception: the event store failed.
        """
        if self._event_store is None:
            return None
        replay = Replay()
        self._replays += (replay,)
        try:
            await replay.read(self._event_store, last_event_id, self._token)
            stream = self._stream_of(replay.key)
            live = None if stream is None else await self.take_up(stream, version)
        finally:
            self._replays = tuple(other for other in self._replays if other is not replay)
        if live is not None:
            return live._replace(first=replay.events() + live.first)
        queue = EventQueue()
        queue.end()
        return Reading(None, queue, replay.events())

    def _stream_of(self, key: str | None) -> OutgoingStream | None:
        if key == GET_STREAM_KEY:
            return self.standalone
        return next((stream for stream in self.running.values() if stream.key == key), None)

    async def _prime(self, key: str, version: str | None) -> bytes:
        event = await self.mint_priming_event(key, version)
        return b"" if event is None else priming_event(event["id"], event.get("retry"))

    async def mint_priming_event(self, key: StreamId, version: str | None) -> dict[str, Any] | None:
        """Store the event that a stream begins with, for a client that takes one."""
        if self._event_store is None or not self.closable_by_handlers(version):
            return None
        event_id = await self._event_store.store_event(stored_stream_id(self._token, key), None)
        event: dict[str, Any] = {"id": event_id, "data": ""}
        if self._retry_interval is not None:
            event["retry"] = self._retry_interval
        return event


def _agreed_version(item: SessionMessage) -> str | None:
    """The revision that the response to `initialize` settles."""
    if isinstance(item, ResultMessage) and item.unopened is not None:
        version: Any = getattr(item.unopened, "protocolVersion", None)
    else:
        root = item.message.root
        version = root.result.get("protocolVersion") if isinstance(root, JSONRPCResponse) else None
    return version if isinstance(version, str) else None


def _no_channel_error(setting: str) -> McpError:
    text = (
        "The server cannot send requests to the client here: "
        f"with {setting} there is no channel that carries the request and brings back the answer"
    )
    return McpError(ErrorData(code=INVALID_REQUEST, message=text))
