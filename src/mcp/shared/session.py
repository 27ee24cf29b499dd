"""The session core both sides use: request matching, timeouts, cancellation, progress.

Requests out wait for their response; requests in become `RequestResponder`s; notifications go to the hooks. In which
order that happens, and in which tasks, is the matter of `Connection`.

Source: specification 2025-11-25, pages "Base Protocol", "Cancellation" and "Progress".
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import BaseModel, ValidationError

from mcp.shared import limits
from mcp.shared._cancellation import failure
from mcp.shared._codec import PlainResult, wrap_root
from mcp.shared._connection import Connection
from mcp.shared._requests import OutgoingRequests, PendingRequest, models_by_method, normalize_response_id
from mcp.shared._responder import CANCEL_NOTICE_TIMEOUT, ReceiveRequestT, RequestResponder, SendResultT
from mcp.shared.exceptions import (
    REQUEST_TIMEOUT,
    ConnectionClosedError,
    McpError,
    ProtocolError,
    RequestTimeoutError,
)
from mcp.shared.message import (
    FailedRequestMessage,
    MessageMetadata,
    ResultMessage,
    ServerMessageMetadata,
    SessionMessage,
    error_message,
)
from mcp.shared.response_router import ResponseRouter
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    ClientRequest,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    ProgressNotification,
    ServerNotification,
    ServerRequest,
)

__all__ = [
    "BaseSession",
    "ProgressFnT",
    "ReceiveNotificationT",
    "ReceiveRequestT",
    "ReceiveResultT",
    "RequestId",
    "RequestResponder",
    "SendNotificationT",
    "SendRequestT",
    "SendResultT",
    "SessionStatistics",
]

SendRequestT = TypeVar("SendRequestT", ClientRequest, ServerRequest)
SendNotificationT = TypeVar("SendNotificationT", ClientNotification, ServerNotification)
ReceiveResultT = TypeVar("ReceiveResultT", bound=BaseModel)
ReceiveNotificationT = TypeVar("ReceiveNotificationT", ClientNotification, ServerNotification)

RequestId: TypeAlias = str | int

WRITE_GRACE = 0.2
"""Seconds beyond its timeout that a request may take to be written, and again to be answered after that.

Together with the time for telling the peer about the cancellation this stays below one second: what a request may take
beyond its timeout at most.
"""

END_GRACE = 0.5
"""Seconds to wait for the end of a connection that takes no messages any more, which says why."""

logger = logging.getLogger(__name__)


class ProgressFnT(Protocol):
    """A callback for the progress of one request."""

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Take one report: how far it is, of what total, and a text for people."""
        ...


class SessionStatistics(NamedTuple):
    """What a session is busy with.

    Attributes:
        waiting: own requests that wait for their answer.
        in_work: requests of the peer that are being handled.
        unwritten: answers and errors that the peer has not taken yet.
    """

    waiting: int
    in_work: int
    unwritten: int


