"""Messages out of lines and into them, with scripted bytes in place of a pipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from mcp.shared._line_streams import LINES_PER_TURN, LineSink, LineSource
from mcp.shared._lines import LineSplitter
from mcp.shared.exceptions import McpError, ProtocolError
from mcp.shared.message import ResultMessage, SessionMessage
from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    EmptyResult,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

pytestmark = pytest.mark.anyio

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


class Script:
    """Bytes to read: each chunk once, then the end, or a wait without end."""

    def __init__(self, *chunks: bytes, ends: bool = True) -> None:
        self.chunks = list(chunks)
        self.ends = ends
        self.waiting = anyio.Event()
        self._interrupted = anyio.Event()

    async def read(self) -> bytes:
        if self.chunks:
            return self.chunks.pop(0)
        if self.ends:
            return b""
        self.waiting.set()
        await self._interrupted.wait()
        raise anyio.ClosedResourceError

    def read_available(self) -> bytes:
        return b""

    def interrupt(self) -> None:
        self._interrupted.set()

    def close(self) -> None:
        pass


class Sheet:
    """Keeps what is written."""

    def __init__(self, error: Exception | None = None) -> None:
        self.written = b""
        self.error = error

    async def write(self, data: bytes) -> None:
        if self.error:
            raise self.error
        self.written += data

    async def flush_forever(self) -> None: ...

    async def drain(self) -> None: ...

    def close(self) -> None: ...


def source_of(
    *chunks: bytes, ends: bool = True, lenient: bool = True, limit: int = 1 << 20, **options: Any
) -> LineSource:
    splitter = LineSplitter(universal=lenient, limit=limit)
    return LineSource(Script(*chunks, ends=ends), splitter, lenient=lenient, **options)


async def read_all(source: LineSource) -> list[SessionMessage | Exception]:
    items: list[SessionMessage | Exception] = []
    with pytest.raises(anyio.EndOfStream):
        while True:
            items.append(await source.receive())
    return items


def message_of(item: SessionMessage | Exception) -> Any:
    assert isinstance(item, SessionMessage), item
    return item.message.root


async def test_each_kind_of_message() -> None:
    items = await read_all(
        source_of(
            PING + b"\n",
            b'{"jsonrpc":"2.0","method":"m"}\n{"jsonrpc":"2.0","id":"x","result":{}}\n',
            b'{"jsonrpc":"2.0","id":2,"error":{"code":1,"message":"no"}}\n',
        )
    )
    assert [type(message_of(item)).__name__ for item in items] == [
        "JSONRPCRequest",
        "JSONRPCNotification",
        "JSONRPCResponse",
        "JSONRPCError",
    ]


async def test_a_server_skips_blank_lines_and_takes_a_last_line_without_end_tsv_3_tsv_8() -> None:
    # TSV-3, TSV-8
    items = await read_all(source_of(b"\n \t\r\n" + PING + b"\n\n\n", PING))
    assert [message_of(item).method for item in items] == ["ping", "ping"]


async def test_a_client_rejects_blank_lines_and_drops_an_unterminated_line_tcl_6_tcl_7() -> None:
    # TCL-6, TCL-7
    items = await read_all(source_of(b"\n" + PING + b"\r\n", PING, lenient=False))
    assert isinstance(items[0], ProtocolError)
    assert message_of(items[1]).method == "ping"
    assert len(items) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"noise",
        b"\xef\xbb\xbf" + PING,
        b"[" + PING + b"]",
        b"42",
        b"null",
        b"{}",
        b'{"jsonrpc":"1.0","method":"m"}',
        b'{"jsonrpc":"2.0","method":"m"',
        b'{"jsonrpc":"2.0","method":"' + b"x" * 2000 + b'"}',
    ],
)
@pytest.mark.parametrize("lenient", [True, False])
async def test_what_is_no_message_becomes_an_exception_and_reading_goes_on_tsv_5(line: bytes, lenient: bool) -> None:
    # TSV-5, TCL-7
    rejected: list[Exception] = []
    items = await read_all(
        source_of(line + b"\n" + PING + b"\n", lenient=lenient, limit=1000, rejected=rejected.append)
    )
    assert isinstance(items[0], McpError)
    assert rejected == [items[0]]
    assert message_of(items[1]).method == "ping"


async def test_bytes_that_are_no_utf_8_are_replaced_by_a_server_tsv_2() -> None:
    # TSV-2
    (item,) = await read_all(source_of(b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\xff"}}\n'))
    assert message_of(item).params == {"a": "\ufffd"}


async def test_bytes_that_are_no_utf_8_fail_their_line_only_in_a_client_tcl_8() -> None:
    # TCL-8
    bad = b'{"jsonrpc":"2.0","id":1,"result":{"a":"\xff"}}\n'
    items = await read_all(source_of(bad + PING + b"\n", lenient=False))
    assert isinstance(items[0], ProtocolError)
    assert items[0].response_id == 1
    assert message_of(items[1]).method == "ping"


@pytest.mark.parametrize("lenient", [True, False])
async def test_half_a_character_is_replaced(lenient: bool) -> None:
    # What JavaScript makes of a string that was cut in the middle of an emoji.
    (item,) = await read_all(
        source_of(b'{"jsonrpc":"2.0","id":1,"result":{"a":"\\ud83d","b":"\\ud83d\\ude00"}}\n', lenient=lenient)
    )
    assert message_of(item).result == {"a": "\ufffd", "b": "😀"}


DEEP = b'{"jsonrpc":"2.0","id":5,%b:' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (DEEP % b'"method":"m","params"', {"request_id": 5, "answerable": True}),
        (DEEP % b'"result"', {"response_id": 5}),
        (b'{"jsonrpc":"2.0","id":6,"method":"m","params":{"a":\n', {"request_id": 6, "answerable": True}),
        (b'{"jsonrpc":"2.0","id":7,"result":{"a":"' + b"x" * (1 << 20) + b'"}}\n', {"response_id": 7}),
        (b'{"jsonrpc":"2.0","id":8,"method":"m","params":[1]}\n', {"request_id": 8, "answerable": True}),
        (b'{"jsonrpc":"2.0","id":null,"method":"m"}\n', {"request_id": None, "answerable": True}),
        (b'{"jsonrpc":"2.0","id":true,"method":"m"}\n', {"request_id": None, "answerable": True}),
        (b"noise\n", {"request_id": None, "response_id": None, "answerable": False}),
        (b'{"level":30,"id":1,"msg":"starting"}\n', {"request_id": None, "response_id": None, "answerable": False}),
        (b'{"level":30,"id":1,"msg":"starting"\n', {"request_id": None, "response_id": None, "answerable": False}),
    ],
)
async def test_an_exception_tells_which_request_it_is_about_tsv_8(line: bytes, expected: dict[str, object]) -> None:
    # TSV-8
    (error,) = await read_all(source_of(line))
    assert isinstance(error, ProtocolError)
    assert {name: getattr(error, name) for name in expected} == expected
    assert error.error.code in (PARSE_ERROR, INVALID_REQUEST)


async def test_an_error_without_id_is_handed_over_as_it_is() -> None:
    (error,) = await read_all(source_of(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}\n'))
    assert isinstance(error, McpError)
    assert not isinstance(error, ProtocolError)
    assert error.error.message == "what?"


async def test_another_encoding() -> None:
    def decode(line: bytes) -> str:
        return line.decode("latin-1")

    def decode_strictly(line: bytes) -> str:
        return line.decode("ascii")

    line = '{"jsonrpc":"2.0","id":1,"result":{"a":"ü"}}\n'.encode("latin-1")
    (item,) = await read_all(source_of(line, lenient=False, decode=decode))
    assert message_of(item).result == {"a": "ü"}
    (error,) = await read_all(source_of(line, lenient=False, decode=decode_strictly))
    assert isinstance(error, ProtocolError)
    assert error.response_id == 1
    (noise,) = await read_all(source_of(b"\xff\n", lenient=False, decode=decode_strictly))
    assert isinstance(noise, UnicodeDecodeError)


async def test_the_end_is_announced_after_the_wait_for_it_and_stays() -> None:
    waits: list[str] = []

    async def ending() -> None:
        waits.append("waited")

    source = source_of(PING + b"\n", ending=ending, reason=lambda: "why")
    await source.receive()
    assert waits == []
    for _ in range(3):
        with pytest.raises(anyio.EndOfStream):
            await source.receive()
    assert waits == ["waited"]
    assert source.close_reason() == "why"
    assert source_of().close_reason() is None


async def test_closing_ends_a_waiting_receive_and_drops_what_was_read() -> None:
    source = source_of(ends=False)
    script: Any = source._reader
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:

            async def receive() -> None:
                with pytest.raises(anyio.ClosedResourceError):
                    await source.receive()

            tasks.start_soon(receive)
            await script.waiting.wait()
            source.close()
    full = source_of(PING + b"\n" + PING + b"\n")
    await full.receive()
    full.close()
    with pytest.raises(anyio.ClosedResourceError):
        await full.receive()


async def test_a_cancelled_receive_loses_no_message() -> None:
    source = source_of((PING + b"\n") * (3 * LINES_PER_TURN))
    received = 0
    while received < 3 * LINES_PER_TURN:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await source.receive()
            received += 1
        if scope.cancelled_caught:
            await source.receive()
            received += 1
    with pytest.raises(anyio.EndOfStream):
        await source.receive()


async def test_closing_between_two_turns() -> None:
    source = source_of((PING + b"\n") * (2 * LINES_PER_TURN))
    async with anyio.create_task_group() as tasks:

        async def close() -> None:
            source.close()

        tasks.start_soon(close)
        received = 0
        with pytest.raises(anyio.ClosedResourceError):
            while True:
                await source.receive()
                received += 1
    assert 0 < received < 2 * LINES_PER_TURN


async def test_others_get_their_turn_between_many_lines() -> None:
    source = source_of((PING + b"\n") * 100)
    order: list[str] = []
    async with anyio.create_task_group() as tasks:

        async def other() -> None:
            order.append("other")

        tasks.start_soon(other)
        for _ in range(100):
            await source.receive()
        order.append("all")
    assert order == ["other", "all"]


async def test_received_is_called_before_the_message_is_handed_out() -> None:
    seen: list[SessionMessage] = []
    source = source_of(PING + b"\n", received=seen.append)
    assert await source.receive() is seen[0]


def session_message(message: Any) -> SessionMessage:
    return SessionMessage(JSONRPCMessage(message))


@pytest.mark.parametrize(
    ("item", "line"),
    [
        (lambda: session_message(JSONRPCNotification(jsonrpc="2.0", method="m")), b'{"method":"m","jsonrpc":"2.0"}\n'),
        (lambda: ResultMessage(request_id="a", result=EmptyResult()), b'{"jsonrpc":"2.0","id":"a","result":{}}\n'),
        (
            lambda: session_message(JSONRPCResponse(jsonrpc="2.0", id=1, result={"a": "ü\u2028\n😀"})),
            '{"jsonrpc":"2.0","id":1,"result":{"a":"ü\u2028\\n😀"}}\n'.encode(),
        ),
    ],
)
async def test_a_message_is_one_compact_line_tsv_4(item: Callable[[], SessionMessage], line: bytes) -> None:
    # TSV-4, TCL-11
    sheet, sent = Sheet(), []
    message = item()
    await LineSink(sheet, sent=sent.append).send(message)
    assert sheet.written == line
    assert sent == [message]


async def test_a_sink_that_is_closed_or_broken() -> None:
    message = session_message(JSONRPCRequest(jsonrpc="2.0", id=1, method="m"))
    sent: list[SessionMessage] = []
    sink = LineSink(Sheet(anyio.BrokenResourceError()), sent=sent.append)
    with pytest.raises(anyio.BrokenResourceError):
        await sink.send(message)
    assert sent == [message]
    sink.close()
    with pytest.raises(anyio.ClosedResourceError):
        await sink.send(message)


async def test_a_sink_with_another_encoding() -> None:
    sheet = Sheet()
    sink = LineSink(sheet, encode=lambda line: line.decode().encode("utf-16-le"))
    await sink.send(session_message(JSONRPCNotification(jsonrpc="2.0", method="ü")))
    assert sheet.written.decode("utf-16-le").endswith("\n")
