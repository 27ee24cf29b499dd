"""JSON-RPC messages from and to bytes: TYP-18, TYP-34, TYP-36 to TYP-39."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp import types
from mcp.shared._codec import SERIALIZATION_ERRORS, encode_message, parse_message, read_message, usable_id, wrap_root
from mcp.shared.exceptions import McpError, ProtocolError
from mcp.shared.message import FailedRequestMessage, ResultMessage, SessionMessage, error_message
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCMessage

ERROR = {"code": 1, "message": "x"}
DEEP = 50_000


def text(**members: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", **members})


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        pytest.param(text(method="m", id=1), types.JSONRPCRequest, id="request"),
        pytest.param(text(method="m", id="1", params={"a": [1]}), types.JSONRPCRequest, id="request, text id"),
        pytest.param(text(method="m", id=""), types.JSONRPCRequest, id="request, empty id"),
        pytest.param(text(method="m", id=10**400), types.JSONRPCRequest, id="request, large id"),
        pytest.param(text(method="m", id=-1, params=None), types.JSONRPCRequest, id="null params"),
        pytest.param(text(method="m"), types.JSONRPCNotification, id="notification"),
        pytest.param(text(id=1, result={}), types.JSONRPCResponse, id="response"),
        pytest.param(text(id=1, error=ERROR), types.JSONRPCError, id="error"),
        pytest.param(text(id=1, error=ERROR, result={}), types.JSONRPCError, id="error with a result"),
        pytest.param(text(method="m", id=1, result={}), types.JSONRPCRequest, id="request with a result"),
        pytest.param(text(method="m", id=1, error=ERROR), types.JSONRPCRequest, id="request with an error"),
        pytest.param(text(method="", id=1, more=1), types.JSONRPCRequest, id="unknown member, empty method"),
        pytest.param(text(id=1, error={**ERROR, "code": "7"}), types.JSONRPCError, id="code as text"),
        pytest.param(text(id=1.0, error=ERROR), types.JSONRPCError, id="lax id of an error"),
        pytest.param(text(id=True, error=ERROR), types.JSONRPCError, id="true as id of an error"),
        pytest.param(" \n\t" + text(method="m") + "\r\n ", types.JSONRPCNotification, id="white space"),
        pytest.param(text(method="m").replace('"m"', '"k","method":"m"'), types.JSONRPCNotification, id="twice a key"),
        pytest.param('{"jsonrpc":"2.0","method":"m","params":{"x":NaN}}', types.JSONRPCNotification, id="NaN"),
    ],
)
def test_messages(source: str, kind: type[Any]) -> None:
    """TYP-36, TYP-38: the parser and the model see the same."""
    for parsed in (parse_message(source), parse_message(source.encode())):
        assert type(parsed) is JSONRPCMessage
        assert type(parsed.root) is kind
        if "NaN" not in source and not ("method" in source and "error" in source):
            assert parsed == JSONRPCMessage.model_validate_json(source)


def test_an_error_keeps_its_lax_id() -> None:
    """TYP-18."""
    for sent in (1, 1.0, True):
        root = parse_message(text(id=sent, error=ERROR)).root
        assert isinstance(root, types.JSONRPCError)
        assert type(root.id) is int
        assert root.id == 1


@pytest.mark.parametrize("source", [text(error=ERROR), text(id=None, error=ERROR)])
def test_an_error_without_id(source: str) -> None:
    """TYP-18: no validation failure, but an event like an exception."""
    with pytest.raises(McpError) as raised:
        parse_message(source)
    assert type(raised.value) is McpError
    assert raised.value.error == ErrorData(code=1, message="x")


@pytest.mark.parametrize(
    ("source", "code", "request_id", "answerable", "response_id"),
    [
        # No JSON
        ("", PARSE_ERROR, None, False, None),
        ("  ", PARSE_ERROR, None, False, None),
        ("{", PARSE_ERROR, None, False, None),
        ("{'a': 1}", PARSE_ERROR, None, False, None),
        ('\ufeff{"jsonrpc":"2.0","method":"m"}', PARSE_ERROR, None, False, None),
        ('{"jsonrpc":"2.0","method":"\\ud800"}', PARSE_ERROR, None, False, None),
        ('{"jsonrpc":"2.0","method":"m"} {}', PARSE_ERROR, None, False, None),
        (b"\xff\xfe", PARSE_ERROR, None, False, None),
        ("\ud800", PARSE_ERROR, None, False, None),
        ("[" * DEEP + "]" * DEEP, PARSE_ERROR, None, False, None),
        ('{"a":' * DEEP + "1" + "}" * DEEP, PARSE_ERROR, None, False, None),
        # No message
        ("[]", INVALID_REQUEST, None, False, None),
        (f"[{text(method='m', id=1)}]", INVALID_REQUEST, None, False, None),
        ('"text"', INVALID_REQUEST, None, False, None),
        ("1", INVALID_REQUEST, None, False, None),
        ("null", INVALID_REQUEST, None, False, None),
        ("{}", INVALID_REQUEST, None, False, None),
        (text(), INVALID_REQUEST, None, False, None),
        (text(id=1), INVALID_REQUEST, None, False, 1),
        # Requests
        (text(method="m", id=None), INVALID_REQUEST, None, True, None),
        (text(method="m", id=1.5), INVALID_REQUEST, None, True, None),
        (text(method="m", id=1.0), INVALID_REQUEST, None, True, None),
        (text(method="m", id=True), INVALID_REQUEST, None, True, None),
        (text(method="m", id=[1]), INVALID_REQUEST, None, True, None),
        ('{"jsonrpc":"2.0","method":"m","id":NaN}', INVALID_REQUEST, None, True, None),
        (text(method="m", id=1, params=[1]), INVALID_REQUEST, 1, True, None),
        (text(method="m", id=1, params="p"), INVALID_REQUEST, 1, True, None),
        (text(method=1, id="a"), INVALID_REQUEST, "a", True, None),
        (text(method="m", params=3), INVALID_REQUEST, None, False, None),
        ('{"method":"m","id":1}', INVALID_REQUEST, 1, True, None),
        ('{"jsonrpc":"1.0","method":"m","id":1}', INVALID_REQUEST, 1, True, None),
        ('{"jsonrpc":2.0,"method":"m"}', INVALID_REQUEST, None, False, None),
        # Responses
        (text(id=1, result=None), INVALID_REQUEST, None, False, 1),
        (text(id="1", result=[]), INVALID_REQUEST, None, False, "1"),
        (text(id=1, result="r"), INVALID_REQUEST, None, False, 1),
        (text(id=1.5, result={}), INVALID_REQUEST, None, False, None),
        (text(result={}), INVALID_REQUEST, None, False, None),
        (text(id=1, error="e"), INVALID_REQUEST, None, False, 1),
        (text(id=1, error={"code": "c", "message": "m"}), INVALID_REQUEST, None, False, 1),
        (text(id=None, error={"code": 1}), INVALID_REQUEST, None, False, None),
        ('{"jsonrpc":"1.0","id":1,"result":{}}', INVALID_REQUEST, None, False, 1),
        ('{"id":1,"result":{}}', INVALID_REQUEST, None, False, None),
    ],
)
def test_what_is_no_message(
    source: str | bytes, code: int, request_id: Any, answerable: bool, response_id: Any
) -> None:
    """TYP-36 to TYP-39: and which request is to blame, or stays without its answer."""
    with pytest.raises(ProtocolError) as raised:
        parse_message(source)
    error = raised.value
    assert (error.error.code, error.request_id, error.answerable, error.response_id) == (
        code,
        request_id,
        answerable,
        response_id,
    )
    assert str(error).startswith("Parse error: " if code == PARSE_ERROR else "Invalid Request: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "jsonrpc": st.just("2.0") | JSON,
            "id": JSON,
            "method": st.just("m") | JSON,
            "params": JSON,
            "result": JSON,
            "error": st.just(ERROR) | JSON,
            "more": JSON,
        },
    )
    | JSON
)
def test_anything_is_read_or_refused(value: Any) -> None:
    """TYP-36: nothing but messages and the two errors ever comes of JSON."""
    try:
        message = read_message(value)
    except ProtocolError:
        return
    except McpError:
        assert value["jsonrpc"] == "2.0"
        assert value.get("id") is None
        return
    assert value["jsonrpc"] == "2.0"
    if isinstance(message.root, types.JSONRPCRequest):
        assert type(value["id"]) in (int, str)
    elif isinstance(message.root, types.JSONRPCNotification):
        assert "id" not in value


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes | str) -> None:
    """TYP-38."""
    with pytest.raises(ProtocolError):
        parse_message(data)


@pytest.mark.parametrize(
    ("members", "found"),
    [({}, None), ({"id": 1}, 1), ({"id": "a"}, "a"), ({"id": True}, None), ({"id": 1.0}, None), ({"id": None}, None)],
)
def test_usable_id(members: dict[str, Any], found: Any) -> None:
    assert usable_id(members) == found


def test_a_wrapped_root_is_like_a_validated_one() -> None:
    """TYP-23, TYP-25: for equality, dumps and copies."""
    ping = types.PingRequest()
    wrapped, validated = wrap_root(types.ClientRequest, ping), types.ClientRequest(ping)
    assert wrapped.root is ping
    assert wrapped == validated
    assert repr(wrapped) == repr(validated)
    assert wrapped.model_dump() == validated.model_dump()
    assert wrapped.model_copy() == validated
    assert wrapped.model_copy(deep=True) == validated
    assert wrapped.model_fields_set == validated.model_fields_set


# Out


def message(**members: Any) -> SessionMessage:
    return SessionMessage(parse_message(text(**members)))


@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (message(method="m", id=1), b'{"method":"m","jsonrpc":"2.0","id":1}'),
        (
            message(method="m", params={"a": None, "ü": "\u2028é😀"}),
            '{"method":"m","params":{"a":null,"ü":"\u2028é😀"},"jsonrpc":"2.0"}'.encode(),
        ),
        (message(id="\n", result={"a": None}), b'{"jsonrpc":"2.0","id":"\\n","result":{"a":null}}'),
        (message(id=1, error=ERROR), b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}'),
        (
            error_message(None, ErrorData(code=-32600, message="m")),
            b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"m"}}',
        ),
        (
            error_message("a", ErrorData(code=1, message="m", data={"x": None})),
            b'{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":"m","data":{"x":null}}}',
        ),
        (ResultMessage(request_id=1, result=types.EmptyResult()), b'{"jsonrpc":"2.0","id":1,"result":{}}'),
        (
            ResultMessage(request_id='"', result=types.CallToolResult(content=[], structuredContent={"x": None})),
            b'{"jsonrpc":"2.0","id":"\\"","result":{"content":[],"structuredContent":{"x":null},"isError":false}}',
        ),
        (
            FailedRequestMessage(1, McpError(ErrorData(code=1, message="x"))),
            b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}',
        ),
    ],
)
def test_encoding(item: SessionMessage, encoded: bytes) -> None:
    """TYP-34: compact, nothing escaped that need not be; TYP-30: None stays in free-form members."""
    assert json.loads(encode_message(item)) == json.loads(encoded)
    assert encode_message(item) == encoded
    # Whoever has looked at the message changes nothing.
    assert item.message.root
    assert json.loads(encode_message(item)) == json.loads(encoded)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "content",
    [{"a": object()}, {"a": "\ud800"}, {"a": nested(DEEP)}, {"a": b"\xff"}],
    ids=["object", "surrogate", "deep", "bytes"],
)
def test_content_without_a_json_form(content: Any) -> None:
    result = types.CallToolResult(content=[], structuredContent=content)
    error = ErrorData(code=1, message="m", data=content)
    for item in (ResultMessage(request_id=1, result=result), error_message(1, error)):
        with pytest.raises(SERIALIZATION_ERRORS):
            encode_message(item)


@settings(deadline=None)
@given(
    st.one_of(st.integers(), st.text(st.characters(codec="utf-8"))),
    st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=3),
)
def test_there_and_back(request_id: Any, content: dict[str, Any]) -> None:
    """TYP-34."""
    if "nan" in repr(content) or "inf" in repr(content):
        return
    encoded = encode_message(
        SessionMessage(read_message({"jsonrpc": "2.0", "id": request_id, "method": "m", "params": content}))
    )
    assert b"\n" not in encoded
    root = parse_message(encoded).root
    assert isinstance(root, types.JSONRPCRequest)
    assert root.id == request_id
    assert root.params == content
