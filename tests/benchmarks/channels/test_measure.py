"""Real servers under a real load for a moment: the results are complete; the figures do not matter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.channels.layouts import serving
from benchmarks.channels.measure import Case, generate, measure
from benchmarks.machine import current_placement
from benchmarks.plan import LoadFailed
from benchmarks.stage import Timing

SHORT = Timing(0.05, 0.2)


@pytest.mark.parametrize(
    ("case", "processes"),
    [(Case("memory", "process", kept=False), 1), (Case("valkey", "nodes", kept=True), 2)],
    ids=["memory", "valkey"],
)
def test_a_case_is_measured(case: Case, processes: int) -> None:
    sample = measure(case, SHORT, 8, current_placement())
    for result in (sample.full, sample.paced):
        assert result.deliveries > 0
        assert result.processes == processes
        assert result.stats["dropped"] == result.stats["gaps"] == 0
    assert (sample.full.broker_cpu is None) == (case.broker == "memory")
    assert not sample.full.delays
    kinds = {"all", "near"} | ({"far"} if processes > 1 else set())
    assert set(sample.paced.delays) == kinds
    delays = sample.paced.delays["all"]
    assert 0 < delays.p50 <= delays.p99 <= delays.most


def test_a_subscriber_that_reads_nothing_is_noticed_by_the_server() -> None:
    with serving("process", "memory", current_placement()) as servers:
        plan = servers.plan(SHORT, room="drop_oldest:all", subscribers=16, pace=100.0, slow=True)
        result = generate(plan, None)
        assert result.stats["dropped"] > 0
        assert result.stats["disconnected"] == 0
        assert result.delays["all"].count > 0
        assert 0 < result.memory["empty"] <= result.memory["peak"]
        result = generate(replace(plan, room="disconnect:all"), None)
        assert result.stats["disconnected"] == 1
        with pytest.raises(LoadFailed, match="404"):
            generate(replace(plan, room="a/b/c"), None)
