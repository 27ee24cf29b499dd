"""A server that hangs up on long calls: clients come back for the rest, so that no connection is held.

uv run python examples/servers/sse-polling-demo/server.py [--port PORT] [--retry-interval MILLISECONDS]
uv run python examples/clients/sse-polling-client/client.py
"""

import argparse

import anyio
from event_store import InMemoryEventStore

from mcp.server.fastmcp import Context, FastMCP


def make_server(port: int = 3000, retry_interval: int = 100) -> FastMCP:
    mcp = FastMCP(
        "sse-polling-demo",
        port=port,
        event_store=InMemoryEventStore(),
        retry_interval=retry_interval,
        log_level="WARNING",
    )

    @mcp.tool()
    async def process_batch(ctx: Context, items: int = 10, checkpoint_every: int = 3) -> str:
        """Process items, and hang up at each checkpoint."""
        for number in range(1, items + 1):
            await anyio.sleep(0.05)
            await ctx.info(f"[{number}/{items}] processed")
            if number % checkpoint_every == 0 and number < items:
                await ctx.info(f"Checkpoint after {number} items: hanging up")
                await ctx.close_sse_stream()
        return f"Processed {items} items"

    return mcp


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--retry-interval", type=int, default=100, help="milliseconds until clients come back")
    arguments = parser.parse_args()
    make_server(arguments.port, arguments.retry_interval).run("streamable-http")
