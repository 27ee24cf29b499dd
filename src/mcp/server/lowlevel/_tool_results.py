"""What a tool function returned or raised, as the result of `tools/call`. Plain decisions, no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeAlias, cast

import mcp.types as types
from mcp.shared._schema import CompiledSchema

StructuredContent: TypeAlias = dict[str, Any]
UnstructuredContent: TypeAlias = Iterable[types.ContentBlock]
CombinationContent: TypeAlias = tuple[UnstructuredContent, StructuredContent]


class KnownTool:
    """A listed tool with its schemas compiled."""

    __slots__ = ("input_schema", "output_schema", "tool")

    def __init__(self, tool: types.Tool) -> None:
        self.tool = tool
        self.input_schema = CompiledSchema(tool.inputSchema)
        self.output_schema = CompiledSchema(tool.outputSchema) if tool.outputSchema is not None else None


def error_text(text: str) -> types.CallToolResult:
    """A result that tells of an error."""
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], isError=True)


def split_content(returned: object) -> tuple[list[types.ContentBlock], StructuredContent | None]:
    """Content and structured content of what a tool function returned.

    Raises:
        TypeError: it is neither content blocks, nor a dict, nor a pair of both.
    """
    if isinstance(returned, tuple) and len(cast("tuple[Any, ...]", returned)) == 2:
        content, structured = cast("CombinationContent", returned)
        return list(content), structured
    if isinstance(returned, dict):
        text = types.TextContent(type="text", text=json.dumps(returned, indent=2))
        return [text], cast("StructuredContent", returned)
    if isinstance(returned, Iterable):
        return list(cast("UnstructuredContent", returned)), None
    raise TypeError(f"Unexpected return type from tool: {type(returned).__name__}")


def output_error(tool: KnownTool | None, structured: StructuredContent | None) -> str | None:
    """What is wrong with the structured content of a result, None if nothing is.

    Raises:
        SchemaError: the tool's output schema cannot be used.
    """
    if tool is None or tool.output_schema is None:
        return None
    if structured is None:
        return "Output validation error: outputSchema defined but no structured output returned"
    problem = tool.output_schema.error(structured)
    return None if problem is None else f"Output validation error: {problem}"
