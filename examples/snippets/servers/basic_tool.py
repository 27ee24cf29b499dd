"""Tools are functions: type hints become the schema of the arguments, the docstring becomes the description."""

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Tool Example")


@mcp.tool()
def sum(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@mcp.tool()
def get_weather(city: str, unit: str = "celsius") -> str:
    """The weather in a city."""
    return f"Weather in {city}: 22 degrees {unit[0].upper()}"


if __name__ == "__main__":
    mcp.run()
