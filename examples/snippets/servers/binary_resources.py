"""Resources of bytes, files and folders."""

import base64
from pathlib import Path

from pydantic import AnyUrl

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.resources import BinaryResource, DirectoryResource, FileResource

mcp = FastMCP("Binary Resources Example")

HERE = Path(__file__).resolve().parent


@mcp.resource("data://dot", mime_type="image/gif")
def dot() -> bytes:
    """A function that returns bytes: clients get a blob."""
    return base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=")


mcp.add_resource(BinaryResource(uri=AnyUrl("data://zeros"), name="zeros", data=bytes(16)))
mcp.add_resource(FileResource(uri=AnyUrl("data://source"), name="source", path=HERE / "binary_resources.py"))
mcp.add_resource(DirectoryResource(uri=AnyUrl("data://folder"), name="folder", path=HERE, pattern="*.py"))


if __name__ == "__main__":
    mcp.run()
