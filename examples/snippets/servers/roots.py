"""Roots: the folders that the client lets the server work in."""

from mcp.server.fastmcp import Context, FastMCP
from mcp.types import ClientCapabilities, RootsCapability

mcp = FastMCP("Roots Example")


@mcp.tool()
async def where_to_work(ctx: Context) -> list[str]:
    """The client's folders."""
    if not ctx.session.check_client_capability(ClientCapabilities(roots=RootsCapability())):
        return []
    return [str(root.uri) for root in (await ctx.session.list_roots()).roots]


if __name__ == "__main__":
    mcp.run()
