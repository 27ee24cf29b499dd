"""Errors whose text clients do not get to see."""

import logging
import re
from typing import Any

import pytest
from pydantic import AnyUrl, BaseModel

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ResourceError, ToolError
from mcp.server.fastmcp.resources import Resource
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_connected_server_and_client_session as connect

pytestmark = pytest.mark.anyio

MASKING = "mcp.server.fastmcp._masking"


class Inner(BaseModel):
    x: int


def failing(error: Exception, **settings: Any) -> FastMCP:
    mcp = FastMCP(**settings)

    def fail() -> str:
        raise error

    class Own(Resource):
        async def read(self) -> str:
            raise error

    mcp.add_tool(fail)
    mcp.add_tool(lambda a: a, name="none")  # pyright: ignore
    mcp.resource("r://static")(fail)
    mcp.resource("r://t/{a}", name="n")(lambda a: fail())  # pyright: ignore
    mcp.add_resource(Own(uri=AnyUrl("r://own")))
    mcp.prompt()(fail)
    return mcp


async def texts(mcp: FastMCP) -> list[str]:
    found: list[str] = []
    async with connect(mcp) as client:
        found.append((await client.call_tool("fail", {})).content[0].text)  # pyright: ignore
        for request in (
            lambda: client.read_resource(AnyUrl("r://static")),
            lambda: client.read_resource(AnyUrl("r://t/x")),
            lambda: client.read_resource(AnyUrl("r://own")),
            lambda: client.get_prompt("fail"),
        ):
            with pytest.raises(McpError) as caught:
                await request()
            found.append(caught.value.error.message)
    return found


async def test_details_are_shown_by_default():
    """TOOL-61, RES-READ-8, RES-READ-9, PRM-12"""
    assert await texts(failing(RuntimeError("secret"))) == [
        "Error executing tool fail: secret",
        "Error reading resource r://static: secret",
        "Error creating resource from template: secret",
        "secret",
        "Error rendering prompt fail: secret",
    ]


async def test_masked_details_are_in_the_log(caplog: pytest.LogCaptureFixture):
    """TOOL-61: a generic text, and a reference that finds the traceback."""
    with caplog.at_level(logging.ERROR):
        shown = await texts(failing(RuntimeError("secret"), mask_error_details=True))
    records = [record for record in caplog.records if record.name == MASKING]
    whats = [
        "Error executing tool fail",
        "Error reading resource r://static",
        "Error reading resource r://t/x",
        "Error reading resource r://own",
        "Error getting prompt fail",
    ]
    for text, what, record in zip(shown, whats, records, strict=True):
        match = re.fullmatch(re.escape(what) + ": internal error, reference ([0-9a-f]{12})", text)
        assert match is not None
        assert record.getMessage() == f"{what} (reference {match[1]})"
        assert record.exc_info is not None
        assert "secret" in str(record.exc_info[1])


@pytest.mark.parametrize("error", [ToolError("on purpose"), ResourceError("on purpose")])
async def test_errors_raised_on_purpose_are_shown(error: Exception):
    """TOOL-62"""
    assert all("on purpose" in text for text in (await texts(failing(error, mask_error_details=True)))[:3])


async def test_complaints_about_the_request_are_shown():
    """TOOL-60, ARG-30, PRM-7, PRM-8, RES-READ-7"""
    mcp = failing(RuntimeError("secret"), mask_error_details=True)

    @mcp.tool()
    def checked(a: int) -> int:  # pyright: ignore
        Inner.model_validate({"x": "secret"})
        return a

    @mcp.prompt()
    def needy(a: str) -> str:  # pyright: ignore
        return a

    async with connect(mcp) as client:
        result = await client.call_tool("checked", {"a": "x"})
        assert "1 validation error for checkedArguments" in result.content[0].text  # pyright: ignore
        result = await client.call_tool("checked", {"a": 1})
        assert "secret" not in result.content[0].text  # pyright: ignore
        result = await client.call_tool("nope", {})
        assert result.content[0].text == "Unknown tool: nope"  # pyright: ignore
        for request, text in (
            (lambda: client.read_resource(AnyUrl("r://nope")), "Unknown resource: r://nope"),
            (lambda: client.get_prompt("nope"), "Unknown prompt: nope"),
            (lambda: client.get_prompt("needy"), "Missing required arguments: {'a'}"),
        ):
            with pytest.raises(McpError, match=rf"^{re.escape(text)}$"):
                await request()
