"""All contestants in all scenarios, in turns."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from benchmarks.contestants import OURS, Contestant
from benchmarks.environments import EnvironmentUnavailable
from benchmarks.machine import Placement, describe_load, describe_machine
from benchmarks.plan import LoadFailed
from benchmarks.results import Failure, Sample
from benchmarks.scenario import Scenario
from benchmarks.server_process import ServerFailed
from benchmarks.stage import Stage, Timing


@dataclass(slots=True)
class Tournament:
    """What takes part, and what has come of it so far.

    Attributes:
        contestants: the servers; those that cannot be installed are taken out by `prepare`.
        scenarios: what each of them has to do.
        rounds: times that everything is measured.
        timing: how long a measurement takes.
        placement: cores of the server and of the load generator.
        seed: of the order in which the contestants come.
        runtimes, versions: interpreter of each contestant, and versions of it and of its packages, by its name.
        samples, failures: the measurements, and what could not be installed or measured.
        began, load_before: when it was begun, and how busy the machine was then.
    """

    contestants: list[Contestant]
    scenarios: list[Scenario]
    rounds: int
    timing: Timing
    placement: Placement
    seed: int = 1
    runtimes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    load_before: list[float] | None = field(default_factory=describe_load)

    @property
    def base(self) -> str:
        """The contestant that ratios refer to: ours, or the first one measured where ours was not."""
        measured = {sample.contestant for sample in self.samples}
        return OURS if OURS in measured else next((c.name for c in self.contestants if c.name in measured), OURS)

    def prepare(self, announce: Callable[[str], None]) -> None:
        """Install the contestants. One that cannot be installed here is left out and goes into the failures."""
        for contestant in self.contestants:
            announce(f"installing {contestant.title}")
            try:
                runtime = contestant.prepare()
                self.versions[contestant.name] = contestant.environment.versions(runtime, contestant.packages)
            except (EnvironmentUnavailable, OSError, subprocess.SubprocessError) as error:
                self.failures.append(Failure(contestant.name, "installation", str(error)))
            else:
                self.runtimes[contestant.name] = runtime
        self.contestants = [contestant for contestant in self.contestants if contestant.name in self.runtimes]

    def turns(self) -> list[tuple[int, Scenario, Contestant]]:
        """Return all measurements. In each round and scenario the contestants come in another order."""
        chance = random.Random(self.seed)
        return [
            (number, scenario, contestant)
            for number in range(self.rounds)
            for scenario in self.scenarios
            if number < (scenario.most_rounds or self.rounds)
            for contestant in shuffled([c for c in self.contestants if scenario.feature not in c.missing], chance)
        ]

    def measure(self, announce: Callable[[str], None]) -> None:
        """Take every sample."""
        turns = self.turns()
        for done, (number, scenario, contestant) in enumerate(turns, start=1):
            what = f"round {number + 1} of {self.rounds}: {scenario.name}, {contestant.title}"
            announce(f"{done} of {len(turns)}, {what}")
            stage = Stage(contestant, self.runtimes[contestant.name], self.timing, self.placement)
            try:
                outcome = scenario.measure(stage)
            except (ServerFailed, LoadFailed, OSError) as error:
                self.failures.append(Failure(contestant.name, scenario.name, str(error)))
            else:
                self.samples.append(
                    Sample(**asdict(outcome), scenario=scenario.name, contestant=contestant.name, round_number=number)
                )

    def as_json(self) -> dict[str, Any]:
        """Return everything: circumstances, samples, failures."""
        return {
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "took": round((datetime.now(UTC) - self.began).total_seconds()),
            "machine": describe_machine(),
            "load": {"before": self.load_before, "after": describe_load()},
            "placement": asdict(self.placement),
            "timing": asdict(self.timing),
            "rounds": self.rounds,
            "base": self.base,
            "contestants": [
                {
                    "name": c.name,
                    "title": c.title,
                    "raw": c.raw,
                    "versions": self.versions[c.name],
                    "lacks": c.missing,
                }
                for c in self.contestants
            ],
            "scenarios": [asdict(scenario) for scenario in self.scenarios],
            "samples": [asdict(sample) for sample in self.samples],
            "failures": [asdict(failure) for failure in self.failures],
        }


def shuffled(contestants: Sequence[Contestant], chance: random.Random) -> list[Contestant]:
    """Return the contestants in a random order."""
    return chance.sample(contestants, len(contestants))
