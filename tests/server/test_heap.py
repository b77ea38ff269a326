"""Freed memory is kept for the next messages, up to a limit."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import types

import pytest

from emmett.server.heap import keep_freed_memory

MIB = 1 << 20
GLIBC = hasattr(ctypes.CDLL(None), "gnu_get_libc_version") if sys.platform == "linux" else False

# Counts page faults and resident memory in a separate process, because mallopt affects the whole process.
PROGRAM = """
import json, resource, sys
from emmett.server.heap import keep_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def carry(count, size):
    # Made first: a list that grows leaves freed arrays between the blocks, which glibc keeps, with all below them.
    parts = [b""] * count
    for index in range(count):
        parts[index] = b"x" * size

size = int(sys.argv[1])
configured = keep_freed_memory(size) if size else False
carry(4, 1_000_000)
before = faults()
for _ in range(100):
    carry(4, 1_000_000)
each = (faults() - before) / 100
start = resident()
carry(300, 1 << 20)
print(json.dumps([configured, each, resident() - start]))
"""


def run(size: int) -> tuple[bool, float, int]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(size)], capture_output=True, text=True, timeout=180, check=True
    )
    configured, each, grown = json.loads(done.stdout)
    return configured, each, grown


@pytest.mark.skipif(not GLIBC, reason="another allocator than glibc's")
def test_messages_cause_no_page_faults_and_a_burst_is_returned() -> None:
    _, default, _ = run(0)
    configured, each, grown = run(64 * MIB)
    assert configured
    # 4 MB are 977 pages.
    assert each < 10 < 200 < default
    # 300 MiB were in use.
    assert grown < 80 * MIB


@pytest.mark.parametrize(
    "environment",
    [
        {"MALLOC_TRIM_THRESHOLD_": "1048576"},
        {"MALLOC_TOP_PAD_": "0"},
        {"MALLOC_MMAP_THRESHOLD_": "131072"},
        {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=128"},
    ],
)
def test_a_configuration_from_outside_takes_precedence(environment: dict[str, str]) -> None:
    assert not keep_freed_memory(64 * MIB, environment, Library())


def test_another_c_library_is_not_configured() -> None:
    called: list[object] = []
    assert not keep_freed_memory(64 * MIB, {}, types.SimpleNamespace(mallopt=called.append))
    assert called == []


class Library:
    """A glibc that records calls."""

    def __init__(self, *, refused: int | None = None) -> None:
        self.asked: dict[int, int] = {}
        self._refused = refused

    def gnu_get_libc_version(self) -> bytes:
        return b"2.36"

    def mallopt(self, parameter: int, value: int) -> int:
        self.asked[parameter] = value
        return int(parameter != self._refused)


@pytest.mark.parametrize(
    ("size", "asked"),
    [
        (64 * MIB, {-1: 64 * MIB, -2: MIB, -3: 32 * MIB}),
        (256 * MIB, {-1: 256 * MIB, -2: MIB, -3: 32 * MIB}),
        (16 * MIB, {-1: 16 * MIB, -2: MIB, -3: 8 * MIB}),
        (4096 * MIB, {-1: (1 << 31) - 1, -2: MIB, -3: 32 * MIB}),
    ],
)
def test_the_limits_follow_from_the_size(size: int, asked: dict[int, int]) -> None:
    library = Library()
    assert keep_freed_memory(size, {}, library)
    assert library.asked == asked


def test_a_refusal_is_reported() -> None:
    assert not keep_freed_memory(64 * MIB, {}, Library(refused=-3))
