from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.process_tree import cpu_seconds, parse_stat

TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def stat_line(pid: int, parent: int, ticks: tuple[int, int, int, int], name: str = "python") -> str:
    before = f"{pid} ({name}) S {parent} 1 1 0 -1 4194304 100 0 0 0"
    return f"{before} {' '.join(map(str, ticks))} 20 0 1 0 511930 3133440 414"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with a server (10), its worker (11), a helper of the worker (12), and a stranger (20)."""
    processes = {10: (1, (100, 10, 0, 0)), 11: (10, (200, 20, 5, 5)), 12: (11, (40, 0, 0, 0)), 20: (1, (9000, 0, 0, 0))}
    for pid, (parent, ticks) in processes.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(stat_line(pid, parent, ticks))
    (tmp_path / "self").mkdir()
    (tmp_path / "30").mkdir()  # a process that has just ended
    return tmp_path


def test_user_and_system_time_of_the_process_and_of_children_it_waited_for_are_added() -> None:
    assert parse_stat(stat_line(7, 3, (1, 20, 300, 4000))) == (3, 4321)


@pytest.mark.parametrize("name", ["a b", "a) S 99 (b", ")", "(sd-pam)"])
def test_a_strange_program_name_confuses_nothing(name: str) -> None:
    assert parse_stat(stat_line(7, 3, (1, 2, 3, 4), name)) == (3, 10)


def test_the_tree_below_a_process_counts_and_nothing_else(proc: Path) -> None:
    assert cpu_seconds(10, proc) == pytest.approx(380 / TICK)
    assert cpu_seconds(12, proc) == pytest.approx(40 / TICK)


def test_unknown_process_has_no_time(proc: Path) -> None:
    assert cpu_seconds(99, proc) is None
    assert cpu_seconds(10, proc / "missing") is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_own_time_agrees_with_the_clock_of_the_process() -> None:
    times = os.times()
    measured = cpu_seconds(os.getpid())
    assert measured is not None
    # Other children of the test run may add to it; less than its own time it cannot be, but for rounding.
    assert measured >= times.user + times.system - 4 / TICK
