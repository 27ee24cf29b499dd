"""What the context is for: log messages and progress."""

from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Context")


@mcp.tool()
async def index(files: list[str], ctx: Context) -> int:
    for done, name in enumerate(files, 1):
        await ctx.info(f"reading {name}", logger_name="indexer")
        await ctx.report_progress(done, total=len(files), message=name)
    return len(files)


if __name__ == "__main__":
    mcp.run()
