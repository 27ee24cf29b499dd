"""The features of talkative_server.py on the low-level server, for the 1.x API of any package."""

from __future__ import annotations

from typing import Any

import anyio
from pydantic import AnyUrl

import mcp.types as types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.stdio import stdio_server

server: Server[Any] = Server("lowlevel", version="1", instructions="Talk.")
interrupted = anyio.Event()

NOTHING: dict[str, Any] = {"type": "object"}
RESULT: dict[str, Any] = {"type": "object", "properties": {"result": {}}, "required": ["result"]}
ADD: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    names = ["count", "sample", "ask", "roots", "wait_for_ever", "was_interrupted"]
    return [
        types.Tool(name="add", inputSchema=ADD, outputSchema=RESULT),
        *(types.Tool(name=name, inputSchema=NOTHING, outputSchema=RESULT) for name in names),
    ]


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    context = server.request_context
    session, related = context.session, context.request_id
    result: Any = None
    if name == "add":
        result = arguments["a"] + arguments["b"]
    elif name == "count":
        assert context.meta is not None
        assert context.meta.progressToken is not None
        for step in range(1, arguments["steps"] + 1):
            await session.send_progress_notification(
                context.meta.progressToken, step, arguments["steps"], f"step {step}", related_request_id=str(related)
            )
            await session.send_log_message("info", f"logged {step}", related_request_id=related)
        result = f"counted to {arguments['steps']}"
    elif name == "sample":
        message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=arguments["prompt"]))
        answer = await session.create_message([message], max_tokens=10, related_request_id=related)
        assert isinstance(answer.content, types.TextContent)
        return {"result": answer.content.text} if len(answer.content.text) < 1000 else large(answer.content.text)
    elif name == "ask":
        schema = {"type": "object", "properties": {"color": {"type": "string"}}}
        answer = await session.elicit_form("Which color?", schema, related)
        result = f"{answer.action}: {(answer.content or {})['color']}"
    elif name == "roots":
        result = [str(root.uri) for root in (await session.list_roots()).roots]
    elif name == "was_interrupted":
        result = interrupted.is_set()
    elif name == "wait_for_ever":
        try:
            await anyio.sleep_forever()
        finally:
            interrupted.set()
    return {"result": result}


def large(text: str) -> Any:
    """The text alone as content, as FastMCP has it."""
    return [types.TextContent(type="text", text=text)], {"result": text}


@server.list_resources()
async def list_resources() -> list[types.Resource]:
    return [
        types.Resource(uri=AnyUrl("talk://text"), name="text", mimeType="text/plain"),
        types.Resource(uri=AnyUrl("talk://bytes"), name="data", mimeType="application/octet-stream"),
    ]


@server.list_resource_templates()
async def list_resource_templates() -> list[types.ResourceTemplate]:
    return [types.ResourceTemplate(uriTemplate="talk://people/{name}", name="person")]


@server.read_resource()
async def read_resource(uri: AnyUrl) -> list[ReadResourceContents]:
    if str(uri) == "talk://bytes":
        return [ReadResourceContents(bytes(range(256)), "application/octet-stream")]
    if str(uri).startswith("talk:"):
        return [ReadResourceContents("grüße 👋", "text/plain")]
    raise ValueError("no such resource")


@server.list_prompts()
async def list_prompts() -> list[types.Prompt]:
    arguments = [types.PromptArgument(name="name", required=True), types.PromptArgument(name="style")]
    return [types.Prompt(name="greet", arguments=arguments)]


@server.get_prompt()
async def get_prompt(name: str, arguments: dict[str, str] | None) -> types.GetPromptResult:
    if name != "greet" or arguments is None:
        raise ValueError("no such prompt")
    text = f"Write a {arguments['style']} greeting for {arguments['name']}"
    return types.GetPromptResult(
        messages=[types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))]
    )


@server.completion()
async def complete(ref: Any, argument: types.CompletionArgument, context: Any) -> types.Completion:
    return types.Completion(values=[word for word in ("formal", "friendly") if word.startswith(argument.value)])


@server.subscribe_resource()
async def subscribe(uri: AnyUrl) -> None:
    await server.request_context.session.send_resource_updated(uri)


@server.unsubscribe_resource()
async def unsubscribe(uri: AnyUrl) -> None:
    pass


async def main() -> None:
    async with stdio_server() as (read_stream, write_stream):
        await server.run(
            read_stream, write_stream, server.create_initialization_options(NotificationOptions(tools_changed=True))
        )


anyio.run(main)
