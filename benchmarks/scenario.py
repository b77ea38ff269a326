"""What every scenario is: a name, a unit, and a way to measure one contestant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.plan import LoadFailed, Outcome
from benchmarks.stage import Stage, allow_files


@dataclass(frozen=True, slots=True)
class Unit:
    """What a figure counts.

    Attributes:
        one: one of what is counted, for the CPU time: `message`; None where there is no such thing.
        higher_is_better: whether a higher figure is the better one.
        scale: what a value is multiplied by to be in this unit.
        decimals: how many are written.
    """

    name: str
    one: str | None = None
    higher_is_better: bool = True
    scale: float = 1
    decimals: int = 0

    def format(self, value: float) -> str:
        """Return a value in this unit, without its name."""
        return f"{value * self.scale:,.{self.decimals}f}"


MESSAGES = Unit("messages/s", "message")
DELIVERIES = Unit("deliveries/s", "delivery")
CONNECTIONS = Unit("connections/s", "connection")
RESPONSES = Unit("responses/s", "response")
MEMORY = Unit("kB/connection", None, higher_is_better=False, scale=1e-3, decimals=1)
TIME = Unit("ms", None, higher_is_better=False, scale=1e3)


@dataclass(frozen=True)
class Scenario(ABC):
    """Something to measure.

    Attributes:
        name: what the command line and the JSON call it.
        title: what tables call it.
        feature: what a contestant must be able to do, as its `lacks` calls it.
        unit: what the figure counts.
        default: whether it is measured without being named.
        most_rounds: rounds after which it is measured no more, where a figure hardly changes; None for all.
    """

    name: str
    title: str
    feature: str
    unit: Unit
    default: bool = field(default=True, kw_only=True)
    most_rounds: int | None = field(default=None, kw_only=True)

    @abstractmethod
    def measure(self, stage: Stage) -> Outcome:
        """Measure one contestant once; raise `ServerFailed` or `LoadFailed` if that is not possible."""


@dataclass(frozen=True)
class LoadScenario(Scenario):
    """A scenario in which the load generator counts.

    Attributes:
        connections: how many are open at once.
        plan: what the load generator does: fields of `LoadPlan`.
        server: what is asked of the server: arguments of `Stage.options`.
    """

    connections: int = 64
    plan: Mapping[str, Any] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)

    def possible(self, connections: int) -> int:
        """Return how many connections to open where so many are allowed: memory is an average, so fewer do, too."""
        if connections < self.connections * (0.5 if self.unit is MEMORY else 1):
            raise LoadFailed(f"{self.connections:,} connections need more open files than are allowed here: ulimit -Hn")
        return connections

    def measure(self, stage: Stage) -> Outcome:
        """Start a server and a load generator, and let them work."""
        connections = self.possible(allow_files(self.connections))
        options = stage.options(connections=connections, **self.server)
        with stage.serving(options) as server:
            calls = {"dialect": stage.contestant.calls or ""} if self.feature == "calls" else {}
            return stage.load(server, options, {"connections": connections, **calls, **self.plan})
