"""Invented results of a run, for the tests of reports."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchmarks.results import Failure, Results, Sample
from benchmarks.scenarios import SCENARIOS

TITLES = {"raw": "raw TCP", "ours": "emmett", "ours-asgi": "emmett, ASGI", "starlette": "Starlette", "ws": "ws"}


def sample(
    contestant: str,
    value: float,
    round_number: int = 0,
    *,
    scenario: str = "echo-64",
    server: float | None = 2.0,
    generator: float | None = 1.0,
    count: int | None = None,
) -> Sample:
    """Return a sample of two seconds; the number follows from the value unless `count` is given."""
    number = round(value * 2) if count is None else count
    return Sample(
        value, number, 2.0, server, generator, 66, scenario=scenario, contestant=contestant, round_number=round_number
    )


def results(*samples: Sample, failures: tuple[Failure, ...] = (), **changes: Any) -> Results:
    """Return the results of some samples, with five contestants and all scenarios that have a sample."""
    scenarios = [SCENARIOS[name] for name in dict.fromkeys(sample.scenario for sample in samples)]
    data = {
        "made": "2026-11-23T08:00:00+00:00",
        "took": 600,
        "machine": {"processor": "CPU", "cores": 2, "system": "Linux", "python": "CPython 3.11", "commit": "abc"},
        "load": {"before": [0.1, 0.2, 0.3], "after": [1.1, 1.2, 1.3]},
        "placement": {"server": 0, "generator": 1, "note": "Pinned.", "cores": [0, 1]},
        "timing": {"warm_up": 0.5, "seconds": 2.0},
        "rounds": 1 + max(sample.round_number for sample in samples),
        "seed": 1,
        "base": "ours",
        "contestants": [
            {
                "name": name,
                "title": title,
                "raw": name == "raw",
                "versions": {"python": "3.11", name: "1.0"},
                "lacks": {"deflate": "does not compress"} if name == "raw" else {},
            }
            for name, title in TITLES.items()
        ],
        "scenarios": [asdict(scenario) for scenario in scenarios],
        "samples": [asdict(sample) for sample in samples],
        "failures": [asdict(failure) for failure in failures],
    }
    return Results.of(data | changes)
