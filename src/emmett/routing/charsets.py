"""`Charset` and `Step`: the building blocks of a path pattern, one character at a time.

A pattern consists of steps. Each takes one character of a set, or one or more of them. The steps determine the regular
expression of a pattern, whether a text can be split in more than one way, and how such patterns are matched exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Charset:
    """A set of characters. Two with the same expression and samples are equal.

    Arguments:
        regex: an expression for one character of the set. It may match more than the set contains, provided that
            `overlaps` compares expressions and the text is checked after a match.
        samples: enough characters of the set that two sets overlap only if one contains a sample of the other.
        contains: returns whether one character belongs to the set.
    """

    __slots__ = ("contains", "regex", "samples")

    def __init__(self, regex: str, samples: str, contains: Callable[[str], bool]) -> None:
        self.regex = regex
        self.samples = samples
        self.contains = contains

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Charset) and (self.regex, self.samples) == (other.regex, other.samples)

    def __hash__(self) -> int:
        return hash((self.regex, self.samples))

    def overlaps(self, other: Charset) -> bool:
        """Return whether any character matches the expressions of both sets."""
        return any(re.fullmatch(self.regex, sample, re.DOTALL) for sample in other.samples) or any(
            re.fullmatch(other.regex, sample, re.DOTALL) for sample in self.samples
        )

    def mask(self, text: str) -> int:
        """Return the text as a bit mask, first character highest: 1 where the character is in the set."""
        if not text:
            return 0
        # With a table of the characters that occur, `str.translate` converts the whole text in C.
        return int(text.translate({ord(char): "1" if self.contains(char) else "0" for char in set(text)}), 2)


class Step(NamedTuple):
    """One character of a set or, if repeated, one or more."""

    charset: Charset
    repeated: bool = False


ANY = Charset(".", "0a/", lambda char: True)
NO_SLASH = Charset("[^/]", "0a", lambda char: char != "/")
# Roman numerals, superscripts and the like match the expression but are not letters: `alpha` checks its text.
LETTER = Charset(r"[^\W\d_]", "a", str.isalpha)
DIGIT = Charset("[0-9]", "0", "0123456789".__contains__)


def text_steps(text: str) -> tuple[Step, ...]:
    """Return the steps that match exactly this text."""
    return tuple(Step(Charset(re.escape(char), char, char.__eq__)) for char in text)


def steps_regex(steps: Iterable[Step]) -> str:
    """Return the expression for the steps. None of its repetitions backtracks."""
    return "".join(step.charset.regex + ("++" if step.repeated else "") for step in steps)
