"""CPU time of a process and its descendants, read from /proc (Linux)."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class ProcessTimes(NamedTuple):
    """What `/proc/<pid>/stat` says about one process.

    Attributes:
        parent: process id of the parent.
        ticks: user and system time, its own and that of children it has waited for, in clock ticks.
    """

    parent: int
    ticks: int


def parse_stat(line: str) -> ProcessTimes:
    """Parse a line of `/proc/<pid>/stat`; see proc_pid_stat(5)."""
    # The program's name stands in brackets and may itself hold brackets and blanks.
    fields = line.rpartition(")")[2].split()
    return ProcessTimes(parent=int(fields[1]), ticks=sum(int(field) for field in fields[11:15]))


def cpu_seconds(pid: int, proc: Path = PROC) -> float | None:
    """Return user and system time of a process and all its living descendants.

    Arguments:
        pid: the process at the top.
        proc: where the proc file system is mounted.

    Returns:
        Seconds, in steps of a clock tick (usually 10 ms); None where there is no such process or no /proc.
    """
    if not (proc / str(pid) / "stat").exists():
        return None
    times: dict[int, ProcessTimes] = {}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                times[int(entry.name)] = parsed = parse_stat((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
            children[parsed.parent].append(int(entry.name))
    ticks, waiting = 0, [pid]
    while waiting:
        current = waiting.pop()
        if current in times:
            ticks += times[current].ticks
            waiting.extend(children[current])
    return ticks / os.sysconf("SC_CLK_TCK")
