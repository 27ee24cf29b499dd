"""Log messages to the client, and the news that a list has changed."""

from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Notifications Example")


@mcp.tool()
async def process_data(data: str, ctx: Context) -> str:
    """Process data, and say so at every level."""
    await ctx.debug(f"Debug: Processing '{data}'")
    await ctx.info("Info: Starting processing")
    await ctx.warning("Warning: This is experimental")
    await ctx.error("Error: (This is just a demo)")

    await ctx.session.send_resource_list_changed()

    return f"Processed: {data}"


if __name__ == "__main__":
    mcp.run()
