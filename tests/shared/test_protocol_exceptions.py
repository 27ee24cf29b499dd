"""The tree of errors: SES-45 to SES-47, SES-13, SES-3."""

import pickle
from typing import Any

import pytest

from mcp.shared.exceptions import (
    REQUEST_TIMEOUT,
    SESSION_TERMINATED,
    ConnectionClosedError,
    McpError,
    OutcomeUnknownError,
    ProtocolError,
    RequestTimeoutError,
    SessionExpiredError,
    UrlElicitationRequiredError,
)
from mcp.types import CONNECTION_CLOSED, INTERNAL_ERROR, URL_ELICITATION_REQUIRED, ElicitRequestURLParams, ErrorData


def elicitation(number: int, **more: Any) -> ElicitRequestURLParams:
    return ElicitRequestURLParams(message=f"m{number}", url=f"https://e/{number}", elicitationId=f"i{number}", **more)


def dumped(number: int) -> dict[str, Any]:
    return {"mode": "url", "message": f"m{number}", "url": f"https://e/{number}", "elicitationId": f"i{number}"}


def test_mcp_error() -> None:
    """SES-45."""
    error = McpError(ErrorData(code=7, message="why", data=[1]))
    assert error.error == ErrorData(code=7, message="why", data=[1])
    assert str(error) == "why"
    assert isinstance(error, Exception)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConnectionClosedError(), CONNECTION_CLOSED, "Connection closed"),
        (ConnectionClosedError("exit status 3"), CONNECTION_CLOSED, "Connection closed: exit status 3"),
        (SessionExpiredError(), SESSION_TERMINATED, "Session terminated"),
        (OutcomeUnknownError("who knows"), INTERNAL_ERROR, "who knows"),
        (ProtocolError(-32700, "Parse error"), -32700, "Parse error"),
        (RequestTimeoutError(ErrorData(code=REQUEST_TIMEOUT, message="late")), 408, "late"),
    ],
)
def test_the_tree(error: McpError, code: int, text: str) -> None:
    """SES-3, SES-13: codes and words that programs match."""
    assert isinstance(error, McpError)
    assert error.error == ErrorData(code=code, message=text)
    assert str(error) == text


def test_codes_that_programs_match() -> None:
    assert (CONNECTION_CLOSED, SESSION_TERMINATED, REQUEST_TIMEOUT) == (-32000, 32600, 408)


def test_protocol_errors_name_whom_they_concern() -> None:
    error = ProtocolError(-32600, "m", request_id=0, answerable=True, response_id="r")
    assert (error.request_id, error.answerable, error.response_id) == (0, True, "r")


@pytest.mark.parametrize(
    ("count", "message", "text"),
    [
        (0, None, "URL elicitation required"),
        (1, None, "URL elicitation required"),
        (2, None, "URL elicitations required"),
        (2, "mine", "mine"),
        (1, "", ""),
    ],
)
def test_url_elicitation_required(count: int, message: Any, text: str) -> None:
    """SES-46."""
    elicitations = [elicitation(number) for number in range(count)]
    error = UrlElicitationRequiredError(elicitations, message)
    assert error.error == ErrorData(
        code=-32042, message=text, data={"elicitations": [dumped(number) for number in range(count)]}
    )
    assert error.elicitations == elicitations
    assert str(error) == text


def test_members_by_their_names_on_the_wire() -> None:
    """SES-46: aliased, None omitted."""
    error = UrlElicitationRequiredError([elicitation(1, _meta={"progressToken": 1})])
    assert error.error.data == {"elicitations": [{**dumped(1), "_meta": {"progressToken": 1}}]}


def test_from_error() -> None:
    """SES-47: what a client makes of the error it got."""
    sent = UrlElicitationRequiredError([elicitation(1), elicitation(2)], "visit these")
    typed = UrlElicitationRequiredError.from_error(ErrorData.model_validate(sent.error.model_dump(mode="json")))
    assert typed.elicitations == sent.elicitations
    assert typed.error == sent.error


@pytest.mark.parametrize("data", [None, {}, {"elicitations": None}, {"elicitations": []}, [1], "text"])
def test_from_error_without_elicitations(data: Any) -> None:
    """SES-47."""
    error = ErrorData(code=URL_ELICITATION_REQUIRED, message="m", data=data)
    typed = UrlElicitationRequiredError.from_error(error)
    assert typed.elicitations == []
    assert str(typed) == "m"


def test_from_another_error() -> None:
    """SES-47."""
    with pytest.raises(ValueError, match=r"^Expected error code -32042, got 5$"):
        UrlElicitationRequiredError.from_error(ErrorData(code=5, message="m"))


def test_a_subclass_of_a_program() -> None:
    """Used in the wild (fastmcp): `McpError` with extra attributes."""

    class Mine(McpError):
        def __init__(self, code: int) -> None:
            super().__init__(ErrorData(code=code, message="mine"))
            self.code = code

    with pytest.raises(McpError, match="mine") as raised:
        raise Mine(3)
    assert raised.value.error.code == 3


def test_error_data_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(McpError(ErrorData(code=1, message="m")).error)) == ErrorData(code=1, message="m")
