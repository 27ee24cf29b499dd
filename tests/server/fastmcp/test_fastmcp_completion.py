"""Completion of arguments."""

from typing import Any

import pytest

from mcp.server.fastmcp import FastMCP
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.types import Completion, PromptReference

pytestmark = pytest.mark.anyio

REF = PromptReference(type="ref/prompt", name="p")


async def complete(mcp: FastMCP, **kwargs: Any) -> Completion:
    async with connect(mcp) as client:
        return (await client.complete(REF, {"name": "a", "value": "x"}, **kwargs)).completion


def completing(completion: Completion | None) -> FastMCP:
    mcp = FastMCP()

    @mcp.completion()
    async def handler(ref: Any, argument: Any, context: Any) -> Completion | None:  # pyright: ignore
        return completion

    return mcp


async def test_handler_gets_reference_argument_and_context():
    """CMP-1"""
    mcp = FastMCP()
    with pytest.raises(TypeError, match="positional argument"):
        mcp.completion(lambda: None)  # pyright: ignore

    async def handler(ref: Any, argument: Any, context: Any) -> Completion:
        return Completion(values=[ref.name, argument.name, argument.value, str(context and context.arguments)])

    assert mcp.completion()(handler) is handler
    assert (await complete(mcp)).values == ["p", "a", "x", "None"]
    assert (await complete(mcp, context_arguments={"k": "v"})).values[3] == "{'k': 'v'}"


async def test_capability():
    """CMP-2"""
    async with connect(FastMCP()) as client:
        capabilities = client.get_server_capabilities()
        assert capabilities is not None
        assert capabilities.completions is None
        with pytest.raises(McpError) as caught:
            await client.complete(REF, {"name": "a", "value": "x"})
        assert (caught.value.error.code, caught.value.error.message) == (-32601, "Method not found")
    async with connect(completing(None)) as client:
        capabilities = client.get_server_capabilities()
        assert capabilities is not None
        assert capabilities.completions is not None


async def test_none_is_no_values():
    """CMP-3"""
    assert await complete(completing(None)) == Completion(values=[])


async def test_last_handler_counts():
    """CMP-4"""
    mcp = completing(Completion(values=["first"]))

    @mcp.completion()
    async def second(ref: Any, argument: Any, context: Any) -> Completion:  # pyright: ignore
        return Completion(values=["second"])

    assert (await complete(mcp)).values == ["second"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((100, None, None), (100, None, None)),
        ((101, None, None), (100, 101, True)),
        ((150, 500, False), (100, 500, True)),
        ((3, 3, False), (3, 3, False)),
    ],
)
async def test_at_most_a_hundred_values(given: tuple[Any, ...], expected: tuple[Any, ...]):
    """CMP-5"""
    count, total, more = given
    values = [str(i) for i in range(count)]
    completion = await complete(completing(Completion(values=values, total=total, hasMore=more)))
    assert completion.values == values[: expected[0]]
    assert (len(completion.values), completion.total, completion.hasMore) == expected


async def test_failing_handler():
    """CMP-6"""
    mcp = FastMCP()

    @mcp.completion()
    async def handler(ref: Any, argument: Any, context: Any) -> None:  # pyright: ignore
        raise RuntimeError("bad")

    with pytest.raises(McpError) as caught:
        await complete(mcp)
    assert (caught.value.error.code, caught.value.error.message) == (0, "bad")
