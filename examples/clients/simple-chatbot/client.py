"""A chat bot that lets a model use the tools of several servers.

    uv run python examples/clients/simple-chatbot/client.py                  # a stub, offline
    OPENAI_API_KEY=... uv run python examples/clients/simple-chatbot/client.py --model NAME [--url BASE_URL]

A model is anything with the one method of `Model`.
"""

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import anyio
import anyio.to_thread
import httpx

from mcp import ClientSessionGroup, McpError, StdioServerParameters
from mcp.types import CallToolResult, TextContent, Tool

SERVERS = Path(__file__).parents[2] / "servers"
CONFIGURATION: dict[str, dict[str, Any]] = {
    "echo": {"command": sys.executable, "args": [str(SERVERS / "echo" / "server.py")]},
    "books": {"command": sys.executable, "args": [str(SERVERS / "sqlite_explorer" / "server.py")]},
}
"""As in the configuration files of desktop applications: `mcpServers`."""

MAX_CALLS = 10
"""Tool calls in a row, after which the model has to answer."""


@dataclass
class Call:
    """A tool that the model wants called."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass
class Turn:
    """What the model says: a text, or tools to call, or both."""

    text: str = ""
    calls: list[Call] = field(default_factory=list)


class Model(Protocol):
    """A model that can use tools."""

    async def next_turn(self, messages: list[dict[str, Any]], tools: list[Tool]) -> Turn:
        """What the model says to a conversation.

        Args:
            messages: The conversation: dicts with `role` (user, assistant, tool), `content`, `calls` and `call_id`.
            tools: What it may call.
        """
        ...


class StubModel:
    """Calls the tool that the user names, `NAME {"argument": ...}`, and repeats what it said."""

    async def next_turn(self, messages: list[dict[str, Any]], tools: list[Tool]) -> Turn:
        last = messages[-1]
        if last["role"] == "tool":
            return Turn(text=f"The tool says: {last['content']}")
        match = re.match(r"\s*([\w.-]+)\s*(\{.*\})?\s*$", last["content"], re.DOTALL)
        if match and match[1] in {tool.name for tool in tools}:
            return Turn(calls=[Call("1", match[1], json.loads(match[2] or "{}"))])
        return Turn(text=f"I can call {', '.join(tool.name for tool in tools)}.")


class ChatCompletionsModel:
    """A model behind the chat completions API that many services speak."""

    def __init__(self, url: str, key: str, model: str) -> None:
        self._url, self._key, self._model = url, key, model

    async def next_turn(self, messages: list[dict[str, Any]], tools: list[Tool]) -> Turn:
        body = {
            "model": self._model,
            "messages": [self._message(message) for message in messages],
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description or "",
                        "parameters": tool.inputSchema,
                    },
                }
                for tool in tools
            ],
        }
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {self._key}"}, timeout=120) as client:
            response = await client.post(f"{self._url}/chat/completions", json=body)
            response.raise_for_status()
        answer = response.json()["choices"][0]["message"]
        calls = [
            Call(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"] or "{}"))
            for call in answer.get("tool_calls") or []
        ]
        return Turn(answer.get("content") or "", calls)

    @staticmethod
    def _message(message: dict[str, Any]) -> dict[str, Any]:
        sent = {"role": message["role"], "content": message["content"]}
        if message.get("calls"):
            sent["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
                }
                for call in message["calls"]
            ]
        if "call_id" in message:
            sent["tool_call_id"] = message["call_id"]
        return sent


def as_text(result: CallToolResult) -> str:
    parts = [block.text if isinstance(block, TextContent) else f"[{block.type}]" for block in result.content]
    return ("Error: " if result.isError else "") + "\n".join(parts)


class ChatBot:
    """A conversation between a user, a model and tools."""

    def __init__(self, model: Model, group: ClientSessionGroup) -> None:
        self._model, self._group = model, group
        self._messages: list[dict[str, Any]] = []

    async def say(self, text: str) -> str:
        """The bot's answer to what the user says."""
        self._messages.append({"role": "user", "content": text})
        # Under the names that are unique in the group.
        tools = [tool.model_copy(update={"name": name}) for name, tool in self._group.tools.items()]
        for left in range(MAX_CALLS, -1, -1):
            turn = await self._model.next_turn(self._messages, tools if left else [])
            self._messages.append({"role": "assistant", "content": turn.text, "calls": turn.calls})
            if not turn.calls:
                return turn.text
            for call in turn.calls:
                print(f"  calling {call.name}({json.dumps(call.arguments)})")
                content = await self._call(call)
                self._messages.append({"role": "tool", "call_id": call.id, "content": content})
        return "I give up."

    async def _call(self, call: Call) -> str:
        if call.name not in self._group.tools:
            return f"Error: there is no tool {call.name}"
        try:
            return as_text(await self._group.call_tool(call.name, call.arguments))
        except McpError as error:
            return f"Error: {error}"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="name of a model; a stub if not given")
    parser.add_argument("--url", default="https://api.openai.com/v1", help="of a chat completions API")
    parser.add_argument("--config", type=Path, help="a JSON file with mcpServers")
    arguments = parser.parse_args()

    configuration = CONFIGURATION
    if arguments.config:
        configuration = json.loads(arguments.config.read_text(encoding="utf-8"))["mcpServers"]
    model: Model = StubModel()
    if arguments.model:
        model = ChatCompletionsModel(arguments.url, os.environ.get("OPENAI_API_KEY", ""), arguments.model)

    async with ClientSessionGroup() as group:
        for server in configuration.values():
            await group.connect_to_server(StdioServerParameters(**server))
        bot = ChatBot(model, group)
        print("Say something; an empty line ends.")
        while text := (await anyio.to_thread.run_sync(sys.stdin.readline)).strip():
            print(await bot.say(text))


if __name__ == "__main__":
    anyio.run(main)
