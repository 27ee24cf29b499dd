"""Clients choose the least severe log messages they want; FastMCP keeps to it."""

from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Logging Level Example")


@mcp.tool()
async def work(ctx: Context) -> str:
    """Log at each level; a client that asked for `warning` gets two messages."""
    await ctx.debug("a detail", logger_name="work")
    await ctx.info("news", logger_name="work")
    await ctx.warning("a doubt", logger_name="work")
    await ctx.error("a problem", logger_name="work")
    return "done"


if __name__ == "__main__":
    mcp.run()
