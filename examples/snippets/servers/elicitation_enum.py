"""A form with choices: one of several, and some of several."""

from enum import Enum
from typing import Literal

from pydantic import BaseModel, Field

from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Elicitation with Choices Example")


class Size(str, Enum):
    SMALL = "small"
    LARGE = "large"


class Order(BaseModel):
    """The form."""

    size: Size
    crust: Literal["thin", "thick"] = "thin"
    toppings: list[Literal["olives", "mushrooms", "onions"]] = Field(default=[], description="As many as you like")


@mcp.tool()
async def order_pizza(ctx: Context) -> str:
    """Ask what the user would like, and order it."""
    answer = await ctx.elicit("What would you like?", Order)
    if answer.action != "accept":
        return "Nothing ordered"
    order = answer.data
    return f"One {order.size.value} pizza, {order.crust} crust, with {', '.join(order.toppings) or 'nothing'}"


if __name__ == "__main__":
    mcp.run()
