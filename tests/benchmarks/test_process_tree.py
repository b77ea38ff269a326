from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.process_tree import cpu_seconds, memory_bytes, parse_pss, parse_stat

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


ROLLUP = "5581-7ffd ---p 00000000 00:00 0  [rollup]\nRss:  9000 kB\nPss:  {} kB\nPss_Dirty: 17 kB\n"


def test_the_memory_of_the_tree_is_added() -> None:
    assert parse_pss(ROLLUP.format(1234)) == 1234 * 1024
    with pytest.raises(ValueError, match="Pss:"):
        parse_pss("Rss: 12 kB\n")


def test_memory_of_the_tree_below_a_process_counts_and_nothing_else(proc: Path) -> None:
    for pid, kilobytes in {10: 100, 11: 30, 12: 7, 20: 5000}.items():
        (proc / str(pid) / "smaps_rollup").write_text(ROLLUP.format(kilobytes))
    assert memory_bytes(10, proc) == 137 * 1024
    assert memory_bytes(99, proc) is None


def test_a_process_that_ends_meanwhile_has_no_memory(proc: Path) -> None:
    (proc / "10" / "smaps_rollup").write_text(ROLLUP.format(100))
    assert memory_bytes(10, proc) == 100 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_memory_of_this_process_is_known() -> None:
    memory = memory_bytes(os.getpid())
    assert memory is not None
    assert memory > 1024 * 1024
