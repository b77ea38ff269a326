"""How much memory there is for this process: that of the machine, or of the control group that it runs in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..environment import WORKERS

MIB = 1024 * 1024
# The size to assume if the system does not report it.
ASSUMED = 1024 * MIB
# From this limit on, a control group of version 1 counts as unlimited.
NO_LIMIT = 1 << 60


def default_limit(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> int:
    """Return the bytes that peers may make this process hold by default: half of the memory, shared by all workers.

    Arguments:
        root: the folder that has `proc` and `sys`.
        environ: the environment variables, which say how many workers there are.
    """
    workers = environ.get(WORKERS, "1")
    return memory_size(root) // 2 // max(1, int(workers) if workers.isdecimal() else 1)


def memory_size(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process may use, as far as the system says.

    Arguments:
        root: the folder that has `proc` and `sys`.
    """
    return min(_machine_size(root), *_group_limits(root), NO_LIMIT)


def _machine_size(root: Path) -> int:
    """Return the memory of the machine."""
    for line in _read(root / "proc" / "meminfo").splitlines():
        name, _, value = line.partition(":")
        number = value.split()
        if name == "MemTotal" and number and number[0].isdecimal():
            return int(number[0]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return ASSUMED


def _group_limits(root: Path) -> Iterator[int]:
    """Yield the limits of the control groups of this process and of those around them, of version 2 and 1."""
    groups = root / "sys" / "fs" / "cgroup"
    for line in _read(root / "proc" / "self" / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            yield from _limits_upward(groups, path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits_upward(groups / "memory", path, "memory.limit_in_bytes")


def _limits_upward(mount: Path, path: str, name: str) -> Iterator[int]:
    """Yield the limits from a group to the root.

    In a container the path may be that of the host, of which only the root is there: what is missing is passed over.
    """
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    for count in range(len(parts), -1, -1):
        value = _read(mount.joinpath(*parts[:count]) / name).strip()
        if value.isdecimal() and 0 < int(value) < NO_LIMIT:
            yield int(value)


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
