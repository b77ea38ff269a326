from __future__ import annotations

import enum
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest

from emmett.errors import ConfigurationError
from emmett.routing import PathPattern
from emmett.routing.variables import MAX_DIGITS


class Colour(enum.StrEnum):
    RED = "red"


class Size(str, enum.Enum):  # noqa: UP042 - the kind whose str() is not its value
    LARGE = "l"


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "0", 0),
        ("int", "007", 7),
        pytest.param("int", "9" * MAX_DIGITS, 10**MAX_DIGITS - 1, id="longest-int"),
        ("float", "1.5", 1.5),
        ("float", "01.50", 1.5),
        ("str", "a b", "a b"),
        ("str", "äöü\n%", "äöü\n%"),
        ("alpha", "Straße", "Straße"),
        ("alpha", "имя", "имя"),
        ("any", "a/b//c/", "a/b//c/"),
        ("any", "/", "/"),
        ("any", "a\nb", "a\nb"),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("date", "0001-01-01", date(1, 1, 1)),
    ],
)
def test_text_is_read_as_a_value(kind: str, text: str, value: object) -> None:
    match = PathPattern(f"/x/<{kind}:v>").match(f"/x/{text}")
    assert match == {"v": value}
    assert type(match["v"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *[
            ("int", text)
            for text in ("", "-1", "+1", "1.0", "a", "1 ", "1_000", "٣", "²", "1\n", "9" * (MAX_DIGITS + 1))
        ],
        *[("float", text) for text in ("", "1", "1.", ".5", "-1.5", "1.5e3", "inf", "nan", "1.5.5")],
        pytest.param("float", "9" * 400 + ".0", id="too-large-float"),
        *[("str", text) for text in ("", "a/b", "/", "a/")],
        *[("alpha", text) for text in ("", "a1", "a_", "a b", "a-b", "x²", "½", "Ⅷ", "a/b")],
        ("any", ""),
        *[("date", text) for text in ("2024-13-40", "2023-02-29", "0000-01-01", "24-01-01", "2024-1-1", "20240101")],
        *[("date", text) for text in ("2024-W01-1", "2024-01-01T00", "٢٠٢٤-٠١-٠١", "2024-01-01\n")],
    ],
)
def test_text_that_is_no_value_does_not_match(kind: str, text: str) -> None:
    assert PathPattern(f"/x/<{kind}:v>").match(f"/x/{text}") is None


@pytest.fixture
def low_digit_limit() -> Iterator[int]:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(700)
    yield 700
    sys.set_int_max_str_digits(before)


def test_digits_beyond_the_limit_of_python_do_not_match(low_digit_limit: int) -> None:
    pattern = PathPattern("/<int:v>")
    assert pattern.match("/" + "1" * low_digit_limit) is not None
    assert pattern.match("/" + "1" * (low_digit_limit + 1)) is None


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        ("int", 5, "/5"),
        ("int", "007", "/007"),
        ("int", Level.HIGH, "/3"),
        ("float", 1.5, "/1.5"),
        ("float", 5, "/5.0"),
        ("float", "1.50", "/1.50"),
        ("float", 1e22, "/10000000000000000000000.0"),
        ("float", 1e-7, "/0.0000001"),
        ("float", Decimal("1.25"), "/1.25"),
        ("str", "a b", "/a%20b"),
        ("str", 5, "/5"),
        ("str", Colour.RED, "/red"),
        ("str", Size.LARGE, "/l"),
        ("str", UUID(int=1), "/00000000-0000-0000-0000-000000000001"),
        ("alpha", "Straße", "/Stra%C3%9Fe"),
        ("any", "js/a b.js", "/js/a%20b.js"),
        ("any", PurePosixPath("js/a.js"), "/js/a.js"),
        ("date", date(2024, 2, 29), "/2024-02-29"),
        ("date", datetime(999, 1, 2, 3, tzinfo=UTC), "/0999-01-02"),
        ("date", "2024-02-29", "/2024-02-29"),
    ],
)
def test_an_argument_is_written_as_text(kind: str, value: object, path: str) -> None:
    assert PathPattern(f"/<{kind}:v>").build([value]) == path


class WithoutText:
    pass


BAD_ARGUMENTS: list[tuple[str, Any, str]] = [
    ("int", -1, "digits without a sign, at most 4300"),
    ("int", 1.0, "digits without a sign"),
    ("int", True, "digits without a sign"),
    ("int", "x", "digits without a sign"),
    ("int", None, "digits without a sign"),
    ("float", -0.0, "without a sign or an exponent"),
    ("float", float("inf"), "digits, a dot and digits"),
    ("float", float("nan"), "digits, a dot and digits"),
    ("float", True, "digits, a dot and digits"),
    ("float", "5", "digits, a dot and digits"),
    ("str", "", "one or more characters without a slash"),
    ("str", "a/b", "one or more characters without a slash"),
    ("str", b"a", "one or more characters without a slash"),
    ("str", ["a"], "one or more characters without a slash"),
    ("str", {"a": 1}, "one or more characters without a slash"),
    ("str", None, "one or more characters without a slash"),
    ("str", WithoutText(), "one or more characters without a slash"),
    ("alpha", "a1", "letters only"),
    ("alpha", "x²", "letters only"),
    ("any", "", "one or more characters, including slashes"),
    ("date", "2023-02-29", "an existing date as YYYY-MM-DD"),
    ("date", 20240101, "an existing date as YYYY-MM-DD"),
]


def test_an_integer_with_too_many_digits_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="an int too long to show does not fit <int:v>"):
        PathPattern("/<int:v>").build([10**MAX_DIGITS])


@pytest.mark.parametrize(("kind", "value", "allowed"), BAD_ARGUMENTS)
def test_an_unsuitable_argument_is_an_error(kind: str, value: object, allowed: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PathPattern(f"/<{kind}:v>").build([value])
    message = str(caught.value)
    assert f"does not fit <{kind}:v>, which takes" in message
    assert allowed in message
    assert f"path '/<{kind}:v>'" in message
