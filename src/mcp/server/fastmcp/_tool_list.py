"""The tools of a server as the protocol lists them."""

from collections.abc import Iterable
from typing import Any

from mcp.server.fastmcp.tools.base import Tool
from mcp.types import Tool as ListedTool


class ToolList:
    """Makes protocol objects of tools, the same object again as long as its tool does not change.

    Those below compile the schemas of a tool once for each object. A tool may change by assignment, or in place; so
    may the object made of it, in the hands of a program that lists its own tools. Both count.
    """

    def __init__(self) -> None:
        # By name: the members of the tool, the object made of it, the members of that.
        self._known: dict[str, tuple[dict[str, Any], ListedTool, dict[str, Any]]] = {}

    def listed(self, tools: Iterable[Tool]) -> list[ListedTool]:
        """The protocol objects of `tools`, in their order."""
        known = self._known
        # What is no longer among the tools is forgotten.
        self._known = current = {}
        result: list[ListedTool] = []
        for tool in tools:
            name = tool.name
            entry = known.get(name)
            # Members that are the same objects are found equal at once.
            if entry is None or entry[0] != vars(tool) or entry[2] != vars(entry[1]) or entry[1].__pydantic_extra__:
                made = _made(tool)
                entry = _copied(vars(tool)), made, _copied(vars(made))
            current[name] = entry
            result.append(entry[1])
        return result


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
