"""Experimental features, which may change or go without notice."""

EXPERIMENTAL_TASKS_DEPRECATION = (
    "The experimental tasks API is deprecated and will be removed in mcp 2.0: tasks (SEP-1686) were removed from the "
    "MCP specification and are expected to return as a separate MCP extension."
)
"""The warning of everything that leads to tasks."""
