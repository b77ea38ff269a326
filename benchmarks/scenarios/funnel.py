"""Many to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.scenario import MESSAGES, LoadScenario, Unit


@dataclass(frozen=True, kw_only=True)
class FunnelScenario(LoadScenario):
    """Connections that send, and one that gets it all."""

    feature: str = "funnel"
    unit: Unit = MESSAGES
    connections: int = 50

    def plan(self) -> dict[str, Any]:
        return {"kind": "funnel", "path": "/producer"}

    def server(self) -> dict[str, Any]:
        return {"mode": "funnel"}


SCENARIOS = (FunnelScenario(name="funnel", title="50 producers to one reader, a message of 64 B in flight each"),)
