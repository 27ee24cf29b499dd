"""Prompts of the high-level server."""

from mcp.server.fastmcp.prompts.base import Prompt
from mcp.server.fastmcp.prompts.manager import PromptManager

__all__ = ["Prompt", "PromptManager"]
