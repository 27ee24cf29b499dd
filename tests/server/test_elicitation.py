"""Asking the user through the client."""

import enum
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from pydantic import BaseModel, Field, ValidationError, create_model

from mcp.client.session import ClientSession
from mcp.server.elicitation import (
    AcceptedElicitation,
    AcceptedUrlElicitation,
    CancelledElicitation,
    DeclinedElicitation,
    elicit_url,
    elicit_with_validation,
)
from mcp.server.fastmcp import Context, FastMCP
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from mcp.shared.memory import create_connected_server_and_client_session as connect
from mcp.types import (
    ClientCapabilities,
    ElicitationCapability,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    ElicitResult,
    ErrorData,
    FormElicitationCapability,
    Implementation,
    InitializeRequestParams,
    UrlElicitationCapability,
)

pytestmark = pytest.mark.anyio


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


class Nested(BaseModel):
    x: int


class Name(BaseModel):
    name: str


class Session:
    """A session that answers as it was told, and notes what it was asked."""

    def __init__(self, result: ElicitResult, capabilities: ClientCapabilities | None = None) -> None:
        self.result = result
        self.asked: list[dict[str, Any]] = []
        self._capabilities = capabilities

    @property
    def client_params(self) -> InitializeRequestParams | None:
        if self._capabilities is None:
            return None
        return InitializeRequestParams(
            protocolVersion="2025-11-25",
            capabilities=self._capabilities,
            clientInfo=Implementation(name="c", version="1"),
        )

    def check_client_capability(self, capability: ClientCapabilities) -> bool:
        mine, wanted = self._capabilities and self._capabilities.elicitation, capability.elicitation
        assert wanted is not None
        if mine is None:
            return False
        if wanted.url is not None:
            return mine.url is not None
        return mine.form is not None or mine.url is None

    async def elicit_form(self, **kwargs: Any) -> ElicitResult:
        self.asked.append(kwargs)
        return self.result

    async def elicit_url(self, **kwargs: Any) -> ElicitResult:
        self.asked.append(kwargs)
        return self.result


def accepting(content: dict[str, Any] | None) -> Any:
    return Session(ElicitResult(action="accept", content=content))


def model(annotation: Any, default: Any = ...) -> type[BaseModel]:
    return create_model("Form", f=(annotation, default))


async def asked_schema(schema: type[BaseModel]) -> dict[str, Any]:
    session: Any = Session(ElicitResult(action="decline"))
    await elicit_with_validation(session, "m", schema)
    return session.asked[0]["requestedSchema"]


async def test_form_request_on_the_wire():
    """ELI-1, ELI-7, LLS-71"""

    class Booking(BaseModel):
        day: str = Field(description="When", min_length=3)
        people: int = Field(default=2, ge=1)

    mcp = FastMCP()
    seen: list[Any] = []

    @mcp.tool()
    async def book(ctx: Context) -> str:  # pyright: ignore
        result = await ctx.elicit("Book?", Booking)
        assert isinstance(result, AcceptedElicitation)
        return f"{result.action} {result.data!r}"

    async def answer(context: Any, params: Any) -> ElicitResult:
        seen.append(params)
        return ElicitResult(action="accept", content={"day": "Monday"})

    async with connect(mcp, elicitation_callback=answer) as client:
        result = await client.call_tool("book", {})
    assert result.content[0].text == "accept Booking(day='Monday', people=2)"  # pyright: ignore
    (params,) = seen
    assert isinstance(params, ElicitRequestFormParams)
    assert (params.mode, params.message) == ("form", "Book?")
    assert params.requestedSchema == Booking.model_json_schema()


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (list[str], {"items": {"type": "string"}, "type": "array"}),
        (Sequence[str], {"items": {"type": "string"}, "type": "array"}),
        (Annotated[int, Field(ge=1, description="d")], {"description": "d", "minimum": 1, "type": "integer"}),
        (Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),  # noqa: UP007
        (None, {"type": "null"}),
        (Literal["a"], {"enum": ["a"], "type": "string"}),
        (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}),
        (list[Literal["a", "b"]], {"items": {"enum": ["a", "b"], "type": "string"}, "type": "array"}),
    ],
)
async def test_fields_that_may_be_asked(annotation: Any, expected: dict[str, Any]):
    """ELI-2, ELI-4, LLS-71"""
    schema = await asked_schema(model(annotation))
    assert schema == {
        "properties": {"f": {"title": "F", **expected}},
        "required": ["f"],
        "title": "Form",
        "type": "object",
    }


