"""Questions about the task abilities the other side declared."""

from __future__ import annotations

from mcp.shared.exceptions import McpError
from mcp.types import INVALID_REQUEST, ClientCapabilities, ClientTasksCapability, ErrorData


def check_tasks_capability(required: ClientTasksCapability, client: ClientTasksCapability) -> bool:
    """Whether the client declared the requests with tasks that are required. `list` and `cancel` are not compared."""
    wanted = required.requests
    if wanted is None:
        return True
    has = client.requests
    if has is None:
        return False
    if wanted.elicitation is not None:
        if has.elicitation is None:
            return False
        if wanted.elicitation.create is not None and has.elicitation.create is None:
            return False
    if wanted.sampling is not None:
        if has.sampling is None:
            return False
        if wanted.sampling.createMessage is not None and has.sampling.createMessage is None:
            return False
    return True


def has_task_augmented_elicitation(caps: ClientCapabilities) -> bool:
    """Whether `elicitation/create` may be augmented with a task."""
    requests = caps.tasks.requests if caps.tasks else None
    return requests is not None and requests.elicitation is not None and requests.elicitation.create is not None


def has_task_augmented_sampling(caps: ClientCapabilities) -> bool:
    """Whether `sampling/createMessage` may be augmented with a task."""
    requests = caps.tasks.requests if caps.tasks else None
    return requests is not None and requests.sampling is not None and requests.sampling.createMessage is not None


def require_task_augmented_elicitation(client_caps: ClientCapabilities | None) -> None:
    """Raise `McpError` (code -32600) unless `elicitation/create` may be augmented with a task."""
    if client_caps is None or not has_task_augmented_elicitation(client_caps):
        raise McpError(ErrorData(code=INVALID_REQUEST, message="Client does not support task-augmented elicitation"))


def require_task_augmented_sampling(client_caps: ClientCapabilities | None) -> None:
    """Raise `McpError` (code -32600) unless `sampling/createMessage` may be augmented with a task."""
    if client_caps is None or not has_task_augmented_sampling(client_caps):
        raise McpError(ErrorData(code=INVALID_REQUEST, message="Client does not support task-augmented sampling"))
