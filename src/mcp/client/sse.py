"""Client transport for the older HTTP+SSE pair of endpoints.

The server sends everything on one event stream; its first event names the endpoint that messages are posted to.

Source: specification 2024-11-05, page "Transports", section "HTTP with SSE".
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit, urlunsplit

import anyio
import httpx
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream
from httpx_sse import SSEError

from mcp.client._http_bodies import body_chunks, drain_body
from mcp.client._http_exchange import messages_of
from mcp.client._http_outlet import is_cancellation
from mcp.client._post_lane import PostLane
from mcp.client._sse_events import EventDecoder, ServerEvent
from mcp.client.http_errors import UNREACHABLE, HTTPStatusError, describe, exchange_failure, read_refusal
from mcp.shared._codec import encode_message
from mcp.shared._httpx_utils import McpHttpClientFactory, create_mcp_http_client, stream_within_origin
from mcp.shared._owner import OwnedContext
from mcp.shared._streams import MessageSendStream
from mcp.shared.exceptions import McpError, ProtocolError
from mcp.shared.message import FailedRequestMessage, SessionMessage
from mcp.types import CONNECTION_CLOSED, JSONRPCRequest

logger = logging.getLogger(__name__)

POST_PATIENCE = 5.0
"""Seconds that the sender of a message, and those behind it, wait for the server to take note of it."""


def remove_request_params(url: str) -> str:
    """The URL without its query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _extract_session_id_from_endpoint(endpoint_url: str) -> str | None:
    query = parse_qs(urlsplit(endpoint_url).query)
    return query.get("sessionId", [None])[0] or query.get("session_id", [None])[0]


@asynccontextmanager
async def sse_client(
    url: str,
    headers: dict[str, Any] | None = None,
    timeout: float = 5,
    sse_read_timeout: float = 300,
    httpx_client_factory: McpHttpClientFactory = create_mcp_http_client,
    auth: httpx.Auth | None = None,
    on_session_created: Callable[[str], None] | None = None,
):
    """Talk to a server over HTTP+SSE, which streamable HTTP has replaced.

    ```python
    async with sse_client("http://localhost:8000/sse") as (read, write):
        async with ClientSession(read, write) as session:
            ...
    ```

    Args:
        url: the endpoint of the event stream.
        headers: sent with every request.
        timeout: seconds for each network operation.
        sse_read_timeout: seconds between two reads.
        httpx_client_factory: makes the HTTP client, which is closed at the end.
        auth: authenticates the requests.
        on_session_created: called with the session id, if the server's endpoint shows one.

    Raises:
        httpx.ConnectError: the server cannot be reached.
        httpx.HTTPStatusError: the server refuses the event stream; in an exception group.
        httpx_sse.SSEError: the server answers with something else than an event stream; in an exception group.
        RuntimeError: the stream ends before it names an endpoint; in an exception group.
        ValueError: the endpoint is on another server.
    """
    client = httpx_client_factory(headers=headers, auth=auth, timeout=httpx.Timeout(timeout, read=sse_read_timeout))
    connection = OwnedContext(lambda: _connect(client, url, on_session_created), "SSE client transport of mcp")
    async with connection as streams:
        yield streams


@asynccontextmanager
async def _connect(
    opening: AbstractAsyncContextManager[httpx.AsyncClient],
    url: str,
    on_session_created: Callable[[str], None] | None,
) -> AsyncGenerator[Any, None]:
    async with opening as client, _open(client, url) as response:
        async with _grouped():
            await _check(response)
        async with body_chunks(response) as chunks:
            events = _Events(chunks)
            name = ""
            async with _grouped():
                name = await events.wait_for_endpoint()
            async with _talking(client, _resolve(url, name), events, on_session_created) as streams:
                yield streams


def _grouped() -> TaskGroup:
    """Programs expect what goes wrong at the opening in an exception group."""
    return anyio.create_task_group()


@asynccontextmanager
async def _talking(
    client: httpx.AsyncClient, endpoint: str, events: _Events, on_session_created: Callable[[str], None] | None
) -> AsyncGenerator[Any, None]:
    session_id = _extract_session_id_from_endpoint(endpoint)
    if on_session_created is not None and session_id:
        on_session_created(session_id)
    writer, reader = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    with reader, writer:
        async with anyio.create_task_group() as tasks:
            outlet = _Outlet(client, endpoint, writer, tasks)
            tasks.start_soon(events.deliver, writer)
            try:
                yield reader, MessageSendStream(outlet)
            finally:
                outlet.close()
                tasks.cancel_scope.cancel()


