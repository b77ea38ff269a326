"""Orders in JSON that are validated, and their receipts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.scenario import MESSAGES, LoadScenario, Unit


@dataclass(frozen=True, kw_only=True)
class JSONScenario(LoadScenario):
    """Connections that send an order and wait for its receipt."""

    feature: str = "json"
    unit: Unit = MESSAGES
    connections: int = 64

    def plan(self) -> dict[str, Any]:
        return {"kind": "echo", "path": "/json", "payload": "json"}


SCENARIOS = (
    JSONScenario(name="json", title="JSON, validated, in and out: 64 connections, one message in flight each"),
)
