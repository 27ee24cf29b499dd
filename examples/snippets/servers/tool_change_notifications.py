"""Tools that come and go while a client is connected."""

from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Changing Tools Example")


def shout(text: str) -> str:
    """In capitals."""
    return text.upper()


@mcp.tool()
async def unlock(ctx: Context) -> str:
    """Make the tool `shout` available."""
    mcp.add_tool(shout)
    await ctx.session.send_tool_list_changed()
    return "There is a new tool."


@mcp.tool()
async def lock(ctx: Context) -> str:
    """Take the tool `shout` away."""
    mcp.remove_tool("shout")
    await ctx.session.send_tool_list_changed()
    return "The tool is gone."


if __name__ == "__main__":
    mcp.run()
