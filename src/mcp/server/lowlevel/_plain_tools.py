"""Lists of tools that hold nothing but JSON values: in memory, a client gets a copy, and nothing is converted."""

import operator
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from pydantic import PrivateAttr, ValidationError
from pydantic_core import SchemaSerializer, core_schema

from mcp.shared._codec import PlainResult, wrap_root
from mcp.types import ListToolsResult, ServerResult, Tool

# Of nested dicts and lists.
_copied = SchemaSerializer(core_schema.any_schema()).to_python


class PlainServerResult(ServerResult, PlainResult):
    """A `ServerResult` that holds nothing but JSON values."""

    _copy: Callable[[], ListToolsResult] = PrivateAttr()

    def copied(self) -> ListToolsResult:
        """The result, as a client reads it."""
        return self._copy()


class PlainTools:
    """Remembers of the tools listed last whether they are plain."""

    def __init__(self) -> None:
        self._tools: list[Tool] = []
        self._members: list[dict[str, Any]] = []
        # Whether they are plain, None as long as they were not looked at; and what `_known_fields` says of each.
        self._plain: bool | None = None
        self._fields: list[set[str] | None] = []

    def wrapped(self, result: ListToolsResult) -> ServerResult:
        """The result under its union, which says if all of it is known to be plain.

        Tools are looked at when the same ones are listed for the second time: many servers make new ones for each list.
        """
        tools = result.tools
        members = list(map(vars, tools))
        if len(tools) != len(self._tools) or not all(map(operator.is_, tools, self._tools)) or members != self._members:
            self._tools, self._members, self._plain = tools.copy(), [each.copy() for each in members], None
            return wrap_root(ServerResult, result)
        if self._plain is None:
            dumped = [tool.model_dump(by_alias=True, exclude_none=True) for tool in tools]
            self._plain = all(map(_is_json, dumped))
            self._fields = list(map(_known_fields, tools, dumped)) if self._plain else []
        if not self._plain or result.meta is not None or result.__pydantic_extra__:
            return wrap_root(ServerResult, result)
        wrapped = wrap_root(PlainServerResult, result)
        fields = self._fields
        object.__setattr__(wrapped, "__pydantic_private__", {"_copy": lambda: _copy(result, fields)})
        return wrapped


def _is_json(value: Any) -> bool:
    # Subclasses do not count: whoever gets them could tell.
    kind = cast("type[object]", type(value))
    if kind is dict:
        return all(type(key) is str and _is_json(member) for key, member in value.items())
    if kind is list:
        return all(map(_is_json, value))
    return kind in (str, int, float, bool, type(None))


def _known_fields(tool: Tool, dumped: dict[str, Any]) -> set[str] | None:
    """Which fields the copy of a tool has set; None for one with models in it, or one that does not fit its model."""
    if tool.annotations is None and tool.icons is None and tool.execution is None:
        with suppress(ValidationError):
            read = Tool.model_validate(dumped)
            if vars(read) == vars(tool):
                return read.model_fields_set
    return None


def _copy(result: ListToolsResult, fields: list[set[str] | None]) -> ListToolsResult:
    nested = _copied([(tool.inputSchema, tool.outputSchema, tool.meta) for tool in result.tools])
    copies: list[Tool] = []
    set_attribute = object.__setattr__
    for tool, fields_set, own in zip(result.tools, fields, nested, strict=True):
        # Members that the model does not know may have come since; they are not among those compared.
        if fields_set is None or tool.__pydantic_extra__:
            copies.append(Tool.model_validate(tool.model_dump(by_alias=True, exclude_none=True)))
            continue
        members = vars(tool).copy()
        members["inputSchema"], members["outputSchema"], members["meta"] = own
        copy = Tool.__new__(Tool)
        set_attribute(copy, "__dict__", members)
        set_attribute(copy, "__pydantic_fields_set__", fields_set.copy())
        set_attribute(copy, "__pydantic_extra__", {})
        set_attribute(copy, "__pydantic_private__", None)
        copies.append(copy)
    if result.nextCursor is None:
        return ListToolsResult(tools=copies)
    return ListToolsResult(tools=copies, nextCursor=result.nextCursor)
