"""The path of the endpoint, given to the server: it is /process/ rather than /process/mcp.

uv run uvicorn --app-dir examples/snippets/servers streamable_http_path_config:app
"""

from starlette.applications import Starlette
from starlette.routing import Mount

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("My Server", json_response=True, streamable_http_path="/")


@mcp.tool()
def process_data(data: str) -> str:
    """Process data."""
    return f"Processed: {data}"


# Without a lifespan of its own: the first request starts the server.
app = Starlette(routes=[Mount("/process", app=mcp.streamable_http_app())])
