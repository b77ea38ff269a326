"""A run as read from its JSON, from which tables, charts and the page in docs/ are made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import Failure, Sample, Spread, Summary
from benchmarks.scenario import Unit


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contestant as the results know it.

    Attributes:
        name: what the command line calls it.
        title: what tables call it.
        raw: it is no websocket server, but shows what is possible.
        versions: of its interpreter and packages.
        lacks: features that it has not, each with the reason.
    """

    name: str
    title: str
    raw: bool
    versions: dict[str, str]
    lacks: dict[str, str]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A scenario with its figures.

    Attributes:
        name: what the command line calls it.
        title: what tables call it.
        feature: what a contestant must be able to do.
        unit: what the figures count.
        connections: how many there should be at once; 0 where it is not about connections.
        summaries: one a contestant that was measured, the best first.
    """

    name: str
    title: str
    feature: str
    unit: Unit
    connections: int
    summaries: tuple[Summary, ...]

    def summary(self, contestant: str) -> Summary | None:
        """Return the figures of a contestant; None when it was not measured."""
        return next((summary for summary in self.summaries if summary.contestant == contestant), None)


@dataclass(frozen=True, slots=True)
class Results:
    """Everything about a run.

    Attributes:
        data: its JSON.
        entrants: the contestants, by name.
        chapters: the scenarios that were measured, in order.
        samples: every measurement.
        failures: what could not be measured.
    """

    data: dict[str, Any]
    entrants: dict[str, Entrant]
    chapters: tuple[Chapter, ...]
    samples: tuple[Sample, ...]
    failures: tuple[Failure, ...]

    @classmethod
    def of(cls, data: dict[str, Any]) -> Results:
        """Read what `Tournament.as_json` has made."""
        entrants = {fields["name"]: Entrant(**fields) for fields in data["contestants"]}
        summaries = [_summary(fields) for fields in data["summaries"]]
        chapters = (_chapter(fields, summaries) for fields in data["scenarios"])
        return cls(
            data,
            entrants,
            tuple(chapter for chapter in chapters if chapter.summaries),
            tuple(Sample(**fields) for fields in data["samples"]),
            tuple(Failure(**fields) for fields in data["failures"]),
        )

    @classmethod
    def read(cls, file: Path) -> Results:
        """Read a file that a run has written."""
        return cls.of(json.loads(file.read_text("utf-8")))

    @property
    def base(self) -> str:
        """The contestant that ratios refer to."""
        base: str = self.data["base"]
        return base

    def chapter(self, scenario: str) -> Chapter | None:
        """Return the figures of a scenario; None when it was not measured."""
        return next((chapter for chapter in self.chapters if chapter.name == scenario), None)

    def title(self, contestant: str) -> str:
        """Return what tables call a contestant."""
        return self.entrants[contestant].title if contestant in self.entrants else contestant

    @property
    def raw(self) -> frozenset[str]:
        """The contestants that are no websocket servers."""
        return frozenset(name for name, entrant in self.entrants.items() if entrant.raw)


def _chapter(fields: dict[str, Any], summaries: Sequence[Summary]) -> Chapter:
    unit = Unit(**fields["unit"])
    own = (summary for summary in summaries if summary.scenario == fields["name"])
    ordered = sorted(own, key=lambda summary: summary.value.median, reverse=unit.higher_is_better)
    return Chapter(
        fields["name"], fields["title"], fields["feature"], unit, fields.get("connections", 0), tuple(ordered)
    )


def _summary(fields: dict[str, Any]) -> Summary:
    spreads = ("value", "cpu_per_one", "ratio")
    fields = {name: value for name, value in fields.items() if name != "cpu_ratio"}  # of older runs
    return Summary(**fields | {name: Spread(**fields[name]) for name in spreads if fields[name] is not None})
