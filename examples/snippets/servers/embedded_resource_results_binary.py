"""A tool result that contains a binary resource."""

import base64
import gzip

from pydantic import AnyUrl

from mcp.server.fastmcp import FastMCP
from mcp.types import BlobResourceContents, EmbeddedResource

mcp = FastMCP("Binary Embedded Resource Example")


@mcp.tool()
def compress(text: str) -> EmbeddedResource:
    """The text, compressed."""
    blob = base64.b64encode(gzip.compress(text.encode())).decode()
    contents = BlobResourceContents(uri=AnyUrl("memory://text.gz"), mimeType="application/gzip", blob=blob)
    return EmbeddedResource(type="resource", resource=contents)


if __name__ == "__main__":
    mcp.run()
