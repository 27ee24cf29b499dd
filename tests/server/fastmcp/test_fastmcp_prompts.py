"""Prompts: registration, arguments, rendering."""

import logging
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from mcp.server.fastmcp import Context, FastMCP, Icon, Image
from mcp.server.fastmcp.exceptions import InvalidSignature
from mcp.server.fastmcp.prompts import Prompt, PromptManager
from mcp.server.fastmcp.prompts.base import AssistantMessage, Message, TextContent, UserMessage, message_validator
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.types import (
    ElicitRequestURLParams,
    EmbeddedResource,
    GetPromptResult,
    ImageContent,
    PromptMessage,
    TextResourceContents,
)

pytestmark = pytest.mark.anyio

MANAGER = "mcp.server.fastmcp.prompts.manager"
SERVER = "mcp.server.fastmcp.server"


class Point(BaseModel):
    """A point."""

    x: int


def text(value: str) -> TextContent:
    return TextContent(type="text", text=value)


def served(fn: Any, **options: Any) -> FastMCP:
    mcp = FastMCP()
    mcp.prompt(**{"name": "p", **options})(fn)
    return mcp


async def get(mcp: FastMCP, arguments: dict[str, str] | None = None, name: str = "p") -> GetPromptResult:
    async with connect(mcp) as client:
        return await client.get_prompt(name, arguments)


async def error_of(mcp: FastMCP, arguments: dict[str, str] | None = None, name: str = "p") -> Any:
    async with connect(mcp) as client:
        with pytest.raises(McpError) as caught:
            await client.get_prompt(name, arguments)
        assert await client.list_prompts()
    return caught.value.error


async def rendered(value: Any) -> list[tuple[str, Any]]:
    messages = (await get(served(lambda: value))).messages
    return [(message.role, message.content) for message in messages]


def test_decorator_without_parentheses_is_refused():
    """PRM-1"""
    with pytest.raises(TypeError) as caught:
        FastMCP().prompt(lambda: "x")  # pyright: ignore
    assert str(caught.value) == (
        "The @prompt decorator was used incorrectly. Did you forget to call it? Use @prompt() instead of @prompt"
    )


async def test_options_and_defaults():
    """PRM-2"""
    mcp = FastMCP()

    @mcp.prompt()
    def documented() -> str:
        """Doc."""
        return "x"

    fn = lambda: "x"  # noqa: E731
    assert mcp.prompt("n", "T", "D", [Icon(src="s")])(fn) is fn
    mcp.add_prompt(Prompt.from_function(documented, name="", description=""))
    plain, given = (prompt.model_dump(exclude_none=True) for prompt in await mcp.list_prompts())
    assert plain == {"name": "documented", "description": "Doc.", "arguments": []}
    assert given == {"name": "n", "title": "T", "description": "D", "arguments": [], "icons": [{"src": "s"}]}
    with pytest.raises(ValueError, match=r"^You must provide a name for lambda functions$"):
        mcp.prompt()(lambda: "x")
    with pytest.raises(InvalidSignature, match="cannot start with '_'"):
        mcp.prompt(name="n")(lambda _x: "x")  # pyright: ignore


@pytest.mark.parametrize("warn", [True, False])
def test_first_prompt_of_a_name_stays(caplog: pytest.LogCaptureFixture, warn: bool):
    """PRM-3"""
    manager = PromptManager(warn_on_duplicate_prompts=warn)
    first = manager.add_prompt(Prompt.from_function(lambda: "1", name="p"))
    with caplog.at_level(logging.WARNING):
        assert manager.add_prompt(Prompt.from_function(lambda: "2", name="p")) is first
        assert manager.add_prompt(first) is first
    expected = ["Prompt already exists: p"] * 2 if warn else []
    assert [record.getMessage() for record in caplog.records if record.name == MANAGER] == expected
    assert manager.list_prompts() == [first]
    assert manager.get_prompt("q") is None


async def test_listed_arguments():
    """PRM-4, PRM-5"""

    def fn(
        a: int,
        point: Point,
        ctx: Context,
        other: Annotated[Point, Field(description="given")],
        b: Annotated[str, Field(description="second")] = "x",
    ) -> str:
        return a, b  # pyright: ignore

    mcp = served(fn)
    (prompt,) = await mcp.list_prompts()
    assert prompt.arguments is not None
    assert [argument.model_dump(exclude_none=True) for argument in prompt.arguments] == [
        {"name": "a", "required": True},
        {"name": "point", "required": True},
        {"name": "other", "description": "given", "required": True},
        {"name": "b", "description": "second", "required": False},
    ]
    (bare,) = await served(lambda: "x").list_prompts()
    assert bare.arguments == []


