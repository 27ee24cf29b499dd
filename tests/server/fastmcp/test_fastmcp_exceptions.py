"""The errors of the high-level server."""

import pytest

from mcp.server.fastmcp.exceptions import (
    FastMCPError,
    InvalidSignature,
    MissingArgumentsError,
    ResourceError,
    ToolError,
    UnknownPromptError,
    UnknownResourceError,
    ValidationError,
)
from mcp.shared.exceptions import McpError


def test_tree():
    """EXC-1"""
    assert FastMCPError.__base__ is Exception
    assert {cls.__base__ for cls in (ValidationError, ResourceError, ToolError)} == {FastMCPError}
    assert InvalidSignature.__base__ is Exception


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UnknownResourceError("r://x"), -32002, "Unknown resource: r://x"),
        (UnknownPromptError("p"), -32602, "Unknown prompt: p"),
        (MissingArgumentsError(["b", "a"]), -32602, "Missing required arguments: {'a', 'b'}"),
    ],
)
def test_errors_with_a_code(error: McpError, code: int, text: str):
    """RES-READ-7, PRM-7, PRM-8: a code for clients, a ValueError for programs."""
    assert isinstance(error, ValueError)
    assert (error.error.code, error.error.message, str(error)) == (code, text, text)
