"""One message to all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.scenario import DELIVERIES, LoadScenario, Unit


@dataclass(frozen=True, kw_only=True)
class BroadcastScenario(LoadScenario):
    """One connection sends to all, itself included, and sends again when everybody has everything.

    Attributes:
        in_flight: messages that it sends in one piece.
    """

    feature: str = "broadcast"
    unit: Unit = DELIVERIES
    in_flight: int = 1

    def plan(self) -> dict[str, Any]:
        return {"kind": "broadcast", "path": "/broadcast", "in_flight": self.in_flight}

    def server(self) -> dict[str, Any]:
        return {"mode": "broadcast"}


SCENARIOS = (
    BroadcastScenario(name="broadcast", title="Broadcast to 500, a message of 64 B at a time", connections=500),
    BroadcastScenario(
        name="broadcast-burst",
        title="Broadcast to 500, bursts of 32 messages of 64 B",
        connections=500,
        in_flight=32,
    ),
    BroadcastScenario(
        name="broadcast-5000",
        title="Broadcast to 5,000, a message of 64 B at a time",
        connections=5000,
        default=False,
    ),
    BroadcastScenario(
        name="broadcast-5000-burst",
        title="Broadcast to 5,000, bursts of 32 messages of 64 B",
        connections=5000,
        in_flight=32,
        default=False,
    ),
)
