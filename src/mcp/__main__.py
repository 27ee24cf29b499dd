"""`python -m mcp`, the same as the `mcp` command."""

from mcp.cli import app

if __name__ == "__main__":
    app(prog_name="mcp")
