"""Checks on sampling requests that carry tools.

Source: specification 2025-11-25, page "Sampling", section "Message Content Constraints".
"""

from __future__ import annotations

from mcp.shared.exceptions import McpError
from mcp.types import (
    INVALID_PARAMS,
    ClientCapabilities,
    ErrorData,
    SamplingMessage,
    Tool,
    ToolChoice,
    ToolResultContent,
    ToolUseContent,
)


def check_sampling_tools_capability(client_caps: ClientCapabilities | None) -> bool:
    """Whether the client declared `sampling.tools`."""
    return client_caps is not None and client_caps.sampling is not None and client_caps.sampling.tools is not None


def validate_sampling_tools(
    client_caps: ClientCapabilities | None,
    tools: list[Tool] | None,
    tool_choice: ToolChoice | None,
) -> None:
    """Check that a client may be sent tools; an empty list of tools counts as tools.

    Raises:
        McpError: tools or a tool choice are given and the client did not declare `sampling.tools` (code -32602).
    """
    wanted = tools is not None or tool_choice is not None
    if wanted and not check_sampling_tools_capability(client_caps):
        message = "Client does not support sampling tools capability"
        raise McpError(ErrorData(code=INVALID_PARAMS, message=message))


def validate_tool_use_result_messages(messages: list[SamplingMessage]) -> None:
    """Check that tool results in the last message answer the tool uses of the one before, and stand alone.

    Raises:
        ValueError: they do not.
    """
    if not messages:
        return
    last = messages[-1].content_as_list
    previous = messages[-2].content_as_list if len(messages) > 1 else None
    results = [block for block in last if isinstance(block, ToolResultContent)]
    uses = {block.id for block in previous or () if isinstance(block, ToolUseContent)}

    if results:
        if len(results) != len(last):
            raise ValueError("The last message must contain only tool_result content if any is present")
        if previous is None:
            raise ValueError("tool_result requires a previous message containing tool_use")
        if not uses:
            raise ValueError("tool_result blocks do not match any tool_use in the previous message")
    if uses and {block.toolUseId for block in results} != uses:
        raise ValueError("ids of tool_result blocks and tool_use blocks from previous message do not match")
