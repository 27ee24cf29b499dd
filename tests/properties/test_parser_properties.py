"""Parsers under generated input: what they may raise, and what must not depend on how the input is cut."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcp.client._sse_events import EventDecoder, ServerEvent
from mcp.client.auth._challenge import find_parameter, parse_challenges
from mcp.server.fastmcp.resources.templates import ResourceTemplate
from mcp.server.fastmcp.utilities.func_metadata import func_metadata
from mcp.shared._broken_lines import mend, subject_of
from mcp.shared._codec import encode_message, parse_message
from mcp.shared._lines import LineSplitter, LongLine
from mcp.shared._schema import CompiledSchema
from mcp.shared.exceptions import McpError
from mcp.shared.message import SessionMessage

few = settings(max_examples=60, deadline=None, derandomize=True, database=None)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
ids = st.integers() | texts
members = st.dictionaries(texts, values, max_size=3)
messages = st.one_of(
    st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": ids, "method": texts}, optional={"params": members}),
    st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "method": texts}, optional={"params": members}),
    st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": ids, "result": members}),
    st.fixed_dictionaries(
        {
            "jsonrpc": st.just("2.0"),
            "id": ids,
            "error": st.fixed_dictionaries({"code": st.integers(), "message": texts}),
        }
    ),
)
nearly = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "x"]), values | st.just("2.0"), max_size=6
)


# Messages


@few
@given(st.binary(max_size=200) | texts | (nearly | values).map(json.dumps))
@example(b'{"jsonrpc":"2.0","id":null,"error":{"code":1}}')
@example("\ud83d")
@example("[" * 100_000)
def test_reading_a_message_raises_nothing_but_protocol_errors(data: bytes | str) -> None:
    with contextlib.suppress(McpError):
        parse_message(data)


@few
@given(messages)
def test_messages_survive_the_round_trip(message: dict[str, Any]) -> None:
    read = parse_message(json.dumps(message))
    written = encode_message(SessionMessage(read), b"\n")
    # One line, whatever the texts hold.
    assert written.count(b"\n") == 1
    assert parse_message(written) == read
    back = json.loads(written)
    assert {name: back[name] for name in ("id", "method") if name in message} == {
        name: message[name] for name in ("id", "method") if name in message
    }
    assert type(back.get("id")) is type(message.get("id"))


@few
@given(messages, st.data())
def test_what_a_cut_message_is_about_is_never_another_request(message: dict[str, Any], data: st.DataObject) -> None:
    line = json.dumps(message).encode()
    cut = line[: data.draw(st.integers(0, len(line)))]
    subject = subject_of(cut)
    if subject is not None and isinstance(message.get("id"), str):
        assert subject.request_id == message["id"]
    mend(cut, lenient=True)


# Lines and events


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(place, len(data)) for place in cuts})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


cuts = st.lists(st.integers(0, 120), max_size=12)
BITS = [b"\n", b"\r", b"\r\n", b"data: ", b"data:", b"id: 7", b"retry: 1", b"x", b"\xff", b":", b"event: e", b"\0"]
pieces = st.lists(st.sampled_from(BITS), max_size=30).map(b"".join)


@few
@given(pieces | st.binary(max_size=120), cuts, st.sampled_from([3, 1000]))
def test_lines_do_not_depend_on_how_they_are_cut(data: bytes, cuts: list[int], limit: int) -> None:
    whole, splitter = LineSplitter(limit=limit), LineSplitter(limit=limit)
    found = [line for chunk in cut(data, cuts) for line in splitter.feed(chunk)] + [splitter.end()]
    assert [known(line, limit) for line in found] == [known(line, limit) for line in [*whole.feed(data), whole.end()]]


def known(line: bytes | LongLine | None, limit: int) -> bytes | LongLine | None:
    """A line that is too long shows what has come when that is noticed, which is more than the limit."""
    if not isinstance(line, LongLine):
        return line
    assert len(line.head) > limit
    return LongLine(line.head[:limit])


@few
@given(pieces | st.binary(max_size=120), cuts)
def test_universal_lines_differ_by_blank_ones_only(data: bytes, cuts: list[int]) -> None:
    whole, splitter = LineSplitter(universal=True), LineSplitter(universal=True)
    found = [line for chunk in cut(data, cuts) for line in splitter.feed(chunk)]
    assert [line for line in found if line] == [line for line in whole.feed(data) if line]
    assert splitter.end() == whole.end()


@few
@given(pieces | st.binary(max_size=120), cuts)
def test_events_do_not_depend_on_how_they_are_cut(data: bytes, cuts: list[int]) -> None:
    decoder = EventDecoder()
    assert [event for chunk in cut(data, cuts) for event in decoder.feed(chunk)] == EventDecoder().feed(data)


@few
@given(st.lists(st.tuples(texts, values), max_size=4), st.sampled_from(["\n", "\r", "\r\n"]), cuts)
def test_events_come_out_as_they_were_written(sent: list[tuple[str, Any]], end: str, cuts: list[int]) -> None:
    events = [(quote(name) or "0", json.dumps(value)) for name, value in sent]
    data = "".join(f"id: {name}{end}data: {text}{end}{end}" for name, text in events).encode()
    decoder = EventDecoder()
    found = [event for chunk in cut(data, cuts) for event in decoder.feed(chunk)]
    assert found == [ServerEvent("message", text.encode(), name) for name, text in events]


# URI templates


def template(uri: str) -> ResourceTemplate:
    def read(first: str, second: str) -> str:
        return first + second

    return ResourceTemplate.from_function(read, uri)


@few
@given(texts.map(lambda text: quote(text, safe="")).filter(bool), texts.map(lambda text: quote(text, safe="")))
def test_uri_templates_give_back_what_was_put_in(first: str, second: str) -> None:
    values = template("x.y://{first}/+/{second}").matches(f"x.y://{first}/+/{second}")
    assert values == ({"first": first, "second": second} if second else None)


@few
@given(texts)
def test_uri_templates_match_nothing_else(uri: str) -> None:
    values = template("x.y://{first}/+/{second}").matches(uri)
    assert values is None or uri == f"x.y://{values['first']}/+/{values['second']}"


# Challenges

tokens = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)


@few
@given(st.lists(texts | st.sampled_from(['Bearer realm="', 'a="\\', "Basic dGVzdA==", ",,=", 'x="y", z']), max_size=3))
def test_any_challenge_can_be_read(headers: list[str]) -> None:
    for scheme, parameters in parse_challenges(headers):
        assert scheme == scheme.lower() and all(name == name.lower() for name in parameters)


@few
@given(st.dictionaries(tokens, texts, min_size=1, max_size=4))
def test_challenges_come_out_as_they_were_written(parameters: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = "Bearer " + ", ".join(f"{name}={quoted(value)}" for name, value in parameters.items())
    assert parse_challenges([header]) == [("bearer", parameters)]
    for name, value in parameters.items():
        assert find_parameter(["Basic x=1", header], name) == value


# Functions and their schemas

TYPES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(),
    str: texts,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    list[int]: st.lists(st.integers(), max_size=3),
    dict[str, int]: st.dictionaries(texts, st.integers(), max_size=3),
    int | None: st.none() | st.integers(),
    str | list[str]: texts | st.lists(texts, max_size=2),
    Any: values,
}


@pytest.mark.parametrize("annotation", TYPES, ids=str)
def test_the_schema_accepts_what_the_function_accepts(annotation: Any) -> None:
    def tool(value: Any, *, other: Any = None) -> None: ...

    tool.__annotations__ = {"value": annotation, "other": annotation | None if annotation is not Any else Any}
    metadata = func_metadata(tool)
    schema = CompiledSchema(metadata.arg_model.model_json_schema(by_alias=True))

    @few
    @given(TYPES[annotation])
    def check(value: Any) -> None:
        arguments = {"value": value}
        assert schema.error(arguments) is None
        assert metadata.arg_model.model_validate(metadata.pre_parse_json(arguments)).model_dump_one_level() == {
            "value": value,
            "other": None,
        }

    check()
