"""The phases of a connection, and the allowed transitions between them.

A protocol declares its phases as an enum and their order as a `PhaseTable`. It changes its phase through the table,
so an unforeseen transition raises an error where it happens. docs/design.md draws the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Generic, TypeVar

P = TypeVar("P", bound=Enum)


class PhaseTable(Generic[P]):
    """The allowed transitions between the phases of a connection.

    Arguments:
        transitions: for each phase the phases that may follow it, each with the event that leads there. A final phase
            has an empty mapping. A connection begins in the first phase.

    Raises:
        ValueError: a phase is missing.
    """

    def __init__(self, transitions: Mapping[P, Mapping[P, str]]) -> None:
        self.transitions = transitions
        self.first = next(iter(transitions))
        missing = set(type(self.first)) - set(transitions)
        if missing:
            raise ValueError(f"no transitions are given for {', '.join(sorted(phase.name for phase in missing))}")

    def follow(self, before: P, after: P) -> P:
        """Return the next phase.

        Raises:
            RuntimeError: the table has no such transition. This is an error of the protocol class, never of its peer.
        """
        if after not in self.transitions[before]:
            allowed = ", ".join(phase.name for phase in self.transitions[before]) or "nothing"
            raise RuntimeError(f"a connection in phase {before.name} cannot enter {after.name}; allowed: {allowed}")
        return after

    def drawing(self) -> str:
        """Return the table as a Mermaid state diagram.

        The value of a phase is its description in the diagram.
        """
        return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in self._lines())])

    def _lines(self) -> Iterator[str]:
        for phase in self.transitions:
            yield f"{phase.name} : {phase.name} - {phase.value}"
        yield f"[*] --> {self.first.name}"
        for before, followers in self.transitions.items():
            for after, event in followers.items():
                yield f"{before.name} --> {after.name} : {event}"
            if not followers:
                yield f"{before.name} --> [*]"
