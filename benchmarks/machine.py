"""The machine: its cores and who runs on which, CPU time and memory of processes, and what it is called."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.environments import ROOT


@dataclass(frozen=True, slots=True)
class Placement:
    """The cores of the two sides; None where nothing is pinned.

    Attributes:
        server: core of the server.
        generator: core of the load generator.
        note: one sentence about it for the report.
        cores: all cores that may be used, for servers with several processes.
    """

    server: int | None
    generator: int | None
    note: str
    cores: tuple[int, ...] = ()

    def server_cores(self, workers: int) -> set[int] | None:
        """Return the cores for so many server processes; None where nothing is pinned.

        One process has a core to itself. Several have one each and leave the generator its own, if there are enough;
        otherwise they share all cores with it.
        """
        if self.server is None or self.generator is None:
            return None
        apart = [core for core in self.cores if core != self.generator]
        if workers == 1:
            return {self.server}
        return set(apart[:workers]) if len(apart) >= workers else set(self.cores)

    def generator_cores(self, workers: int) -> set[int] | None:
        """Return the cores for the load generator beside so many server processes; None where nothing is pinned."""
        if self.generator is None:
            return None
        shared = workers > 1 and len(self.cores) - 1 < workers
        return set(self.cores) if shared else {self.generator}


def choose_cores(allowed: Collection[int], siblings_of: Callable[[int], Collection[int]]) -> Placement:
    """Give the server and the generator a core each of those allowed, on different physical cores where possible."""
    cores = sorted(allowed)
    if len(cores) < 2:
        return Placement(None, None, "One core only: server and load generator share it, so the rates are far too low.")
    server, others = cores[0], cores[1:]
    apart = [core for core in others if core not in siblings_of(server)]
    generator = (apart or others)[0]
    note = f"Server pinned to core {server}, load generator to core {generator}"
    note += "." if apart else "; both are one physical core, so each slows the other down."
    return Placement(server, generator, note, tuple(cores))


def current_placement() -> Placement:
    """Choose cores on this machine."""
    if sys.platform != "linux":
        return Placement(None, None, f"Nothing is pinned: {sys.platform} has no os.sched_setaffinity.")
    return choose_cores(os.sched_getaffinity(0), _siblings)


@contextmanager
def pinned(cores: Collection[int] | None) -> Iterator[None]:
    """Run the body on some cores, None for any. A process started within stays there, with all its children."""
    if cores is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(cores))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _siblings(core: int) -> set[int]:
    """Return the logical cores of the same physical core; the kernel writes them as `0-1,4`."""
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text("ascii")
    except OSError:
        return set()
    ranges = (part.partition("-") for part in text.strip().split(","))
    return {each for first, _, last in ranges for each in range(int(first), int(last or first) + 1)}


def _family(pid: int) -> list[psutil.Process]:
    """Return a process and its living descendants; nothing where it does not exist."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def cpu_seconds(pid: int) -> float | None:
    """Return user and system time of a process and its living descendants, and of children that they waited for.

    In seconds, in steps of a clock tick (usually 10 ms); None where there is no such process.
    """
    seconds = None
    for process in _family(pid):
        with suppress(psutil.NoSuchProcess):
            seconds = (seconds or 0.0) + sum(process.cpu_times()[:4])
    return seconds


def memory_bytes(pid: int) -> int | None:
    """Return the memory of a process and its living descendants: the sum of PSS, which counts shared pages once.

    In bytes; None where there is no such process, or the kernel does not say.
    """
    total = 0
    for process in _family(pid):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
        except (psutil.AccessDenied, AttributeError):
            return None
    return total or None


def kernel_bytes() -> int:
    """Return what the kernel keeps in its caches of small objects, open sockets among them; 0 where it does not say."""
    return int(getattr(psutil.virtual_memory(), "slab", 0))


def describe_machine() -> dict[str, str | int | None]:
    """Return processor, cores that may be used, system, Python, and the commit that is measured."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "commit": _commit(),
    }


def describe_load() -> list[float] | None:
    """Return how many processes wanted to run in the last 1, 5 and 15 minutes; None where the system does not say."""
    try:
        return [round(figure, 2) for figure in os.getloadavg()]
    except OSError:
        return None


def circumstances(placement: Placement, rounds: int, seconds: float) -> dict[str, Any]:
    """Return the machine, the load on it, and how often and how long was measured."""
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "load": describe_load(),
        "placement": placement.note,
        "rounds": rounds,
        "seconds": seconds,
    }


def describe(found: dict[str, Any]) -> list[str]:
    """Return circumstances as sentences."""
    machine = found["machine"]
    lines = [
        f"Made: {found['made']}; commit `{machine['commit']}`",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['system']}, {machine['python']}",
        f"Rounds: {found['rounds']}; a measurement: {found['seconds']:g} s. {found['placement']}",
    ]
    if found["load"]:
        lines.append(f"Runnable processes, on average over the minute before: {found['load'][0]}")
    return lines


def _processor() -> str:
    with suppress(OSError):
        if found := re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE):
            return found[1]
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None
