"""A first client: starts the quickstart server over stdio, lists all it offers and uses it.

uv run python examples/quickstart/client.py
"""

import sys
from pathlib import Path

import anyio
from pydantic import AnyUrl

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

SERVER = Path(__file__).parent / "server.py"


async def main() -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        server = (await session.initialize()).serverInfo
        print(f"Connected to {server.name}")

        for tool in (await session.list_tools()).tools:
            print(f"tool      {tool.name}: {tool.description}")
        for resource in (await session.list_resources()).resources:
            print(f"resource  {resource.uri}: {resource.description}")
        for template in (await session.list_resource_templates()).resourceTemplates:
            print(f"template  {template.uriTemplate}: {template.description}")
        for prompt in (await session.list_prompts()).prompts:
            print(f"prompt    {prompt.name}: {prompt.description}")

        result = await session.call_tool("add", {"a": 40, "b": 2})
        print(f"add(40, 2) = {result.structuredContent}")

        greeting = (await session.read_resource(AnyUrl("greeting://Ada"))).contents[0]
        assert isinstance(greeting, types.TextResourceContents)
        print(f"greeting://Ada says {greeting.text!r}")

        message = (await session.get_prompt("greet_user", {"name": "Ada", "style": "formal"})).messages[0]
        assert isinstance(message.content, types.TextContent)
        print(f"greet_user says {message.content.text!r}")


if __name__ == "__main__":
    anyio.run(main)
