"""Arguments that are models: checked before the function sees them.

uv run python examples/fastmcp/complex_inputs.py
"""

from typing import Annotated

from pydantic import BaseModel, Field

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("Shrimp Tank")


class ShrimpTank(BaseModel):
    """A tank and who lives in it."""

    class Shrimp(BaseModel):
        """One of the inhabitants."""

        name: Annotated[str, Field(max_length=10)]

    shrimp: list[Shrimp]


@mcp.tool()
def name_shrimp(
    tank: ShrimpTank,
    # Limits of lists and strings are part of the schema that clients see.
    extra_names: Annotated[list[str], Field(max_length=10)],
) -> list[str]:
    """List all shrimp names in the tank"""
    return [shrimp.name for shrimp in tank.shrimp] + extra_names


if __name__ == "__main__":
    mcp.run()
