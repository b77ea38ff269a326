"""Medians of the rounds, a row for each case, and their place on a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.channels.measure import Case, ChannelSample, cases, check_processes, refused
from benchmarks.channels.plan import ChannelResult, Delays
from benchmarks.channels.report import DELAY_HEADINGS, HEADINGS, delay_row, row
from benchmarks.channels.report import text as report_text
from benchmarks.plan import LoadFailed


def sample(deliveries: int, p99: float, broker_cpu: float | None = None) -> ChannelSample:
    delays = {"all": Delays(10, 0.001, p99, 1.0)} | ({"far": Delays(5, 0.001, p99 * 2, 1.0)} if broker_cpu else {})
    full = ChannelResult(deliveries, 2.0, 0.5, broker_cpu, 0.1, 1)
    return ChannelSample(full, ChannelResult(100, 2.0, 0.5, broker_cpu, 0.1, 1, delays))


def test_the_memory_broker_is_not_measured_with_several_workers() -> None:
    found = cases(["memory", "valkey"], ["process", "workers", "nodes"])
    assert {case.layout for case in found if case.broker == "memory"} == {"process"}
    assert {(case.layout, case.kept) for case in found if case.broker == "valkey"} == {
        (layout, kept) for layout in ("process", "workers", "nodes") for kept in (False, True)
    }


def test_a_row_has_medians_of_its_rounds() -> None:
    near = Case("memory", "process", kept=False)
    far = Case("valkey", "nodes", kept=True)
    samples = [sample(1000, 0.002), sample(3000, 0.004), sample(2000, 0.003)]
    apart = [sample(1000, 0.002, 0.25)]
    assert row(near, samples, 10) == ["memory", "one process", "-", "100 (50 - 150)", "1,000", "250.00", "-", "5%"]
    assert row(far, apart, 10) == ["valkey", "two nodes", "100", "50 (50 - 50)", "500", "500.00", "2500.0", "5%"]
    found = [delay_row(near, samples), delay_row(far, apart)]
    assert found == [
        ["memory", "one process", "-", "1.00", "3.00", "1000.00", *"------"],
        ["valkey", "two nodes", "100", "1.00", "2.00", "1000.00", *"---", "1.00", "4.00", "1000.00"],
    ]
    assert all(len(cells) == len(DELAY_HEADINGS) for cells in found)


def test_a_generator_that_may_be_the_limit_is_marked() -> None:
    case, taken = Case("memory", "process", kept=False), sample(1000, 0.002)
    busy = replace(taken, full=replace(taken.full, generator_cpu=1.9))
    assert row(case, [busy], 10)[-1] == "95% (!)"


def test_refusals_are_reported() -> None:
    told = refused(["memory", "nats"], ["process", "workers", "nodes"])
    assert len(told) == 1
    assert told[0].startswith("Memory with two workers or two nodes is refused by design")
    assert refused(["memory"], ["process"]) == refused(["nats"], ["nodes"]) == []


def test_a_process_without_subscribers_has_its_own_layout() -> None:
    case, taken = Case("valkey", "workers", kept=False), sample(1000, 0.002, 0.25)
    with pytest.raises(LoadFailed, match="on 1 processes: expected 2"):
        check_processes(case, taken)
    check_processes(case, ChannelSample(replace(taken.full, processes=2), replace(taken.paced, processes=2)))


def test_the_text_has_the_notes_and_both_tables() -> None:
    text = report_text({}, 8, ["Made: today"])
    assert text.startswith("- Made: today\n- 8 subscribers on one channel")
    assert f"| {' | '.join(HEADINGS)} |" in text
    assert f"| {' | '.join(DELAY_HEADINGS)} |" in text
