"""Header checks of Streamable HTTP, as tables. No event loop."""

import pytest

from mcp.server._http import checks
from mcp.server._http.checks import RequestHead
from mcp.shared.version import SUPPORTED_PROTOCOL_VERSIONS


def head(**headers: str) -> RequestHead:
    return RequestHead([(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()])


BOTH = "application/json, text/event-stream"
JSON = "application/json"


def test_header_names() -> None:
    """TSV-24"""
    assert checks.MCP_SESSION_ID_HEADER == "mcp-session-id"
    assert checks.MCP_PROTOCOL_VERSION_HEADER == "mcp-protocol-version"
    assert checks.LAST_EVENT_ID_HEADER == "last-event-id"


def test_the_head_is_read_in_one_pass() -> None:
    read = RequestHead(
        [
            (b"accept", b"application/json"),
            (b"x-other", b"1"),
            (b"mcp-session-id", b"first"),
            (b"mcp-session-id", b"second"),
            (b"accept", b"text/event-stream"),
            (b"last-event-id", b""),
        ]
    )
    assert read.accept == b"application/json,text/event-stream"
    assert read.session_id == "first"
    assert read.last_event_id == ""
    assert read.protocol_version is None
    assert read.content_type == b""


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        # TSV-28
        (BOTH, (True, True)),
        ("text/event-stream,application/json", (True, True)),
        ("application/json;q=0.1,text/event-stream;q=0", (True, True)),
        ("APPLICATION/JSON, Text/Event-Stream", (True, True)),
        ("application/jsonseq, text/event-streams", (True, True)),
        ("application/json", (True, False)),
        ("text/event-stream", (False, True)),
        ("*/*", (False, False)),
        ("application/*, text/*", (False, False)),
        ("text/html", (False, False)),
        ("", (False, False)),
    ],
)
def test_accept(accept: str, expected: tuple[bool, bool]) -> None:
    """TSV-28"""
    assert checks.accepted_types(accept.encode()) == expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        # TSV-29
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        (" application/json ", True),
        ("APPLICATION/JSON", True),
        ("text/plain, application/json", True),
        ("application/jsonfoo", False),
        ("application/json-seq", False),
        ("text/plain; application/json", False),
        ("", False),
    ],
)
def test_content_type(content_type: str, expected: bool) -> None:
    """TSV-29"""
    assert checks.is_json_type(content_type.encode()) is expected


@pytest.mark.parametrize(
    ("json_response", "accept", "content_type", "status", "text"),
    [
        # TSV-26 rows 8, 8', 9
        (False, BOTH, JSON, None, None),
        (True, BOTH, JSON, None, None),
        (True, JSON, JSON, None, None),
        (False, JSON, JSON, 406, "Not Acceptable: Client must accept both application/json and text/event-stream"),
        (
            False,
            "text/event-stream",
            JSON,
            406,
            "Not Acceptable: Client must accept both application/json and text/event-stream",
        ),
        (True, "text/event-stream", JSON, 406, "Not Acceptable: Client must accept application/json"),
        (False, "*/*", JSON, 406, "Not Acceptable: Client must accept both application/json and text/event-stream"),
        (True, "*/*", JSON, 406, "Not Acceptable: Client must accept application/json"),
        (False, BOTH, "text/plain", 415, "Unsupported Media Type: Content-Type must be application/json"),
        (True, JSON, "application/jsonp", 415, "Unsupported Media Type: Content-Type must be application/json"),
        # Accept is checked first.
        (True, "*/*", "text/plain", 406, "Not Acceptable: Client must accept application/json"),
    ],
)
def test_post(json_response: bool, accept: str, content_type: str, status: int | None, text: str | None) -> None:
    """TSV-26"""
    refusal = checks.check_post(head(accept=accept, content_type=content_type), json_response=json_response)
    assert (refusal and refusal.status) == status
    assert (refusal and refusal.message) == text
    assert refusal is None or refusal.code == -32600


def test_get() -> None:
    """TSV-26 row 8''"""
    assert checks.check_get(head(accept="text/event-stream")) is None
    refusal = checks.check_get(head(accept=JSON))
    assert refusal is not None
    assert (refusal.status, refusal.code) == (406, -32600)
    assert refusal.message == "Not Acceptable: Client must accept text/event-stream"


@pytest.mark.parametrize(
    ("sent", "own", "expected"),
    [
        # TSV-26 rows 12, 13
        ("a", "a", None),
        (None, "a", (400, "Bad Request: Missing session ID")),
        ("b", "a", (404, "Not Found: Invalid or expired session ID")),
        # TSV-78: without sessions the header is ignored.
        (None, None, None),
        ("b", None, None),
    ],
)
def test_session(sent: str | None, own: str | None, expected: tuple[int, str] | None) -> None:
    """TSV-26 TSV-78"""
    refusal = checks.check_session(head() if sent is None else head(mcp_session_id=sent), own)
    assert (refusal and (refusal.status, refusal.message)) == expected


@pytest.mark.parametrize("version", [None, *SUPPORTED_PROTOCOL_VERSIONS])
def test_supported_versions_pass(version: str | None) -> None:
    """TSV-30"""
    assert checks.check_version(head() if version is None else head(mcp_protocol_version=version)) is None


@pytest.mark.parametrize("version", ["", "2026-07-28", "1.0", "2025-06-18 "])
def test_other_versions_are_refused(version: str) -> None:
    """TSV-26 row 14"""
    refusal = checks.check_version(head(mcp_protocol_version=version))
    assert refusal is not None
    assert (refusal.status, refusal.code) == (400, -32600)
    assert refusal.message == (
        f"Bad Request: Unsupported protocol version: {version}. "
        "Supported versions: 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25"
    )


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        # TSV-62: compared as text.
        (None, False),
        ("", False),
        ("2025-06-18", False),
        ("2025-11-25", True),
        ("2026-01-01", True),
        ("draft", True),
    ],
)
def test_who_resumes_streams(version: str | None, expected: bool) -> None:
    """TSV-61 TSV-62"""
    assert checks.resumes_streams(version) is expected


def test_an_empty_session_header_is_one() -> None:
    """TSV-26 row 2"""
    assert checks.session_id_of([(b"host", b"x"), (b"mcp-session-id", b"")]) == ""
    assert checks.session_id_of([(b"host", b"x")]) is None
