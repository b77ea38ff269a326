"""`Charset` and `Step`: what a path pattern is made of, one character at a time.

A pattern comes down to steps: each takes one character of a set, or one and more of them. From the steps follow the
regular expression of a pattern, whether it can be split in more than one way, and the exact matching of those that can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Charset:
    """A set of characters.

    Arguments:
        regex: an expression for one character of the set. It may take in more than the set does, as long as `overlaps`
            is asked about the expression and the text is checked afterwards.
        samples: characters of the set, so many that two sets overlap only if a sample of one is in the other.
        contains: whether one character belongs to the set.
    """

    regex: str
    samples: str
    contains: Callable[[str], bool] = field(compare=False)

    def overlaps(self, other: Charset) -> bool:
        """Tell whether a character fits the expressions of both sets."""
        return any(re.fullmatch(self.regex, sample, re.DOTALL) for sample in other.samples) or any(
            re.fullmatch(other.regex, sample, re.DOTALL) for sample in self.samples
        )

    def mask(self, text: str) -> int:
        """Return the text as binary digits, first character highest: 1 where the character is in the set."""
        if not text:
            return 0
        # A table of the characters that occur lets the whole text be translated in C.
        return int(text.translate({ord(char): "1" if self.contains(char) else "0" for char in set(text)}), 2)


@dataclass(frozen=True, slots=True)
class Step:
    """One character of a set or, repeated, one and more of them."""

    charset: Charset
    repeated: bool = False


ANY = Charset(".", "0a/", lambda char: True)
NO_SLASH = Charset("[^/]", "0a", lambda char: char != "/")
# Roman numerals, superscripts and the like fit the expression but are no letters: `alpha` checks its text.
LETTER = Charset(r"[^\W\d_]", "a", str.isalpha)
DIGIT = Charset("[0-9]", "0", "0123456789".__contains__)


def text_steps(text: str) -> tuple[Step, ...]:
    """Return the steps that take exactly this text."""
    return tuple(Step(Charset(re.escape(char), char, char.__eq__)) for char in text)


def steps_regex(steps: Iterable[Step]) -> str:
    """Return the expression for the steps. None of its repetitions gives characters back."""
    return "".join(step.charset.regex + ("++" if step.repeated else "") for step in steps)
