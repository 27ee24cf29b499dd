"""A page visit from beginning to end: the server says when it is over."""

import uuid

from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Elicitation Complete Example")


@mcp.tool()
async def sign(document: str, ctx: Context) -> str:
    """Have the user sign a document on a page."""
    elicitation_id = str(uuid.uuid4())
    answer = await ctx.elicit_url(
        message=f"Please sign {document}",
        url=f"https://sign.example.com/{elicitation_id}",
        elicitation_id=elicitation_id,
    )
    if answer.action != "accept":
        return "Not signed"

    # Accepted means that the user agreed to open the page. A real server waits here until the page has been filled in.
    await ctx.session.send_elicit_complete(elicitation_id)
    return f"{document} is signed"


if __name__ == "__main__":
    mcp.run()
