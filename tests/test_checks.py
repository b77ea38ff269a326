"""The checks of settings and options."""

from __future__ import annotations

import math

import pytest

from emmett.checks import Check, choice, describe_allowed, flag, function, seconds, whole_number


@pytest.mark.parametrize(
    ("check", "valid", "invalid", "wanted"),
    [
        (whole_number("bytes"), [1, 1 << 40], [0, -1, 1.0, True, "1", None], "a whole number of bytes, at least 1"),
        (whole_number(least=0, most=3), [0, 3], [-1, 4], "a whole number, 0 to 3"),
        (whole_number(least=0, most=0), [0], [1, -1], "a whole number, 0 to 0"),
        (whole_number("frames", optional=True), [None, 1], [0], "a whole number of frames, at least 1, or None"),
        (seconds(), [0.001, 5], [0, -1, math.inf, math.nan, True, "1", None], "a number of seconds above 0"),
        (seconds(least=1, most=60), [1, 60.0], [0.5, 61, math.nan], "a number of seconds, 1 to 60"),
        (seconds(optional=True), [None, 1], [0, math.inf], "a number of seconds above 0, or None to switch it off"),
        (flag, [True, False], [1, None, "yes"], "True or False"),
        (function, [None, print], ["print", 1], "a function, or None"),
        (choice("a", None), ["a", None], ["b", 1, ["a"]], "'a' or None"),
    ],
)
def test_valid_values_pass_and_errors_say_what_is_expected(
    check: Check, valid: list[object], invalid: list[object], wanted: str
) -> None:
    assert [value for value in valid if check(value) is not None] == []
    assert {check(value) for value in invalid} == {wanted}


def test_the_closest_name_is_suggested_first() -> None:
    known = ["history", "presence"]
    assert describe_allowed("histroy", known) == "did you mean 'history'? allowed are history, presence"
    assert describe_allowed("x", ["history"]) == "allowed are history"
