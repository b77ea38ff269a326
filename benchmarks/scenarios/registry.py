"""All scenarios, by the names that the command line takes."""

from __future__ import annotations

from benchmarks.scenarios import (
    broadcast,
    connects,
    deflate,
    echo,
    funnel,
    http,
    json_messages,
    memory,
    startup,
    tls,
    workers,
)
from benchmarks.scenarios.scenario import Scenario

_MODULES = (echo, json_messages, broadcast, funnel, connects, tls, deflate, memory, startup, http, workers)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for module in _MODULES for scenario in module.SCENARIOS}
