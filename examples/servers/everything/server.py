"""A server with one of everything: what the official conformance suite looks for.

    uv run python examples/servers/everything/server.py --port 3001

Streamable HTTP at http://localhost:PORT/mcp, on loopback only, resumable.
"""

from __future__ import annotations

import argparse
import base64
import struct
import zlib
from typing import Annotated, Any

import anyio
from event_store import InMemoryEventStore
from pydantic import AnyUrl, BaseModel, Field

import mcp.types as types
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.prompts.base import UserMessage
from mcp.server.fastmcp.tools import Tool
from mcp.shared.exceptions import McpError


def png() -> bytes:
    """A picture of one red dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def wav() -> bytes:
    """A moment of silence: one sample, 8 kHz, mono."""
    header = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    data = struct.pack("<4sI", b"data", 1) + b"\x80"
    return b"RIFF" + struct.pack("<I", 4 + len(header) + len(data)) + b"WAVE" + header + data


IMAGE = base64.b64encode(png()).decode()
AUDIO = base64.b64encode(wav()).decode()


def text(content: str) -> types.TextContent:
    return types.TextContent(type="text", text=content)


def image() -> types.ImageContent:
    return types.ImageContent(type="image", data=IMAGE, mimeType="image/png")


def embedded(uri: str, content: str) -> types.EmbeddedResource:
    resource = types.TextResourceContents(uri=AnyUrl(uri), mimeType="text/plain", text=content)
    return types.EmbeddedResource(type="resource", resource=resource)


def make_server(port: int) -> FastMCP:
    mcp = FastMCP("everything", port=port, event_store=InMemoryEventStore(), retry_interval=100, tools=[schema_tool()])
    add_content_tools(mcp)
    add_talking_tools(mcp)
    add_asking_tools(mcp)
    add_resources(mcp)
    add_prompts(mcp)
    return mcp


def add_content_tools(mcp: FastMCP) -> None:
    @mcp.tool()
    def test_simple_text() -> list[types.ContentBlock]:
        """Answers with a text."""
        return [text("This is a simple text response.")]

    @mcp.tool()
    def test_image_content() -> list[types.ContentBlock]:
        """Answers with an image."""
        return [image()]

    @mcp.tool()
    def test_audio_content() -> list[types.ContentBlock]:
        """Answers with a sound."""
        return [types.AudioContent(type="audio", data=AUDIO, mimeType="audio/wav")]

    @mcp.tool()
    def test_embedded_resource() -> list[types.ContentBlock]:
        """Answers with an embedded resource."""
        return [embedded("test://embedded-resource", "This is an embedded resource.")]

    @mcp.tool()
    def test_multiple_content_types() -> list[types.ContentBlock]:
        """Answers with a text, an image and an embedded resource."""
        return [
            text("Several kinds of content:"),
            image(),
            embedded("test://mixed-content-resource", "And a resource."),
        ]

    @mcp.tool()
    def test_error_handling() -> str:
        """Fails."""
        raise RuntimeError("This tool always fails")


def add_talking_tools(mcp: FastMCP) -> None:
    @mcp.tool()
    async def test_tool_with_logging(ctx: Context) -> str:
        """Sends log messages while it runs."""
        for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(message)
            await anyio.sleep(0.05)
        return "Sent three log messages."

    @mcp.tool()
    async def test_tool_with_progress(ctx: Context) -> str:
        """Reports progress while it runs."""
        for progress in (0, 50, 100):
            await ctx.report_progress(progress, total=100, message=f"Step {progress} of 100")
            await anyio.sleep(0.05)
        return "Reported progress three times."

    @mcp.tool()
    async def test_reconnection(ctx: Context) -> str:
        """Closes its own event stream; the client comes back for the answer."""
        await ctx.info("Closing the stream")
        await ctx.close_sse_stream()
        await anyio.sleep(0.2)
        await ctx.info("Going on")
        return "The client has come back."


class Reply(BaseModel):
    response: str = Field(description="The answer")


DEFAULTS = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    },
    "required": [],
}

CHOICES = [{"const": f"value{number}", "title": f"Choice {number}"} for number in (1, 2, 3)]
NAMES = ["option1", "option2", "option3"]

ENUMS = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": NAMES},
        "titledSingle": {"type": "string", "oneOf": CHOICES},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": NAMES}},
        "titledMulti": {"type": "array", "items": {"anyOf": CHOICES}},
        "legacyEnum": {"type": "string", "enum": NAMES, "enumNames": ["Option one", "Option two", "Option three"]},
    },
    "required": [],
}


def add_asking_tools(mcp: FastMCP) -> None:
    async def elicit(ctx: Context, message: str, schema: dict[str, Any]) -> str:
        """Ask with a schema of our own, on the stream of the call."""
        request_id = ctx.request_context.request_id
        try:
            result = await ctx.session.elicit_form(message, schema, related_request_id=request_id)
        except McpError as error:
            return f"Elicitation failed: {error}"
        return f"Elicitation completed: action={result.action}, content={result.content}"

    @mcp.tool()
    async def test_sampling(prompt: str, ctx: Context) -> str:
        """Asks the client's language model."""
        message = types.SamplingMessage(role="user", content=text(prompt))
        try:
            result = await ctx.session.create_message(
                [message], max_tokens=100, related_request_id=ctx.request_context.request_id
            )
        except McpError as error:
            return f"Sampling failed: {error}"
        content = result.content
        return f"LLM response: {content.text if isinstance(content, types.TextContent) else content.type}"

    @mcp.tool()
    async def test_elicitation(message: str, ctx: Context) -> str:
        """Asks the user."""
        return await elicit(ctx, message, Reply.model_json_schema())

    @mcp.tool()
    async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
        """Asks the user, with a default for every kind of field."""
        return await elicit(ctx, "Please check these values", DEFAULTS)

    @mcp.tool()
    async def test_elicitation_sep1330_enums(ctx: Context) -> str:
        """Asks the user to choose, in every form of enumeration."""
        return await elicit(ctx, "Please choose", ENUMS)


SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def schema_tool() -> Tool:
    def json_schema_2020_12_tool(
        name: Annotated[str | None, Field()] = None, address: dict[str, str] | None = None
    ) -> list[types.ContentBlock]:
        """Takes an input schema with every keyword of JSON Schema 2020-12."""
        return [text(f"Got {name} at {address}")]

    return Tool.from_function(json_schema_2020_12_tool).model_copy(update={"parameters": SCHEMA_2020_12})


def add_resources(mcp: FastMCP) -> None:
    @mcp.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """A text."""
        return "This is the content of the static text resource."

    @mcp.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """A picture."""
        return png()

    @mcp.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> dict[str, str]:
        """Data of an id."""
        return {"id": id, "data": f"Data for {id}"}

    @mcp.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """A resource to subscribe to."""
        return "Watch me."

    subscriptions: set[str] = set()
    # The 1.x API has no decorator for subscriptions on FastMCP; this name of its low-level server is what programs use.
    lowlevel = mcp._mcp_server

    @lowlevel.subscribe_resource()
    async def subscribe(uri: AnyUrl) -> None:
        subscriptions.add(str(uri))

    @lowlevel.unsubscribe_resource()
    async def unsubscribe(uri: AnyUrl) -> None:
        subscriptions.discard(str(uri))


def add_prompts(mcp: FastMCP) -> None:
    @mcp.prompt()
    def test_simple_prompt() -> str:
        """A prompt without arguments."""
        return "This is a simple prompt for testing."

    @mcp.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """A prompt with two arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @mcp.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
        """A prompt with an embedded resource."""
        return [
            UserMessage(embedded(resourceUri, "Embedded resource content for testing.")),
            UserMessage("Please process the embedded resource above."),
        ]

    @mcp.prompt()
    def test_prompt_with_image() -> list[UserMessage]:
        """A prompt with an image."""
        return [UserMessage(image()), UserMessage("Please look at the image above.")]

    @mcp.completion()
    async def complete(
        ref: types.PromptReference | types.ResourceTemplateReference,
        argument: types.CompletionArgument,
        context: types.CompletionContext | None,
    ) -> types.Completion:
        candidates = ["paris", "park", "party"]
        return types.Completion(values=[value for value in candidates if value.startswith(argument.value)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=3001)
    make_server(parser.parse_args().port).run("streamable-http")


if __name__ == "__main__":
    main()