class BaseSession(
    Connection,
    Generic[SendRequestT, SendNotificationT, SendResultT, ReceiveRequestT, ReceiveNotificationT],
):
    """One end of a connection.

    Args:
        read_stream: yields `SessionMessage`s, and exceptions in place of what was no message.
        write_stream: takes `SessionMessage`s.
        receive_request_type: union of the requests that may come in.
        receive_notification_type: union of the notifications that may come in.
        read_timeout_seconds: how long each request waits for its answer, for ever if None.
    """

    _response_streams: OutgoingRequests
    _request_id: int
    _in_flight: dict[RequestId, RequestResponder[ReceiveRequestT, SendResultT]]

    def __init__(
        self,
        read_stream: MemoryObjectReceiveStream[SessionMessage | Exception],
        write_stream: MemoryObjectSendStream[SessionMessage],
        receive_request_type: type[ReceiveRequestT],
        receive_notification_type: type[ReceiveNotificationT],
        # If none, reading will never time out
        read_timeout_seconds: timedelta | None = None,
    ) -> None:
        super().__init__(read_stream, write_stream)
        self._receive_request_type = receive_request_type
        self._receive_notification_type = receive_notification_type
        self._session_read_timeout_seconds = read_timeout_seconds
        # Programs look at these names: the requests sent and waiting, the next id, the requests being handled.
        self._response_streams = OutgoingRequests()
        self._request_id = 0
        self._in_flight = {}
        self._progress_callbacks: dict[str | int, ProgressFnT] = {}
        self._response_routers: list[ResponseRouter] = []
        self._unwritten_answers = 0

    def add_response_router(self, router: ResponseRouter) -> None:
        """Ask `router` about every response before the session's own requests; routers are asked in order of adding."""
        self._response_routers.append(router)

    def statistics(self) -> SessionStatistics:
        """What the session is busy with; all zero when nothing is left."""
        return SessionStatistics(
            waiting=len(self._response_streams), in_work=len(self._in_flight), unwritten=self._unwritten_answers
        )

    # Out

    async def send_request(
        self,
        request: SendRequestT,
        result_type: type[ReceiveResultT],
        request_read_timeout_seconds: timedelta | None = None,
        metadata: MessageMetadata = None,
        progress_callback: ProgressFnT | None = None,
    ) -> ReceiveResultT:
        """Send a request and wait for its result.

        A request that times out or whose waiting is cancelled is cancelled at the peer too (`initialize` excepted).

        Args:
            request: the request, under its union.
            result_type: model of the result.
            request_read_timeout_seconds: how long to wait for the answer; the session's timeout if None.
            metadata: passed on to the transport.
            progress_callback: awaited for each progress report of this request, before its result.

        Raises:
            McpError: the peer answered with an error, or no answer came in time (`RequestTimeoutError`, code 408), or
                the connection ended (`ConnectionClosedError`, code -32000).
            pydantic.ValidationError: the result does not fit `result_type`.
            anyio.ClosedResourceError: the connection had ended before.
        """
        request_id = self._request_id
        self._request_id = request_id + 1
        if self._ended:
            raise anyio.ClosedResourceError

        root: Any = getattr(request, "root", request)
        members: dict[str, Any] = root.model_dump(by_alias=True, mode="json", exclude_none=True)
        members["jsonrpc"] = "2.0"
        members["id"] = request_id
        if progress_callback is not None:
            members.setdefault("params", {}).setdefault("_meta", {})["progressToken"] = request_id
        message = wrap_root(JSONRPCMessage, JSONRPCRequest.__pydantic_validator__.validate_python(members))

        timeout = request_read_timeout_seconds
        if timeout is None:
            timeout = self._session_read_timeout_seconds
        answered = anyio.Event()
        pending = self._response_streams[request_id] = PendingRequest(answered.set)
        if progress_callback is not None:
            self._progress_callbacks[request_id] = progress_callback
        self._read_on(request_id)
        item = SessionMessage(message, metadata)
        try:
            if timeout is None:
                await self._write(item)
                await answered.wait()
            else:
                await self._exchange_in_time(item, pending, answered, timeout.total_seconds(), request)
        except BaseException as error:
            # An error of the stream means that nothing was sent, unless the end of the connection explains it.
            if isinstance(error, Exception) and not isinstance(error, RequestTimeoutError):
                if pending.outcome is None and isinstance(error, anyio.BrokenResourceError):
                    # The peer has gone, and the end of the stream that says how is on its way.
                    with anyio.move_on_after(END_GRACE):
                        await answered.wait()
                    if pending.outcome is None:
                        raise ConnectionClosedError("the peer takes no messages any more") from error
                if pending.outcome is None:
                    raise
            else:
                if pending.outcome is None and members["method"] != "initialize":
                    self._response_streams.abandon(request_id)
                    await self._announce_cancellation(request_id, metadata)
                raise
        finally:
            self._response_streams.pop(request_id, None)
            self._progress_callbacks.pop(request_id, None)
        return self._result_of(pending, result_type)

    async def _exchange_in_time(
        self, item: SessionMessage, pending: PendingRequest, answered: anyio.Event, seconds: float, request: object
    ) -> None:
        latest = anyio.current_time() + seconds + 2 * WRITE_GRACE
        try:
            with anyio.fail_after(seconds + WRITE_GRACE):
                await self._write(item)
            with anyio.fail_after(min(seconds, latest - anyio.current_time())):
                await answered.wait()
        except TimeoutError:
            if pending.outcome is None:
                text = f"Timed out while waiting for response to {type(request).__name__}. Waited {seconds} seconds."
                raise RequestTimeoutError(ErrorData(code=REQUEST_TIMEOUT, message=text)) from None

    async def _announce_cancellation(self, request_id: RequestId, metadata: MessageMetadata) -> None:
        params = CancelledNotificationParams(requestId=request_id, reason="The request was cancelled or timed out")
        item = _notification_message(CancelledNotification(params=params))
        if isinstance(metadata, ServerMessageMetadata):
            # It has to go where the request went.
            item.metadata = ServerMessageMetadata(related_request_id=metadata.related_request_id)
        with anyio.move_on_after(CANCEL_NOTICE_TIMEOUT, shield=True):
            try:
                await self._write(item)
            except Exception as error:
                logger.debug("Could not tell the peer about a cancelled request: %r", error)

    def _result_of(self, pending: PendingRequest, result_type: type[ReceiveResultT]) -> ReceiveResultT:
        outcome = pending.outcome
        assert outcome is not None
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, FailedRequestMessage):
            raise outcome.exception
        if isinstance(outcome, ResultMessage) and (result := outcome.read_as(result_type)) is not None:
            return result
        answer = outcome.message.root
        if isinstance(answer, JSONRPCError):
            raise McpError(answer.error)
        assert isinstance(answer, JSONRPCResponse)
        return result_type.model_validate(answer.result)

    async def send_notification(
        self,
        notification: SendNotificationT,
        related_request_id: RequestId | None = None,
    ) -> None:
        """Send a notification.

        Args:
            notification: the notification, under its union.
            related_request_id: the peer's request it belongs to; over HTTP it then takes that request's stream.

        Raises:
            anyio.ClosedResourceError: the connection has ended.
        """
        item = _notification_message(getattr(notification, "root", notification))
        if related_request_id is not None:
            item.metadata = ServerMessageMetadata(related_request_id=related_request_id)
        await self._write(item)

    async def send_progress_notification(
        self,
        progress_token: str | int,
        progress: float,
        total: float | None = None,
        message: str | None = None,
    ) -> None:
        """Report progress of a request of the peer; sessions implement it for their direction."""

    async def _send_response(self, request_id: RequestId, response: SendResultT | ErrorData) -> None:
        # The id is free before the answer is out, else a quick peer that uses it again would be refused.
        self._in_flight.pop(request_id, None)
        item: SessionMessage
        if isinstance(response, ErrorData):
            item = error_message(request_id, response)
            fallback = ErrorData(code=response.code, message=_printable(response.message))
        else:
            result: Any = getattr(response, "root", response)
            copy = response.copied if isinstance(response, PlainResult) else None
            item = ResultMessage(request_id=request_id, result=result, copy=copy)
            fallback = None
        self._unwritten_answers += 1
        try:
            await self._write(item)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            raise
        except Exception as error:
            # Whoever asked gets an answer all the same.
            logger.error("The answer to request %r has no JSON form: %s", request_id, error)
            if fallback is None:
                text = f"The result has no JSON form: {error}"
                fallback = ErrorData(code=INTERNAL_ERROR, message=_printable(text))
            await self._write(error_message(request_id, fallback))
        finally:
            self._unwritten_answers -= 1

    # In

    async def _receive(self, item: SessionMessage | Exception) -> None:
        if isinstance(item, Exception):
            await self._receive_exception(item)
            return
        root = item.message.root
        if isinstance(root, JSONRPCRequest):
            await self._receive_request(root, item.metadata)
        elif isinstance(root, JSONRPCNotification):
            await self._receive_notification(root)
        else:
            await self._receive_response(root, item)

    def _take_at_once(self, item: SessionMessage | Exception) -> bool:
        if isinstance(item, Exception) or self._response_routers:
            return False
        if isinstance(item, ResultMessage) and item.unopened is not None:
            response_id = item.request_id
        else:
            root = item.message.root
            response_id = root.id if isinstance(root, JSONRPCResponse | JSONRPCError) else None
        request_id = None if response_id is None else normalize_response_id(response_id)
        return request_id in self._response_streams and self._settle(request_id, item)

    async def _receive_exception(self, error: Exception) -> None:
        if isinstance(error, ProtocolError):
            if error.request_id is not None or error.answerable:
                self._refuse(error.request_id, ErrorData(code=INVALID_REQUEST, message="Invalid Request"))
            elif error.response_id is not None:
                # That was to be the answer; should there be another one yet, it is too late.
                self._response_streams.fail(error.response_id, error)
        elif isinstance(error, McpError) and (only := self._response_streams.only_one()) is not None:
            # An error without id, and one request it can be about.
            only.settle(error)
        await self._deliver_in_turn(error)

    def _refuse(self, request_id: RequestId | None, error: ErrorData) -> None:
        # Never written by the loop itself: two peers that wait for each other to read would wait for ever.
        if self._unwritten_answers >= 2 * limits.MAX_REQUESTS_IN_FLIGHT:
            # Nor kept for a peer that only writes and never reads.
            logger.warning("Dropped an error for a peer that does not read")
            return
        self._unwritten_answers += 1
        self._task_group.start_soon(self._write_or_drop, error_message(request_id, error))

    async def _write_or_drop(self, item: SessionMessage) -> None:
        try:
            await self._write(item)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            logger.debug("The connection closed before an error could be reported")
        finally:
            self._unwritten_answers -= 1

    async def _receive_request(self, root: JSONRPCRequest, metadata: MessageMetadata) -> None:
        responder = self._admit(root, metadata)
        if responder is not None:
            await self._dispatch_request(responder)

    def _admit(
        self, root: JSONRPCRequest, metadata: MessageMetadata
    ) -> RequestResponder[ReceiveRequestT, SendResultT] | None:
        """Enter a request among those in flight. None if it has to be refused, which is done then."""
        request_id = root.id
        model = models_by_method(self._receive_request_type).get(root.method)
        if model is None:
            self._refuse(request_id, ErrorData(code=METHOD_NOT_FOUND, message="Method not found"))
            return None
        if request_id in self._in_flight:
            self._refuse(request_id, ErrorData(code=INVALID_REQUEST, message="Request id already in use"))
            return None
        if len(self._in_flight) + self._unwritten_answers >= limits.MAX_REQUESTS_IN_FLIGHT:
            self._refuse(request_id, ErrorData(code=INTERNAL_ERROR, message="Too many requests in flight"))
            return None
        try:
            typed: Any = model.model_validate(_members(root))
        except ValidationError as error:
            logger.warning("Failed to validate request: %s", error)
            self._refuse(request_id, _INVALID_PARAMETERS)
            return None
        responder: RequestResponder[ReceiveRequestT, SendResultT] = RequestResponder(
            request_id,
            getattr(typed.params, "meta", None),
            wrap_root(self._receive_request_type, typed),
            self,
            self._forget,
            metadata,
        )
        self._in_flight[request_id] = responder
        return responder

    def _forget(self, responder: RequestResponder[ReceiveRequestT, SendResultT]) -> None:
        if self._in_flight.get(responder.request_id) is responder:
            del self._in_flight[responder.request_id]

    async def _dispatch_request(self, responder: RequestResponder[ReceiveRequestT, SendResultT]) -> None:
        """Run the request hook; a request it leaves unanswered goes to the incoming-message handler."""
        try:
            await self._received_request(responder)
        except BaseException as raised:
            logger.warning("Failed to validate request: %s", failure(raised))
            self._fail(responder, _INVALID_PARAMETERS)
        else:
            if responder.in_flight:
                await self._deliver(responder)

    def _fail(self, responder: RequestResponder[ReceiveRequestT, SendResultT], error: ErrorData) -> None:
        """Answer a request that nobody else will answer."""
        if responder.in_flight:
            responder._completed = True  # pyright: ignore[reportPrivateUsage]
            self._forget(responder)
            self._refuse(responder.request_id, error)

    async def _receive_notification(self, root: JSONRPCNotification) -> None:
        model = models_by_method(self._receive_notification_type).get(root.method)
        try:
            if model is None:
                raise ValueError(f"unknown method {root.method!r}")
            typed = model.model_validate(_members(root))
        except ValueError as error:
            logger.warning("Failed to validate notification: %s", error)
            return
        if isinstance(typed, CancelledNotification):
            self._cancel_request(typed.params.requestId)
            return
        notification = wrap_root(self._receive_notification_type, typed)
        if self._backlog is None or not self._backlog.holds(notification, typed):
            await self._handle_notification(notification)

    def _cancel_request(self, request_id: RequestId | None) -> None:
        responder = self._in_flight.get(request_id) if request_id is not None else None
        if responder is not None and responder._stop():  # pyright: ignore[reportPrivateUsage]
            self._forget(responder)
            self._task_group.start_soon(self._confirm_cancellation, responder)

    async def _confirm_cancellation(self, responder: RequestResponder[ReceiveRequestT, SendResultT]) -> None:
        try:
            await responder._confirm_cancellation()  # pyright: ignore[reportPrivateUsage]
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            logger.debug("The connection closed before a cancellation could be confirmed")

    async def _handle_notification(self, notification: ReceiveNotificationT) -> None:
        try:
            root = notification.root
            if isinstance(root, ProgressNotification):
                params = root.params
                callback = self._progress_callbacks.get(params.progressToken)
                if callback is not None:
                    try:
                        await callback(params.progress, params.total, params.message)
                    except BaseException as raised:
                        logging.error("Progress callback raised an exception: %s", failure(raised))
            await self._received_notification(notification)
            await self._handle_incoming(notification)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            logger.debug("A notification could not be delivered: %r", error)
        except BaseException as raised:
            logger.warning("Failed to validate notification: %s", failure(raised))

    async def _receive_response(self, root: JSONRPCResponse | JSONRPCError, item: SessionMessage) -> None:
        request_id = normalize_response_id(root.id)
        if self._response_routers and self._route(root.id if request_id is None else request_id, root):
            return
        if request_id is None:
            logger.warning("Response ID %r cannot be normalized to match pending requests", root.id)
        elif self._backlog is not None and self._backlog.holds_response(request_id, item):
            return
        if not self._settle(request_id, item):
            await self._deliver_in_turn(_unknown_response(item))

    def _settle(self, request_id: RequestId | None, item: SessionMessage) -> bool:
        """Give a response to who waits for it; false if nobody ever did."""
        if request_id is None:
            return False
        pending = self._response_streams.pop(request_id, None)
        if pending is None:
            return self._response_streams.is_late(request_id)
        pending.settle(item)
        return True

    def _settle_late(self, response: SessionMessage) -> bool:
        return self._settle(_response_id(response), response)

    def _fail_requests(self, reason: str | None) -> None:
        self._response_streams.fail_all(lambda: ConnectionClosedError(reason))

    async def _take_late(self, item: SessionMessage | Exception | ReceiveNotificationT) -> None:
        if isinstance(item, SessionMessage):
            if not self._settle_late(item):
                await self._deliver(_unknown_response(item))
        elif isinstance(item, Exception):
            await self._deliver(item)
        else:
            await self._handle_notification(item)

    def _route(self, request_id: RequestId, root: JSONRPCResponse | JSONRPCError) -> bool:
        if isinstance(root, JSONRPCError):
            return any(router.route_error(request_id, root.error) for router in self._response_routers)
        return any(router.route_response(request_id, root.result) for router in self._response_routers)

    async def _deliver_in_turn(self, error: Exception) -> None:
        if self._backlog is not None:
            self._backlog.add(error)
        else:
            await self._deliver(error)

    async def _deliver(self, message: RequestResponder[ReceiveRequestT, SendResultT] | Exception) -> None:
        """Hand a request or an exception to the handler of incoming messages, which must not end the session."""
        try:
            await self._handle_incoming(message)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            logger.debug("A message could not be delivered: %r", error)
        except BaseException as raised:
            logger.error("The handler of incoming messages failed", exc_info=failure(raised))
        else:
            return
        if isinstance(message, RequestResponder):
            self._fail(message, ErrorData(code=INTERNAL_ERROR, message="The request could not be handled"))

    # Hooks

    async def _received_request(self, responder: RequestResponder[ReceiveRequestT, SendResultT]) -> None:
        """Look at a request first. One that is not answered here goes to `_handle_incoming`."""

    async def _received_notification(self, notification: ReceiveNotificationT) -> None:
        """Look at a notification before it goes to `_handle_incoming`."""

    async def _handle_incoming(
        self, req: RequestResponder[ReceiveRequestT, SendResultT] | ReceiveNotificationT | Exception
    ) -> None:
        """Take what the session has no use for itself: open requests, notifications, exceptions."""


_INVALID_PARAMETERS = ErrorData(code=INVALID_PARAMS, message="Invalid request parameters", data="")


def _response_id(item: SessionMessage) -> RequestId | None:
    root = item.message.root
    assert isinstance(root, JSONRPCResponse | JSONRPCError)
    return normalize_response_id(root.id)


def _unknown_response(item: SessionMessage) -> Exception:
    return RuntimeError(f"Received response with an unknown request ID: {item.message.root}")


def _printable(text: str) -> str:
    """`text` without the lone surrogates that cannot be sent."""
    return text.encode(errors="replace").decode()


def _members(root: JSONRPCRequest | JSONRPCNotification) -> dict[str, Any]:
    members = dict(root.__dict__)
    if members["params"] is None:
        del members["params"]
    if root.__pydantic_extra__:
        members.update(root.__pydantic_extra__)
    return members


def _notification_message(notification: Any) -> SessionMessage:
    members = cast("dict[str, Any]", notification.model_dump(by_alias=True, mode="json", exclude_none=True))
    members["jsonrpc"] = "2.0"
    members.pop("id", None)
    return SessionMessage(
        wrap_root(JSONRPCMessage, JSONRPCNotification.__pydantic_validator__.validate_python(members))
    )
