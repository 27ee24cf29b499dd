"""Errors as clients see them: with their text, or with a reference to the log in its place."""

import uuid

from pydantic import ValidationError

from mcp.server.fastmcp.exceptions import FastMCPError
from mcp.server.fastmcp.tools.base import Tool
from mcp.server.fastmcp.utilities.logging import get_logger

logger = get_logger(__name__)


def masked(what: str, error: BaseException) -> str:
    """Log an error, and make a text that says nothing but where to look for it.

    Args:
        what: What went wrong, as clients may know it.
        error: Why.
    """
    reference = uuid.uuid4().hex[:12]
    logger.error("%s (reference %s)", what, reference, exc_info=error)
    return f"{what}: internal error, reference {reference}"


def is_meant_for_clients(cause: BaseException, tool: Tool | None = None) -> bool:
    """Whether the text of an error may be shown all the same.

    That is one raised on purpose, as a `ToolError`, or a complaint about the arguments of `tool`, which says nothing
    but what the client sent and was told.

    Args:
        cause: The exception behind the error.
        tool: The tool that was called.
    """
    if isinstance(cause, FastMCPError):
        return True
    if tool is None or not isinstance(cause, ValidationError):
        return False
    return cause.title == tool.fn_metadata.arg_model.__name__
