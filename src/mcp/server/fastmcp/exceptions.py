"""Errors of the high-level server.

```
FastMCPError
├── ValidationError
├── ResourceError                   a resource could not be read
└── ToolError                       what a failing tool call ends in
InvalidSignature                    a function cannot become a tool or prompt
UnknownResourceError      -32002    no resource has that URI
UnknownPromptError        -32602    no prompt has that name
MissingArgumentsError     -32602    a prompt was asked for without all it needs
```

Those with a code are `McpError`s, which is what gives clients the code, and `ValueError`s to callers in the program.
"""

from collections.abc import Iterable

from mcp.shared.exceptions import McpError
from mcp.types import INVALID_PARAMS, ErrorData

RESOURCE_NOT_FOUND = -32002
"""Error code of a read of an unknown resource.

Source: specification 2025-11-25, page "Resources", section "Error Handling".
"""


class FastMCPError(Exception):
    """Base of the errors of the high-level server."""


class ValidationError(FastMCPError):
    """Parameters or a return value are not valid."""


class ResourceError(FastMCPError):
    """A resource could not be read."""


class ToolError(FastMCPError):
    """A tool call failed. A tool may raise it itself: its text reaches the client even where details are masked."""


class InvalidSignature(Exception):
    """A function cannot become a tool or a prompt because of its parameters or its return annotation."""


class UnknownResourceError(McpError, ValueError):
    """No resource and no template has the URI that was asked for (code -32002, `data.uri`).

    Args:
        uri: What was asked for.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(ErrorData(code=RESOURCE_NOT_FOUND, message=f"Unknown resource: {uri}", data={"uri": uri}))


class UnknownPromptError(McpError, ValueError):
    """No prompt has the name that was asked for (code -32602).

    Args:
        name: What was asked for.
    """

    def __init__(self, name: str) -> None:
        super().__init__(ErrorData(code=INVALID_PARAMS, message=f"Unknown prompt: {name}"))


class MissingArgumentsError(McpError, ValueError):
    """A prompt was asked for without all of its required arguments (code -32602).

    Args:
        names: The arguments that are missing.
    """

    def __init__(self, names: Iterable[str]) -> None:
        missing = ", ".join(repr(name) for name in sorted(names))
        super().__init__(ErrorData(code=INVALID_PARAMS, message=f"Missing required arguments: {{{missing}}}"))
