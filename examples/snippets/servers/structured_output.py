"""Structured output: the return annotation becomes the output schema."""

from typing import TypedDict

from pydantic import BaseModel, Field

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Structured Output Example")


# A pydantic model: descriptions and constraints are part of the schema.
class WeatherData(BaseModel):
    """The weather at one place."""

    temperature: float = Field(description="Temperature in Celsius")
    humidity: float = Field(description="Humidity percentage")
    condition: str
    wind_speed: float


@mcp.tool()
def get_weather(city: str) -> WeatherData:
    """The weather in a city."""
    return WeatherData(temperature=22.5, humidity=45.0, condition="sunny", wind_speed=5.2)


# A TypedDict.
class LocationInfo(TypedDict):
    """A place on the map."""

    latitude: float
    longitude: float
    name: str


@mcp.tool()
def get_location(address: str) -> LocationInfo:
    """Where an address is."""
    return LocationInfo(latitude=51.5074, longitude=-0.1278, name="London, UK")


# Any keys, values of one type.
@mcp.tool()
def get_statistics(data_type: str) -> dict[str, float]:
    """Statistics of some data."""
    return {"mean": 42.5, "median": 40.0, "std_dev": 5.2}


# An ordinary class with annotations; a dataclass does as well.
class UserProfile:
    """A user."""

    name: str
    age: int
    email: str | None = None

    def __init__(self, name: str, age: int, email: str | None = None) -> None:
        self.name = name
        self.age = age
        self.email = email


@mcp.tool()
def get_user(user_id: str) -> UserProfile:
    """A user by id."""
    return UserProfile(name="Alice", age=30, email="alice@example.com")


# A class without annotations has no schema: the result is text only.
class UntypedConfig:
    def __init__(self, setting1: str, setting2: str) -> None:
        self.setting1 = setting1
        self.setting2 = setting2


@mcp.tool()
def get_config() -> UntypedConfig:
    """The configuration, without structure."""
    return UntypedConfig("value1", "value2")


# Lists and simple values arrive as {"result": ...}.
@mcp.tool()
def list_cities() -> list[str]:
    """Some cities."""
    return ["London", "Paris", "Tokyo"]


@mcp.tool()
def get_temperature(city: str) -> float:
    """The temperature in a city."""
    return 22.5


if __name__ == "__main__":
    mcp.run()
