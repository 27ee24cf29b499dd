"""What the measured packages call the same things. BENCH_API names the API: 1.x (ours, 1.30.0), 2.x, or fastmcp.

Imported by the measured process, so it may use nothing but the package under test. All of them speak the handshake
protocol (`mode="legacy"` where a package has a choice), so that they do the same work.
"""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

API = os.environ.get("BENCH_API", "1.x")

if API == "1.x":
    from mcp.server.fastmcp import Context as Context
    from mcp.server.fastmcp import FastMCP as ServerClass
elif API == "2.x":
    from mcp.server.mcpserver import Context as Context
    from mcp.server.mcpserver import MCPServer as ServerClass
else:
    from fastmcp import Context as Context
    from fastmcp import FastMCP as ServerClass


def new_server(log_level: str, **settings: Any) -> Any:
    """An empty server. `settings` are those of FastMCP in 1.x; others take them in `serve`."""
    if API == "fastmcp":
        return ServerClass("bench")
    return ServerClass("bench", log_level=log_level, **(settings if API == "1.x" else {}))


def serve(mcp: Any, transport: str, log_level: str, **settings: Any) -> None:
    """Run a server until it is stopped. `transport` is "stdio" or "streamable-http"."""
    if API == "1.x":
        mcp.run(transport)
    elif API == "2.x":
        mcp.run(transport, **settings)
    else:
        mcp.run(transport, show_banner=False, log_level=log_level, **settings)


def add_tool(mcp: Any, function: Any, name: str) -> None:
    if API == "fastmcp":
        mcp.tool(function, name=name)
    else:
        mcp.add_tool(function, name=name)


def in_memory(mcp: Any) -> AbstractAsyncContextManager[Any]:
    """A client of a server in this process."""
    if API == "1.x":
        from mcp.shared.memory import create_connected_server_and_client_session

        return create_connected_server_and_client_session(mcp._mcp_server)
    return client_of(mcp)


@asynccontextmanager
async def over_stdio(command: str, args: list[str]) -> Any:
    """A client of a server process."""
    if API == "fastmcp":
        from fastmcp.client.transports import StdioTransport

        async with client_of(StdioTransport(command, args, keep_alive=False, env=dict(os.environ))) as client:
            yield client
        return
    from mcp import StdioServerParameters

    parameters = StdioServerParameters(command=command, args=args, env={"BENCH_API": API})
    if API == "2.x":
        async with client_of(parameters) as client:
            yield client
        return
    from mcp import ClientSession
    from mcp.client.stdio import stdio_client

    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield session


@asynccontextmanager
async def over_http(url: str) -> Any:
    """A client of a server over Streamable HTTP."""
    if API != "1.x":
        async with client_of(url) as client:
            yield client
        return
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with streamable_http_client(url) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        yield session


def client_of(server: Any) -> Any:
    if API == "2.x":
        from mcp import Client
    else:
        from fastmcp import Client
    return Client(server, mode="legacy")


def structured(result: Any) -> Any:
    """The structured content of a tool's result, which must not be an error."""
    if API == "1.x":
        assert not result.isError
        return result.structuredContent
    assert not result.is_error
    return result.structured_content


def items(result: Any, name: str) -> list[Any]:
    """The list that a result holds under `name`; fastmcp hands out the list itself."""
    return result if isinstance(result, list) else getattr(result, name)


async def ping(session: Any) -> None:
    await (session.ping() if API == "fastmcp" else session.send_ping())
