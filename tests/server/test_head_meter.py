"""The size of a head, measured while it arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emmett.config import HTTPSettings
from emmett.errors import RequestError
from emmett.server.checked_head import field_size
from emmett.server.head_meter import HeadMeter


@pytest.fixture
def meter() -> HeadMeter:
    return HeadMeter(HTTPSettings(max_head_size=100, max_head_fields=3))


def size_of(target: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    return len(target) + field_size(headers)


def refused(call: Callable[..., None], *arguments: Any) -> None:
    with pytest.raises(RequestError) as refusal:
        call(*arguments)
    assert refusal.value.status == 431


def test_the_target_and_the_fields_add_up(meter: HeadMeter) -> None:
    meter.begin()
    meter.end_head(size_of(b"/" * 60, [(b"ab", b"x" * 10), (b"c", b"x" * 19)]))
    refused(meter.end_head, size_of(b"/" * 60, [(b"ab", b"x" * 10), (b"c", b"x" * 20)]))
    refused(meter.end_head, size_of(b"/" * 101, []))


def test_the_number_of_fields_is_limited(meter: HeadMeter) -> None:
    meter.begin()
    for _ in range(3):
        meter.count_field()
    with pytest.raises(RequestError, match="more than 3 header fields"):
        meter.count_field()


def test_the_fields_of_a_trailer_count_with_those_of_the_head(meter: HeadMeter) -> None:
    meter.begin()
    meter.count_field()
    meter.end_head(size_of(b"/", [(b"a", b"b")]))
    meter.move_on()
    meter.count_field()
    meter.count_field()
    refused(meter.count_field)


def test_every_request_is_measured_separately(meter: HeadMeter) -> None:
    for _ in range(10):
        meter.begin()
        meter.count_field()
        meter.count_field()
        meter.end_head(size_of(b"/", [(b"a", b"x" * 90)]))
        meter.end_read(150)


def test_an_endless_field_is_limited(meter: HeadMeter) -> None:
    """The parser does not report the field before its end, so the reads are counted."""
    meter.begin()
    for _ in range(4):
        meter.end_read(25)
    refused(meter.end_read, 1)


def test_a_read_that_also_contains_other_data_does_not_count(meter: HeadMeter) -> None:
    """The end of one request and the beginning of the next, in one large read."""
    meter.begin()
    meter.move_on()
    meter.begin()
    meter.end_read(100_000)
    meter.end_read(100)
    refused(meter.end_read, 1)


def test_a_body_may_be_long_but_not_the_lines_between_its_chunks(meter: HeadMeter) -> None:
    meter.begin()
    meter.end_head(size_of(b"/", []))
    meter.end_read(50)
    for _ in range(10):
        meter.end_read(90)
        meter.move_on()
        meter.end_read(100_000)
    meter.end_read(100)
    refused(meter.end_read, 1)


def test_the_limits_may_change(meter: HeadMeter) -> None:
    limits = HTTPSettings(max_head_size=10, max_head_fields=1)
    meter = HeadMeter(limits)
    limits.max_head_size, limits.max_head_fields = 20, 2
    meter.begin()
    meter.count_field()
    meter.count_field()
    refused(meter.count_field)
    meter.end_head(size_of(b"/" * 20, []))
