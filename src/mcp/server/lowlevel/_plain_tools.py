"""Which tools hold nothing but JSON values, so that listing them in memory needs no conversion."""

import operator
from typing import Any, cast

from mcp.shared._codec import PlainResult
from mcp.types import ListToolsResult, ServerResult, Tool


class PlainServerResult(ServerResult, PlainResult):
    """A `ServerResult` that holds nothing but JSON values."""


class PlainTools:
    """Remembers of the tools listed last whether they are plain."""

    def __init__(self) -> None:
        self._tools: list[Tool] = []
        # None as long as they were not looked at.
        self._plain: bool | None = None

    def all_of(self, result: ListToolsResult) -> bool:
        """Whether all of a result is known to be plain.

        Tools are looked at when the same ones are listed for the second time: many servers make new ones for each list.
        """
        tools = result.tools
        if len(tools) != len(self._tools) or not all(map(operator.is_, tools, self._tools)):
            self._tools, self._plain = tools.copy(), None
            return False
        if self._plain is None:
            self._plain = all(_is_json(tool.model_dump(by_alias=True, exclude_none=True)) for tool in tools)
        return self._plain and result.meta is None and not result.__pydantic_extra__


def _is_json(value: Any) -> bool:
    # Subclasses do not count: whoever gets them could tell.
    kind = cast("type[object]", type(value))
    if kind is dict:
        return all(type(key) is str and _is_json(member) for key, member in value.items())
    if kind is list:
        return all(map(_is_json, value))
    return kind in (str, int, float, bool, type(None))
