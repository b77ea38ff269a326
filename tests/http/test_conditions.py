from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.datastructures import Headers
from emmett.http.conditions import Validators, parse_http_date

# Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
MODIFIED = 784111777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
ETAG = '"abc"'
VALIDATORS = Validators(ETAG, MODIFIED)


def status_of(**fields: str) -> int:
    headers = Headers([(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in fields.items()])
    return VALIDATORS.evaluate(headers)


def test_last_modified_is_written() -> None:
    assert VALIDATORS.last_modified == DATE


def test_without_conditions_the_file_is_sent() -> None:
    assert status_of() == 200


@pytest.mark.parametrize(
    ("field", "status"),
    [
        ('"abc"', 304),
        ('W/"abc"', 304),
        ('"x", W/"y" ,"abc"', 304),
        ('"x","abc"', 304),
        ("*", 304),
        (" * ", 304),
        ('"x"', 200),
        ('"ABC"', 200),
        ("abc", 200),
        ('"abc', 200),
        ('"x,"abc"y"', 200),
        ("", 200),
        ('"a,bc"', 200),
    ],
)
def test_if_none_match_compares_weakly(field: str, status: int) -> None:
    assert status_of(if_none_match=field) == status


def test_an_entity_tag_may_contain_a_comma() -> None:
    validators = Validators('"a,b"', MODIFIED)
    assert validators.evaluate(Headers([(b"if-none-match", b'"x", "a,b"')])) == 304


def test_several_if_none_match_fields_are_one_list() -> None:
    assert VALIDATORS.evaluate(Headers([(b"if-none-match", b'"x"'), (b"if-none-match", b'"abc"')])) == 304


@pytest.mark.parametrize(
    ("field", "status"),
    [(DATE, 304), (LATER, 304), (EARLIER, 200), ("yesterday", 200), ("", 200), (f"{DATE}, {DATE}", 200)],
)
def test_if_modified_since_compares_dates(field: str, status: int) -> None:
    assert status_of(if_modified_since=field) == status


@pytest.mark.parametrize("since", [EARLIER, DATE, LATER])
def test_if_none_match_takes_precedence_over_if_modified_since(since: str) -> None:
    assert status_of(if_none_match='"other"', if_modified_since=since) == 200
    assert status_of(if_none_match=ETAG, if_modified_since=since) == 304


@pytest.mark.parametrize(
    ("field", "status"),
    [('"abc"', 200), ('"x", "abc"', 200), ("*", 200), ('W/"abc"', 412), ('"x"', 412), ("", 412), ("abc", 412)],
)
def test_if_match_compares_strongly(field: str, status: int) -> None:
    assert status_of(if_match=field) == status


@pytest.mark.parametrize(("field", "status"), [(DATE, 200), (LATER, 200), (EARLIER, 412), ("never", 200)])
def test_if_unmodified_since_compares_dates(field: str, status: int) -> None:
    assert status_of(if_unmodified_since=field) == status


def test_if_match_takes_precedence_over_if_unmodified_since() -> None:
    assert status_of(if_match=ETAG, if_unmodified_since=EARLIER) == 200


def test_a_failed_precondition_takes_precedence_over_a_current_copy() -> None:
    assert status_of(if_match='"x"', if_none_match=ETAG) == 412
    assert status_of(if_match=ETAG, if_none_match=ETAG) == 304
    assert status_of(if_unmodified_since=EARLIER, if_modified_since=LATER) == 412


@pytest.mark.parametrize(
    ("if_range", "allowed"),
    [
        (None, True),
        (ETAG, True),
        ('W/"abc"', False),
        ('"x"', False),
        ('"abc", "x"', False),
        (DATE, True),
        (EARLIER, False),
        (LATER, False),
        ("*", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_if_range_compares_the_tag_or_the_date(if_range: str | None, allowed: bool) -> None:
    assert VALIDATORS.allow_range(if_range) is allowed


@pytest.mark.parametrize(("if_range", "allowed"), [(None, True), (ETAG, True), (DATE, False), (LATER, False)])
def test_a_date_shared_by_other_forms_does_not_validate_a_part(if_range: str | None, allowed: bool) -> None:
    validators = Validators(ETAG, MODIFIED, shared_date=True)
    assert validators.allow_range(if_range) is allowed
    # It does validate a copy of the whole file, because a cache keeps the forms apart.
    assert validators.evaluate(Headers([(b"if-modified-since", DATE.encode())])) == 304


@pytest.mark.parametrize("text", [DATE, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
def test_dates_may_have_any_of_the_three_formats(text: str) -> None:
    assert parse_http_date(text) == MODIFIED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "0",
        "Sun, 06 Nov 1994",
        "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 99:49:37 GMT",
        DATE + " " * 99,
        "Sun, 06 Nov 99999999999 08:49:37 GMT",
        "Sun, ²6 Nov 1994 08:49:37 GMT",
        "9" * 10000,
    ],
)
def test_invalid_dates_are_ignored(text: str) -> None:
    assert parse_http_date(text) is None


@given(st.text(max_size=50) | st.text(alphabet="SunNov GMT,:-+0123456789", max_size=40))
def test_any_text_is_a_date_or_ignored(text: str) -> None:
    assert isinstance(parse_http_date(text), int | None)


@pytest.mark.parametrize("unit", ['"', "W/", 'W/"', '"a', '" ', ",", '"",', "*"])
def test_a_flood_of_tags_takes_linear_time(unit: str) -> None:
    # With quadratic time, this would run for hours.
    flood = unit * ((1 << 20) // len(unit))
    assert status_of(if_none_match=flood, if_modified_since=flood) == 200
    assert status_of(if_match=flood) == 412
