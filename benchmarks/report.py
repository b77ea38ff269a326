"""From samples to figures: medians, spread, ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one contestant.

    Attributes:
        scenario: name of the scenario.
        contestant: name of the contestant.
        round_number: samples of the same round were taken close to each other.
        messages: messages that came back within the measured time.
        seconds: the measured time.
        server_cpu: CPU seconds of the server's process tree within it; None where they are unknown.
        generator_cpu: CPU seconds of the load generator within it.
        checked_bytes: bytes that came back, each of them compared with what should come.
    """

    scenario: str
    contestant: str
    round_number: int
    messages: int
    seconds: float
    server_cpu: float | None
    generator_cpu: float
    checked_bytes: int

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_per_message(self) -> float | None:
        """CPU seconds that a message cost the server."""
        return None if self.server_cpu is None else self.server_cpu / self.messages


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
        rate: messages a second.
        cpu_per_message: CPU seconds a message of the server; None where unknown.
        server_busy: share of one core that the server used.
        generator_busy: share of one core that the load generator used.
        rate_ratio: rate of the base divided by this one's, round by round; None when no round has both.
        cpu_ratio: CPU seconds a message of this one divided by those of the base; None when no round has both.
    """

    scenario: str
    contestant: str
    rounds: int
    rate: Spread
    cpu_per_message: Spread | None
    server_busy: float | None
    generator_busy: float
    rate_ratio: Spread | None
    cpu_ratio: Spread | None


def spread(figures: Iterable[float | None]) -> Spread | None:
    """Return median, lowest and highest figure; None when there is none or one of them is unknown."""
    known: list[float] = []
    for figure in figures:
        if figure is None:
            return None
        known.append(figure)
    return Spread(median(known), min(known), max(known)) if known else None


def summarise(samples: Sequence[Sample], scenario: str, contestant: str, base: str) -> Summary | None:
    """Sum up the samples of one contestant in one scenario.

    Arguments:
        samples: all samples of the run.
        scenario: name of the scenario.
        contestant: name of the contestant.
        base: name of the contestant that ratios refer to. Both ratios are above 1 where the base is the better one.

    Returns:
        The figures; None when there are no samples of it.
    """
    own = {s.round_number: s for s in samples if (s.scenario, s.contestant) == (scenario, contestant)}
    theirs = {s.round_number: s for s in samples if (s.scenario, s.contestant) == (scenario, base)}
    rate = spread(sample.rate for sample in own.values())
    if rate is None:
        return None
    # Within a round the machine was in one state, so noise that lasts longer than a round falls out of the ratio.
    pairs = [(own[number], theirs[number]) for number in sorted(own.keys() & theirs.keys())]
    server_busy = spread(None if s.server_cpu is None else s.server_cpu / s.seconds for s in own.values())
    return Summary(
        scenario=scenario,
        contestant=contestant,
        rounds=len(own),
        rate=rate,
        cpu_per_message=spread(sample.cpu_per_message for sample in own.values()),
        server_busy=None if server_busy is None else server_busy.median,
        generator_busy=median(sample.generator_cpu / sample.seconds for sample in own.values()),
        rate_ratio=spread(reference.rate / sample.rate for sample, reference in pairs),
        cpu_ratio=spread(_ratio(sample.cpu_per_message, reference.cpu_per_message) for sample, reference in pairs),
    )


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None