async def test_list_is_one_page_in_order_of_registration():
    """PRM-6, TOOL-12"""
    mcp = FastMCP()
    for name in ("c", "a", "b"):
        mcp.prompt(name)(lambda: "x")
    async with connect(mcp) as client:
        page = await client.list_prompts(cursor="any")
    assert ([prompt.name for prompt in page.prompts], page.nextCursor) == (["c", "a", "b"], None)


async def test_unknown_prompt():
    """PRM-7"""
    error = await error_of(FastMCP(), name="nope")
    assert (error.code, error.message) == (-32602, "Unknown prompt: nope")


async def test_missing_arguments():
    """PRM-8: before the function is called."""

    def fn(zeta: str, alpha: str, optional: str = "") -> str:
        raise AssertionError

    error = await error_of(served(fn), {"optional": "x"})
    assert (error.code, error.message) == (-32602, "Missing required arguments: {'alpha', 'zeta'}")


async def test_extra_arguments():
    """PRM-9"""
    error = await error_of(served(lambda a: a), {"a": "1", "zz": "2"})  # pyright: ignore
    assert error.code == 0
    assert error.message.startswith("Error rendering prompt p: 1 validation error for ")
    assert "zz\n  Unexpected keyword argument" in error.message


async def test_text_is_coerced_but_not_parsed():
    """PRM-10"""

    def numbers(b: int, c: float = 0.5) -> str:
        return f"{b!r} {c!r}"

    def listed(items: list[str]) -> str:
        return str(items)

    assert (await get(served(numbers), {"b": "7"})).messages[0].content == text("7 0.5")
    error = await error_of(served(listed), {"items": '["a"]'})
    assert error.message.startswith("Error rendering prompt p: 1 validation error for ")


async def test_public_names_of_arguments():
    """PRM-11"""

    def fn(copy: str, x: Annotated[int, Field(alias="xA")], json: str = "j") -> str:
        return f"{copy} {x} {json}"

    mcp = served(fn)
    (prompt,) = await mcp.list_prompts()
    assert [argument.name for argument in prompt.arguments or ()] == ["copy", "xA", "json"]
    assert (await get(mcp, {"copy": "c", "xA": "1"})).messages[0].content == text("c 1 j")


async def test_variadic_parameters_take_what_is_not_listed():
    """PRM-9: a prompt may ask for any arguments."""

    def fn(a: str, *args: str, **kwargs: str) -> str:
        return f"{a} {args} {kwargs}"

    mcp = served(fn)
    (prompt,) = await mcp.list_prompts()
    assert [argument.name for argument in prompt.arguments or ()] == ["a"]
    assert (await get(mcp, {"a": "1", "b": "2"})).messages[0].content == text("1 () {'b': '2'}")


async def test_failing_function(caplog: pytest.LogCaptureFixture):
    """PRM-12"""

    def fn() -> str:
        raise RuntimeError("bad")

    error = await error_of(served(fn))
    assert (error.code, error.message, error.data) == (0, "Error rendering prompt p: bad", None)
    (record,) = [record for record in caplog.records if record.name == SERVER]
    assert record.getMessage() == "Error getting prompt p"
    assert record.exc_info is not None


async def test_complaints_about_the_request_are_not_logged(caplog: pytest.LogCaptureFixture):
    """PRM-7, PRM-8"""
    await error_of(FastMCP(), name="nope")
    await error_of(served(lambda a: a))  # pyright: ignore
    assert [record for record in caplog.records if record.name == SERVER] == []


@pytest.mark.parametrize(("description", "expected"), [(None, ""), ("D", "D")])
async def test_description_of_the_result(description: str | None, expected: str):
    """PRM-13"""
    assert (await get(served(lambda: "x", description=description))).description == expected


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        ("hello", [("user", text("hello"))]),
        (UserMessage("u"), [("user", text("u"))]),
        (AssistantMessage("a"), [("assistant", text("a"))]),
        (Message("m", role="assistant"), [("assistant", text("m"))]),
        ({"role": "assistant", "content": "d"}, [("assistant", text("d"))]),
        ({"content": {"type": "text", "text": "d"}}, [("user", text("d"))]),
        (5, [("user", text("5"))]),
        (None, [("user", text("null"))]),
        ([[1]], [("user", text("[\n  1\n]"))]),
        ({1}, [("user", text("[\n  1\n]"))]),
        (object, [("user", text("\"<class 'object'>\""))]),
        (["a", AssistantMessage("b")], [("user", text("a")), ("assistant", text("b"))]),
        (("a", None), [("user", text("a")), ("user", text("null"))]),
        ([], []),
        ((), []),
    ],
)
async def test_messages(value: Any, messages: list[tuple[str, Any]]):
    """PRM-14"""
    assert await rendered(value) == messages


