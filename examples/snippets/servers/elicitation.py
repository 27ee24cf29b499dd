"""Elicitation: the server asks the user, by a form or by sending them to a page."""

import uuid

from pydantic import BaseModel, Field

from mcp.server.fastmcp import Context, FastMCP
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp.types import ElicitRequestURLParams

mcp = FastMCP("Elicitation Example")


class BookingPreferences(BaseModel):
    """The form."""

    checkAlternative: bool = Field(description="Would you like to check another date?")
    alternativeDate: str = Field(default="2024-12-26", description="Alternative date (YYYY-MM-DD)")


@mcp.tool()
async def book_table(date: str, time: str, party_size: int, ctx: Context) -> str:
    """Book a table; if the date is taken, ask for another one."""
    if date != "2024-12-25":
        return f"[SUCCESS] Booked for {date} at {time}"

    answer = await ctx.elicit(
        message=f"No tables available for {party_size} on {date}. Would you like to try another date?",
        schema=BookingPreferences,
    )
    if answer.action == "accept":
        if answer.data.checkAlternative:
            return f"[SUCCESS] Booked for {answer.data.alternativeDate}"
        return "[CANCELLED] No booking made"
    return "[CANCELLED] Booking cancelled"


@mcp.tool()
async def secure_payment(amount: float, ctx: Context) -> str:
    """Send the user to a payment page: what is entered there passes neither the client nor the model."""
    answer = await ctx.elicit_url(
        message=f"Please confirm payment of ${amount:.2f}",
        url=f"https://payments.example.com/confirm?amount={amount}",
        elicitation_id=str(uuid.uuid4()),
    )
    if answer.action == "accept":
        return f"Payment of ${amount:.2f} initiated"
    if answer.action == "decline":
        return "Payment declined by user"
    return "Payment cancelled"


@mcp.tool()
async def connect_service(service_name: str, ctx: Context) -> str:
    """Refuse the call until the user has visited a page; the client then tries again."""
    raise UrlElicitationRequiredError(
        [
            ElicitRequestURLParams(
                mode="url",
                message=f"Authorization required to connect to {service_name}",
                url=f"https://{service_name}.example.com/oauth/authorize",
                elicitationId=str(uuid.uuid4()),
            )
        ]
    )


if __name__ == "__main__":
    mcp.run()
