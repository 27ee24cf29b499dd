"""Which tools hold nothing but JSON values, so that listing them in memory needs no conversion."""

from typing import Any, cast

from mcp.shared._codec import PlainResult
from mcp.types import ListToolsResult, ServerResult, Tool


class PlainServerResult(ServerResult, PlainResult):
    """A `ServerResult` that holds nothing but JSON values."""


class PlainTools:
    """Remembers of each tool whether it is plain."""

    def __init__(self) -> None:
        # By name: the tool, and whether it is plain; None as long as it was not looked at.
        self._known: dict[str, tuple[Tool, bool | None]] = {}

    def all_of(self, result: ListToolsResult) -> bool:
        """Whether all of a result is known to be plain.

        A tool is looked at when it is listed for the second time: many servers make new ones for each list.
        """
        known = self._known
        # What is no longer among the tools is forgotten.
        self._known = current = {}
        plain = result.meta is None and not result.__pydantic_extra__
        for tool in result.tools:
            name = tool.name
            entry = known.get(name)
            if entry is None or entry[0] is not tool:
                entry = tool, None
            elif entry[1] is None:
                entry = tool, _is_json(tool.model_dump(by_alias=True, exclude_none=True))
            current[name] = entry
            plain = plain and entry[1] is True
        return plain


def _is_json(value: Any) -> bool:
    # Subclasses do not count: whoever gets them could tell.
    kind = cast("type[object]", type(value))
    if kind is dict:
        return all(type(key) is str and _is_json(member) for key, member in value.items())
    if kind is list:
        return all(map(_is_json, value))
    return kind in (str, int, float, bool, type(None))
