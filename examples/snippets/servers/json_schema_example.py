"""Everything pydantic can say about an argument ends up in the tool's input schema."""

from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("JSON Schema Example")


class Priority(str, Enum):
    LOW = "low"
    HIGH = "high"


class Assignee(BaseModel):
    """Who does it."""

    name: str = Field(min_length=1)
    email: str | None = Field(default=None, pattern=r"^[^@]+@[^@]+$")


@mcp.tool()
def create_task(
    title: Annotated[str, Field(description="What is to be done", max_length=80)],
    priority: Priority = Priority.LOW,
    hours: Annotated[float, Field(gt=0, le=40, description="Estimate")] = 1,
    kind: Literal["bug", "feature"] = "feature",
    assignees: list[Assignee] | None = None,
) -> str:
    """Create a task."""
    names = ", ".join(assignee.name for assignee in assignees or []) or "nobody"
    return f"{kind} {title!r} ({priority.value}, {hours:g} h) for {names}"


if __name__ == "__main__":
    mcp.run()
