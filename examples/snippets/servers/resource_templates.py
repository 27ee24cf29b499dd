"""Resource templates: converted arguments, context, several placeholders, safe paths."""

from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import unquote

from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Resource Templates Example")

ROOT = Path(mkdtemp())
(ROOT / "read me.txt").write_text("Hello", encoding="utf-8")


@mcp.resource("square://{number}")
def square(number: int) -> str:
    """A square; what is no number is refused."""
    return str(number * number)


@mcp.resource("weather://{country}/{city}", mime_type="application/json")
async def weather(country: str, city: str, ctx: Context) -> dict[str, object]:
    """What is not text or bytes is sent as JSON."""
    await ctx.debug(f"Looking at {city}")
    return {"country": country, "city": city, "degrees": 22}


@mcp.resource("files://{name}")
def file(name: str) -> str:
    """A file. Placeholders arrive as they stand in the URI, so decode them, and check where that leads."""
    path = (ROOT / unquote(name)).resolve()
    if not path.is_relative_to(ROOT.resolve()):
        raise ValueError("outside of the folder")
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    mcp.run()
