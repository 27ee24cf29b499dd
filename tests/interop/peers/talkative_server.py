"""A server that uses every feature towards its client.

python talkative_server.py stdio | sse PORT | http PORT [stateless] [json]
"""

from __future__ import annotations

import sys

import anyio
from pydantic import AnyUrl, BaseModel

import mcp.types as types
from mcp.server.fastmcp import Context, FastMCP

transport, *rest = sys.argv[1:]
mcp = FastMCP(
    "talkative",
    instructions="Talk.",
    port=int(rest[0]) if rest else 8000,
    stateless_http="stateless" in rest,
    json_response="json" in rest,
    log_level="ERROR",
)

interrupted = anyio.Event()


class Person(BaseModel):
    name: str
    age: int = 30


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@mcp.tool()
def describe(person: Person) -> Person:
    """Give a person back."""
    return person


@mcp.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("on purpose")


@mcp.tool()
async def count(steps: int, ctx: Context) -> str:
    """Report progress and log."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
        await ctx.info(f"logged {step + 1}")
        # The TypeScript client forgets progress that arrives in one read with the answer.
        await anyio.sleep(0.03)
    return f"counted to {steps}"


@mcp.tool()
async def sample(prompt: str, ctx: Context) -> str:
    """Ask the client's model."""
    message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))
    result = await ctx.session.create_message(
        [message], max_tokens=10, related_request_id=ctx.request_context.request_id
    )
    assert isinstance(result.content, types.TextContent)
    return result.content.text


class Answer(BaseModel):
    color: str


@mcp.tool()
async def ask(ctx: Context) -> str:
    """Ask the user."""
    result = await ctx.elicit("Which color?", Answer)
    return f"{result.action}: {result.data.color}" if result.action == "accept" else result.action


@mcp.tool()
async def visit(ctx: Context) -> str:
    """Send the user to a URL."""
    return (await ctx.elicit_url("Please visit", "https://example.com/", "visit-1")).action


@mcp.tool()
async def roots(ctx: Context) -> list[str]:
    """List the client's roots."""
    return [str(root.uri) for root in (await ctx.session.list_roots()).roots]


@mcp.tool()
async def wait_for_ever() -> str:
    """Never answer."""
    try:
        await anyio.sleep_forever()
    finally:
        interrupted.set()
    return "never"


@mcp.tool()
def was_interrupted() -> bool:
    """Whether `wait_for_ever` was cancelled."""
    return interrupted.is_set()


@mcp.resource("talk://text")
def text() -> str:
    """A text."""
    return "grüße 👋"


@mcp.resource("talk://bytes", mime_type="application/octet-stream")
def data() -> bytes:
    """Bytes."""
    return bytes(range(256))


@mcp.resource("talk://people/{name}")
def person(name: str) -> str:
    """A person."""
    return f"about {name}"


@mcp.prompt()
def greet(name: str, style: str = "friendly") -> str:
    """Greet somebody."""
    return f"Write a {style} greeting for {name}"


@mcp.completion()
async def complete(
    ref: types.PromptReference | types.ResourceTemplateReference,
    argument: types.CompletionArgument,
    context: types.CompletionContext | None,
) -> types.Completion:
    return types.Completion(values=[word for word in ("formal", "friendly") if word.startswith(argument.value)])


lowlevel = mcp._mcp_server


@lowlevel.subscribe_resource()
async def subscribe(uri: AnyUrl) -> None:
    await lowlevel.request_context.session.send_resource_updated(uri)


@lowlevel.unsubscribe_resource()
async def unsubscribe(uri: AnyUrl) -> None:
    pass


if __name__ == "__main__":
    if transport == "stdio":
        mcp.run("stdio")
    else:
        mcp.run("sse" if transport == "sse" else "streamable-http")
