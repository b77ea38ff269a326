"""The delimiters of a multipart body."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.http.multipart_delimiters import MAX_PADDING, Delimiters


def cleaned(*chunks: bytes) -> bytes:
    delimiters = Delimiters(b"b")
    return b"".join([*map(delimiters.feed, chunks), delimiters.flush()]) if chunks else b""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"--b\r\nx\r\n--b--", b"\r\n--b\r\nx\r\n--b--"),
        (b"\r\n--b\r\nx\r\n--b--\r\n", b"\r\n--b\r\nx\r\n--b--\r\n"),
        (b"before\r\n--b\r\nx", b"\r\n--b\r\nx"),
        (b"before--b\r\n\n--b\r\n--b\r\nx", b"\r\n--b\r\nx"),
        (b"--b \t\r\nx\r\n--b\t\r\ny", b"\r\n--b\r\nx\r\n--b\r\ny"),
        # Spaces elsewhere are content, or make the delimiter invalid, which the parser must find.
        (b"--b\r\nx \r\n --b \r\n", b"\r\n--b\r\nx \r\n --b \r\n"),
        (b"--b x\r\n", b"\r\n--b x\r\n"),
        (b"--b --", b"\r\n--b --"),
        (b"--b \n", b"\r\n--b \n"),
        (b"--b \r", b"\r\n--b \r"),
    ],
)
@given(cuts=st.sets(st.integers(0, 40)))
def test_delimiters_are_found_however_the_body_is_cut(body: bytes, expected: bytes, cuts: set[int]) -> None:
    places = [0, *sorted(cuts), len(body)]
    chunks = [body[start:end] for start, end in pairwise(places) if start < end]
    assert cleaned(*chunks) == expected


def test_a_body_without_a_delimiter_has_no_parts() -> None:
    delimiters = Delimiters(b"b")
    assert delimiters.feed(b"a=1&b=2\r\n--") == b""
    assert not delimiters.begun
    assert delimiters.feed(b"b") == b""
    assert delimiters.begun
    assert delimiters.flush() == b"\r\n--b"


def test_the_bytes_held_back_are_bounded() -> None:
    delimiters = Delimiters(b"b")
    given = [b"--b", *[b" "] * (2 * MAX_PADDING), b"\r\n"]
    assert b"".join([*map(delimiters.feed, given), delimiters.flush()]) == b"\r\n" + b"".join(given)
    for chunk in (b"x" * 100_000, b"x\r" * 50_000, b"\r\n--b" * 20_000):
        assert len(chunk) - len(delimiters.feed(chunk)) <= 5


def test_content_without_a_delimiter_is_not_copied() -> None:
    delimiters = Delimiters(b"b")
    delimiters.feed(b"--b\r\nx")
    chunk = b"x" * 100_000
    assert delimiters.feed(chunk) is chunk
