"""A tool result that contains a resource, and one that only links to it."""

from pydantic import AnyUrl

from mcp.server.fastmcp import FastMCP
from mcp.types import EmbeddedResource, ResourceLink, TextResourceContents

mcp = FastMCP("Embedded Resource Results Example")

REPORT = "report://2026/11"


@mcp.resource(REPORT, mime_type="text/markdown")
def report() -> str:
    """The monthly report."""
    return "# November\n\nAll is well."


@mcp.tool()
def get_report() -> EmbeddedResource:
    """The report itself."""
    contents = TextResourceContents(uri=AnyUrl(REPORT), mimeType="text/markdown", text=report())
    return EmbeddedResource(type="resource", resource=contents)


@mcp.tool()
def find_report() -> ResourceLink:
    """Where the report is; clients read it when they need it."""
    return ResourceLink(type="resource_link", uri=AnyUrl(REPORT), name="report", mimeType="text/markdown")


if __name__ == "__main__":
    mcp.run()
