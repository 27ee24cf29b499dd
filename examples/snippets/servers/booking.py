"""A form with a choice, a number and a field that may be left empty."""

from typing import Literal

from pydantic import BaseModel, Field

from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Booking")


class Booking(BaseModel):
    day: Literal["saturday", "sunday"]
    people: int = Field(default=2, ge=1, description="How many?")
    note: str | None = None


@mcp.tool()
async def book(ctx: Context) -> str:
    answer = await ctx.elicit("Book a table?", schema=Booking)
    if answer.action == "accept":
        return f"{answer.data.people} on {answer.data.day}"
    return "nothing booked"


if __name__ == "__main__":
    mcp.run()
