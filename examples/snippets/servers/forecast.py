"""A tool: its signature is the schema."""

from typing import Annotated

from pydantic import BaseModel, Field

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Weather")


class Forecast(BaseModel):
    celsius: float
    summary: str


@mcp.tool()
async def forecast(city: Annotated[str, Field(min_length=1)], days: int = 1) -> Forecast:
    """The weather in a city."""
    return Forecast(celsius=21.5, summary=f"sunny in {city} for {days} days")


if __name__ == "__main__":
    mcp.run()
