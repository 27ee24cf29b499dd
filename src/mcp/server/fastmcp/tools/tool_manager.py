"""Registry of tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp.server.fastmcp.context import Context
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.fastmcp.tools.base import Tool
from mcp.server.fastmcp.utilities.logging import get_logger
from mcp.server.session import ServerSessionT
from mcp.shared.context import LifespanContextT, RequestT
from mcp.types import Icon, ToolAnnotations

logger = get_logger(__name__)


class ToolManager:
    """The tools of a server, in order of registration.

    Args:
        warn_on_duplicate_tools: Log a warning when a name is registered again.
        tools: Tools to begin with; of those with the same name the last one stays.
    """

    def __init__(
        self,
        warn_on_duplicate_tools: bool = True,
        *,
        tools: list[Tool] | None = None,
    ) -> None:
        self.warn_on_duplicate_tools = warn_on_duplicate_tools
        self._tools: dict[str, Tool] = {}
        for tool in tools or ():
            if tool.name in self._tools:
                self._warn(tool.name)
            self._tools[tool.name] = tool

    def get_tool(self, name: str) -> Tool | None:
        """The tool called `name`, None if there is none."""
        return self._tools.get(name)

    def list_tools(self) -> list[Tool]:
        """All tools."""
        return list(self._tools.values())

    def add_tool(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        annotations: ToolAnnotations | None = None,
        icons: list[Icon] | None = None,
        meta: dict[str, Any] | None = None,
        structured_output: bool | None = None,
        run_in_thread: bool | None = None,
    ) -> Tool:
        """Register a function as a tool; if its name is taken, the tool that has it stays.

        The arguments and exceptions are those of `Tool.from_function`.

        Returns:
            The tool of that name.
        """
        tool = Tool.from_function(
            fn,
            name=name,
            title=title,
            description=description,
            annotations=annotations,
            icons=icons,
            meta=meta,
            structured_output=structured_output,
            run_in_thread=run_in_thread,
        )
        existing = self._tools.setdefault(tool.name, tool)
        if existing is not tool:
            self._warn(tool.name)
        return existing

    def remove_tool(self, name: str) -> None:
        """Remove a tool.

        Raises:
            ToolError: There is none of that name.
        """
        if name not in self._tools:
            raise ToolError(f"Unknown tool: {name}")
        del self._tools[name]

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        context: Context[ServerSessionT, LifespanContextT, RequestT] | None = None,
        convert_result: bool = False,
    ) -> Any:
        """Call a tool, see `Tool.run`.

        Raises:
            ToolError: There is none of that name, or the call failed.
        """
        tool = self.get_tool(name)
        if tool is None:
            raise ToolError(f"Unknown tool: {name}")
        return await tool.run(arguments, context=context, convert_result=convert_result)

    def _warn(self, name: str) -> None:
        if self.warn_on_duplicate_tools:
            logger.warning("Tool already exists: %s", name)
