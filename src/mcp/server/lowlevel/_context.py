"""The request context that handlers get, with task features made when somebody asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mcp.types as types
from mcp.server.session import ServerSession
from mcp.shared.context import RequestContext
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.session import RequestResponder

if TYPE_CHECKING:
    from mcp.server.experimental.task_support import TaskSupport


class HandlerContext(RequestContext[ServerSession, Any, Any]):
    """The context of a handler."""

    _made_for: tuple[RequestResponder[types.ClientRequest, types.ServerResult], TaskSupport | None] | None = None

    @property
    def experimental(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        if self._experimental is None and self._made_for is not None:
            self._experimental = _experimental_of(self.session, *self._made_for)
        return self._experimental

    @experimental.setter
    def experimental(self, value: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._experimental = value


def context_of(
    message: RequestResponder[types.ClientRequest, types.ServerResult],
    session: ServerSession,
    lifespan_context: Any,
    task_support: TaskSupport | None,
) -> RequestContext[ServerSession, Any, Any]:
    context = HandlerContext(message.request_id, message.request_meta, session, lifespan_context)
    metadata = message.message_metadata
    if isinstance(metadata, ServerMessageMetadata):
        context.request = metadata.request_context
        context.close_sse_stream = metadata.close_sse_stream
        context.close_standalone_sse_stream = metadata.close_standalone_sse_stream
    context._made_for = message, task_support  # pyright: ignore[reportPrivateUsage]
    return context


def _experimental_of(
    session: ServerSession,
    message: RequestResponder[types.ClientRequest, types.ServerResult],
    task_support: TaskSupport | None,
) -> Any:
    from mcp.server.experimental.request_context import Experimental

    request = message.request.root
    capabilities = session.client_params.capabilities if session.client_params is not None else None
    experimental = Experimental(
        request.params.task if request.params is not None else None, capabilities, session, task_support
    )
    experimental.calls_tool = isinstance(request, types.CallToolRequest)
    return experimental