@pytest.mark.parametrize("item", [{"role": "robot", "content": "x"}, {"role": "user"}, {"content": 5}])
async def test_items_that_are_no_messages(item: dict[str, Any]):
    """PRM-15"""
    error = await error_of(served(lambda: ["fine", item]))
    assert (error.code, error.message) == (
        0,
        f"Error rendering prompt p: Could not convert prompt result to message: {item}",
    )


async def test_blocks_media_and_protocol_messages():
    """PRM-16, PRM-19"""
    image = ImageContent(type="image", data="eA==", mimeType="image/png")
    embedded = EmbeddedResource(
        type="resource",
        resource=TextResourceContents(uri="r://x", text="t"),  # pyright: ignore
    )
    value = [
        Image(data=b"x"),
        embedded,
        PromptMessage(role="assistant", content=text("a")),
        {"content": embedded.model_dump(mode="json")},
    ]
    assert await rendered(value) == [
        ("user", image),
        ("user", embedded),
        ("assistant", text("a")),
        ("user", embedded),
    ]


def test_message_classes():
    """PRM-17"""
    assert UserMessage("x").content == text("x")
    assert UserMessage(content="x").role == "user"
    assert UserMessage("x", role="assistant").role == "assistant"
    assert AssistantMessage(text("x")) == AssistantMessage("x")
    assert Message("x", role="user").role == "user"
    with pytest.raises(ValidationError):
        Message("x")
    with pytest.raises(ValidationError):
        UserMessage(5)  # pyright: ignore
    assert isinstance(message_validator.validate_python({"content": "x", "role": "assistant"}), Message)


async def test_direct_calls():
    """PRM-18, DIR-1"""

    async def fn(a: int) -> list[Any]:
        return [1 // a, "x", {"role": "assistant", "content": "y"}]

    prompt = Prompt.from_function(fn)
    assert Prompt.from_function(fn, context_kwarg="a").arguments == []
    assert await prompt.render({"a": "1"}) == [
        Message("1", role="user"),
        UserMessage("x"),
        UserMessage("y", role="assistant"),
    ]
    assert await Prompt.from_function(lambda: (i for i in range(2)), name="g").render() == [
        Message("[\n  0,\n  1\n]", role="user")
    ]
    assert "fn" not in prompt.model_dump()
    mcp = FastMCP()
    mcp.add_prompt(prompt)
    assert (await mcp.get_prompt("fn", {"a": 1})).messages[1] == PromptMessage(role="user", content=text("x"))
    for arguments, expected in (
        ({"a": "0"}, "Error rendering prompt fn: integer division or modulo by zero"),
        ({}, "Missing required arguments: {'a'}"),
    ):
        for call in (
            lambda: prompt.render(arguments),  # noqa: B023
            lambda: mcp._prompt_manager.render_prompt("fn", arguments),  # noqa: B023
            lambda: mcp.get_prompt("fn", arguments),  # noqa: B023
        ):
            with pytest.raises(ValueError) as caught:
                await call()
            assert str(caught.value) == expected
    for call in (lambda: mcp.get_prompt("nope"), lambda: mcp._prompt_manager.render_prompt("nope")):
        with pytest.raises(ValueError, match=r"^Unknown prompt: nope$"):
            await call()


async def test_context_in_prompts():
    """CTX-12: also one annotated with type arguments or a subclass."""

    class Own(Context[Any, Any, Any]):
        pass

    def bare(c: Context) -> str:
        return c.request_id

    def parametrised(c: Context[Any, dict[str, Any], Any]) -> str:
        return str(c.request_context.lifespan_context)

    def own(a: str, *, c: Own) -> str:
        return a + c.request_id

    assert (await get(served(bare))).messages[0].content == text("1")
    assert (await get(served(parametrised))).messages[0].content == text("{}")
    assert (await get(served(own), {"a": "id "})).messages[0].content == text("id 1")


async def test_url_elicitation_reaches_the_client():
    """TOOL-64: from prompts too."""

    async def fn() -> str:
        raise UrlElicitationRequiredError([ElicitRequestURLParams(message="m", url="u", elicitationId="1")])

    assert (await error_of(served(fn))).code == -32042


async def test_prompt_made_by_hand():
    """PRM-18: without known arguments none are missing."""
    mcp = FastMCP()
    mcp.add_prompt(Prompt(name="p", fn=lambda **kwargs: str(kwargs)))
    (prompt,) = await mcp.list_prompts()
    assert prompt.arguments == []
    assert (await get(mcp, {"a": "1"})).messages[0].content == text("{'a': '1'}")
