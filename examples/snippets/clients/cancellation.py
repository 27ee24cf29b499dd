"""Two ways not to wait any longer. Either way the server is told, and stops working.

uv run python examples/snippets/clients/cancellation.py
"""

from datetime import timedelta

import anyio

from mcp import McpError
from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session

mcp = FastMCP("Slow")
stopped = 0


@mcp.tool()
async def wait_for_ever() -> str:
    """Never ends by itself."""
    global stopped
    try:
        await anyio.sleep_forever()
    except anyio.get_cancelled_exc_class():
        stopped += 1
        raise
    raise AssertionError


async def main() -> None:
    async with create_connected_server_and_client_session(mcp) as session:
        # A limit for one request; `ClientSession(read_timeout_seconds=...)` sets it for all.
        try:
            await session.call_tool("wait_for_ever", read_timeout_seconds=timedelta(seconds=0.1))
        except McpError as error:
            print(f"{error.error.code}: {error.error.message}")

        # Cancelling whatever awaits the answer.
        with anyio.move_on_after(0.1):
            await session.call_tool("wait_for_ever")

        await session.send_ping()
        print(f"The server has stopped {stopped} calls, and the session lives on")


if __name__ == "__main__":
    anyio.run(main)
