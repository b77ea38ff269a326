"""Every path is matched exactly, and with work in proportion to the length of the text."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings

from emmett.routing import PathPattern
from emmett.routing.linear import LinearMatcher
from emmett.routing.syntax import parse_path
from tests.work import check_linear

from .strategies import sources, split_by_trying, texts

SIZE = 512 * 1024


@settings(max_examples=600)
@given(sources(), texts)
@example("/<any:v>(/<int:w>)?(/<int:x>)?", "/a/1/1")
@example("/<any:v>(<int:w>)?<alpha:x>", "/1a1a")
def test_the_split_is_the_first_that_an_exhaustive_search_finds(source: str, text: str) -> None:
    expected = split_by_trying(source, text)
    assert LinearMatcher(parse_path(source)).split(text) == expected
    assert PathPattern(source).split(text) == expected


@given(sources(types=("any", "str")), texts)
@example("/<any:v>/<any:w>/<any:x>", "/a//b/-")
@example("/<str:v>(.<str:w>)?(.<str:x>)?", "/a.b.a.b")
@example("/<any:v>(/<any:w>)?-(/<str:x>)?", "/a/-/-/a")
def test_a_path_may_have_several_greedy_variables(source: str, text: str) -> None:
    assert PathPattern(source).split(text) == split_by_trying(source, text)


# A path, a text to repeat for a long match, and an end with which the text matches.
HOSTILE = [
    ("/<any:a>/x/<any:b>/y/<any:c>/z", "x/y/", "/z"),
    ("/<any:a>/<any:b>/<any:c>(/<int:d>)?(/<int:e>)?(/<int:f>)?/end", "1/", "end"),
    ("/<any:a><any:b><any:c><any:d>!", "a", "!"),
    ("/<str:a>-<str:b>-<str:c>-<str:d>/x", "-", "/x"),
    ("/<any:a>(/<any:b>)?(/<any:c>)?(/<any:d>)?(/<any:e>)?!", "/", "!"),
    ("/<str:a>(-<str:b>)?(-<str:c>)?(-<str:d>)?(-<str:e>)?/", "-", "/"),
    ("/<str:a>(/<str:b>)?(/<str:c>)?(/<str:d>)?/e.json", "j", "/e.json"),
    ("/<any:a>/<date:b>/<any:c>/<date:d>", "2024-01-01/", "2024-01-01"),
    ("/<any:a>.<alpha:b>", "é.", "é"),
    ("/<any:a>edit", "edi", "edit"),
    ("/<str:a>.json", ".jso", ".json"),
    ("/<str:a>(/<str:b>)?", "a", ""),
    ("/<alpha:a>(-<alpha:b>)?", "a", "-b"),
]


@pytest.mark.parametrize(("source", "unit", "end"), HOSTILE)
def test_long_text_matches_in_linear_time(source: str, unit: str, end: str) -> None:
    pattern = PathPattern(source)

    def match(size: int) -> None:
        assert pattern.match("/" + unit * (size // len(unit)) + end) is not None

    check_linear(match, SIZE)


@pytest.mark.parametrize(("source", "unit", "end"), HOSTILE)
def test_long_text_is_refused_in_linear_time(source: str, unit: str, end: str) -> None:
    pattern = PathPattern(source)
    # Only the very end of the text does not match, while all ways to split the rest are still open.
    refused = [wrong for wrong in ("//\n", "\0") if pattern.split("/" + unit * 100 + wrong) is None]
    assert refused

    def refuse(size: int) -> None:
        for wrong in refused:
            assert pattern.match("/" + unit * (size // len(unit)) + wrong) is None

    check_linear(refuse, SIZE)


@pytest.mark.parametrize("kind", ["int", "float"])
def test_long_number_is_refused_in_linear_time(kind: str) -> None:
    pattern = PathPattern(f"/<{kind}:a>")
    end = ".0" if kind == "float" else ""

    def refuse(size: int) -> None:
        assert pattern.match("/" + "9" * size + end) is None

    check_linear(refuse, SIZE)


def test_adjacent_numbers_are_split_in_linear_time() -> None:
    pattern = PathPattern("/<int:a><int:b><float:c><float:d>")

    def split(size: int) -> None:
        assert pattern.split("/" + "9" * size + ".11.1") == ("9" * (size - 2), "9", "9.1", "1.1")

    check_linear(split, SIZE)
