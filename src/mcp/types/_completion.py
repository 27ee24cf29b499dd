"""Argument completion.

Source: specification 2025-11-25, page "Completion".
"""

from typing import Literal

from pydantic import BaseModel
from typing_extensions import deprecated

from mcp.types._base import OPEN, RequestOf, RequestParams, Result


class ResourceTemplateReference(BaseModel):
    """A reference to a resource or resource template definition."""

    model_config = OPEN

    type: Literal["ref/resource"]
    uri: str


@deprecated("`ResourceReference` is deprecated, you should use `ResourceTemplateReference`.")
class ResourceReference(ResourceTemplateReference):
    """Deprecated name of `ResourceTemplateReference`."""


class PromptReference(BaseModel):
    """Identifies a prompt."""

    model_config = OPEN

    type: Literal["ref/prompt"]
    name: str


class CompletionArgument(BaseModel):
    """The argument to complete: its name and the text typed so far."""

    model_config = OPEN

    name: str
    value: str


class CompletionContext(BaseModel):
    """Arguments that are already resolved, by name."""

    model_config = OPEN

    arguments: dict[str, str] | None = None


class CompleteRequestParams(RequestParams):
    """Parameters for a `completion/complete` request."""

    model_config = OPEN

    ref: ResourceTemplateReference | PromptReference
    argument: CompletionArgument
    context: CompletionContext | None = None


class CompleteRequest(RequestOf[CompleteRequestParams, Literal["completion/complete"]]):
    """A request from the client to the server, to ask for completion options."""

    method: Literal["completion/complete"] = "completion/complete"
    params: CompleteRequestParams


class Completion(BaseModel):
    """Suggested values, at most 100 by the specification; `total` and `hasMore` tell of further ones."""

    model_config = OPEN

    values: list[str]
    total: int | None = None
    hasMore: bool | None = None


class CompleteResult(Result):
    """The server's response to a completion/complete request."""

    completion: Completion
