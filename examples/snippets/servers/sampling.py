"""Sampling: the server asks the client's model."""

from mcp.server.fastmcp import Context, FastMCP
from mcp.types import SamplingMessage, TextContent

mcp = FastMCP("Sampling Example")


@mcp.tool()
async def generate_poem(topic: str, ctx: Context) -> str:
    """Have the client's model write a poem."""
    result = await ctx.session.create_message(
        messages=[
            SamplingMessage(
                role="user",
                content=TextContent(type="text", text=f"Write a short poem about {topic}"),
            )
        ],
        max_tokens=100,
    )
    if result.content.type == "text":
        return result.content.text
    return str(result.content)


if __name__ == "__main__":
    mcp.run()
