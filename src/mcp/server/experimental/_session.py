"""What the task features need of a server session. The session itself stands above them and is not known here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

import mcp.types as types
from mcp.shared.message import SessionMessage
from mcp.shared.response_router import ResponseRouter

ResultT = TypeVar("ResultT", bound=BaseModel)


class TaskFeatures(Protocol):
    """The task features of a session, `ServerSession.experimental` without its warning."""

    task_session_scope: str | None

    def poll_task(self, task_id: str) -> AsyncIterator[types.GetTaskResult]:
        """Ask the client for a task's state until it is over."""
        ...

    async def get_task_result(self, task_id: str, result_type: type[Any]) -> Any:
        """Ask the client for a task's result."""
        ...


class TaskSession(Protocol):
    """A server session, as the task features see it."""

    @property
    def client_params(self) -> types.InitializeRequestParams | None:
        """What the client sent in `initialize`."""
        ...

    @property
    def _experimental(self) -> Any: ...

    def check_client_capability(self, capability: types.ClientCapabilities) -> bool:
        """Whether the client declared a capability."""
        ...

    def add_response_router(self, router: ResponseRouter) -> None:
        """Have responses shown to a router first."""
        ...

    async def send_request(self, request: Any, result_type: type[ResultT]) -> ResultT:
        """Send a request and wait for its result."""
        ...

    async def send_notification(self, notification: Any) -> None:
        """Send a notification."""
        ...

    async def send_message(self, message: SessionMessage) -> None:
        """Put a message on the wire."""
        ...

    def _build_elicit_form_request(
        self,
        message: str,
        requestedSchema: types.ElicitRequestedSchema,
        related_task_id: str | None = None,
        task: types.TaskMetadata | None = None,
    ) -> types.JSONRPCRequest: ...

    def _build_elicit_url_request(
        self, message: str, url: str, elicitation_id: str, related_task_id: str | None = None
    ) -> types.JSONRPCRequest: ...

    @property
    def _build_create_message_request(self) -> Callable[..., types.JSONRPCRequest]: ...
