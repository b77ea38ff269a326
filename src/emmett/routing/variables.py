"""The types that a path variable may have: which text they take and which value it becomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from .charsets import ANY, DIGIT, LETTER, NO_SLASH, Step, text_steps

MAX_DIGITS: Final = 4300
"""The longest `int`, in digits: Python's own default for reading integers, whose cost grows with their square."""


class Variable(NamedTuple):
    """A variable of a path.

    Arguments:
        name: the keyword argument that the handler gets.
        type: the name of its type, a key of `VARIABLE_TYPES`.
        optional: whether it stands in an optional group; the handler then may get `None`.
    """

    name: str
    type: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class VariableType:
    """What a variable takes from a path.

    Arguments:
        steps: the characters it takes.
        allowed: the same in words, for errors.
        parse: makes a value of text that went through the steps; a `ValueError` says that it is none.
        format: makes text of an argument of `url()`; a `ValueError` says that the argument is of no use.
    """

    steps: tuple[Step, ...]
    allowed: str
    parse: Callable[[str], Any]
    format: Callable[[object], str]


def format_text(value: object) -> str:
    """Return an argument of `url()` as text.

    Raises:
        ValueError: the argument is `None`, bytes, a collection or an object without a text of its own: what `str()`
            makes of these would be a surprise in a URL.
    """
    if isinstance(value, str):
        # The text itself, also of an enumeration's member, whose own str() gives its name.
        return str.__str__(value)
    if isinstance(value, (int, float)):
        return str(value)
    if value is None or isinstance(value, Collection) or type(value).__str__ is object.__str__:
        raise ValueError(f"a {type(value).__name__} has no text for a path")
    return str(value)


def _format_int(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    return format_text(value)


def _parse_alpha(text: str) -> str:
    if not text.isalpha():
        raise ValueError("not only letters")
    return text


def _parse_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"more than {MAX_DIGITS} digits")
    return int(text)


def _parse_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("too large for a float")
    return value


def _format_float(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # repr() is the shortest text that reads back as the same value, but may have an exponent.
        text = format(Decimal(repr(value)), "f")
        return text if "." in text else f"{text}.0"
    return format_text(value)


def _format_date(value: object) -> str:
    if isinstance(value, datetime):
        value = value.date()
    return value.isoformat() if isinstance(value, date) else format_text(value)


_DIGITS = Step(DIGIT, repeated=True)
_TWO_DIGITS = (Step(DIGIT), Step(DIGIT))

VARIABLE_TYPES: Final[dict[str, VariableType]] = {
    "int": VariableType((_DIGITS,), f"digits without a sign, at most {MAX_DIGITS}", _parse_int, _format_int),
    "float": VariableType(
        (_DIGITS, *text_steps("."), _DIGITS),
        "digits, a dot and digits, without a sign or an exponent",
        _parse_float,
        _format_float,
    ),
    "str": VariableType((Step(NO_SLASH, repeated=True),), "one or more characters without a slash", str, format_text),
    "alpha": VariableType(
        (Step(LETTER, repeated=True),), "letters only, those for which str.isalpha() is true", _parse_alpha, format_text
    ),
    "any": VariableType((Step(ANY, repeated=True),), "one or more characters, slashes too", str, format_text),
    "date": VariableType(
        (*_TWO_DIGITS, *_TWO_DIGITS, *text_steps("-"), *_TWO_DIGITS, *text_steps("-"), *_TWO_DIGITS),
        "a date of the calendar as YYYY-MM-DD",
        date.fromisoformat,
        _format_date,
    ),
}
"""Every type by the name that it has in a path."""
