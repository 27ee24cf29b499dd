"""`RequestResponder`: a request that came in, and the means to answer it exactly once."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

import anyio

from mcp.shared.message import MessageMetadata
from mcp.types import (
    ClientRequest,
    ClientResult,
    ErrorData,
    RequestId,
    RequestParams,
    ServerRequest,
    ServerResult,
)

SendResultT = TypeVar("SendResultT", ClientResult, ServerResult)
ReceiveRequestT = TypeVar("ReceiveRequestT", ClientRequest, ServerRequest)

CANCEL_NOTICE_TIMEOUT = 0.5
"""Seconds that telling the peer about a cancelled request may take."""


class ResponseSender(Protocol):
    """The session, as far as it is needed here."""

    async def _send_response(self, request_id: RequestId, response: Any) -> None: ...


class RequestResponder(Generic[ReceiveRequestT, SendResultT]):
    """A request that came in, and the means to answer it exactly once.

    Enter it (`with responder:`) around the work on the request: the peer can then cancel that work.

    Attributes:
        request_id: id of the request, as the peer sent it.
        request_meta: the request's `_meta`, None if it has none.
        request: the request, under its union.
        message_metadata: what the transport tells about the message.
    """

    def __init__(
        self,
        request_id: RequestId,
        request_meta: RequestParams.Meta | None,
        request: ReceiveRequestT,
        session: ResponseSender,
        on_complete: Callable[[RequestResponder[ReceiveRequestT, SendResultT]], Any],
        message_metadata: MessageMetadata = None,
    ) -> None:
        self.request_id = request_id
        self.request_meta = request_meta
        self.request = request
        self.message_metadata = message_metadata
        self._session = session
        self._on_complete = on_complete
        self._completed = False
        self._cancelled = False
        self._entered = False
        # Around the work: its own, entered with the responder, or one that is entered elsewhere.
        self._cancel_scope: anyio.CancelScope | None = None
        self._own_scope: anyio.CancelScope | None = None

    def _work_in(self, scope: anyio.CancelScope) -> None:
        """Have the request cancelled by cancelling `scope`, which somebody else enters around all the work."""
        self._cancel_scope = scope

    def __enter__(self) -> RequestResponder[ReceiveRequestT, SendResultT]:
        self._entered = True
        if self._cancel_scope is None:
            self._cancel_scope = self._own_scope = anyio.CancelScope()
            self._own_scope.__enter__()
        if self._cancelled:
            self._cancel_scope.cancel()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        self._entered = False
        if self._completed:
            self._on_complete(self)
        own_scope, self._own_scope = self._own_scope, None
        if own_scope is None:
            return None
        self._cancel_scope = None
        return own_scope.__exit__(exc_type, exc_val, exc_tb)

    async def respond(self, response: SendResultT | ErrorData) -> None:
        """Answer with a result, or with an error if it is an `ErrorData`.

        An answer to a request that the peer has cancelled meanwhile is dropped.

        Raises:
            RuntimeError: not entered.
            AssertionError: answered already.
            anyio.ClosedResourceError: the connection is closed.
        """
        if not self._entered:
            raise RuntimeError("RequestResponder must be used as a context manager")
        if self._cancelled:
            return
        if self._completed:
            raise AssertionError("Request already responded to")
        self._completed = True
        await self._session._send_response(self.request_id, response)  # pyright: ignore[reportPrivateUsage]

    async def cancel(self) -> None:
        """Stop the work on the request and answer it with the error `Request cancelled` (code 0).

        A request that is answered already stays as it is.

        Raises:
            RuntimeError: not entered.
        """
        if not self._entered:
            raise RuntimeError("RequestResponder must be used as a context manager")
        if self._stop():
            # Whoever calls this from within the work is cancelled too.
            with anyio.move_on_after(CANCEL_NOTICE_TIMEOUT, shield=True):
                await self._confirm_cancellation()

    def _stop(self) -> bool:
        """Stop the work; false if it is over. Before it has begun too: it then stops at its first await."""
        if self._completed:
            return False
        self._cancelled = True
        self._completed = True
        if self._cancel_scope is not None:
            self._cancel_scope.cancel()
        return True

    async def _confirm_cancellation(self) -> None:
        error = ErrorData(code=0, message="Request cancelled")
        await self._session._send_response(self.request_id, error)  # pyright: ignore[reportPrivateUsage]

    @property
    def in_flight(self) -> bool:
        """Whether the request is neither answered nor cancelled."""
        return not self._completed

    @property
    def cancelled(self) -> bool:
        """Whether the peer cancelled the request."""
        return self._cancelled
