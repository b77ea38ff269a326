"""Counting the instructions of a program with valgrind, and from that those of one message."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

WORKLOAD = Path(__file__).with_name("workload.py")
STEPS = Path(__file__).with_name("steps.py")
# Two runs of different length: what they share, such as start-up and import, drops out of the difference.
SHORT, LONG = 640, 3840
DEADLINE = 300.0

_COUNTED = re.compile(rb"I\s+refs:\s+([\d,]+)")


def count_instructions(program: Path, kind: str, messages: int) -> int:
    """Return how many instructions a run of a program takes.

    Arguments:
        program: the workload, or the steps of a message.
        kind: "single" or "batch", or the name of a step.
        messages: how many messages it carries.

    Raises:
        RuntimeError: valgrind is missing or said no number; subprocess.TimeoutExpired after five minutes.
    """
    command = [
        *("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"),
        *(sys.executable, str(program), kind, str(messages)),
    ]
    # The order of sets and dicts of str must be the same in every run.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=DEADLINE, check=False)
    except FileNotFoundError:
        raise RuntimeError("valgrind is not installed; on Debian and Ubuntu: apt install valgrind") from None
    found = _COUNTED.search(done.stderr)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"valgrind ended with {done.returncode}: {done.stderr[-2000:].decode(errors='replace')}")
    return int(found[1].replace(b",", b""))


def per_message(short: int, long: int) -> float:
    """Return the instructions of one message, given those of a run with `SHORT` and of one with `LONG` messages."""
    return (long - short) / (LONG - SHORT)


def measure(kind: str, program: Path = WORKLOAD) -> float:
    """Return the instructions that one message takes, or one time of a step."""
    return per_message(count_instructions(program, kind, SHORT), count_instructions(program, kind, LONG))
