"""One connection of the standalone stream, which the server may send on when it likes.

Source: specification 2025-11-25, page "Transports", section "Listening for Messages from the Server".
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import anyio
import httpx

from mcp.client._http_answers import Answer, classify
from mcp.client._http_bodies import body_chunks
from mcp.client._http_reconnection import IMMEDIATE_END, Listening, StreamPosition, classify_refusal
from mcp.client._sse_events import EventDecoder, ServerEvent
from mcp.client.http_errors import describe, redirect_refusal

logger = logging.getLogger("mcp.client.streamable_http")


async def listen(
    connection: AbstractAsyncContextManager[httpx.Response],
    position: StreamPosition,
    take: Callable[[ServerEvent], Awaitable[object]],
    opened: Callable[[], object],
) -> Listening:
    """Deliver the events of one connection until it ends; tell how it went.

    Args:
        connection: opens it.
        position: told about each event.
        take: delivers an event; `anyio.ClosedResourceError` and `anyio.BrokenResourceError` from it mean that nobody
            reads any more, which ends the stream for good.
        opened: called when the stream is open.
    """
    since: float | None = None
    events = position.events
    went = Listening.FRUITLESS
    try:
        async with connection as response:
            if response.status_code // 100 != 2:
                _log_refusal(response)
                return classify_refusal(response.status_code)
            if classify(response.status_code, response.headers.get("content-type", "")) is not Answer.EVENTS:
                logger.debug("GET stream not opened, the answer is no event stream")
                return Listening.REFUSED
            since = anyio.current_time()
            opened()
            decoder = EventDecoder()
            async with body_chunks(response) as chunks:
                async for chunk in chunks:
                    for event in decoder.feed(chunk):
                        position.note(event)
                        await take(event)
    except httpx.HTTPError as error:
        logger.debug("GET stream: %s", describe(error))
        went = Listening.FAILED
    except (anyio.ClosedResourceError, anyio.BrokenResourceError):
        return Listening.UNSUPPORTED
    except Exception as error:
        # Of the authentication: the next request runs into it too, and raises it.
        logger.debug("GET stream: %r", error)
        went = Listening.REFUSED
    served = position.events > events or (since is not None and anyio.current_time() - since > IMMEDIATE_END)
    return Listening.SERVED if served else went


def _log_refusal(response: httpx.Response) -> None:
    if (refusal := redirect_refusal(response)) is not None:
        logger.warning("GET stream not opened: %s", refusal)
    else:
        logger.debug("GET stream not opened, status %d", response.status_code)
