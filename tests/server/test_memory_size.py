"""The available memory according to /proc and /sys of machines and containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from emmett.environment import WORKERS
from emmett.server.memory_size import NO_LIMIT, default_limit, memory_size

MIB = 1024 * 1024
MACHINE = {"proc/meminfo": "MemFree: 1 kB\nMemTotal:        8388608 kB\n"}


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in {**MACHINE, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/memory"


@pytest.mark.parametrize(
    ("files", "size"),
    [
        ({}, 8192),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/memory.max": "max\n"}, 8192),
        ({"proc/self/cgroup": "0::/\n", f"{V2}/memory.max": f"{512 * MIB}\n"}, 512),
        ({"proc/self/cgroup": "0::/a/b\n", f"{V2}/a/memory.max": f"{256 * MIB}", f"{V2}/a/b/memory.max": "max"}, 256),
        ({"proc/self/cgroup": "0::/a/b\n", f"{V2}/a/memory.max": "max", f"{V2}/a/b/memory.max": f"{128 * MIB}"}, 128),
        ({"proc/self/cgroup": "0::/gone/on/the/host\n", f"{V2}/memory.max": f"{64 * MIB}"}, 64),
        ({"proc/self/cgroup": "0::/\n4:memory:/x\n", f"{V1}/x/memory.limit_in_bytes": f"{512 * MIB}"}, 512),
        ({"proc/self/cgroup": "5:cpu,memory:/x\n", f"{V1}/memory.limit_in_bytes": f"{300 * MIB}"}, 300),
        ({"proc/self/cgroup": "4:memory:/\n", f"{V1}/memory.limit_in_bytes": str((1 << 63) - 4096)}, 8192),
        ({"proc/self/cgroup": "4:memory:/\n", f"{V1}/memory.limit_in_bytes": str(16384 * MIB)}, 8192),
        ({"proc/self/cgroup": "no such line\n4:cpu:/\n"}, 8192),
    ],
)
def test_the_smallest_limit_counts(tmp_path: Path, files: dict[str, str], size: int) -> None:
    assert memory_size(tree(tmp_path, files)) == size * MIB


def test_a_system_may_not_report_its_memory(tmp_path: Path) -> None:
    assert 0 < memory_size(tmp_path) < NO_LIMIT


@pytest.mark.parametrize(("workers", "limit"), [(None, 4096), ("1", 4096), ("4", 1024), ("0", 4096), ("many", 4096)])
def test_half_of_it_is_shared_by_the_workers(tmp_path: Path, workers: str | None, limit: int) -> None:
    environ = {} if workers is None else {WORKERS: workers}
    assert default_limit(tree(tmp_path, {}), environ) == limit * MIB
