"""From samples to figures: medians, spread, ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.plan import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Outcome):
    """One measurement of one contestant.

    Attributes:
        scenario: name of the scenario.
        contestant: name of the contestant.
        round_number: samples of the same round were taken close to each other.
    """

    scenario: str
    contestant: str
    round_number: int

    @property
    def cpu_per_one(self) -> float | None:
        """CPU seconds that one of what is counted cost the server."""
        return None if self.server_cpu is None else self.server_cpu / self.count


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be measured.

    Attributes:
        contestant: name of the contestant.
        during: name of the scenario, or `installation`.
        reason: what happened.
    """

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
        scenario: name of the scenario.
        contestant: name of the contestant.
        rounds: how many rounds have a sample of it.
        value: the figure, in the scenario's unit before scaling.
        cpu_per_one: CPU seconds of the server for one of what is counted; None where unknown.
        server_busy: share of one core that the server used; None where unknown.
        generator_busy: share of one core that the load generator used; None where there was none.
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
    """Sum up the samples of one contestant in one scenario.

    Arguments:
        samples: all samples of the run.
        scenario: name of the scenario.
        contestant: name of the contestant.
        base: name of the contestant that the ratio refers to. It is above 1 where the base is the better one.
        higher_is_better: which figure is the better one.

    Returns:
        The figures; None when there are no samples of it.
    """
    own = {s.round_number: s for s in samples if (s.scenario, s.contestant) == (scenario, contestant)}
    value = spread(sample.value for sample in own.values())
    if value is None:
        return None
    pairs = paired(samples, (scenario, contestant), (scenario, base))
    server_busy = spread(None if s.server_cpu is None else s.server_cpu / s.seconds for s in own.values())
    generator_busy = spread(None if s.generator_cpu is None else s.generator_cpu / s.seconds for s in own.values())
    return Summary(
        scenario=scenario,
        contestant=contestant,
        rounds=len(own),
        value=value,
        cpu_per_one=spread(sample.cpu_per_one for sample in own.values()),
        server_busy=None if server_busy is None else server_busy.median,
        generator_busy=None if generator_busy is None else generator_busy.median,
        ratio=spread(
            _ratio(theirs.value, mine.value) if higher_is_better else _ratio(mine.value, theirs.value)
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


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None
