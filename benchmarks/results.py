"""A run as read from its JSON: samples, and the medians, spreads and ratios from which tables and charts are made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.plan import Outcome
from benchmarks.scenario import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Outcome):
    """One measurement of one contestant; samples of the same round were taken close to each other."""

    scenario: str
    contestant: str
    round_number: int

    @property
    def cpu_per_one(self) -> float | None:
        """CPU seconds that one of what is counted cost the server."""
        return None if self.server_cpu is None else self.server_cpu / self.count


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be measured, during a scenario or the `installation`."""

    contestant: str
    during: str
    reason: str


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, lowest and highest of several figures."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What all rounds say about one contestant in one scenario.

    Attributes:
        rounds: how many rounds have a sample of it.
        value: the figure, in the scenario's unit before scaling.
        cpu_per_one: CPU seconds of the server for one of what is counted; None where unknown.
        server_busy, generator_busy: share of one core that each used; None where unknown.
        ratio: how many times better the base is, round by round; None when no round has both.
    """

    scenario: str
    contestant: str
    rounds: int
    value: Spread
    cpu_per_one: Spread | None
    server_busy: float | None
    generator_busy: float | None
    ratio: Spread | None


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contestant as the results know it: see `Contestant`; `versions` are those of its interpreter and packages."""

    name: str
    title: str
    raw: bool
    versions: dict[str, str]
    lacks: dict[str, str]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A scenario with its figures: see `Scenario`; `summaries` has one a contestant, the best first."""

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
        samples = tuple(Sample(**fields) for fields in data["samples"])
        chapters = (_chapter(fields, samples, list(entrants), data["base"]) for fields in data["scenarios"])
        failures = tuple(Failure(**fields) for fields in data["failures"])
        return cls(data, entrants, tuple(chapter for chapter in chapters if chapter.summaries), samples, failures)

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


def _chapter(fields: dict[str, Any], samples: Sequence[Sample], contestants: Sequence[str], base: str) -> Chapter:
    unit = Unit(**fields["unit"])
    name, higher = fields["name"], unit.higher_is_better
    found = (summarise(samples, name, contestant, base, higher_is_better=higher) for contestant in contestants)
    ordered = sorted((each for each in found if each), key=lambda each: each.value.median, reverse=higher)
    return Chapter(name, fields["title"], fields["feature"], unit, fields.get("connections", 0), tuple(ordered))


def spread(figures: Iterable[float | None]) -> Spread | None:
    """Return median, lowest and highest figure; None when there is none or one of them is unknown."""
    known: list[float] = []
    for figure in figures:
        if figure is None:
            return None
        known.append(figure)
    return Spread(median(known), min(known), max(known)) if known else None


def summarise(
    samples: Sequence[Sample], scenario: str, contestant: str, base: str, *, higher_is_better: bool = True
) -> Summary | None:
    """Return the figures of a contestant in a scenario; None when there are no samples of it.

    Arguments:
        base: the contestant that the ratio refers to. It is above 1 where the base is the better one.
    """
    own = [sample for sample in samples if (sample.scenario, sample.contestant) == (scenario, contestant)]
    value = spread(sample.value for sample in own)
    if value is None:
        return None
    pairs = paired(samples, (scenario, contestant), (scenario, base))
    server_busy = spread(None if s.server_cpu is None else s.server_cpu / s.seconds for s in own)
    generator_busy = spread(None if s.generator_cpu is None else s.generator_cpu / s.seconds for s in own)
    return Summary(
        scenario=scenario,
        contestant=contestant,
        rounds=len(own),
        value=value,
        cpu_per_one=spread(sample.cpu_per_one for sample in own),
        server_busy=None if server_busy is None else server_busy.median,
        generator_busy=None if generator_busy is None else generator_busy.median,
        ratio=spread(
            ratio(theirs.value, mine.value) if higher_is_better else ratio(mine.value, theirs.value)
            for mine, theirs in pairs
        ),
    )


def paired(samples: Sequence[Sample], one: tuple[str, str], other: tuple[str, str]) -> list[tuple[Sample, Sample]]:
    """Return the samples of the same rounds of two pairs of scenario and contestant.

    Within a round the machine was in one state, so noise that lasts longer than a round falls out of the ratio.
    """
    ones = {s.round_number: s for s in samples if (s.scenario, s.contestant) == one}
    others = {s.round_number: s for s in samples if (s.scenario, s.contestant) == other}
    return [(ones[number], others[number]) for number in sorted(ones.keys() & others.keys())]


def ratio(numerator: float | None, denominator: float | None) -> float | None:
    """Return a ratio; None where one of the figures is unknown, or the second is 0."""
    return numerator / denominator if numerator is not None and denominator else None


def format_ratio(ratio: Spread | None) -> str:
    """Return a ratio with its lowest and highest value, `?` where it is unknown."""
    return "?" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f} - {ratio.high:.2f})"