@asynccontextmanager
async def _open(client: httpx.AsyncClient, url: str) -> AsyncGenerator[httpx.Response, None]:
    headers = {"accept": "text/event-stream", "cache-control": "no-store"}
    async with AsyncExitStack() as stack:
        try:
            response = await stack.enter_async_context(stream_within_origin(client, "GET", url, headers=headers))
        except UNREACHABLE as error:
            raise exchange_failure(error, url, reached=False) from error
        yield response


async def _check(response: httpx.Response) -> None:
    if not response.is_success:
        raise await read_refusal(response)
    content_type = response.headers.get("content-type", "")
    if not content_type.lower().startswith("text/event-stream"):
        raise SSEError(f"Expected response header Content-Type to contain 'text/event-stream', got {content_type!r}")


def _resolve(url: str, endpoint: str) -> str:
    """The URL to post to.

    Raises:
        ValueError: it is on another server.
    """
    resolved = urljoin(url, endpoint)
    if _origin(resolved) != _origin(url):
        raise ValueError(f"Endpoint origin does not match connection origin: {resolved}")
    return resolved


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = httpx.URL(url)
    return parts.scheme, parts.host, parts.port


class _Events:
    """The events of the stream: first the endpoint, then messages."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._decoder = EventDecoder()
        self._pending: deque[ServerEvent] = deque()

    async def wait_for_endpoint(self) -> str:
        """Read up to the endpoint event; messages that come before it are kept.

        Raises:
            RuntimeError: there is none.
        """
        early: list[ServerEvent] = []
        while (event := await self._next()) is not None:
            if event.event == "endpoint":
                self._pending.extendleft(reversed(early))
                return event.data if isinstance(event.data, str) else event.data.decode(errors="replace")
            early.append(event)
        raise RuntimeError("The event stream ended before it named an endpoint")

    async def deliver(self, writer: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        """Put the messages on the read stream until the end, then close it."""
        with writer:
            try:
                try:
                    while (event := await self._next()) is not None:
                        await self._deliver_one(event, writer)
                except (httpx.HTTPError, ProtocolError) as error:
                    logger.error("Reading the event stream failed: %s", describe(error))
                    await writer.send(error)
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                logger.debug("Nobody reads the event stream any more")

    async def _deliver_one(
        self, event: ServerEvent, writer: MemoryObjectSendStream[SessionMessage | Exception]
    ) -> None:
        for message in messages_of(event):
            await writer.send(message if isinstance(message, McpError) else SessionMessage(message))

    async def _next(self) -> ServerEvent | None:
        while not self._pending:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                return None
            self._pending.extend(self._decoder.feed(chunk))
        return self._pending.popleft()


class _Outlet:
    """The sink of the write stream: posts one message after the other.

    A post that fails answers its request with the failure, and ends the sending.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        endpoint: str,
        writer: MemoryObjectSendStream[SessionMessage | Exception],
        tasks: TaskGroup,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._writer = writer
        self._lane = PostLane(tasks)
        self._closed = False

    async def send(self, item: SessionMessage) -> None:
        """Post a message, and wait until the server has taken note of it."""
        if self._closed:
            raise anyio.ClosedResourceError
        body = encode_message(item)
        if is_cancellation(item.message):
            await self._lane.complete_aside(lambda: self._carry(item, body, essential=False), POST_PATIENCE)
        else:
            await self._lane.complete(lambda: self._carry(item, body, essential=True), POST_PATIENCE)

    def close(self) -> None:
        """Take no further message."""
        self._closed = True
        self._lane.close()

    async def _carry(self, item: SessionMessage, body: bytes, *, essential: bool) -> None:
        try:
            failure = await self._post(body)
        except Exception as error:
            failure = exchange_failure(error, self._endpoint, reached=True)
        if failure is None:
            return
        logger.error("Could not post a message: %s", describe(failure))
        root = item.message.root
        if isinstance(root, JSONRPCRequest):
            with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
                await self._writer.send(FailedRequestMessage(root.id, failure))
        if essential:
            self.close()

    async def _post(self, body: bytes) -> HTTPStatusError | None:
        async with stream_within_origin(
            self._client, "POST", self._endpoint, content=body, headers={"content-type": "application/json"}
        ) as response:
            if not response.is_success:
                return await read_refusal(response, code=CONNECTION_CLOSED)
            await drain_body(response)
            return None
