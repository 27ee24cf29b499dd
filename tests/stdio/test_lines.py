"""TSV-3, TCL-6: lines out of chunks, and what can be made of broken ones. No event loop."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp.shared._broken_lines import SCAN_LIMIT, Subject, mend, subject_of
from mcp.shared._lines import HEAD_LENGTH, LineSplitter, LongLine


def split(chunks: list[bytes], *, universal: bool = False, limit: int = 1000) -> list[bytes | LongLine | None]:
    splitter = LineSplitter(universal=universal, limit=limit)
    lines: list[bytes | LongLine | None] = []
    for chunk in chunks:
        lines += splitter.feed(chunk)
    return [*lines, splitter.end()]


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], [None]),
        ([b"a\n"], [b"a", None]),
        ([b"a\nb\nc"], [b"a", b"b", b"c"]),
        ([b"a", b"b", b"\n", b"c\n"], [b"ab", b"c", None]),
        ([b"\n\n"], [b"", b"", None]),
        ([b"a\r\nb\rc\n"], [b"a\r", b"b\rc", None]),
        (["ü€😀\n".encode()[:3], "ü€😀\n".encode()[3:]], ["ü€😀".encode(), None]),
        (
            ["a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\n".encode()],
            ["a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg".encode(), None],
        ),
    ],
)
def test_line_feeds_end_lines_and_nothing_else_does_tcl_6(chunks: list[bytes], lines: list[bytes | None]) -> None:
    # TCL-6
    assert split(chunks) == lines


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"a\r\nb\rc\nd"], [b"a", b"b", b"c", b"d"]),
        ([b"a\r", b"\nb\n"], [b"a", b"", b"b", None]),
        ([b"a\r\r\n\n"], [b"a", b"", b"", None]),
        ([b"a", b"\r"], [b"a", None]),
        ([b"\r\n"], [b"", None]),
        (
            ["a\u2028b\u2029c\u0085d\x0be\x0cf\r".encode()],
            ["a\u2028b\u2029c\u0085d\x0be\x0cf".encode(), None],
        ),
    ],
)
def test_a_server_takes_universal_newlines_tsv_3(chunks: list[bytes], lines: list[bytes | None]) -> None:
    # TSV-3
    assert split(chunks, universal=True) == lines


@given(text=st.text("ab\r\n", max_size=40), cuts=st.lists(st.integers(0, 40), max_size=6))
def test_where_the_chunks_are_cut_makes_no_difference(text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(edges)]
    assert split(chunks) == split([data])
    assert [line for line in split(chunks, universal=True) if line] == [part for part in data.splitlines() if part]


@pytest.mark.parametrize("universal", [False, True])
def test_a_line_that_is_too_long_is_skipped_and_the_next_is_whole(universal: bool) -> None:
    chunks = [b"x" * 7, b"y" * 7, b"z" * 7 + b"\nok\n", b"w" * 11 + b"\n", b"v" * 10 + b"\n" + b"u" * 11]
    assert split(chunks, universal=universal, limit=10) == [
        LongLine(b"x" * 7 + b"y" * 7),
        b"ok",
        LongLine(b"w" * 11),
        b"v" * 10,
        LongLine(b"u" * 11),
    ]


def test_little_is_kept_of_a_line_that_is_too_long() -> None:
    splitter = LineSplitter(limit=10 * HEAD_LENGTH)
    for _ in range(100):
        splitter.feed(b"x" * HEAD_LENGTH)
    assert splitter._pieces == []
    assert splitter.feed(b"\n") == [LongLine(b"x" * HEAD_LENGTH)]


def cost_of(length: int) -> float:
    splitter = LineSplitter(universal=True, limit=1 << 30)
    chunk = b"x" * 1000
    start = time.process_time()
    for _ in range(length // 1000):
        splitter.feed(chunk)
    splitter.feed(b"\n")
    return time.process_time() - start


def test_the_cost_is_linear_in_the_length_of_a_line() -> None:
    small = min(cost_of(2_000_000) for _ in range(3))
    large = min(cost_of(16_000_000) for _ in range(3))
    # 8 times as long; a quadratic splitter would take 64 times as much.
    assert large < 24 * small + 0.02


@pytest.mark.parametrize(
    ("line", "lenient", "text"),
    [
        (b'{"a": "\\ud83d"}', False, {"a": "\ufffd"}),
        (b'{"a": "x\\uD83Dy\\uDE00"}', False, {"a": "x\ufffdy\ufffd"}),
        (b'{"a": "\\ud83d\\ude00 \\ude00"}', True, {"a": "😀 \ufffd"}),
        ('{"a": "\\udc00"}', False, {"a": "\ufffd"}),
        (b'{"a": "\xff\xe2\x82"}', True, {"a": "\ufffd\ufffd"}),
        (b'{"a": "\xff\\ud83d"}', True, {"a": "\ufffd\ufffd"}),
    ],
)
def test_what_is_no_character_is_replaced_tsv_2(line: bytes | str, lenient: bool, text: object) -> None:
    # TSV-2
    mended = mend(line, lenient=lenient)
    assert mended is not None
    assert json.loads(mended) == text


@pytest.mark.parametrize(
    ("line", "lenient"),
    [
        (b"\xff", False),
        (b"not json", True),
        ("not json", False),
        (b'{"a": "\\ud83d"', True),
        (b'{"a": "\\ud83d", "b": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", True),
    ],
)
def test_nothing_else_is_mended(line: bytes | str, lenient: bool) -> None:
    assert mend(line, lenient=lenient) is None


DEEP = b"[" * 50_000 + b"]" * 50_000


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":%b}}' % DEEP, Subject(7, is_request=True)),
        (b'{"method":"x","params":{"id":1,"a":%b},"jsonrpc":"2.0","id":"seven"}' % DEEP, Subject("seven", True)),
        (b'{"result":{"id":1,"method":"x"},"jsonrpc":"2.0","id":7,"broken', Subject(7, is_request=False)),
        (b' { "jsonrpc" : "2.0" , "id" : -3 , "result" : nonsense', Subject(-3, is_request=False)),
        (b'{"jsonrpc":"2.0","id":1,"params":"\\"id\\":2,\\"method\\":\\"","method":"m', Subject(1, is_request=True)),
        (b'{"jsonrpc":"2.0","a":[{"id":1}],"id":"\\u00fc","error":', Subject("ü", is_request=False)),
        # Not a message, or none that says what it is about.
        (b"", None),
        (b"INFO: server started", None),
        (b'"id":1', None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}', None),
        (b'{"level":"error","id":7,"error":"log noise"', None),
        (b'{"jsonrpc":"2.0","method":"x","params":%b}' % DEEP, None),
        (b'{"jsonrpc":"2.0","id":null,"method":"x",', None),
        (b'{"jsonrpc":"2.0","id":true,"method":"x",', None),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"x",', None),
        (b'{"jsonrpc":"2.0","id":[1],"method":"x",', None),
        (b'{"jsonrpc":"2.0","id":"\xff","method":"x",', None),
        (b'{"jsonrpc":"2.0","id":"unfinished', None),
        (b'{"jsonrpc":"2.0","id":"unfinished\\', None),
    ],
)
def test_which_request_a_broken_line_is_about_tsv_8(line: bytes, subject: Subject | None) -> None:
    # TSV-8
    assert subject_of(line) == subject


def test_a_broken_line_costs_little_whatever_is_in_it() -> None:
    for filler in (b'\\"', b"[]", b"[", b'"', b"\\", b"{}:,"):
        line = b'{"jsonrpc":"2.0","id":1,"method":"x","params":"' + filler * (3 * SCAN_LIMIT)
        start = time.process_time()
        subject_of(line)
        assert time.process_time() - start < 2
