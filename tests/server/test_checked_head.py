"""A remembered valid head: no other head may be taken for it."""

from __future__ import annotations

import pytest

from emmett.server.checked_head import CheckedHead, field_size

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
