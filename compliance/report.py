"""The report of a run: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from .case import Section

# The most faults of a section to list; the others are counted.
SHOWN_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a section.

    Attributes:
        section: the section.
        faults: what was wrong in each of its cases; `None` for a case that passed.
    """

    section: Section
    faults: Sequence[str | None]

    @property
    def passed(self) -> int:
        """The number of cases without a fault."""
        return sum(fault is None for fault in self.faults)

    @property
    def failures(self) -> list[tuple[str, str]]:
        """The names of the failed cases, with the reasons."""
        names = [case.name for case in self.section.cases]
        return [(name, fault) for name, fault in zip(names, self.faults, strict=True) if fault is not None]


def make_table(results: Sequence[Result]) -> Table:
    """Return the table: section, title, cases, passed."""
    table = Table(title="RFC 6455 and RFC 7692", title_justify="left")
    table.add_column("section", no_wrap=True)
    table.add_column("what it is")
    table.add_column("cases", justify="right")
    table.add_column("passed", justify="right")
    for result in results:
        cases = len(result.faults)
        style = None if result.passed == cases else "bold red"
        table.add_row(result.section.number, result.section.title, str(cases), str(result.passed), style=style)
    table.add_section()
    cases, passed = sum(len(result.faults) for result in results), sum(result.passed for result in results)
    table.add_row("all", "", str(cases), str(passed), style="bold")
    return table


def describe_failures(results: Sequence[Result]) -> list[str]:
    """Return a line for each failed case, up to a number for each section."""
    lines = []
    for result in results:
        failures = result.failures
        lines += [f"{result.section.number}: {name}: {fault}" for name, fault in failures[:SHOWN_FAULTS]]
        if len(failures) > SHOWN_FAULTS:
            lines.append(f"{result.section.number}: … and {len(failures) - SHOWN_FAULTS} more")
    return lines


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """Return the results as data for JSON."""
    return {
        "sections": [
            {
                "section": result.section.number,
                "title": result.section.title,
                "cases": len(result.faults),
                "passed": result.passed,
                "failures": [{"case": name, "fault": fault} for name, fault in result.failures],
            }
            for result in results
        ]
    }
