"""The types of path variables: the text that they match and the values that they produce."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from .charsets import ANY, DIGIT, LETTER, NO_SLASH, Step, text_steps

MAX_DIGITS: Final = 4300
"""The longest `int`, in digits. This is Python's own default limit for parsing integers, which takes quadratic time."""


class Variable(NamedTuple):
    """A variable of a path.

    Arguments:
        name: the keyword argument of the handler.
        type: the name of its type, a key of `VARIABLE_TYPES`.
        optional: whether it is in an optional group; the handler may then get `None`.
    """

    name: str
    type: str
    optional: bool = False


class VariableType(NamedTuple):
    """The text that a variable matches, and how to convert it.

    Arguments:
        steps: the characters that it matches.
        allowed: a description of these for errors.
        parse: converts a text that matches the steps; raises `ValueError` if it is not a valid value.
        format: converts an argument of `url()` to text; raises `ValueError` if the argument is not usable.
    """

    steps: tuple[Step, ...]
    allowed: str
    parse: Callable[[str], Any]
    format: Callable[[object], str]


def format_text(value: object) -> str:
    """Return an argument of `url()` as text.

    Raises:
        ValueError: the argument is `None`, bytes, a collection or an object without a text form of its own. The result
            of `str()` for these would be a surprise in a URL.
    """
    if isinstance(value, str):
        # The text itself, even of an enum member, whose own str() returns its name.
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
        raise ValueError("contains other characters than letters")
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
        # repr() returns the shortest text that reads back as the same value, but possibly with an exponent.
        from decimal import Decimal

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
    "any": VariableType((Step(ANY, repeated=True),), "one or more characters, including slashes", str, format_text),
    "date": VariableType(
        (*_TWO_DIGITS, *_TWO_DIGITS, *text_steps("-"), *_TWO_DIGITS, *text_steps("-"), *_TWO_DIGITS),
        "an existing date as YYYY-MM-DD",
        date.fromisoformat,
        _format_date,
    ),
}
"""Every type by its name in a path."""
