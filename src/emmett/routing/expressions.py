"""The regular expression of a path, for all paths that a regular expression can match in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .charsets import Charset, steps_regex
from .syntax import Group, Hole, Part, Text

MAX_OPEN_GROUPS: Final = 3
"""How often the number of attempts may double: an expression with this many choices needs at most 2 ** 3 attempts."""


def linear_regex(parts: Iterable[Part]) -> str | None:
    r"""Return an expression for the whole path with one capturing group for each variable.

    A variable takes as many characters as it can and does not backtrack, which is right if it cannot match the first
    character of the text that follows. Return `None` if it can, as in `/<str:a>-<str:b>`: an expression for such a path
    takes time that grows with a power of the text's length, so the path is left to `LinearMatcher`.

    Two kinds of choice are harmless. A last variable followed only by text, as in `/<str:name>.json`, may backtrack,
    since each attempt ends after the few characters of the text. And a few optional groups that start like the text
    after them, as in `/a(/<int:id>)?/b`, only double the number of attempts, each of which is linear.
    """
    writer = _Writer()
    expression = writer.write(tuple(parts))
    return None if writer.ambiguous or writer.open_groups > MAX_OPEN_GROUPS else expression + r"\Z"


class _Writer:
    """Writes the expression from right to left, so that the text that may follow is known."""

    def __init__(self) -> None:
        self.ambiguous = False  # the end of a variable is not determined
        self.open_groups = 0  # how many groups cannot be recognised by their first character
        self.follow: frozenset[Charset] = frozenset()  # the first characters of what follows; empty at the end
        self.only_text = True  # only text follows

    def write(self, parts: tuple[Part, ...]) -> str:
        pieces = []
        for part in reversed(parts):
            if isinstance(part, Text):
                pieces.append(re.escape(part.text))
                self.follow = frozenset({part.steps[0].charset})
            elif isinstance(part, Hole):
                pieces.append(self._hole(part))
            else:
                pieces.append(self._group(part))
        return "".join(reversed(pieces))

    def _hole(self, hole: Hole) -> str:
        steps = hole.steps
        expression = steps_regex(steps)
        if steps[-1].repeated and self._may_follow(steps[-1].charset):
            self.ambiguous = self.ambiguous or not self.only_text
            expression = expression.removesuffix("+")  # "++" does not backtrack, "+" does
        self.follow = frozenset({steps[0].charset})
        self.only_text = False
        return f"({expression})"

    def _group(self, group: Group) -> str:
        following = self.follow
        self.only_text = False
        expression = self.write(group.parts)
        first = next(iter(self.follow))
        self.open_groups += any(first.overlaps(charset) for charset in following)
        self.follow |= following
        return f"(?:{expression})?"

    def _may_follow(self, charset: Charset) -> bool:
        return any(charset.overlaps(following) for following in self.follow)