async def test_enumerations_are_written_out():
    """ELI-4"""

    class Form(BaseModel):
        one: Colour
        many: list[Colour] = []
        default: Colour = Colour.RED

    schema = await asked_schema(Form)
    choice = {"enum": ["red", "green"], "title": "Colour", "type": "string"}
    assert "$defs" not in schema
    assert schema["properties"] == {
        "one": choice,
        "many": {"default": [], "items": choice, "title": "Many", "type": "array"},
        "default": {"default": "red", **choice},
    }
    result = await elicit_with_validation(accepting({"one": "green", "many": ["red"]}), "m", Form)
    assert isinstance(result, AcceptedElicitation)
    assert result.data == Form(one=Colour.GREEN, many=[Colour.RED])


@pytest.mark.parametrize(
    "annotation",
    [
        list[int],
        set[str],
        dict[str, str],
        Nested,
        Any,
        date,
        Level,
        Mixed,
        Literal["a", 1],
        list[Level],
        list[list[str]],
        tuple[str, str],
        Optional[Nested],  # noqa: UP045
        list,
        bytes,
    ],
)
async def test_fields_that_may_not_be_asked(annotation: Any):
    """ELI-3, ELI-4, LLS-71: nothing is sent."""
    session = accepting({})
    with pytest.raises(TypeError) as caught:
        await elicit_with_validation(session, "m", model(annotation))
    assert str(caught.value) == (
        "Elicitation schema field 'f' must be a primitive type "
        "(<class 'str'>, <class 'int'>, <class 'float'>, <class 'bool'>), a sequence of strings (list[str], etc.), "
        "or Optional of these types. Nested models and complex types are not allowed."
    )
    assert session.asked == []


async def test_enumeration_by_schema_extra():
    """ELI-5"""

    class Form(BaseModel):
        size: str = Field(json_schema_extra={"enum": ["s", "m"]})

    schema = await asked_schema(Form)
    assert schema == Form.model_json_schema()
    assert schema["properties"]["size"]["enum"] == ["s", "m"]


async def test_optional_fields_are_plain_and_not_required():
    """ELI-6"""

    class Form(BaseModel):
        needed: str
        a: int | None
        b: Annotated[str | None, Field(description="d", min_length=1)] = None
        c: int | str | None = 5
        d: Colour | None = None
        e: list[str] | None = None
        f: Annotated[int, Field(ge=1)] | None = None

    schema = await asked_schema(Form)
    assert schema["required"] == ["needed"]
    assert schema["properties"] == {
        "needed": {"title": "Needed", "type": "string"},
        "a": {"title": "A", "type": "integer"},
        "b": {"description": "d", "minLength": 1, "title": "B", "type": "string"},
        "c": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": 5, "title": "C"},
        "d": {"enum": ["red", "green"], "title": "Colour", "type": "string"},
        "e": {"items": {"type": "string"}, "title": "E", "type": "array"},
        "f": {"minimum": 1, "title": "F", "type": "integer"},
    }
    result = await elicit_with_validation(accepting({"needed": "x"}), "m", Form)
    assert isinstance(result, AcceptedElicitation)
    assert result.data == Form(needed="x", a=None)


async def test_form_without_required_fields():
    """ELI-6"""
    assert "required" not in await asked_schema(model(int | None))
    assert await asked_schema(create_model("Empty")) == {
        "properties": {},
        "title": "Empty",
        "type": "object",
    }


@pytest.mark.parametrize(
    ("action", "expected"), [("decline", DeclinedElicitation()), ("cancel", CancelledElicitation())]
)
async def test_answers_without_data(action: Any, expected: Any):
    """ELI-7, ELI-11, LLS-71, LLS-72"""
    session: Any = Session(ElicitResult(action=action))
    assert await elicit_with_validation(session, "m", Name) == expected
    assert await elicit_url(session, "m", "https://x", "1") == expected
    assert set(expected.model_dump()) == {"action"}


async def test_answers_that_do_not_fit():
    """ELI-8, LLS-71"""
    with pytest.raises(ValidationError):
        await elicit_with_validation(accepting({"name": 5}), "m", Name)

    mcp = FastMCP()

    @mcp.tool()
    async def ask(ctx: Context) -> str:  # pyright: ignore
        return str(await ctx.elicit("m", Name))

    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={})

    async with connect(mcp, elicitation_callback=answer) as client:
        result = await client.call_tool("ask", {})
    assert result.isError
    assert result.content[0].text.startswith("Error executing tool ask: 1 validation error for Name")  # pyright: ignore


async def test_acceptance_without_content():
    """ELI-9: is that of an empty form."""
    result = await elicit_with_validation(accepting(None), "m", model(int | None, None))
    assert isinstance(result, AcceptedElicitation)
    assert result.data.f is None  # pyright: ignore
    with pytest.raises(ValidationError):
        await elicit_with_validation(accepting(None), "m", Name)


