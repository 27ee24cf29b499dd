"""A server whose tools do what a tool on stdio should better not do: tools_server.py BACKEND [MODE]."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import Any

import anyio

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

backend, mode = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
server: Server[Any] = Server("tools")


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return []


@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.ContentBlock]:
    if name == "print":
        print("printed by a tool")
        os.write(1, b"written by a tool\n")
        subprocess.run([sys.executable, "-S", "-c", "print('read', repr(input()) if 0 else 'nothing')"], check=True)
        subprocess.run(["cat"], check=True)
    elif name == "wait":
        print("waiting", file=sys.stderr, flush=True)
        await anyio.sleep(arguments["seconds"])
    elif name == "exit":
        print("these are my last words", file=sys.stderr, flush=True)
        os._exit(arguments["status"])
    return [types.TextContent(type="text", text=arguments.get("text", ""))]


async def main() -> None:
    # This idiom is old and common.
    wrapped = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8") if mode == "wrapped" else None
    stdin = anyio.wrap_file(wrapped) if wrapped is not None else None
    async with stdio_server(stdin=stdin) as (read_stream, write_stream):
        print("ready", file=sys.stderr, flush=True)
        with anyio.move_on_after(0.3 if mode == "wrapped" else None):
            await server.run(read_stream, write_stream, server.create_initialization_options())


anyio.run(main, backend=backend)
