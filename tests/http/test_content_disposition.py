from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.http.content_disposition import attachment


@pytest.mark.parametrize("filename", ["report.pdf", "a b.txt", "a;b.txt", "a'b,c=(1).txt", ".hidden", "a"])
def test_a_plain_name_is_quoted(filename: str) -> None:
    assert attachment(filename) == f'attachment; filename="{filename}"'


@pytest.mark.parametrize(
    ("filename", "value"),
    [
        # The example of RFC 8187, section 3.2.3.
        ("£ and € rates", "attachment; filename=\"_ and _ rates\"; filename*=UTF-8''%C2%A3%20and%20%E2%82%AC%20rates"),
        ("naïve.txt", "attachment; filename=\"na_ve.txt\"; filename*=UTF-8''na%C3%AFve.txt"),
        ('a"b', "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b"),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ("é'(*)", "attachment; filename=\"_'(*)\"; filename*=UTF-8''%C3%A9%27%28%2A%29"),
    ],
)
def test_any_other_name_is_also_encoded(filename: str, value: str) -> None:
    assert attachment(filename) == value


@pytest.mark.parametrize(
    ("filename", "saved"),
    [
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("C:\\temp\\a.txt", "C:_temp_a.txt"),
        ("a\r\nSet-Cookie: b=1", "a__Set-Cookie: b=1"),
        ("a\0\x7f\x85b", "a___b"),
        ("a\ud800b", "a?b"),
    ],
)
def test_invalid_characters_are_replaced(filename: str, saved: str) -> None:
    assert attachment(filename) == f'attachment; filename="{saved}"'


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(ValueError, match="filename=''"):
        attachment("")


@given(st.text(min_size=1))
def test_any_name_can_be_decoded(filename: str) -> None:
    value = attachment(filename)
    assert value.isascii()
    assert value.isprintable()
    found = re.fullmatch(r"attachment; filename=\"([^\"\\]+)\"(?:; filename\*=UTF-8''([!#$&+^`|~\w.%-]+))?", value)
    assert found is not None
    expected = "".join("_" if c in "/\\" or c < " " or "\x7f" <= c <= "\x9f" else c for c in filename)
    saved = found[1] if found[2] is None else unquote(found[2])
    assert saved == expected.encode("utf-8", "replace").decode()
