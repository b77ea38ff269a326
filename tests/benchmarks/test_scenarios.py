from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from benchmarks.loads.generator import LOADS
from benchmarks.plan import LoadFailed, LoadPlan
from benchmarks.scenario import MEMORY, MESSAGES, TIME, LoadScenario, Scenario
from benchmarks.scenarios import SCENARIOS
from benchmarks.server_options import ServerOptions

ALL = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))

# What issues 5 and 12 ask for.
WANTED = (
    *("calls", "calls-batch", "echo-64k-lone", "echo-256k-lone", "echo-1m-lone"),
    *("echo-64", "echo-4k", "echo-64k", "echo-64-batch", "json", "broadcast", "broadcast-burst", "broadcast-5000"),
    *("broadcast-5000-burst", "funnel", "connects", "tls", "deflate", "memory-5000", "memory-15000", "startup"),
    *("import", "http-text", "http-json", "workers-1", "workers-2"),
)


def loads() -> list[LoadScenario]:
    return [scenario for scenario in SCENARIOS.values() if isinstance(scenario, LoadScenario)]


def test_every_required_scenario_exists() -> None:
    assert set(SCENARIOS) == set(WANTED)


def test_long_scenarios_are_measured_only_when_named() -> None:
    assert {name for name, s in SCENARIOS.items() if not s.default} == {"broadcast-5000", "broadcast-5000-burst"}


@ALL
def test_a_scenario_describes_itself(scenario: Scenario) -> None:
    assert SCENARIOS[scenario.name] is scenario
    assert scenario.title
    assert asdict(scenario)["unit"]["name"] == scenario.unit.name


@pytest.mark.parametrize("scenario", loads(), ids=lambda scenario: scenario.name)
def test_the_plan_and_the_options_of_a_scenario_are_valid(scenario: LoadScenario) -> None:
    fields: dict[str, Any] = {"host": "h", "port": 1, "raw": False, "warm_up": 0.0, "seconds": 1.0, "server_pid": 1}
    plan = LoadPlan(**fields, connections=scenario.connections, **scenario.plan)
    assert plan.kind in LOADS
    assert plan.path.startswith("/")
    asked = {name: value for name, value in scenario.server.items() if name != "secure"}
    assert ServerOptions("h", 1, **asked).environment()


def test_memory_is_measured_with_fewer_connections_if_the_system_allows_no_more() -> None:
    scenario = SCENARIOS["memory-15000"]
    assert isinstance(scenario, LoadScenario)
    assert scenario.possible(13_200) == 13_200
    with pytest.raises(LoadFailed, match="15,000 connections need more open files"):
        scenario.possible(600)


def test_other_scenarios_need_all_their_connections() -> None:
    (echo, *_) = loads()
    assert echo.possible(echo.connections) == echo.connections
    with pytest.raises(LoadFailed, match="ulimit"):
        echo.possible(echo.connections - 1)


def test_units_format_their_figures() -> None:
    assert MESSAGES.format(1234567.8) == "1,234,568"
    assert MEMORY.format(5949) == "5.9"
    assert TIME.format(0.2346) == "235"
