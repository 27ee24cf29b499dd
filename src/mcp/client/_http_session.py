"""What a client remembers of its HTTP session, so that a lost one can be opened anew: decisions without I/O.

Source: specification 2025-11-25, page "Transports", section "Session Management".
"""

from __future__ import annotations

from typing import Any, cast

from mcp.types import JSONRPCRequest, JSONRPCResponse

# A request of these changes nothing, or nothing more the second time.
REPEATABLE_METHODS = frozenset(
    {
        "completion/complete",
        "logging/setLevel",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/subscribe",
        "resources/templates/list",
        "resources/unsubscribe",
        "tools/list",
    }
)


class SessionMemory:
    """How the session was opened, and which of its tools may be called twice.

    Attributes:
        opening: the body of the `initialize` request that opened the session; None if this client did not open it.
        protocol_version: the version agreed on, None before.
    """

    def __init__(self) -> None:
        self.opening: bytes | None = None
        self.protocol_version: str | None = None
        self._repeatable_tools: set[str] = set()

    def note_answer(self, request: JSONRPCRequest, body: bytes, response: JSONRPCResponse) -> None:
        """Take a request, as it was sent, and its result."""
        if request.method == "initialize":
            self.opening = body
            version = response.result.get("protocolVersion")
            self.protocol_version = version if isinstance(version, str) else None
        elif request.method == "tools/list":
            tools = response.result.get("tools")
            for tool in cast("list[Any]", tools) if isinstance(tools, list) else ():
                self._note_tool(tool)

    def _note_tool(self, tool: Any) -> None:
        if not isinstance(tool, dict):
            return
        members = cast("dict[str, Any]", tool)
        name, annotations = members.get("name"), members.get("annotations")
        if not isinstance(name, str):
            return
        self._repeatable_tools.discard(name)
        if isinstance(annotations, dict):
            hints = cast("dict[str, Any]", annotations)
            if hints.get("readOnlyHint") is True or hints.get("idempotentHint") is True:
                self._repeatable_tools.add(name)

    def forget_opening(self) -> None:
        """The session was ended on purpose: it is not to be opened anew."""
        self.opening = None

    def may_repeat(self, request: JSONRPCRequest) -> bool:
        """Whether a request may be carried out twice."""
        if request.method == "tools/call":
            return isinstance(request.params, dict) and request.params.get("name") in self._repeatable_tools
        return request.method in REPEATABLE_METHODS
