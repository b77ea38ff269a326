"""Counts the page faults of large messages, which freed memory causes when the system takes it back in between.

Run as a program, it prints how many one message takes in a process configured as `emmett serve` configures it.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from pathlib import Path

if __package__ in (None, ""):
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from websockets.speedups import apply_mask

from benchmarks.guard.workload import MASK, UPGRADE, Server, lose, read
from emmett.config import ServerSettings
from emmett.server.heap import keep_freed_memory

SIZE = 1_000_000
# What uvloop reads at once.
READ = 256 * 1024
ROUNDS = 50
# A page now and then: the heap grows by one when objects of other sizes lie between the messages.
MAX_FAULTS = 2.0
DEADLINE = 120.0


def frame() -> bytes:
    """Return a masked text frame of `SIZE` bytes."""
    return b"\x81\xff" + SIZE.to_bytes(8, "big") + MASK + apply_mask(b"x" * SIZE, MASK)


async def count_faults(rounds: int = ROUNDS) -> float:
    """Return the page faults of one echo of a large text, which arrives in several reads.

    Raises:
        RuntimeError: a message did not come back.
    """
    data = frame()
    sink = Server().connect()
    await read(sink, UPGRADE)
    protocol = sink.protocol
    assert isinstance(protocol, asyncio.Protocol)

    async def carry() -> None:
        expected = sink.size + SIZE + 10
        # As a loop does: each read is a new object, in memory of its own.
        for start in range(0, len(data), READ):
            protocol.data_received(data[start : start + READ])
        for _ in range(10):
            if sink.size >= expected:
                return
            await asyncio.sleep(0)
        raise RuntimeError(f"{expected - sink.size} bytes did not come back")

    for _ in range(3):
        await carry()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        await carry()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    await lose(sink)
    return faults / rounds


def measure() -> float:
    """Return the page faults of a message, in a process of its own: the configuration is that of a whole process.

    Raises:
        RuntimeError: the process failed.
    """
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"page faults cannot be counted: {done.stderr[-2000:]}")
    return float(done.stdout)


def judge(faults: float) -> tuple[bool, str]:
    """Return whether a number of page faults is allowed, and a line that says so."""
    line = f"faults   {faults:10,.1f} page faults for a text of {SIZE:,} bytes"
    return faults <= MAX_FAULTS, line if faults <= MAX_FAULTS else f"{line}: more than the {MAX_FAULTS:.0f} allowed"


def main() -> None:
    size = ServerSettings().kept_memory
    if size is not None:
        keep_freed_memory(size)
    print(asyncio.run(count_faults()))


if __name__ == "__main__":
    main()
