from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.placement import Placement, choose_cores, current_placement, parse_core_list, pinned

PAIRS = {0: {0, 1}, 1: {0, 1}, 2: {2, 3}, 3: {2, 3}}


def alone(core: int) -> set[int]:
    return {core}


def test_two_cores_of_their_own() -> None:
    placement = choose_cores({1, 0}, alone)
    assert (placement.server, placement.generator) == (0, 1)
    assert "core 0" in placement.note
    assert "core 1" in placement.note
    assert "physical" not in placement.note


def test_the_other_half_of_a_physical_core_is_avoided() -> None:
    placement = choose_cores(PAIRS, PAIRS.__getitem__)
    assert (placement.server, placement.generator) == (0, 2)


def test_the_report_tells_when_both_share_a_physical_core() -> None:
    placement = choose_cores({2, 3}, PAIRS.__getitem__)
    assert (placement.server, placement.generator) == (2, 3)
    assert "one physical core" in placement.note


def test_one_core_is_not_pinned_and_the_report_tells() -> None:
    placement = choose_cores({4}, alone)
    assert (placement.server, placement.generator) == (None, None)
    assert "One core only" in placement.note


@pytest.mark.parametrize(
    ("text", "cores"), [("0\n", {0}), ("0-1\n", {0, 1}), ("0,4", {0, 4}), ("0-1,8-9", {0, 1, 8, 9}), ("\n", set())]
)
def test_core_lists_of_the_kernel(text: str, cores: set[int]) -> None:
    assert parse_core_list(text) == cores


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux pins processes")
def test_a_process_started_while_pinned_stays_pinned() -> None:
    if sys.platform == "linux":
        before = os.sched_getaffinity(0)
        core = max(before)
        with pinned({core}):
            command = [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"]
            output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        assert output.strip() == str({core})
        assert os.sched_getaffinity(0) == before


def test_pinning_to_no_core_changes_nothing() -> None:
    if sys.platform == "linux":
        before = os.sched_getaffinity(0)
        with pinned(None):
            assert os.sched_getaffinity(0) == before


def test_this_machine_has_a_placement_with_a_note() -> None:
    placement = current_placement()
    assert placement.note.endswith(".")
    assert (placement.server is None) == (placement.generator is None)


def test_one_worker_has_a_core_to_itself() -> None:
    placement = choose_cores({0, 1, 2}, alone)
    assert (placement.server_cores(1), placement.generator_cores(1)) == ({0}, {1})


def test_more_workers_have_a_core_each_and_leave_the_generator_its_own() -> None:
    placement = choose_cores({0, 1, 2}, alone)
    assert (placement.server_cores(2), placement.generator_cores(2)) == ({0, 2}, {1})


def test_more_workers_than_cores_share_all_of_them_with_the_generator() -> None:
    placement = choose_cores({0, 1}, alone)
    assert (placement.server_cores(2), placement.generator_cores(2)) == ({0, 1}, {0, 1})


def test_where_nothing_is_pinned_workers_are_not_either() -> None:
    placement = Placement(None, None, "Nothing.")
    assert (placement.server_cores(2), placement.generator_cores(2)) == (None, None)
