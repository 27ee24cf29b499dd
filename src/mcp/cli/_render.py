"""What the client commands print for people, as pure functions from results to text."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from mcp.cli._values import Schema, alternatives_of, choices_of, resolve, types_of
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    GetPromptResult,
    ImageContent,
    InitializeResult,
    Prompt,
    ReadResourceResult,
    Resource,
    ResourceLink,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
    Tool,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Listing:
    """All that a server offers; what was not asked for is None."""

    tools: Sequence[Tool] | None = None
    resources: Sequence[Resource] | None = None
    templates: Sequence[ResourceTemplate] | None = None
    prompts: Sequence[Prompt] | None = None


def to_json(value: Any, *, ascii_only: bool = False) -> str:
    """The JSON text of a result, or of plain data with results in it, indented."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=ascii_only)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in cast("Sequence[Any]", value)]
    return value


def listing_data(server: InitializeResult, listing: Listing) -> dict[str, Any]:
    """A listing as data for `--json`."""
    parts = {
        "tools": listing.tools,
        "resources": listing.resources,
        "resourceTemplates": listing.templates,
        "prompts": listing.prompts,
    }
    return {
        "server": server.serverInfo,
        "protocolVersion": server.protocolVersion,
        **{name: list(part) for name, part in parts.items() if part is not None},
    }


def listing_text(server: InitializeResult, listing: Listing) -> str:
    """A listing for people: one line for each thing, with the first line of its description below."""
    lines = [f"{server.serverInfo.name} {server.serverInfo.version} (protocol {server.protocolVersion})"]
    lines += _section("Tools", listing.tools, _tool_line)
    lines += _section("Resources", listing.resources, _resource_line)
    lines += _section("Resource templates", listing.templates, _template_line)
    lines += _section("Prompts", listing.prompts, _prompt_line)
    if len(lines) == 1:
        lines += ["", "Nothing to list"]
    return "\n".join(lines)


def _section(title: str, items: Sequence[T] | None, line: Callable[[T], str]) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield f"{title}:"
    for item in items:
        yield f"  {line(item)}"
        description = (getattr(item, "description", None) or getattr(item, "title", None) or "").strip()
        if description:
            yield f"      {description.splitlines()[0]}"


def _tool_line(tool: Tool) -> str:
    return signature(tool.name, tool.inputSchema)


def _template_line(template: ResourceTemplate) -> str:
    return template.uriTemplate


def _resource_line(resource: Resource) -> str:
    line = str(resource.uri)
    if resource.name and resource.name != line:
        line += f"  {resource.name}"
    return f"{line}  ({resource.mimeType})" if resource.mimeType else line


def _prompt_line(prompt: Prompt) -> str:
    arguments = prompt.arguments or []
    return f"{prompt.name}({', '.join(each.name + ('' if each.required else '?') for each in arguments)})"


def signature(name: str, schema: Schema) -> str:
    """A tool as one writes a function: `add(a: integer, b: integer = 1)`."""
    resolved = resolve(schema, schema)
    properties: dict[str, Any] = resolved.get("properties") or {}
    required = resolved.get("required") or ()
    # What must be given stands first, as a function would have it.
    names = sorted(properties, key=lambda key: key not in required)
    return f"{name}({', '.join(_parameter(key, properties[key], key in required, schema) for key in names)})"


def _parameter(name: str, schema: Any, required: bool, root: Schema) -> str:
    schema = cast("Schema", schema) if isinstance(schema, dict) else {}
    kinds: list[str] = []
    nullable = False
    for alternative in alternatives_of(schema, root):
        choices = [choice if isinstance(choice, str) else json.dumps(choice) for choice in choices_of(alternative)]
        for kind in choices or types_of(alternative):
            nullable = nullable or kind == "null"
            if kind != "null" and kind not in kinds:
                kinds.append(kind)
    kind = f": {'|'.join(kinds)}" if kinds else ""
    if required:
        return f"{name}{kind}"
    default = schema.get("default")
    return f"{name}?{kind}" if default is None else f"{name}{kind} = {json.dumps(default, ensure_ascii=False)}"


def tool_result_text(result: CallToolResult) -> str:
    """The content of a tool result; its structured content if that is all there is."""
    if not result.content and result.structuredContent is not None:
        return to_json(result.structuredContent)
    return content_text(result.content)


def content_text(content: Iterable[ContentBlock]) -> str:
    """Content blocks, one below the other."""
    return "\n".join(_block_text(block) for block in content)


def _block_text(block: ContentBlock) -> str:
    if isinstance(block, TextContent):
        return block.text
    if isinstance(block, ImageContent | AudioContent):
        return f"[{block.type} {block.mimeType}, {_size(block.data)}]"
    if isinstance(block, ResourceLink):
        return f"[resource {block.uri}]"
    assert isinstance(block, EmbeddedResource)
    return _resource_text(block.resource)


def _resource_text(contents: TextResourceContents | BlobResourceContents) -> str:
    if isinstance(contents, TextResourceContents):
        return contents.text
    return f"[resource {contents.uri}, {contents.mimeType or 'binary'}, {_size(contents.blob)}]"


def _size(data: str) -> str:
    return f"{len(data) * 3 // 4 - data[-2:].count('=')} bytes"


def resource_text(result: ReadResourceResult) -> str:
    """The contents of a resource for a terminal: binary ones are only described."""
    return "\n".join(_resource_text(contents) for contents in result.contents)


def resource_bytes(result: ReadResourceResult) -> bytes | None:
    """The bytes of a binary resource, as a file or pipe wants them; None if there is text in it."""
    blobs = [contents.blob for contents in result.contents if isinstance(contents, BlobResourceContents)]
    if not blobs or len(blobs) < len(result.contents):
        return None
    return b"".join(base64.b64decode(blob) for blob in blobs)


def prompt_text(result: GetPromptResult) -> str:
    """The messages of a prompt, each headed by its role."""
    return "\n\n".join(f"{message.role}: {content_text([message.content])}" for message in result.messages)


def log_text(level: str, logger: str | None, data: Any) -> str:
    """A log message of the server as one line or more."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, default=str)
    return f"[{level}] {logger}: {text}" if logger else f"[{level}] {text}"