async def test_action_that_there_is_not():
    """ELI-9"""
    session: Any = Session(ElicitResult.model_construct(action="shrug"))  # pyright: ignore
    for ask in (
        lambda: elicit_with_validation(session, "m", Name),
        lambda: elicit_url(session, "m", "https://x", "1"),
    ):
        with pytest.raises(ValueError, match=r"^Unexpected elicitation action: shrug$"):
            await ask()


BOTH = ElicitationCapability(form=FormElicitationCapability(), url=UrlElicitationCapability())


@pytest.mark.parametrize(
    ("elicitation", "form", "url"),
    [
        (None, False, False),
        (ElicitationCapability(), True, False),
        (ElicitationCapability(form=FormElicitationCapability()), True, False),
        (ElicitationCapability(url=UrlElicitationCapability()), False, True),
        (BOTH, True, True),
    ],
)
async def test_modes_that_the_client_did_not_declare_are_not_sent(
    elicitation: ElicitationCapability | None, form: bool, url: bool
):
    """ELI-10"""
    session: Any = Session(ElicitResult(action="decline"), ClientCapabilities(elicitation=elicitation))
    for supported, ask in (
        (form, lambda: elicit_with_validation(session, "m", Name)),
        (url, lambda: elicit_url(session, "m", "https://x", "1")),
    ):
        session.asked.clear()
        if supported:
            assert await ask() == DeclinedElicitation()
            assert len(session.asked) == 1
            continue
        with pytest.raises(McpError) as caught:
            await ask()
        assert caught.value.error == ErrorData(code=-32600, message="Elicitation not supported")
        assert session.asked == []


async def test_client_without_elicitation():
    """ELI-10: a real session, and one whose handshake is not known, such as a relay's."""
    mcp = FastMCP()

    @mcp.tool()
    async def ask(ctx: Context) -> str:  # pyright: ignore
        return str(await ctx.elicit("m", Name))

    async with connect(mcp) as client:
        assert isinstance(client, ClientSession)
        result = await client.call_tool("ask", {})
    assert result.isError
    assert result.content[0].text == "Error executing tool ask: Elicitation not supported"  # pyright: ignore

    class Relay:
        elicit_form = Session.elicit_form

        def __init__(self) -> None:
            self.asked: list[Any] = []
            self.result = ElicitResult(action="cancel")

    relay: Any = Relay()
    assert await elicit_with_validation(relay, "m", Name, related_request_id=5) == CancelledElicitation()
    assert relay.asked[0]["related_request_id"] == 5


async def test_url_request_on_the_wire():
    """ELI-11, ELI-12, LLS-72"""
    mcp = FastMCP()
    seen: list[Any] = []

    @mcp.tool()
    async def visit(ctx: Context) -> str:  # pyright: ignore
        result = await ctx.elicit_url("Go", "https://example.com/a", "id-1")
        assert isinstance(result, AcceptedUrlElicitation)
        await ctx.session.send_elicit_complete("id-1")
        return str(result.model_dump())

    async def answer(context: Any, params: Any) -> ElicitResult:
        seen.append(params)
        return ElicitResult(action="accept")

    async def note(message: Any) -> None:
        seen.append(message.root)

    async with connect(mcp, elicitation_callback=answer, message_handler=note) as client:
        result = await client.call_tool("visit", {})
    assert result.content[0].text == "{'action': 'accept'}"  # pyright: ignore
    params, complete = seen
    assert params == ElicitRequestURLParams(mode="url", message="Go", url="https://example.com/a", elicitationId="id-1")
    assert (complete.method, complete.params.elicitationId) == ("notifications/elicitation/complete", "id-1")


@pytest.mark.parametrize(
    ("count", "message", "text"),
    [(1, None, "URL elicitation required"), (2, None, "URL elicitations required"), (1, "own", "own")],
)
def test_url_elicitation_required_error(count: int, message: str | None, text: str):
    """ELI-13"""
    elicitations = [ElicitRequestURLParams(message="m", url="u", elicitationId=str(i)) for i in range(count)]
    error = UrlElicitationRequiredError(elicitations, message)
    assert (error.error.code, error.error.message, str(error)) == (-32042, text, text)
    assert error.elicitations == elicitations
    assert error.error.data == {
        "elicitations": [{"mode": "url", "message": "m", "url": "u", "elicitationId": str(i)} for i in range(count)]
    }
    with pytest.raises(ValueError, match=r"^Expected error code -32042, got 5$"):
        UrlElicitationRequiredError.from_error(ErrorData(code=5, message="x"))
