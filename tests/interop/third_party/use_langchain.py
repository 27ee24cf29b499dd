"""langchain-mcp-adapters as a client of our server: `python use_langchain.py SERVER URL`; prints JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


def text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


async def main() -> None:
    client = MultiServerMCPClient(
        {
            "child": {"transport": "stdio", "command": sys.executable, "args": [sys.argv[1]]},
            "http": {"transport": "streamable_http", "url": sys.argv[2]},
        }
    )
    seen: dict[str, Any] = {}
    for name in ("child", "http"):
        tools = {tool.name: tool for tool in await client.get_tools(server_name=name)}
        async with client.session(name) as session:
            again = {tool.name: tool for tool in await load_mcp_tools(session)}
            sums = [text(await again["add"].ainvoke({"a": n, "b": 1})) for n in range(3)]
        message = await tools["forecast"].ainvoke(
            {"name": "forecast", "args": {"city": "Bern"}, "id": "1", "type": "tool_call"}
        )
        prompt = await client.get_prompt(name, "question", arguments={"topic": "tea"})
        resources = await client.get_resources(name, uris="config://theme")
        seen[name] = {
            "tools": sorted(tools),
            "description": tools["add"].description,
            "sum": text(await tools["add"].ainvoke({"a": 2, "b": 3})),
            "sums": sums,
            "failure": text(await tools["fail"].ainvoke({})),
            "structured": message.artifact["structured_content"],
            "prompt": prompt[0].content,
            "resource": resources[0].as_string(),
        }
    print(json.dumps(seen))


asyncio.run(main())
