"""A client that uses every feature over stdio and prints what it saw: features_client.py COMMAND ARGS…

Runs on any package with the 1.x API; with the same server each must see the same.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import Any

import anyio
from pydantic import AnyUrl

import mcp.types as types
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client

seen: dict[str, Any] = {}
logged: list[list[Any]] = []
notified: list[str] = []


def plain(model: Any) -> Any:
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


async def sample(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    content: Any = params.messages[0].content
    return types.CreateMessageResult(
        role="assistant", content=types.TextContent(type="text", text=f"echo: {content.text}"), model="none"
    )


async def elicit(context: Any, params: Any) -> types.ElicitResult:
    if params.mode == "url":
        return types.ElicitResult(action="decline")
    assert params.requestedSchema["properties"].keys() == {"color"}
    return types.ElicitResult(action="accept", content={"color": "grün"})


async def list_roots(context: Any) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[types.Root(uri="file:///tmp/ü%20x")])  # type: ignore[arg-type]


async def log(params: types.LoggingMessageNotificationParams) -> None:
    logged.append([params.level, params.data])


async def notice(message: Any) -> None:
    root = getattr(message, "root", message)
    if isinstance(root, types.ResourceUpdatedNotification):
        notified.append(str(root.params.uri))
    elif isinstance(message, Exception):
        notified.append(repr(message))


async def error_of(name: str, call: Any) -> None:
    try:
        seen[name] = plain(await call)
    except McpError as error:
        seen[name] = [error.error.code, error.error.message]


async def use(session: ClientSession) -> None:
    initialized = await session.initialize()
    seen["server"] = [initialized.serverInfo.name, initialized.protocolVersion, initialized.instructions]
    seen["capabilities"] = sorted(plain(initialized.capabilities))
    seen["ping"] = plain(await session.send_ping())
    tools = (await session.list_tools()).tools
    seen["tools"] = sorted(tool.name for tool in tools)
    seen["schemas"] = {tool.name: [tool.inputSchema, tool.outputSchema] for tool in tools if tool.name == "add"}
    seen["add"] = plain(await session.call_tool("add", {"a": 1, "b": 2}))
    seen["not an integer"] = (await session.call_tool("add", {"a": "x", "b": 2})).isError

    progress: list[list[Any]] = []

    async def report(done: float, total: float | None, message: str | None) -> None:
        progress.append([done, total, message])

    seen["count"] = plain(await session.call_tool("count", {"steps": 3}, progress_callback=report))
    seen["progress"] = progress
    seen["logged"] = logged
    seen["sample"] = plain(await session.call_tool("sample", {"prompt": "Grüße 👋"}))
    seen["ask"] = plain(await session.call_tool("ask", {}))
    seen["roots"] = plain(await session.call_tool("roots", {}))

    resources = (await session.list_resources()).resources
    seen["resources"] = sorted([str(resource.uri), resource.name, resource.mimeType] for resource in resources)
    for resource in resources:
        seen[str(resource.uri)] = plain(await session.read_resource(resource.uri))
    templates = (await session.list_resource_templates()).resourceTemplates
    seen["templates"] = [[template.uriTemplate, template.name] for template in templates]
    seen["person"] = plain(await session.read_resource(AnyUrl("talk://people/ada")))
    seen["prompts"] = [plain(prompt) for prompt in (await session.list_prompts()).prompts]
    seen["prompt"] = plain(await session.get_prompt("greet", {"name": "Ada", "style": "formal"}))
    reference = types.PromptReference(type="ref/prompt", name="greet")
    seen["completion"] = plain(await session.complete(reference, {"name": "style", "value": "f"}))

    await session.subscribe_resource(AnyUrl("talk://text"))
    seen["unsubscribe"] = plain(await session.unsubscribe_resource(AnyUrl("talk://text")))
    seen["notified"] = list(notified)
    await error_of("no such resource", session.read_resource(AnyUrl("nowhere://x")))
    await error_of("no such prompt", session.get_prompt("nothing"))

    several: dict[int, Any] = {}

    async def add(number: int) -> None:
        several[number] = (await session.call_tool("add", {"a": number, "b": 1})).structuredContent

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(add, number)
    seen["at once"] = [several[number] for number in range(30)]
    text = "ü€😀\u2028" * 20_000
    seen["large"] = (await session.call_tool("sample", {"prompt": text})).content[0].text == f"echo: {text}"  # type: ignore[union-attr]

    await error_of("timeout", session.call_tool("wait_for_ever", {}, timedelta(seconds=0.5)))
    # A server that was told interrupts the work at once.
    for _ in range(10):
        seen["interrupted"] = (await session.call_tool("was_interrupted", {})).structuredContent == {"result": True}
        if seen["interrupted"]:
            break
        await anyio.sleep(0.05)
    await session.send_ping()


async def main() -> None:
    # uv may need more than a server gets by default.
    parameters = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:], env=dict(os.environ))
    async with stdio_client(parameters) as (read_stream, write_stream):
        async with ClientSession(
            read_stream,
            write_stream,
            sampling_callback=sample,
            elicitation_callback=elicit,
            list_roots_callback=list_roots,
            logging_callback=log,
            message_handler=notice,
        ) as session:
            await use(session)
    print(json.dumps(seen))


anyio.run(main)
