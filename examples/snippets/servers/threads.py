"""Plain functions that block run in worker threads, so that other requests go on."""

import time

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Threads Example", sync_in_threads=True)


@mcp.tool()
def slow(seconds: float = 0.1) -> str:
    """Blocks its thread, and nobody else."""
    time.sleep(seconds)
    return "done"


@mcp.tool(run_in_thread=False)
def quick() -> str:
    """Runs on the thread of the event loop, as all plain functions do by default."""
    return "done"


if __name__ == "__main__":
    mcp.run()
