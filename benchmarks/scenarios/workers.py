"""One process and two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.echo import EchoScenario


@dataclass(frozen=True, kw_only=True)
class WorkersScenario(EchoScenario):
    """As the echo in batches, which takes least of the generator, with several server processes.

    Attributes:
        workers: how many.
    """

    feature: str = "workers"
    connections: int = 64
    in_flight: int = 32
    workers: int

    def server(self) -> dict[str, Any]:
        return {"workers": self.workers}


SCENARIOS = (
    WorkersScenario(
        name="workers-1", title="One worker: 64 connections, 32 messages of 64 B in flight each", workers=1
    ),
    WorkersScenario(
        name="workers-2", title="Two workers: 64 connections, 32 messages of 64 B in flight each", workers=2
    ),
)
