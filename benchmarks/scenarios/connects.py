"""Whole connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.echo import ECHO_PATH
from benchmarks.scenarios.scenario import CONNECTIONS, LoadScenario, Unit


@dataclass(frozen=True, kw_only=True)
class ConnectsScenario(LoadScenario):
    """Clients that connect, echo a message, close, and connect again."""

    feature: str = "connects"
    unit: Unit = CONNECTIONS
    connections: int = 32

    def plan(self) -> dict[str, Any]:
        return {"kind": "connects", "path": ECHO_PATH}


SCENARIOS = (
    ConnectsScenario(name="connects", title="Connections: TCP, handshake, one echo of 64 B, Close; 32 clients at once"),
)
