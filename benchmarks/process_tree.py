"""CPU time and memory of a process and its descendants, read from /proc (Linux)."""

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
    family = _family(pid, proc)
    return sum(times.ticks for times in family.values()) / os.sysconf("SC_CLK_TCK") if family else None


def memory_bytes(pid: int, proc: Path = PROC) -> int | None:
    """Return the memory of a process and all its living descendants; pages that several share are counted once.

    Arguments:
        pid: the process at the top.
        proc: where the proc file system is mounted.

    Returns:
        Bytes (the sum of PSS); None where there is no such process, or a kernel that does not tell.
    """
    total = 0
    family = _family(pid, proc)
    for member in family:
        try:
            total += parse_pss((proc / str(member) / "smaps_rollup").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        except (OSError, ValueError):
            return None
    return total or None


def kernel_bytes(proc: Path = PROC) -> int:
    """Return what the kernel keeps in its caches of small objects, open sockets among them (Slab in proc_meminfo(5)).

    Arguments:
        proc: where the proc file system is mounted.

    Returns:
        Bytes, of all processes of the machine; 0 where the kernel does not tell.
    """
    try:
        lines = (proc / "meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Slab:")), 0)


def parse_pss(text: str) -> int:
    """Return the proportional set size, in bytes, in the text of `/proc/<pid>/smaps_rollup`; see proc_pid_smaps(5).

    Raises:
        ValueError: it does not say.
    """
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError("smaps_rollup has no line that begins with Pss:")


def _family(pid: int, proc: Path) -> dict[int, ProcessTimes]:
    """Return a process and its descendants."""
    if not (proc / str(pid) / "stat").exists():
        return {}
    times: dict[int, ProcessTimes] = {}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                times[int(entry.name)] = parsed = parse_stat((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
            children[parsed.parent].append(int(entry.name))
    family: dict[int, ProcessTimes] = {}
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        if current in times:
            family[current] = times[current]
            waiting.extend(children[current])
    return family
