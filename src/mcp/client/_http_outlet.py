"""Where a client's messages leave for the server over HTTP: order, cancellation, an answer for every request."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import cast

import anyio
import httpx
from anyio.abc import TaskGroup

from mcp.client._http_exchange import AnswerHook, Exchange, RequestContext, StreamWriter
from mcp.client._post_lane import PostLane
from mcp.client.http_errors import HTTPStatusError, describe, redirect_refusal
from mcp.shared._codec import encode_message
from mcp.shared.exceptions import ConnectionClosedError, McpError
from mcp.shared.message import ClientMessageMetadata, SessionMessage
from mcp.types import ErrorData, JSONRPCMessage, JSONRPCNotification, RequestId

logger = logging.getLogger("mcp.client.streamable_http")

NOTICE_PATIENCE = 5.0
"""Seconds that the sender of a notification or response, and those behind it, wait for the server's answer."""

_NOBODY_READS = (anyio.ClosedResourceError, anyio.BrokenResourceError)


class HttpOutlet:
    """The sink of a write stream.

    Each request is carried by a task of its own; everything else goes in order, and holds back what comes behind it
    until the server has taken note of it. Notices of cancellation overtake.

    Args:
        client: the HTTP client.
        writer: the sending end of the read stream.
        tasks: where exchanges run.
        post: carries one message; a request is answered when it returns, or it raises.
        resume: the same for a request with a resumption token.
        on_answer: called with a result before it is delivered.
        failure_of: makes what a request raises of an exception of its exchange.
        session_id: tells the present session.
        initialized: called when the session has been initialized, with the notification that says so.
        listening: waits until the server can reach the client on its own account, for a while at most.
        ended: called once at the end of the connection.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        writer: StreamWriter,
        tasks: TaskGroup,
        *,
        post: Callable[[RequestContext], Awaitable[None]],
        resume: Callable[[RequestContext], Awaitable[None]],
        on_answer: AnswerHook,
        failure_of: Callable[[Exception], Exception],
        session_id: Callable[[], str | None],
        initialized: Callable[[], object],
        listening: Callable[[], Awaitable[None]],
        ended: Callable[[], None],
    ) -> None:
        self._client = client
        self._writer = writer
        self._tasks = tasks
        self._post = post
        self._resume = resume
        self._on_answer = on_answer
        self._failure_of = failure_of
        self._session_id = session_id
        self._initialized = initialized
        self._listening = listening
        self._ended = ended
        self._lane = PostLane(tasks)
        self._exchanges: dict[RequestId, Exchange] = {}
        self._refused_redirect: HTTPStatusError | None = None
        self._failed_resumptions: list[HTTPStatusError] = []
        self._closed = False

    async def send(self, item: SessionMessage) -> None:
        """Send a message: begin to carry a request; carry anything else, in order, to its end.

        Raises:
            anyio.ClosedResourceError: the connection has ended.
            ValueError: the message has no JSON form.
        """
        if self._closed:
            raise anyio.ClosedResourceError
        metadata = item.metadata if isinstance(item.metadata, ClientMessageMetadata) else None
        exchange = Exchange(
            self._client,
            self._session_id(),
            item,
            metadata,
            self._writer,
            body=encode_message(item),
            on_answer=self._on_answer,
        )
        if exchange.is_request:
            await self._lane.wait_turn()
            self._exchanges[exchange.request.id] = exchange
            self._tasks.start_soon(self._carry_request, exchange)
        elif is_cancellation(item.message):
            self._let_go(item.message)
            await self._lane.complete_aside(lambda: self._carry_cancellation(exchange), NOTICE_PATIENCE)
        elif is_initialized_notification(item.message):
            self._initialized()
            await self._lane.complete(lambda: self._carry_initialized(exchange), NOTICE_PATIENCE)
        else:
            await self._lane.complete(lambda: self._carry_notice(exchange), NOTICE_PATIENCE)

    def _let_go(self, notice: JSONRPCMessage) -> None:
        # The answer is not wanted any more; and its connection may be the one that the notice needs.
        params = cast("JSONRPCNotification", notice.root).params or {}
        unwanted = self._exchanges.get(params.get("requestId", ""))
        if unwanted is not None:
            unwanted.scope.cancel()

    def close(self) -> None:
        """End the connection; requests under way have nobody left to answer to."""
        if not self._closed:
            self._closed = True
            for exchange in self._exchanges.values():
                exchange.scope.cancel()
            self._lane.close()
            self._ended()

    def take_failure(self) -> HTTPStatusError | None:
        """What has still to be raised at the end: a refused redirect, or a failed resumption that nobody has raised."""
        unraised = (error for error in self._failed_resumptions if error.__traceback__ is None)
        return self._take_refused_redirect() or next(unraised, None)

    def _take_refused_redirect(self) -> HTTPStatusError | None:
        redirect, self._refused_redirect = self._refused_redirect, None
        return redirect

    async def _carry_request(self, exchange: Exchange) -> None:
        redirect: HTTPStatusError | None = None
        try:
            with exchange.scope:
                redirect = await self._carry_to_the_answer(exchange)
            if not exchange.answered:
                # Let go. Whoever still waits gets what the server would have answered.
                await exchange.fail(McpError(ErrorData(code=0, message="Request cancelled")))
        except _NOBODY_READS:
            logger.debug("Nobody reads the answer to request %s", exchange.request.id)
        finally:
            if self._exchanges.get(exchange.request.id) is exchange:
                del self._exchanges[exchange.request.id]
        if redirect is not None and self._take_refused_redirect() is not None:
            # A wrong endpoint: those have to see it too who look at no answer.
            self.close()
            raise redirect

    async def _carry_to_the_answer(self, exchange: Exchange) -> HTTPStatusError | None:
        """Carry a request until its answer is on the read stream; return the refused redirect that it met."""
        failure: Exception | None = None
        try:
            await (self._post if exchange.resumption_token is None else self._resume)(exchange)
        except Exception as error:
            failure = self._failure_of(error)
            if exchange.answered:
                logger.debug("After the answer to request %s: %r", exchange.request.id, error)
        if exchange.answered:
            return None
        if failure is None:
            failure = ConnectionClosedError("the exchange ended without an answer")
        refused_redirect: HTTPStatusError | None = None
        if isinstance(failure, HTTPStatusError):
            if redirect_refusal(failure.response) is not None:
                self._refused_redirect = refused_redirect = failure
            elif exchange.resumption_token is not None:
                self._failed_resumptions.append(failure)
        await exchange.fail(failure)
        return refused_redirect

    async def _carry_notice(self, exchange: Exchange) -> None:
        try:
            await self._post(exchange)
        except Exception as error:
            logger.error("Could not send a message, so the connection is closed: %s", describe(error))
            self.close()

    async def _carry_initialized(self, exchange: Exchange) -> None:
        await self._carry_notice(exchange)
        # A server may lose what it asks while there is no stream for it.
        await self._listening()

    async def _carry_cancellation(self, exchange: Exchange) -> None:
        try:
            await self._post(exchange)
        except Exception as error:
            logger.warning("Could not tell the server about a cancelled request: %s", describe(error))


def is_initialized_notification(message: JSONRPCMessage) -> bool:
    """Whether a message ends the handshake."""
    return isinstance(message.root, JSONRPCNotification) and message.root.method == "notifications/initialized"


def is_cancellation(message: JSONRPCMessage) -> bool:
    """Whether a message tells the server that the answer to a request is not wanted any more."""
    return isinstance(message.root, JSONRPCNotification) and message.root.method == "notifications/cancelled"
