"""The tools of a server as the protocol lists them."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, TypeAlias

from mcp.server.fastmcp.tools.base import Tool
from mcp.types import Tool as ListedTool

_Entry: TypeAlias = tuple[dict[str, Any], ListedTool, dict[str, Any]]
_EXTRA_MEMBERS = attrgetter("__pydantic_extra__")


class ToolList:
    """Makes protocol objects of tools, the same object again as long as its tool does not change.

    Those below compile the schemas of a tool once for each object. A tool may change by assignment, or in place; so
    may the object made of it, in the hands of a program that lists its own tools. Both count.
    """

    def __init__(self) -> None:
        # By name: the members of the tool, the object made of it, the members of that.
        self._known: dict[str, _Entry] = {}
        # The same column by column, in the order of the last list: one comparison of each tells that nothing changed.
        self._members: list[dict[str, Any]] = []
        self._made: list[ListedTool] = []
        self._made_members: list[dict[str, Any]] = []

    def listed(self, tools: Iterable[Tool]) -> list[ListedTool]:
        """The protocol objects of `tools`, in their order."""
        tools = list(tools)
        # Members that are the same objects are found equal at once.
        if (
            list(map(vars, tools)) != self._members
            or list(map(vars, self._made)) != self._made_members
            or any(map(_EXTRA_MEMBERS, self._made))
        ):
            entries = [_entry(self._known.get(tool.name), tool) for tool in tools]
            # What is no longer among the tools is forgotten.
            self._known = {entry[1].name: entry for entry in entries}
            self._members = [entry[0] for entry in entries]
            self._made = [entry[1] for entry in entries]
            self._made_members = [entry[2] for entry in entries]
        return self._made.copy()


def _entry(known: _Entry | None, tool: Tool) -> _Entry:
    if known is None or known[0] != vars(tool) or known[2] != vars(known[1]) or _EXTRA_MEMBERS(known[1]):
        made = _made(tool)
        return _copied(vars(tool)), made, _copied(vars(made))
    return known


def _made(tool: Tool) -> ListedTool:
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        inputSchema=tool.parameters,
        outputSchema=tool.output_schema,
        annotations=tool.annotations,
        icons=tool.icons,
        _meta=tool.meta,
    )


def _copied(members: dict[str, Any]) -> dict[str, Any]:
    """A copy that notices members added to or replaced in the dicts and lists inside.

    What lies deeper is shared between a tool and the object made of it, so that both change at once.
    """
    return {
        key: value.copy() if type(value) in (dict, list) else value  # pyright: ignore[reportUnknownMemberType]
        for key, value in members.items()
    }
