"""The tables of a session: requests sent and not yet answered, and which typed model belongs to which method.

Plain code: no streams, no clock, no event loop.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast, get_args
from weakref import WeakKeyDictionary

from pydantic import BaseModel, RootModel

from mcp.shared.message import SessionMessage
from mcp.types import RequestId

MAX_ABANDONED = 1024
"""How many timed-out or cancelled requests are remembered, so that their late answers are dropped in silence."""


class PendingRequest:
    """A request that waits for its answer.

    Args:
        wake: called once when the outcome is there.
    """

    __slots__ = ("_wake", "outcome")

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake
        self.outcome: SessionMessage | Exception | None = None

    def settle(self, outcome: SessionMessage | Exception) -> None:
        """Set the outcome: the response, or why none will come. The first one counts."""
        if self.outcome is None:
            self.outcome = outcome
            self._wake()


class OutgoingRequests(dict[RequestId, PendingRequest]):
    """Requests sent and not yet answered, by id; knows the abandoned ones too."""

    def __init__(self) -> None:
        super().__init__()
        self._abandoned: OrderedDict[RequestId, None] = OrderedDict()

    def abandon(self, request_id: RequestId) -> None:
        """Nobody waits for this request any more; its answer may still come."""
        if self.pop(request_id, None) is not None:
            self._abandoned[request_id] = None
            if len(self._abandoned) > MAX_ABANDONED:
                self._abandoned.popitem(last=False)

    def fail(self, response_id: RequestId, error: Exception) -> None:
        """Settle the request that a response with this id answers with an error, if it waits."""
        request_id = normalize_response_id(response_id)
        if request_id is not None and (pending := self.get(request_id)) is not None:
            self.abandon(request_id)
            pending.settle(error)

    def is_late(self, request_id: RequestId) -> bool:
        """Whether this is the answer to an abandoned request; true only once for each."""
        return self._abandoned.pop(request_id, self) is None

    def fail_all(self, make_error: Callable[[], Exception]) -> None:
        """Settle every request with an error of its own."""
        for pending in list(self.values()):
            pending.settle(make_error())

    def only_one(self) -> PendingRequest | None:
        """The one request that waits, None if there are none or several."""
        return next(iter(self.values())) if len(self) == 1 else None


def normalize_response_id(request_id: RequestId) -> RequestId | None:
    """The id of a response as our own ids are: numeric strings become integers. None if it can be none of ours."""
    if isinstance(request_id, str):
        try:
            return int(request_id)
        except ValueError:
            return None
    return request_id


def models_by_method(union: type[RootModel[Any]]) -> dict[str, type[BaseModel]]:
    """The members of a union of requests or notifications, by their method."""
    models = _known_unions.get(union)
    if models is None:
        models = _known_unions[union] = _read_union(union)
    return models


_known_unions: WeakKeyDictionary[type[RootModel[Any]], dict[str, type[BaseModel]]] = WeakKeyDictionary()


def _read_union(union: type[RootModel[Any]]) -> dict[str, type[BaseModel]]:
    models: dict[str, type[BaseModel]] = {}
    annotation: Any = union.model_fields["root"].annotation
    for model in cast("tuple[type[BaseModel], ...]", get_args(annotation) or (annotation,)):
        field = model.model_fields["method"]
        for method in (field.default, *get_args(field.annotation)):
            if isinstance(method, str):
                models[method] = model
    return models
