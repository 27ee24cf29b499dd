"""A request whose answer goes wrong fails at once, by itself, and the session lives on."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest

from mcp.client.http_errors import HTTPStatusError
from mcp.shared.exceptions import ConnectionClosedError, McpError, ProtocolError, SessionExpiredError

pytestmark = pytest.mark.anyio

PROGRESS = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 9, "progress": 1}}
NULL_ID = {"jsonrpc": "2.0", "id": None, "error": {"code": -32099, "message": "cannot read that"}}
REFUSAL = {"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "Bad Request: so it is"}}
BIG = b"x" * 300_000


async def json_body(call: Any, body: bytes) -> None:
    await call.reply("200 OK", body, content_type="application/json")


async def raw(call: Any, data: bytes, *, reset: bool = False) -> None:
    if data:
        await call.send(data)
    await (call.reset() if reset else call.stream.aclose())


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n"
JSON_HEAD = HEAD % b"application/json"
EVENTS_HEAD = HEAD % b"text/event-stream" + b"transfer-encoding: chunked\r\n\r\n"
HALF_EVENT = b'data: {"jsonrpc":"2.0","id":'


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def endless_body(call: Any) -> None:
    await call.head("500 Internal Server Error", content_type="text/plain", content_length="1000000000")
    try:
        while True:
            await call.send(BIG)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass


async def wrong_id(call: Any, tools: Any) -> None:
    await call.reply_json(tools.result(call.message["id"] + 1000))


async def wrong_id_in_event(call: Any, tools: Any) -> None:
    await call.events(tools.event(tools.result(call.message["id"] + 1000)), end=False)
    await call.until_gone()


async def batch_without_answer(call: Any, tools: Any) -> None:
    await call.reply_json([PROGRESS, tools.result("other")])


Fault = Callable[[Any, Any], Awaitable[None]]

# What the server does with a request; type, code and text of what the caller gets.
FAULTS: dict[str, tuple[Fault, type[Exception], int, str]] = {
    "202": (lambda c, t: c.accept(), ProtocolError, -32603, "202 Accepted"),
    "204": (lambda c, t: c.reply("204 No Content"), ProtocolError, -32603, "status 204"),
    "HTML": (lambda c, t: c.reply("200 OK", b"<p>", content_type="text/html"), ProtocolError, -32603, "'text/html'"),
    "no content type": (lambda c, t: c.reply("200 OK", b"{}"), ProtocolError, -32603, "content type ''"),
    "no JSON": (lambda c, t: json_body(c, b"<p>"), ProtocolError, -32603, "could not be read: Parse error"),
    "empty JSON body": (lambda c, t: json_body(c, b""), ProtocolError, -32603, "could not be read"),
    "invalid UTF-8": (lambda c, t: json_body(c, b'{"a":"\xff"}'), ProtocolError, -32603, "could not be read"),
    "deep JSON": (lambda c, t: json_body(c, b"[" * 50_000), ProtocolError, -32603, "could not be read"),
    "no message": (lambda c, t: json_body(c, b"{}"), ProtocolError, -32603, "could not be read: Invalid Request"),
    "wrong id": (wrong_id, ProtocolError, -32603, "with a response to 10"),
    "empty batch": (lambda c, t: c.reply_json([]), ProtocolError, -32603, "with no response"),
    "batch without the answer": (batch_without_answer, ProtocolError, -32603, "with a response to 'other'"),
    "error without id": (lambda c, t: c.reply_json(NULL_ID), McpError, -32099, "cannot read that"),
    "wrong id in an event": (wrong_id_in_event, ProtocolError, -32603, "with a response to 10"),
    "error without id in an event": (lambda c, t: c.events(t.event(NULL_ID)), McpError, -32099, "cannot read that"),
    "no event": (lambda c, t: c.events(), ConnectionClosedError, -32000, "ended the stream without an answer"),
    "other events only": (
        lambda c, t: c.events(t.event(PROGRESS), t.event({"a": 1}, name="other"), b": comment\n\n"),
        ConnectionClosedError,
        -32000,
        "ended the stream without an answer",
    ),
    "bad event only": (lambda c, t: c.events(b"data: {\n\n"), ConnectionClosedError, -32000, "without an answer"),
    "half an event": (lambda c, t: c.events(HALF_EVENT), ConnectionClosedError, -32000, "without an answer"),
    "half an event, closed": (
        lambda c, t: raw(c, EVENTS_HEAD + chunk(HALF_EVENT)),
        ConnectionClosedError,
        -32000,
        "Connection closed: ",
    ),
    "half an event, reset": (
        lambda c, t: raw(c, EVENTS_HEAD + chunk(HALF_EVENT), reset=True),
        ConnectionClosedError,
        -32000,
        "Connection closed: ",
    ),
    "reset before the head": (lambda c, t: raw(c, b"", reset=True), ConnectionClosedError, -32000, "/mcp)"),
    "closed before the head": (lambda c, t: raw(c, b""), ConnectionClosedError, -32000, "/mcp)"),
    "closed in the head": (lambda c, t: raw(c, JSON_HEAD), ConnectionClosedError, -32000, "/mcp)"),
    "reset in the head": (lambda c, t: raw(c, JSON_HEAD, reset=True), ConnectionClosedError, -32000, "/mcp)"),
    "body too short": (
        lambda c, t: raw(c, JSON_HEAD + b"content-length: 99\r\n\r\n{"),
        ConnectionClosedError,
        -32000,
        "/mcp)",
    ),
    "reset in the body": (
        lambda c, t: raw(c, JSON_HEAD + b"content-length: 99\r\n\r\n{", reset=True),
        ConnectionClosedError,
        -32000,
        "/mcp)",
    ),
    "another protocol": (lambda c, t: raw(c, b"SSH-2.0-x\r\n\r\n"), ConnectionClosedError, -32000, "/mcp)"),
    "broken chunk": (
        lambda c, t: raw(c, JSON_HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n"),
        ConnectionClosedError,
        -32000,
        "/mcp)",
    ),
    "broken compression": (
        lambda c, t: c.reply("200 OK", b"no gzip", content_type="application/json", content_encoding="gzip"),
        ConnectionClosedError,
        -32000,
        "/mcp)",
    ),
    "401": (lambda c, t: c.reply("401 Unauthorized"), HTTPStatusError, -32603, "401 Unauthorized' for url 'http://127"),
    "400 with a reason": (
        lambda c, t: c.reply("400 Bad Request", json.dumps(REFUSAL).encode(), content_type="application/json"),
        HTTPStatusError,
        -32600,
        "Bad Request: so it is",
    ),
    "500": (lambda c, t: c.reply("500 Oops", b"no"), HTTPStatusError, -32603, "Server error '500 Oops' for url"),
    "500 without an end": (lambda c, t: endless_body(c), HTTPStatusError, -32603, "Server error '500 Internal"),
    "503 and reset": (
        lambda c, t: raw(c, b"HTTP/1.1 503 Busy\r\ncontent-length: 9\r\n\r\nx", reset=True),
        HTTPStatusError,
        -32603,
        "503 Busy",
    ),
    "500 with broken compression": (
        lambda c, t: c.reply("500 Oops", b"no gzip", content_encoding="gzip"),
        HTTPStatusError,
        -32603,
        "500 Oops",
    ),
    "304": (lambda c, t: c.reply("304 Not Modified"), HTTPStatusError, -32603, "Redirect response '304 Not Modified'"),
}


# A generator inside httpx is left to the garbage collector there, of which trio warns.
HTTPX_LEAVES_GENERATORS = pytest.mark.filterwarnings("ignore:Async generator .(httpx|httpcore|anyio):ResourceWarning")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=HTTPX_LEAVES_GENERATORS) if "compression" in n else n for n in FAULTS]
)
async def test_fault(tools: Any, serve: Any, name: str) -> None:
    """TCL-32, TCL-34, TCL-35: no timeout is set, so without an answer made here the call would hang."""
    fault, kind, code, text = FAULTS[name]
    async with serve(tools_call=lambda call: fault(call, tools)) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                with pytest.raises(kind) as caught:
                    await session.call_tool("x")
                assert isinstance(caught.value, McpError)
                assert caught.value.error.code == code
                assert text in str(caught.value)
                assert text in caught.value.error.message
                await session.send_ping()
        assert len(server.seen("tools/call")) == 1
        assert len(server.seen("DELETE")) == 1


async def test_response_of_a_refusal_can_be_looked_at(tools: Any, serve: Any) -> None:
    """TCL-35"""

    async def refuse(call: Any) -> None:
        await call.reply("401 Unauthorized", b"who are you?", www_authenticate='Bearer realm="x"')

    async with serve(initialize=refuse) as server:
        with anyio.fail_after(5), pytest.raises(httpx.HTTPStatusError) as caught:
            async with tools.session(server.url):
                pass
    assert caught.value.response.status_code == 401
    assert caught.value.response.text == "who are you?"
    assert caught.value.response.headers["www-authenticate"] == 'Bearer realm="x"'
    assert str(caught.value.request.url) == server.url


async def test_only_the_refused_request_fails(tools: Any, serve: Any) -> None:
    """TCL-35: others under way are not touched."""
    release = anyio.Event()

    async def call_tool(call: Any) -> None:
        if call.message["params"]["name"] == "bad":
            await call.reply("500 Oops")
        else:
            await release.wait()
            await call.reply_json(tools.result(call.message["id"], {"content": []}))

    results: list[Any] = []
    async with serve(tools_call=call_tool) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session, anyio.create_task_group() as tasks:

                async def good() -> None:
                    results.append(await session.call_tool("good"))

                tasks.start_soon(good)
                with pytest.raises(HTTPStatusError):
                    await session.call_tool("bad")
                assert results == []
                release.set()
    assert len(results) == 1


async def test_what_was_wrong_is_delivered_too(tools: Any, serve: Any) -> None:
    """TCL-32, TCL-34: besides the error of the request, the exception reaches the message handler."""
    delivered: list[Any] = []

    async def keep(item: Any) -> None:
        delivered.append(item)

    answers = iter([("text/html", b"<p>"), ("application/json", b"<p>"), ("application/json", b"{}")])

    async def answer(call: Any) -> None:
        content_type, body = next(answers)
        await call.reply("200 OK", body, content_type=content_type)

    async with serve(tools_call=answer) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url, message_handler=keep) as session:
                for _ in range(3):
                    with pytest.raises(ProtocolError):
                        await session.call_tool("x")
    assert [type(item) for item in delivered] == [ValueError, ProtocolError, ProtocolError]
    assert str(delivered[0]) == "Unexpected content type: text/html"


@pytest.mark.parametrize("method", ["initialize", "tools/call"])
async def test_404_without_a_session(tools: Any, serve: Any, method: str) -> None:
    """TCL-33: code 32600, text `Session terminated`."""

    async def gone(call: Any) -> None:
        await call.reply("404 Not Found", b"nobody here")

    handler = tools.Scripted({method: gone}, session_id=None)
    async with serve(handler) as server:
        with anyio.fail_after(5), pytest.raises(SessionExpiredError) as caught:
            async with tools.session(server.url) as session:
                await session.call_tool("x")
    assert (caught.value.error.code, caught.value.error.message) == (32600, "Session terminated")
    assert len(server.seen(method)) == 1


async def test_server_that_cannot_be_reached(tools: Any) -> None:
    """TCL-51: the leaf, with the URL, no `McpError`, no group."""
    url = tools.unused_url()
    with anyio.fail_after(5), pytest.raises(httpx.ConnectError) as caught:
        async with tools.session(url):
            pass
    assert url in str(caught.value)
    assert not isinstance(caught.value, McpError)


async def test_server_that_is_gone_later(tools: Any) -> None:
    """A connection refused in the middle of a session is a connection that closed."""
    gone = False

    def answer(request: httpx.Request) -> httpx.Response:
        if gone:
            raise httpx.ConnectError("All connection attempts failed")
        message = json.loads(request.content)
        if "id" not in message:
            return httpx.Response(202)
        return httpx.Response(200, json=tools.result(message["id"], tools.INITIALIZE_RESULT))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with anyio.fail_after(5):
            async with tools.session("http://a.test/mcp", http_client=client) as session:
                gone = True
                with pytest.raises(
                    ConnectionClosedError, match=r"All connection attempts failed \(http://a.test/mcp\)"
                ):
                    await session.send_ping()


async def test_exception_of_the_authentication_is_raised_as_it_is(tools: Any, serve: Any) -> None:
    class Denied(Exception):
        pass

    class Auth(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request) -> Any:
            raise Denied("no token")
            yield request

    async with serve() as server, httpx.AsyncClient(auth=Auth()) as client:
        with anyio.fail_after(5), pytest.raises(Denied, match="no token"):
            async with tools.session(server.url, http_client=client):
                pass


async def test_refusal_of_a_server_is_logged(tools: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """TCL-35"""

    async def refuse(call: Any) -> None:
        await call.reply("400 Bad Request", json.dumps(REFUSAL).encode(), content_type="application/json")

    async with serve(tools_call=refuse) as server:
        with anyio.fail_after(5), caplog.at_level(logging.WARNING, "mcp.client.streamable_http"):
            async with tools.session(server.url) as session:
                with pytest.raises(HTTPStatusError):
                    await session.call_tool("x")
    assert [r.levelname for r in caplog.records if "Bad Request: so it is" in r.message] == ["WARNING"]


async def test_stalled_server_fails_by_the_timeout_of_the_http_client(tools: Any, serve: Any) -> None:
    async def stall(call: Any) -> None:
        await call.until_gone()

    async with serve(tools_call=stall) as server, httpx.AsyncClient(timeout=httpx.Timeout(5, read=0.05)) as client:
        with anyio.fail_after(5):
            async with tools.session(server.url, http_client=client) as session:
                with pytest.raises(ConnectionClosedError, match="did not answer within the timeout of the HTTP client"):
                    await session.call_tool("x")
                await session.send_ping()


async def test_large_answers_arrive(tools: Any, serve: Any) -> None:
    """5 MB with awkward characters, as JSON and as an event cut in the middle of everything."""
    text = "a\u2028b\u0085c\rd😀" * 500_000

    async def answer(call: Any) -> None:
        value = tools.result(call.message["id"], {"content": [{"type": "text", "text": text}]})
        body = json.dumps(value, ensure_ascii=False).encode()
        if call.message["params"]["name"] == "json":
            await call.reply("200 OK", body, content_type="application/json")
            return
        await call.events(end=False)
        data = b"event: message\ndata: " + body + b"\n\n"
        for at in range(0, len(data), 65_537):
            await call.chunk(data[at : at + 65_537])
        await call.end()

    async with serve(tools_call=answer) as server:
        with anyio.fail_after(20):
            async with tools.session(server.url) as session:
                for name in ("json", "events"):
                    result = await session.call_tool(name)
                    assert result.content[0].text == text  # type: ignore[union-attr]


async def test_an_http_client_that_raises_anything(tools: Any) -> None:
    """Whatever the exception, the request ends with it; those of closed connections as such."""
    errors: list[Exception] = [
        anyio.BrokenResourceError(),
        anyio.ClosedResourceError(),
        OSError("no route"),
        KeyError(1),
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        raise errors[0]

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with anyio.fail_after(5):
            async with tools.session("http://a.test/mcp", http_client=client, initialize=False) as session:
                while errors:
                    expected = errors[0] if len(errors) < 3 else ConnectionClosedError()
                    with pytest.raises(type(expected)) as caught:
                        await session.send_ping()
                    assert len(errors) > 2 or caught.value is expected
                    del errors[0]


async def test_a_refusal_with_a_large_body_is_read_in_part(tools: Any, serve: Any) -> None:
    async def refuse(call: Any) -> None:
        await call.reply("500 Oops", BIG)

    async def large_404(call: Any) -> None:
        await call.reply("404 Not Found", BIG)

    async with serve(tools_call=refuse, notifications_progress=large_404) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                with pytest.raises(HTTPStatusError) as caught:
                    await session.call_tool("x")
                await session.send_progress_notification(1, 0.5)
                await session.send_ping()
    assert len(caught.value.response.content) == 256 * 1024


async def test_a_body_that_breaks_where_it_does_not_matter(tools: Any, serve: Any) -> None:
    async def broken(call: Any) -> None:
        await raw(call, b"HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nx")

    async with serve(notifications_progress=broken) as server:
        with anyio.fail_after(5):
            async with tools.session(server.url) as session:
                await session.send_progress_notification(1, 0.5)
                await session.send_ping()
