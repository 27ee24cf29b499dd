"""What `mcp run --reload` has to do so that a client does not notice that its server is another process now.

The messages of a stdio connection pass through here, line by line. When a new process has taken over, the handshake
and the subscriptions of the client are said to it again, and the client is told that the lists may have changed.
Requests that the old process has left unanswered get an error. All of this is plain code without input or output.

Source: specification 2025-11-25, pages "Lifecycle" and "Transports", section "stdio".
"""

import json
from typing import Any, NamedTuple, TypeAlias, cast

CONNECTION_CLOSED = -32000

PRIVATE_ID = "mcp-reload-"
"""Ids of our own requests begin so; their answers are not for the client."""

LISTS = ("tools", "resources", "prompts")

Message: TypeAlias = dict[str, Any]


class Lines(NamedTuple):
    """Lines to pass on."""

    to_server: list[bytes]
    to_client: list[bytes]


class Replay:
    """The conversation between one client and one server after the other."""

    def __init__(self) -> None:
        self._running = False
        self._ready = False
        # What to say to the next server: the handshake, and what sets its state, by what it sets.
        self._initialize: Message | None = None
        self._initialized: bytes | None = None
        self._settings: dict[str, Message] = {}
        self._unanswered: dict[Any, Message] = {}
        self._asked_by_server: set[Any] = set()
        # Requests of servers that are gone, which the client may still answer.
        self._stale: set[Any] = set()
        self._held: list[bytes] = []
        self._count = 0

    def started(self) -> Lines:
        """A server process has started."""
        self._running = True
        self._ready = self._initialize is None
        return Lines([] if self._initialize is None else [self._own(self._initialize)], [])

    def stopped(self) -> Lines:
        """The server process has ended; nothing more comes from it."""
        self._running = False
        self._ready = False
        answers = [_refusal(key, "The server was stopped before it answered") for key in self._unanswered]
        self._unanswered.clear()
        self._held.clear()
        self._stale |= self._asked_by_server
        self._asked_by_server.clear()
        return Lines([], answers)

    def from_client(self, line: bytes) -> Lines:
        """The client has sent a line."""
        message = _parse(line)
        method, key = message.get("method"), message.get("id")
        if isinstance(method, str) and "id" in message:
            if not self._running:
                return Lines([], [_refusal(key, "The server does not run; it starts again when its files change")])
            self._unanswered[_hashable(key)] = message
        elif method == "notifications/initialized":
            self._initialized = line
        elif method is None and _hashable(key) in self._stale:
            self._stale.discard(_hashable(key))
            return Lines([], [])
        if not self._running:
            return Lines([], [])
        if not self._ready:
            self._held.append(line)
            return Lines([], [])
        return Lines([line], [])

    def from_server(self, line: bytes) -> Lines:
        """The server has sent a line."""
        message = _parse(line)
        key = _hashable(message.get("id"))
        if "method" in message:
            if "id" in message:
                self._asked_by_server.add(key)
            return Lines([], [line])
        if isinstance(key, str) and key.startswith(PRIVATE_ID):
            return Lines([], []) if self._ready else self._take_over()
        request = self._unanswered.pop(key, None)
        if request is not None and isinstance(message.get("result"), dict):
            self._remember(request)
            if request["method"] == "initialize":
                line = _dump(_with_list_changes(message))
        return Lines([], [line])

    def _remember(self, request: Message) -> None:
        """Note a request that was carried out and that the next server has to know of."""
        method = request["method"]
        params: Message = request.get("params") or {}
        if method == "initialize":
            self._initialize = request
        elif method == "logging/setLevel":
            self._settings[method] = request
        elif method == "resources/subscribe":
            self._settings[f"subscription to {params.get('uri')}"] = request
        elif method == "resources/unsubscribe":
            self._settings.pop(f"subscription to {params.get('uri')}", None)

    def _take_over(self) -> Lines:
        """The new server has answered the handshake: tell it the rest, and let the client go on."""
        self._ready = True
        to_server = [self._initialized] if self._initialized is not None else []
        to_server += [self._own(request) for request in self._settings.values()]
        to_server += self._held
        self._held.clear()
        changes = [{"jsonrpc": "2.0", "method": f"notifications/{name}/list_changed"} for name in LISTS]
        return Lines(to_server, [_dump(change) for change in changes])

    def _own(self, request: Message) -> bytes:
        self._count += 1
        return _dump({**request, "id": f"{PRIVATE_ID}{self._count}"})


def _parse(line: bytes) -> Message:
    """The message of a line; empty if it is none, or a batch: such lines pass as they are."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return cast("Message", value) if isinstance(value, dict) else {}


def _hashable(key: Any) -> Any:
    return key if isinstance(key, str | int | float) or key is None else repr(key)


def _with_list_changes(answer: Message) -> Message:
    """The answer to `initialize`, with the announcement that lists may change: after a reload they do."""
    result: Message = answer["result"]
    capabilities: Message = result.get("capabilities") or {}
    changing = {
        name: {**capabilities[name], "listChanged": True} for name in LISTS if isinstance(capabilities.get(name), dict)
    }
    return {**answer, "result": {**result, "capabilities": {**capabilities, **changing}}}


def _refusal(key: Any, reason: str) -> bytes:
    return _dump({"jsonrpc": "2.0", "id": key, "error": {"code": CONNECTION_CLOSED, "message": reason}})


def _dump(message: Message) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"
