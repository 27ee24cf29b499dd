"""Questions of a server, as a dialogue in the terminal."""

from typing import Any

import pytest

from mcp.cli._elicitation import answer, field_label, parse_field, problem_of
from mcp.types import ElicitRequestFormParams, ElicitRequestURLParams, ElicitResult


class Dialogue:
    """A user who gives the same answers every time, and then leaves."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.questions: list[str] = []
        self.told: list[str] = []

    def ask(self, question: str) -> str:
        self.questions.append(question)
        if not self._answers:
            raise EOFError
        return self._answers.pop(0)

    def form(self, properties: dict[str, Any], required: list[str] | None = None) -> ElicitResult:
        schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required or []}
        params = ElicitRequestFormParams(message="Please", requestedSchema=schema)
        return answer(params, "Demo", self.ask, self.told.append)


STRING = {"type": "string"}


def test_a_form_is_filled_in_field_by_field() -> None:
    user = Dialogue("Ada", "36", "yes", "b", "x, y", "")
    result = user.form(
        {
            "name": {"type": "string", "title": "Your name", "description": "as people call you"},
            "age": {"type": "integer", "minimum": 0},
            "member": {"type": "boolean"},
            "size": {"type": "string", "enum": ["a", "b"], "enumNames": ["Small", "Big"]},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["x", "y", "z"]}},
            "more": STRING,
        },
        required=["name", "age", "member", "size", "tags"],
    )
    content = {"name": "Ada", "age": 36, "member": True, "size": "b", "tags": ["x", "y"]}
    assert result == ElicitResult(action="accept", content=content)
    assert user.told == ["Demo asks: Please", "(Ctrl-D declines)"]
    assert user.questions == [
        "Your name, as people call you: ",
        "age [integer]: ",
        "member [yes/no]: ",
        "size [a (Small)/b (Big)]: ",
        "tags [x/y/z, separate with commas]: ",
        "more [optional]: ",
    ]


def test_leaving_declines() -> None:
    assert Dialogue().form({"name": STRING}) == ElicitResult(action="decline")


def test_a_default_stands_in_for_an_empty_answer() -> None:
    user = Dialogue("")
    assert user.form({"n": {"type": "integer", "default": 5}}, ["n"]).content == {"n": 5}
    assert user.questions == ["n [integer, default 5]: "]


def test_answers_that_do_not_fit_are_asked_again() -> None:
    user = Dialogue("", "x", "-1", "200", "7")
    result = user.form({"n": {"type": "integer", "minimum": 0, "maximum": 100}}, ["n"])
    assert result.content == {"n": 7}
    assert user.told[2:] == [
        "Please give an answer.",
        "n must be an integer, got 'x'",
        "The number must be at least 0.",
        "The number must be at most 100.",
    ]


@pytest.mark.parametrize(("reply", "action"), [("y", "accept"), ("YES", "accept"), ("", "decline"), ("no", "decline")])
def test_a_form_without_fields_is_a_question_of_yes_or_no(reply: str, action: str) -> None:
    result = Dialogue(reply).form({})
    assert result.action == action
    assert result.content == ({} if action == "accept" else None)


@pytest.mark.parametrize(("reply", "action"), [("y", "accept"), ("n", "decline"), ("", "decline")])
def test_a_url_is_shown_and_agreed_to(reply: str, action: str) -> None:
    user = Dialogue(reply)
    params = ElicitRequestURLParams(message="Log in", url="https://example.com/x", elicitationId="1")
    assert answer(params, "Demo", user.ask, user.told.append) == ElicitResult(action=action)
    assert user.told == ["Demo asks: Log in", "It wants you to open https://example.com/x"]


def test_a_server_cannot_steer_the_terminal() -> None:
    user = Dialogue("x")
    schema = {"properties": {"a": {"type": "string", "title": "\x1b[31mred\n", "description": "\x07"}}}
    params = ElicitRequestFormParams(message="\x1b]0;title\x07", requestedSchema=schema)
    answer(params, "De\x1bmo", user.ask, user.told.append)
    assert not any(char < " " for text in user.told + user.questions for char in text)


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        ({"type": "string", "oneOf": [{"const": "a", "title": "First"}, {"const": "b"}]}, "First", "a"),
        ({"type": "string", "oneOf": [{"const": "a", "title": "First"}, {"const": "b"}]}, "b", "b"),
        ({"type": "string", "enum": ["a"], "enumNames": ["First"]}, "First", "a"),
        ({"type": "array", "items": {"anyOf": [{"const": "a", "title": "First"}]}}, "a", ["a"]),
        ({"type": "array", "items": {"type": "integer"}}, "1,2,", [1, 2]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "3", 3),
    ],
)
def test_a_field_is_parsed(wanted: dict[str, Any], text: str, expected: Any) -> None:
    assert parse_field("f", text, wanted, {}) == expected


@pytest.mark.parametrize(
    ("wanted", "required", "label"),
    [
        ({"type": "string", "oneOf": [{"const": "a", "title": "First"}, {"const": "b"}]}, True, "f [a (First)/b]"),
        (
            {"type": "array", "items": {"anyOf": [{"const": "a", "title": "First"}]}},
            True,
            "f [a (First), separate with commas]",
        ),
        ({"type": "array", "items": STRING}, True, "f [separate with commas]"),
        ({"type": "number"}, False, "f [number, optional]"),
        (STRING, True, "f"),
        ({"type": "boolean", "default": True}, False, "f [yes/no, default True]"),
    ],
)
def test_the_label_of_a_field(wanted: dict[str, Any], required: bool, label: str) -> None:
    assert field_label("f", wanted, required, {}) == label


@pytest.mark.parametrize(
    ("value", "wanted", "complaint"),
    [
        ("ab", {"type": "string", "minLength": 3}, "The length must be at least 3."),
        ("abcd", {"type": "string", "maxLength": 3}, "The length must be at most 3."),
        ("abc", {"type": "string", "minLength": 3, "maxLength": 3}, None),
        ([], {"type": "array", "minItems": 1}, "The count must be at least 1."),
        (["a"], {"type": "array", "minItems": 1}, None),
        (True, {"type": "boolean", "minimum": 7}, None),
        (2, {"anyOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]}, "The number must be at least 3."),
        (None, {"type": "null"}, None),
        ({}, {"type": "object"}, None),
    ],
)
def test_bounds(value: Any, wanted: dict[str, Any], complaint: str | None) -> None:
    assert problem_of(value, wanted, {}) == complaint


def test_an_empty_text_may_be_an_answer() -> None:
    assert Dialogue("").form({"a": STRING}, ["a"]).content == {"a": ""}
    assert Dialogue("", "x").form({"a": {"type": "string", "minLength": 1}}, ["a"]).content == {"a": "x"}
