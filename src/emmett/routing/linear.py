"""`LinearMatcher`: paths whose text can be split among the variables in more than one way.

`/<any:folder>/<str:name>.<str:extension>` is such a path. A regular expression finds the right split by backtracking,
which a hostile text can prolong to minutes. This matcher needs time proportional to the length of the text, whatever
the path. It first works from the right and computes where in the text each step may start, with all positions at once
as the bits of one integer. It then walks from the left and makes only choices that lead to a match.

Bit r of a set means "the last r characters remain". The set operations run in C on whole machine words.
"""

from __future__ import annotations

from .charsets import Step
from .syntax import Group, Hole, Part

Texts = tuple[str | None, ...]
"""The text of each variable from left to right; `None` for variables of a group that is missing."""


class LinearMatcher:
    """Matches the parts of a path exactly.

    Among several ways to split a text, optional groups are present rather than missing, and earlier groups take
    precedence; then each variable takes as many characters as it can, from left to right.

    Arguments:
        parts: the parts of the path.
    """

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._steps: list[Step] = []
        self._holes: list[tuple[int, int]] = []  # first step of each variable and the one after its last
        self._groups: dict[int, int] = {}  # first step of each group and the one after its last
        for part in parts:
            self._append(part)
        self._charsets = list(dict.fromkeys(step.charset for step in self._steps))
        self._charset_indexes = [self._charsets.index(step.charset) for step in self._steps]

    def split(self, text: str) -> Texts | None:
        """Return the text of each variable, or `None` when the whole text does not match."""
        by_charset = [charset.mask(text) for charset in self._charsets]
        masks = [by_charset[index] for index in self._charset_indexes]  # one for each step
        present: frozenset[int] = frozenset()
        reachable = self._look_back(masks, present)
        if not self._leads_on(0, reachable, present) >> len(text) & 1:
            return None
        for group in self._groups:
            with_group = present | {group}
            attempt = self._look_back(masks, with_group)
            if self._leads_on(0, attempt, with_group) >> len(text) & 1:
                present, reachable = with_group, attempt
        return self._walk(text, masks, reachable, present)

    def _append(self, part: Part) -> None:
        start = len(self._steps)
        if isinstance(part, Group):
            for inner in part.parts:
                self._append(inner)
            self._groups[start] = len(self._steps)
            return
        self._steps.extend(part.steps)
        if isinstance(part, Hole):
            self._holes.append((start, len(self._steps)))

    def _look_back(self, masks: list[int], present: frozenset[int]) -> list[int]:
        """Return, for each step, the remainders from which it and all following steps match to the end.

        The groups in `present` must be present.
        """
        reachable = [0] * len(self._steps) + [1]
        for index in range(len(self._steps) - 1, -1, -1):
            goals = self._leads_on(index + 1, reachable, present)
            reachable[index] = _before(self._steps[index], masks[index], goals)
        return reachable

    def _leads_on(self, index: int, reachable: list[int], present: frozenset[int]) -> int:
        """Return the remainders from which the path matches at a step, or after its group if that may be missing."""
        remainders = reachable[index]
        while index in self._groups and index not in present:
            index = self._groups[index]
            remainders |= reachable[index]
        return remainders

    def _walk(self, text: str, masks: list[int], reachable: list[int], present: frozenset[int]) -> Texts:
        length = remaining = len(text)
        begins: dict[int, int] = {}
        ends: dict[int, int] = {}
        index = 0
        while index < len(self._steps):
            if index in self._groups and index not in present:
                index = self._groups[index]
                continue
            begins[index] = length - remaining
            goals = self._leads_on(index + 1, reachable, present)
            remaining = _after(self._steps[index], masks[index], remaining, goals)
            index += 1
            ends[index] = length - remaining
        return tuple(text[begins[start] : ends[stop]] if start in begins else None for start, stop in self._holes)


def _before(step: Step, mask: int, goals: int) -> int:
    """Return the remainders from which the step leads to one of the goals."""
    taken = goals & mask  # the characters directly before a goal that the step can take
    if step.repeated:
        # An addition carries a bit through the run of ones that it meets, so each taken character reaches its end.
        taken = (((taken + mask) ^ mask) | taken) & mask
    return taken << 1


def _after(step: Step, mask: int, remaining: int, goals: int) -> int:
    """Return the goal that the step reaches from here when it takes as many characters as it can."""
    if not step.repeated:
        return remaining - 1
    refused = ~mask & ((1 << remaining) - 1)
    nearest_end = refused.bit_length()  # the remainder after all characters up to the first refused one
    goals >>= nearest_end
    return nearest_end + (goals & -goals).bit_length() - 1
