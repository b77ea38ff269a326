"""Every path is matched exactly, and in time that grows with the length of the text only."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings

from emmett.routing import PathPattern
from emmett.routing.linear import LinearMatcher
from emmett.routing.syntax import parse_path

from .strategies import sources, split_by_trying, texts

SIZE = 64 * 1024


@settings(max_examples=600)
@given(sources(), texts)
@example("/<any:v>(/<int:w>)?(/<int:x>)?", "/a/1/1")
@example("/<any:v>(<int:w>)?<alpha:x>", "/1a1a")
def test_split_is_the_one_that_trying_every_way_finds_first(source: str, text: str) -> None:
    expected = split_by_trying(source, text)
    assert LinearMatcher(parse_path(source)).split(text) == expected
    assert PathPattern(source).split(text) == expected


@given(sources(types=("any", "str")), texts)
@example("/<any:v>/<any:w>/<any:x>", "/a//b/-")
@example("/<str:v>(.<str:w>)?(.<str:x>)?", "/a.b.a.b")
@example("/<any:v>(/<any:w>)?-(/<str:x>)?", "/a/-/-/a")
def test_several_greedy_variables(source: str, text: str) -> None:
    assert PathPattern(source).split(text) == split_by_trying(source, text)


# A path, what is repeated to make a long text for it, and an end with which the text matches.
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


def seconds(pattern: PathPattern, text: str) -> float:
    """Return the time that a match takes: the shortest of three, so that other work of the machine counts little."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        pattern.match(text)
        times.append(time.perf_counter() - start)
    return min(times)


def check_growth(pattern: PathPattern, short: str, long: str) -> None:
    """Check that eight times the text takes about eight times as long; if time grew with its square, it were 64."""
    assert len(long) >= 7 * len(short)
    assert seconds(pattern, long) < 32 * max(seconds(pattern, short), 0.0005)


@pytest.mark.parametrize(("source", "unit", "end"), HOSTILE)
def test_long_text_matches_in_linear_time(source: str, unit: str, end: str) -> None:
    pattern = PathPattern(source)
    count = SIZE // len(unit)
    long = "/" + unit * count + end
    assert pattern.match(long) is not None
    check_growth(pattern, "/" + unit * (count // 8) + end, long)


@pytest.mark.parametrize(("source", "unit", "end"), HOSTILE)
def test_long_text_is_refused_in_linear_time(source: str, unit: str, end: str) -> None:
    pattern = PathPattern(source)
    count = SIZE // len(unit)
    # The text is refused because of its very end, when all ways to split the rest have been open.
    refused = [wrong for wrong in ("//\n", "\0") if pattern.split("/" + unit * count + wrong) is None]
    assert refused
    for wrong in refused:
        check_growth(pattern, "/" + unit * (count // 8) + wrong, "/" + unit * count + wrong)


@pytest.mark.parametrize("kind", ["int", "float"])
def test_long_number_is_refused_in_linear_time(kind: str) -> None:
    pattern = PathPattern(f"/<{kind}:a>")
    end = ".0" if kind == "float" else ""
    long = "/" + "9" * SIZE + end
    assert pattern.match(long) is None
    check_growth(pattern, "/" + "9" * (SIZE // 8) + end, long)


def test_adjacent_numbers_are_split_in_linear_time() -> None:
    pattern = PathPattern("/<int:a><int:b><float:c><float:d>")
    long = "/" + "9" * SIZE + ".11.1"
    assert pattern.split(long) == ("9" * (SIZE - 2), "9", "9.1", "1.1")
    check_growth(pattern, "/" + "9" * (SIZE // 8) + ".11.1", long)
