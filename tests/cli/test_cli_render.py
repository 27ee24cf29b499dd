"""What the client commands print, as text."""

import base64
import json
from typing import Any

import pytest

from mcp.cli import _render
from mcp.cli._render import Listing
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    GetPromptResult,
    ImageContent,
    Implementation,
    InitializeResult,
    Prompt,
    PromptArgument,
    PromptMessage,
    ReadResourceResult,
    Resource,
    ResourceLink,
    ResourceTemplate,
    ServerCapabilities,
    TextContent,
    TextResourceContents,
    Tool,
)

SERVER = InitializeResult(
    protocolVersion="2025-11-25",
    capabilities=ServerCapabilities(),
    serverInfo=Implementation(name="Demo", version="1.0"),
)


def uri(text: str) -> Any:
    return text


def blob(data: bytes) -> str:
    return base64.b64encode(data).decode()


TEXT = TextResourceContents(uri=uri("a://b"), text="contents")
BINARY = BlobResourceContents(uri=uri("a://c"), blob=blob(b"12345"), mimeType="image/png")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, "f()"),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, "f(a: integer)"),
        ({"properties": {"a": {"type": "integer"}}}, "f(a?: integer)"),
        ({"properties": {"o": {"default": 1}, "r": {}}, "required": ["r"]}, "f(r, o = 1)"),
        ({"properties": {"a": {"type": ["string", "null"], "default": None}}}, "f(a?: string)"),
        ({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}}, "f(a?: string|integer)"),
        ({"properties": {"a": {"enum": ["x", 2], "default": "x"}}}, 'f(a: x|2 = "x")'),
        ({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "object"}}}, "f(a?: object)"),
        ({"properties": {"a": True}}, "f(a?)"),
    ],
)
def test_a_tool_is_written_like_a_function(schema: dict[str, Any], expected: str) -> None:
    assert _render.signature("f", schema) == expected


LISTING = Listing(
    tools=[Tool(name="f", inputSchema={}, description="First line.\nSecond line."), Tool(name="g", inputSchema={})],
    resources=[
        Resource(uri=uri("a://b"), name="b", mimeType="text/plain", description="A resource"),
        Resource(uri=uri("a://c"), name="a://c"),
    ],
    templates=[ResourceTemplate(uriTemplate="a://{x}", name="t", title="Template")],
    prompts=[Prompt(name="p", arguments=[PromptArgument(name="x", required=True), PromptArgument(name="y")])],
)


def test_a_listing_for_people() -> None:
    assert _render.listing_text(SERVER, LISTING).splitlines() == [
        "Demo 1.0 (protocol 2025-11-25)",
        "",
        "Tools:",
        "  f()",
        "      First line.",
        "  g()",
        "",
        "Resources:",
        "  a://b  b  (text/plain)",
        "      A resource",
        "  a://c",
        "",
        "Resource templates:",
        "  a://{x}",
        "      Template",
        "",
        "Prompts:",
        "  p(x, y?)",
    ]


def test_an_empty_listing() -> None:
    assert _render.listing_text(SERVER, Listing(tools=[])).splitlines()[1:] == ["", "Nothing to list"]


def test_a_listing_for_scripts() -> None:
    data = json.loads(_render.to_json(_render.listing_data(SERVER, LISTING)))
    assert list(data) == ["server", "protocolVersion", "tools", "resources", "resourceTemplates", "prompts"]
    assert data["server"] == {"name": "Demo", "version": "1.0"}
    assert data["tools"][1] == {"name": "g", "inputSchema": {}}
    assert "tools" not in _render.listing_data(SERVER, Listing(prompts=[]))


def test_the_content_of_a_result() -> None:
    result = CallToolResult(
        content=[
            TextContent(type="text", text="text"),
            ImageContent(type="image", data=blob(b"1234"), mimeType="image/png"),
            AudioContent(type="audio", data=blob(b""), mimeType="audio/wav"),
            ResourceLink(type="resource_link", uri=uri("a://b"), name="b"),
            EmbeddedResource(type="resource", resource=TEXT),
            EmbeddedResource(type="resource", resource=BINARY),
        ]
    )
    assert _render.tool_result_text(result).splitlines() == [
        "text",
        "[image image/png, 4 bytes]",
        "[audio audio/wav, 0 bytes]",
        "[resource a://b]",
        "contents",
        "[resource a://c, image/png, 5 bytes]",
    ]


def test_structured_content_alone_is_shown() -> None:
    assert _render.tool_result_text(CallToolResult(content=[], structuredContent={"ü": 1})) == '{\n  "ü": 1\n}'
    assert _render.tool_result_text(CallToolResult(content=[])) == ""


def test_resources() -> None:
    unknown = BlobResourceContents(uri=uri("a://d"), blob=blob(b"1"))
    assert _render.resource_text(ReadResourceResult(contents=[TEXT, unknown])) == (
        "contents\n[resource a://d, binary, 1 bytes]"
    )
    assert _render.resource_bytes(ReadResourceResult(contents=[BINARY, unknown])) == b"123451"
    assert _render.resource_bytes(ReadResourceResult(contents=[BINARY, TEXT])) is None
    assert _render.resource_bytes(ReadResourceResult(contents=[])) is None


def test_a_prompt() -> None:
    messages = [
        PromptMessage(role="user", content=TextContent(type="text", text="Hi")),
        PromptMessage(role="assistant", content=TextContent(type="text", text="Hello")),
    ]
    assert _render.prompt_text(GetPromptResult(messages=messages)) == "user: Hi\n\nassistant: Hello"


def test_log_messages() -> None:
    assert _render.log_text("info", None, "text") == "[info] text"
    assert _render.log_text("error", "db", {"a": 1}) == '[error] db: {"a": 1}'


def test_json_of_nested_results() -> None:
    assert json.loads(_render.to_json({"a": (SERVER.serverInfo, 1)})) == {"a": [{"name": "Demo", "version": "1.0"}, 1]}
