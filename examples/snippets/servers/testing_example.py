"""A server and its tests.

uv run pytest examples/snippets/servers/testing_example.py
"""

import pytest

from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session

mcp = FastMCP("Tested")


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_add() -> None:
    async with create_connected_server_and_client_session(mcp) as session:
        result = await session.call_tool("add", {"a": 1, "b": 2})
        assert result.structuredContent == {"result": 3}


@pytest.mark.anyio
async def test_add_refuses_words() -> None:
    async with create_connected_server_and_client_session(mcp) as session:
        result = await session.call_tool("add", {"a": "one", "b": 2})
        assert result.isError
