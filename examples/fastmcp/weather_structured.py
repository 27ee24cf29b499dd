"""Every kind of structured output, and a client that shows what arrives.

uv run python examples/fastmcp/weather_structured.py            # calls all tools
uv run python examples/fastmcp/weather_structured.py --serve    # serves on stdio
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

import anyio
from pydantic import BaseModel, Field

from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session

mcp = FastMCP("Weather Service")


class WeatherData(BaseModel):
    """A pydantic model."""

    temperature: float = Field(description="Temperature in Celsius")
    humidity: float = Field(description="Humidity percentage (0-100)", ge=0, le=100)
    condition: str = Field(description="sunny, cloudy, rainy, ...")
    location: str
    timestamp: datetime = Field(default_factory=datetime.now)


@mcp.tool()
def get_weather(city: str) -> WeatherData:
    """The weather as a model."""
    return WeatherData(temperature=22.5, humidity=65.0, condition="partly cloudy", location=city)


class WeatherSummary(TypedDict):
    """A TypedDict."""

    city: str
    temp_c: float


@mcp.tool()
def get_weather_summary(city: str) -> WeatherSummary:
    """The weather as a TypedDict."""
    return WeatherSummary(city=city, temp_c=22.5)


@mcp.tool()
def get_weather_metrics(cities: list[str]) -> dict[str, dict[str, float]]:
    """The weather of several cities, by name."""
    return {city: {"temperature": 20.0 + index, "humidity": 60.0 + index} for index, city in enumerate(cities)}


@dataclass
class WeatherAlert:
    """A dataclass."""

    severity: str
    title: str
    affected_areas: list[str]


@mcp.tool()
def get_weather_alerts(region: str) -> list[WeatherAlert]:
    """Alerts: a list is wrapped as {"result": [...]}."""
    return [WeatherAlert(severity="medium", title="Heat", affected_areas=[region])]


@mcp.tool()
def get_temperature(city: str, unit: str = "celsius") -> float:
    """A number, wrapped as well."""
    return 22.5 if unit == "celsius" else 72.5


class WeatherStats(BaseModel):
    """Models in models."""

    location: str
    days: list[WeatherData]


@mcp.tool()
def get_weather_stats(city: str, days: int = 2) -> WeatherStats:
    """The weather of some days."""
    return WeatherStats(location=city, days=[get_weather(city) for _ in range(days)])


@mcp.tool(structured_output=False)
def say_weather(city: str) -> str:
    """Only text."""
    return f"It is 22.5 degrees in {city}."


CALLS: dict[str, dict[str, object]] = {
    "get_weather": {"city": "London"},
    "get_weather_summary": {"city": "Paris"},
    "get_weather_metrics": {"cities": ["Tokyo", "Lima"]},
    "get_weather_alerts": {"region": "California"},
    "get_temperature": {"city": "Oslo", "unit": "fahrenheit"},
    "get_weather_stats": {"city": "Seattle", "days": 1},
    "say_weather": {"city": "Rome"},
}


async def show() -> None:
    async with create_connected_server_and_client_session(mcp) as session:
        for name, arguments in CALLS.items():
            result = await session.call_tool(name, arguments)
            print(f"{name}: {json.dumps(result.structuredContent)}")


if __name__ == "__main__":
    if "--serve" in sys.argv:
        mcp.run()
    else:
        anyio.run(show)
