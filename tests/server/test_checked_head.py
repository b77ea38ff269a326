"""A remembered valid head: no other head may be taken for it."""

from __future__ import annotations

import pytest

from emmett.server.checked_head import CheckedHead, field_size, split_head

HEADERS = [(b"host", b"localhost"), (b"accept", b"*/*")]


def test_only_the_same_fields_match() -> None:
    checked = CheckedHead("1.1", HEADERS)
    assert checked.is_like("1.1", list(HEADERS))
    others = [
        [],
        HEADERS[:1],
        HEADERS[::-1],
        [*HEADERS, (b"accept", b"*/*")],
        [(b"host", b"localhost"), (b"accept", b"* /*")],
        [(b"host", b"LOCALHOST"), (b"accept", b"*/*")],
    ]
    for other in others:
        assert not checked.is_like("1.1", other)
    assert not checked.is_like("1.0", list(HEADERS))


def test_changing_the_list_does_not_change_it() -> None:
    """The application sees the list, and may change it."""
    headers = list(HEADERS)
    checked = CheckedHead("1.1", headers)
    headers.append((b"host", b"evil"))
    assert not checked.is_like("1.1", headers)
    assert checked.is_like("1.1", HEADERS)


@pytest.mark.parametrize(
    ("fields", "has_body", "expects"),
    [
        ([], False, False),
        ([(b"content-length", b"0")], True, False),
        ([(b"transfer-encoding", b"chunked"), (b"expect", b"100-Continue")], True, True),
        ([(b"expect", b"something else")], False, False),
    ],
)
def test_it_knows_the_body(fields: list[tuple[bytes, bytes]], has_body: bool, expects: bool) -> None:
    checked = CheckedHead("1.1", [*HEADERS, *fields])
    assert (checked.has_body, checked.expects_continue) == (has_body, expects)
    assert checked.host == "localhost"


def test_its_size_is_the_sum_of_its_lines() -> None:
    assert field_size(HEADERS) == len(b"host: localhost\r\naccept: */*\r\n")
    assert CheckedHead("1.0", HEADERS).size == field_size(HEADERS)
    assert CheckedHead("1.0", []).host is None


RAW = b"Host: localhost\r\nAccept: */*\r\n\r\n"


def test_the_bytes_of_a_head_that_came_alone_are_kept() -> None:
    checked = CheckedHead("1.1", HEADERS)
    checked.keep_raw(b"GET /path HTTP/1.1\r\n" + RAW)
    assert checked.raw == b" HTTP/1.1\r\n" + RAW
    assert split_head(b"GET /other?x HTTP/1.1\r\n" + RAW) == (b"/other?x", RAW)


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\n" + RAW,
        b"GET / HTTP/1.0\r\n" + RAW,
        b"GET / HTTP/1.1\r\n" + RAW + b"G",
        b"GET / HTTP/1.1\r\n" + RAW + b"GET / HTTP/1.1\r\n" + RAW,
        b"GET / HTTP/1.1\r\n" + RAW.replace(b": ", b":"),
        b"GET / HTTP/1.1\r\n" + RAW.replace(b"\r\n", b"\n"),
        RAW,
    ],
)
def test_the_bytes_of_anything_else_are_not_kept(data: bytes) -> None:
    checked = CheckedHead("1.1", HEADERS)
    checked.keep_raw(data)
    assert checked.raw == b""


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        (b"connection", b"Keep-Alive", True),
        (b"connection", b"close", False),
        (b"connection", b"keep-alive, close", False),
        (b"content-length", b"0", False),
        (b"transfer-encoding", b"chunked", False),
        (b"expect", b"100-continue", False),
        (b"upgrade", b"h2c", False),
    ],
)
def test_a_head_that_decides_about_the_connection_or_a_body_is_left_to_the_parser(
    name: bytes, value: bytes, kept: bool
) -> None:
    checked = CheckedHead("1.1", [*HEADERS, (name, value)])
    checked.keep_raw(b"GET / HTTP/1.1\r\n" + RAW[:-2] + name + b": " + value + b"\r\n\r\n")
    assert bool(checked.raw) is kept
