"""All contestants in all scenarios, in turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from benchmarks.contestants import OURS, Contestant, installed_versions
from benchmarks.environments import EnvironmentUnavailable
from benchmarks.machine import describe_machine
from benchmarks.measure import Timing, measure
from benchmarks.placement import Placement
from benchmarks.plan import LoadFailed
from benchmarks.report import Failure, Sample, Summary, summarise
from benchmarks.scenarios import EchoScenario
from benchmarks.server_process import ServerFailed


@dataclass(slots=True)
class Tournament:
    """What takes part, and what has come of it so far.

    Attributes:
        contestants: the servers; those that cannot be installed are taken out by `prepare`.
        scenarios: what each of them has to do.
        rounds: times that everything is measured.
        timing: how long a measurement takes.
        placement: cores of the server and of the load generator.
        pythons: interpreter of each contestant, by its name.
        samples: the measurements.
        failures: what could not be installed or measured.
    """

    contestants: list[Contestant]
    scenarios: list[EchoScenario]
    rounds: int
    timing: Timing
    placement: Placement
    pythons: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def base(self) -> str:
        """The contestant that ratios refer to: ours, or the first one measured where ours was not."""
        measured = {sample.contestant for sample in self.samples}
        return OURS if OURS in measured else next(c.name for c in self.contestants if c.name in measured)

    def prepare(self, announce: Callable[[str], None]) -> None:
        """Install the contestants. One that cannot be installed here is left out and goes into the failures.

        Arguments:
            announce: told what is being done.
        """
        for contestant in self.contestants:
            announce(f"installing {contestant.title}")
            try:
                self.pythons[contestant.name] = contestant.prepare()
            except EnvironmentUnavailable as error:
                self.failures.append(Failure(contestant.name, "installation", str(error)))
        self.contestants = [contestant for contestant in self.contestants if contestant.name in self.pythons]

    def measure(self, announce: Callable[[str], None]) -> None:
        """Take every sample. Each round begins with another contestant, so that none always comes first.

        Arguments:
            announce: told what is being done.
        """
        for number in range(self.rounds):
            for scenario in self.scenarios:
                for contestant in rotated(self.contestants, number):
                    announce(f"round {number + 1} of {self.rounds}: {scenario.name}, {contestant.title}")
                    python = self.pythons[contestant.name]
                    try:
                        sample = measure(contestant, python, scenario, self.timing, self.placement, number)
                    except (ServerFailed, LoadFailed) as error:
                        self.failures.append(Failure(contestant.name, scenario.name, str(error)))
                    else:
                        self.samples.append(sample)

    def summaries(self, scenario: EchoScenario) -> list[Summary]:
        """Return the figures of one scenario, one summary a contestant that was measured."""
        found = (summarise(self.samples, scenario.name, c.name, self.base) for c in self.contestants)
        return [summary for summary in found if summary is not None]

    def as_json(self) -> dict[str, object]:
        """Return everything: circumstances, figures, samples, failures."""
        return {
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": describe_machine(),
            "placement": asdict(self.placement),
            "timing": asdict(self.timing),
            "rounds": self.rounds,
            "versions": {c.name: installed_versions(c, self.pythons[c.name]) for c in self.contestants},
            "scenarios": [asdict(scenario) for scenario in self.scenarios],
            "base": self.base,
            "summaries": [asdict(summary) for scenario in self.scenarios for summary in self.summaries(scenario)],
            "samples": [asdict(sample) for sample in self.samples],
            "failures": [asdict(failure) for failure in self.failures],
        }


def rotated(contestants: Sequence[Contestant], by: int) -> list[Contestant]:
    """Return the contestants with another one in front, their order kept."""
    start = by % len(contestants) if contestants else 0
    return [*contestants[start:], *contestants[:start]]
