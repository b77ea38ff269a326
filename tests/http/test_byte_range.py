from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import RequestError
from emmett.http.byte_range import ByteRange, parse_byte_range

SIZE = 10


@pytest.mark.parametrize(
    ("header", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-4", 0, 5),
        ("bytes=5-", 5, 5),
        ("bytes=0-", 0, 10),
        ("bytes=9-9", 9, 1),
        ("bytes=5-99", 5, 5),
        ("bytes=-3", 7, 3),
        ("bytes=-10", 0, 10),
        ("bytes=-99", 0, 10),
        ("BYTES=1-2", 1, 2),
        ("bytes= 1-2 ", 1, 2),
        ("bytes=,1-2,", 1, 2),
        ("bytes=0001-002", 1, 2),
        (f"bytes=1-{'9' * 100_000}", 1, 9),
        (f"bytes=-{'9' * 100_000}", 0, 10),
        (f"bytes={'0' * 100_000}3-4", 3, 2),
    ],
    ids=lambda value: str(value)[:20],
)
def test_ranges_are_parsed(header: str, start: int, length: int) -> None:
    assert parse_byte_range(header, SIZE) == ByteRange(start, length)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=x-y",
        "bytes=1",
        "bytes=4-2",
        "bytes=1-2-3",
        "bytes=--1",
        "bytes=0x1-2",
        "bytes=+1-2",
        "bytes=1 -2",
        "bytes=1- 2",
        "bytes=²-",
        "bytes =0-1",
        "items=0-1",
        "0-1",
        "bytes:0-1",
        "bytes=0-1,3-4",
        "bytes=0-1,x",
        "bytes=0-0,-1",
        "bytes=1_0-",
    ],
)
def test_anything_but_one_valid_range_is_ignored(header: str) -> None:
    assert parse_byte_range(header, SIZE) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=-000", f"bytes={'9' * 100_000}-"])
def test_a_range_beyond_the_end_is_416(header: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_byte_range(header, SIZE)
    assert caught.value.status == 416
    assert caught.value.headers == {"Content-Range": "bytes */10"}


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-5", "bytes=-5", "bytes=-0", "bytes=7-"])
def test_ranges_of_an_empty_file_are_ignored(header: str) -> None:
    assert parse_byte_range(header, 0) is None


@pytest.mark.parametrize("unit", ["0-0,", "-1,", "1-0,", "0-", ",", "-", " ", "\t", "0", "9", "bytes=", "=", "x"])
def test_a_flood_of_ranges_takes_linear_time(unit: str) -> None:
    # With quadratic time, this would run for minutes.
    flood = unit * ((1 << 19) // len(unit))
    for header in (
        flood,
        f"bytes={flood}",
        f"bytes=0-{flood}",
        f"bytes=-{flood}",
        f"bytes={flood}-",
        f"bytes={flood}x",
    ):
        try:
            part = parse_byte_range(header, SIZE)
        except RequestError as error:
            assert error.status == 416  # noqa: PT017
        else:
            assert part is None or part.length <= SIZE


def test_content_range_is_written() -> None:
    assert ByteRange(2, 3).content_range(10) == "bytes 2-4/10"


@given(st.text() | st.text(alphabet="0123456789-, \t").map("bytes={}".format), st.integers(0, 100))
def test_any_header_selects_a_part_of_the_resource_or_is_416(header: str, size: int) -> None:
    try:
        part = parse_byte_range(header, size)
    except RequestError as error:
        assert (error.status, error.headers) == (416, {"Content-Range": f"bytes */{size}"})  # noqa: PT017
    else:
        assert part is None or (0 <= part.start < part.start + part.length <= size)


@pytest.mark.parametrize("unit", ["-", ",", "0", "9", "0-", "0-,", " ", "=", "\t,", "0-0,"])
def test_a_hostile_header_takes_linear_time(unit: str) -> None:
    # With quadratic time, this would run for hours.
    assert parse_byte_range("bytes=" + unit * ((1 << 20) // len(unit)) + "x", SIZE) is None
