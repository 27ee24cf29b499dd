"""Prompts added while a client is connected."""

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.prompts import Prompt

mcp = FastMCP("Changing Prompts Example")


@mcp.tool()
async def add_template(name: str, text: str, ctx: Context) -> str:
    """Make a prompt of a text."""

    def template() -> str:
        return text

    mcp.add_prompt(Prompt.from_function(template, name=name, description="Added by a tool"))
    await ctx.session.send_prompt_list_changed()
    return f"Prompt {name!r} is there."


if __name__ == "__main__":
    mcp.run()
