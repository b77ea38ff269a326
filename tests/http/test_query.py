from __future__ import annotations

from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.http import parse_query


@pytest.mark.parametrize(
    ("query_string", "expected"),
    [
        (b"", {}),
        (b"a=1", {"a": "1"}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        (b"a", {"a": ""}),
        (b"a=", {"a": ""}),
        (b"a=&a=", {"a": ["", ""]}),
        (b"&&a=1&", {"a": "1"}),
        (b"=x", {"": "x"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a+b=c+d", {"a b": "c d"}),
        (b"a=%2B", {"a": "+"}),
        (b"a=%C3%A9", {"a": "é"}),
        (b"a=\xc3\xa9", {"a": "é"}),
        (b"a=%ff", {"a": "\ufffd"}),
        (b"a=%zz%4", {"a": "%zz%4"}),
        (b"a=%00", {"a": "\0"}),
        (b"a;b=1", {"a;b": "1"}),
        (b"get=1&a=2&get=3&items=4&items=5", {"get": ["1", "3"], "a": "2", "items": ["4", "5"]}),
    ],
)
def test_examples_are_parsed(query_string: bytes, expected: dict[str, object]) -> None:
    assert parse_query(query_string) == expected


def test_missing_parameters_are_none() -> None:
    params = parse_query(b"page=2")
    assert params.page == "2"
    assert params.missing is None
    assert params["missing"] is None


@given(st.binary())
def test_any_bytes_have_a_result(query_string: bytes) -> None:
    for name, value in parse_query(query_string).items():
        assert isinstance(name, str)
        assert isinstance(value, str) or (len(value) > 1 and all(isinstance(item, str) for item in value))


@given(st.dictionaries(st.text(), st.lists(st.text(), min_size=1, max_size=3)))
def test_encoded_parameters_can_be_decoded(params: dict[str, list[str]]) -> None:
    # Lone surrogates cannot be encoded as UTF-8.
    pairs = {_plain(name): [_plain(value) for value in values] for name, values in params.items()}
    expected = {name: values[0] if len(values) == 1 else values for name, values in pairs.items()}
    assert parse_query(urlencode(pairs, doseq=True).encode()) == expected


@given(st.text(alphabet="ab&=+%20Cé", max_size=40))
def test_the_results_agree_with_the_standard_library(query: str) -> None:
    expected = parse_qs(query, keep_blank_values=True)
    got = parse_query(query.encode())
    assert {name: value if isinstance(value, list) else [value] for name, value in got.items()} == expected


@pytest.mark.parametrize("unit", [b"&", b"=", b"%", b"+", b"a&", b"a=&", b"%41", b"%4"])
def test_a_flood_of_parameters_takes_linear_time(unit: bytes) -> None:
    # With quadratic time, this would run for hours.
    size = 1 << 20
    parsed = parse_query(unit * (size // len(unit)))
    assert len(parsed) <= 1


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
