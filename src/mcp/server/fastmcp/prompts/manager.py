"""Registry of prompts."""

from __future__ import annotations

from typing import Any

from mcp.server.fastmcp.context import Context
from mcp.server.fastmcp.exceptions import UnknownPromptError
from mcp.server.fastmcp.prompts.base import Message, Prompt
from mcp.server.fastmcp.utilities.logging import get_logger
from mcp.server.session import ServerSessionT
from mcp.shared.context import LifespanContextT, RequestT

logger = get_logger(__name__)


class PromptManager:
    """The prompts of a server, in order of registration.

    Args:
        warn_on_duplicate_prompts: Log a warning when a name is registered again.
    """

    def __init__(self, warn_on_duplicate_prompts: bool = True) -> None:
        self._prompts: dict[str, Prompt] = {}
        self.warn_on_duplicate_prompts = warn_on_duplicate_prompts

    def get_prompt(self, name: str) -> Prompt | None:
        """The prompt called `name`, None if there is none."""
        return self._prompts.get(name)

    def list_prompts(self) -> list[Prompt]:
        """All prompts."""
        return list(self._prompts.values())

    def add_prompt(
        self,
        prompt: Prompt,
    ) -> Prompt:
        """Register a prompt; if its name is taken, the prompt that has it stays.

        Returns:
            The prompt of that name.
        """
        existing = self._prompts.get(prompt.name)
        if existing is None:
            self._prompts[prompt.name] = prompt
            return prompt
        if self.warn_on_duplicate_prompts:
            logger.warning("Prompt already exists: %s", prompt.name)
        return existing

    async def render_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[ServerSessionT, LifespanContextT, RequestT] | None = None,
    ) -> list[Message]:
        """The messages of a prompt, see `Prompt.render`.

        Raises:
            UnknownPromptError: There is none of that name; a ValueError.
        """
        prompt = self.get_prompt(name)
        if prompt is None:
            raise UnknownPromptError(name)
        return await prompt.render(arguments, context=context)
