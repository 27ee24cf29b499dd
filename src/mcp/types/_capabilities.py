"""What clients and servers declare in `initialize`.

Source: specification 2025-11-25, page "Lifecycle", section "Capability Negotiation".
"""

from typing import Any

from pydantic import BaseModel

from mcp.types._base import OPEN


class RootsCapability(BaseModel):
    """Present if the client offers roots; `listChanged` if it announces changes."""

    model_config = OPEN

    listChanged: bool | None = None


class SamplingContextCapability(BaseModel):
    """Present if `includeContext` other than `none` is supported."""

    model_config = OPEN


class SamplingToolsCapability(BaseModel):
    """Present if sampling with `tools` and `toolChoice` is supported."""

    model_config = OPEN


class FormElicitationCapability(BaseModel):
    """Present if form mode elicitation is supported."""

    model_config = OPEN


class UrlElicitationCapability(BaseModel):
    """Present if URL mode elicitation is supported."""

    model_config = OPEN


class ElicitationCapability(BaseModel):
    """Modes of elicitation that the client supports; neither present means form only."""

    model_config = OPEN

    form: FormElicitationCapability | None = None
    url: UrlElicitationCapability | None = None


class SamplingCapability(BaseModel):
    """Present if the client answers `sampling/createMessage`."""

    model_config = OPEN

    context: SamplingContextCapability | None = None
    tools: SamplingToolsCapability | None = None


class TasksListCapability(BaseModel):
    """Present if `tasks/list` is supported."""

    model_config = OPEN


class TasksCancelCapability(BaseModel):
    """Present if `tasks/cancel` is supported."""

    model_config = OPEN


class TasksCreateMessageCapability(BaseModel):
    """Present if `sampling/createMessage` may be augmented with a task."""

    model_config = OPEN


class TasksSamplingCapability(BaseModel):
    """Sampling requests that may be augmented with a task."""

    model_config = OPEN

    createMessage: TasksCreateMessageCapability | None = None


class TasksCreateElicitationCapability(BaseModel):
    """Present if `elicitation/create` may be augmented with a task."""

    model_config = OPEN


class TasksElicitationCapability(BaseModel):
    """Elicitation requests that may be augmented with a task."""

    model_config = OPEN

    create: TasksCreateElicitationCapability | None = None


class ClientTasksRequestsCapability(BaseModel):
    """Requests to the client that may be augmented with a task."""

    model_config = OPEN

    sampling: TasksSamplingCapability | None = None
    elicitation: TasksElicitationCapability | None = None


class ClientTasksCapability(BaseModel):
    """What the client supports of tasks."""

    model_config = OPEN

    list: TasksListCapability | None = None
    cancel: TasksCancelCapability | None = None
    requests: ClientTasksRequestsCapability | None = None


class ClientCapabilities(BaseModel):
    """Capabilities a client may support."""

    model_config = OPEN

    experimental: dict[str, dict[str, Any]] | None = None
    sampling: SamplingCapability | None = None
    elicitation: ElicitationCapability | None = None
    roots: RootsCapability | None = None
    tasks: ClientTasksCapability | None = None


class PromptsCapability(BaseModel):
    """Present if the server offers prompts; `listChanged` if it announces changes."""

    model_config = OPEN

    listChanged: bool | None = None


class ResourcesCapability(BaseModel):
    """Present if the server offers resources; `subscribe` and `listChanged` tell what it announces."""

    model_config = OPEN

    subscribe: bool | None = None
    listChanged: bool | None = None


class ToolsCapability(BaseModel):
    """Present if the server offers tools; `listChanged` if it announces changes."""

    model_config = OPEN

    listChanged: bool | None = None


class LoggingCapability(BaseModel):
    """Present if the server sends log messages."""

    model_config = OPEN


class CompletionsCapability(BaseModel):
    """Present if the server completes arguments."""

    model_config = OPEN


class TasksCallCapability(BaseModel):
    """Present if `tools/call` may be augmented with a task."""

    model_config = OPEN


class TasksToolsCapability(BaseModel):
    """Tool requests that may be augmented with a task."""

    model_config = OPEN

    call: TasksCallCapability | None = None


class ServerTasksRequestsCapability(BaseModel):
    """Requests to the server that may be augmented with a task."""

    model_config = OPEN

    tools: TasksToolsCapability | None = None


class ServerTasksCapability(BaseModel):
    """What the server supports of tasks."""

    model_config = OPEN

    list: TasksListCapability | None = None
    cancel: TasksCancelCapability | None = None
    requests: ServerTasksRequestsCapability | None = None


class ServerCapabilities(BaseModel):
    """Capabilities that a server may support."""

    model_config = OPEN

    experimental: dict[str, dict[str, Any]] | None = None
    logging: LoggingCapability | None = None
    prompts: PromptsCapability | None = None
    resources: ResourcesCapability | None = None
    tools: ToolsCapability | None = None
    completions: CompletionsCapability | None = None
    tasks: ServerTasksCapability | None = None
