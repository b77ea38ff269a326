from __future__ import annotations

import datetime
import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from emmett.typed import FromBody, FromQuery
from emmett.typed.sources import Source, fits_query, source_of, takes_several, takes_text, without_source


class Colour(enum.Enum):
    RED = "red"


class Page(msgspec.Struct):
    number: int


POSITIVE = Annotated[int, msgspec.Meta(ge=1)]


def test_annotations_name_a_source() -> None:
    assert source_of(FromQuery[Page]) is Source.QUERY
    assert source_of(FromBody[list[int]]) is Source.BODY
    assert source_of(POSITIVE) is None
    assert source_of(int) is None
    assert without_source(FromQuery[Page]) is Page
    assert without_source(FromQuery[POSITIVE]) == POSITIVE
    assert without_source(POSITIVE) is POSITIVE


@pytest.mark.parametrize(
    ("type_", "fits", "several"),
    [
        (int, True, False),
        (str | None, True, False),
        (POSITIVE, True, False),
        (Colour, True, False),
        (Literal["a", 1], True, False),
        (datetime.datetime, True, False),
        (list[int], True, True),
        (set[Colour] | None, True, True),
        (Annotated[list[POSITIVE], msgspec.Meta(max_length=3)], True, True),
        (tuple[str, ...], True, True),
        (list, True, True),
        (tuple[int, str], False, False),
        (dict[str, int], False, False),
        (list[list[int]], False, False),
        (Page, False, False),
        (list[Page], False, False),
        (Any, False, False),
    ],
)
def test_a_query_can_contain_these_types(type_: Any, fits: bool, several: bool) -> None:
    assert fits_query(type_) is fits
    if fits:
        assert takes_several(type_) is several


def test_types_that_accept_any_text_are_recognised() -> None:
    assert [takes_text(each) for each in (str, str | None, int, int | str, float, Any)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]
