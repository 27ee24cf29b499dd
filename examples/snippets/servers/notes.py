"""A fixed resource, a template and a file."""

from pathlib import Path

from pydantic import AnyUrl

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.resources import FileResource

mcp = FastMCP("Files")


@mcp.resource("config://app", mime_type="application/json")
def config() -> dict[str, int]:
    """The configuration."""
    return {"retries": 3}


@mcp.resource("user://{name}/notes/{number}")
async def note(name: str, number: int, ctx: Context) -> str:
    await ctx.info("reading a note")
    return f"note {number} of {name}"


mcp.add_resource(FileResource(uri=AnyUrl("data://source"), path=Path(__file__).resolve()))


if __name__ == "__main__":
    mcp.run()
