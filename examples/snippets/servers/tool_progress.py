"""A tool that tells how far it is."""

from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Progress Example")


@mcp.tool()
async def long_running_task(task_name: str, ctx: Context, steps: int = 5) -> str:
    """Do a task in steps."""
    await ctx.info(f"Starting: {task_name}")

    for step in range(steps):
        await ctx.report_progress(
            progress=(step + 1) / steps,
            total=1.0,
            message=f"Step {step + 1}/{steps}",
        )
        await ctx.debug(f"Completed step {step + 1}")

    return f"Task '{task_name}' completed"


if __name__ == "__main__":
    mcp.run()
