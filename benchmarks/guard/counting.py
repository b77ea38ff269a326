"""Counts the instructions of a message, a request and a connection with valgrind, and compares them with the record."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from emmett.engine import ENGINE

WORKLOAD = Path(__file__).with_name("workload.py")
RECORD = Path(__file__).with_name("record.json")
KINDS = ("single", "batch", "get", "connect")
# With telemetry on, a message may take so many times as many instructions.
TELEMETRY_LIMIT = 1.15
WITH_TELEMETRY = {"single": "single-telemetry", "batch": "batch-telemetry"}
# Two runs of different length: what they share, such as start-up and import, drops out of the difference.
SHORT, LONG = 640, 3840
# A connection takes as long as a dozen messages.
LENGTHS = {"connect": (64, 384)}
DEADLINE = 300.0
# More than two runs ever differ (0.1 %), less than any change that matters.
TOLERANCE = 0.02

_COUNTED = re.compile(rb"I\s+refs:\s+([\d,]+)")

Figures = dict[str, float]


def count_instructions(kind: str, messages: int) -> int:
    """Return how many instructions the workload takes to carry so many messages, requests or connections of a kind.

    Raises:
        RuntimeError: valgrind is missing or gave no number; subprocess.TimeoutExpired after five minutes.
    """
    command = [
        *("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"),
        *(sys.executable, str(WORKLOAD), kind, str(messages)),
    ]
    # The order of sets and dicts of str must be the same in every run.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "EMMETT_ENGINE": ENGINE}
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=DEADLINE, check=False)
    except FileNotFoundError:
        raise RuntimeError("valgrind is not installed; on Debian and Ubuntu: apt install valgrind") from None
    found = _COUNTED.search(done.stderr)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"valgrind ended with {done.returncode}: {done.stderr[-2000:].decode(errors='replace')}")
    return int(found[1].replace(b",", b""))


def measure(kind: str) -> float:
    """Return the instructions that one message takes."""
    lengths = LENGTHS.get(kind, (SHORT, LONG))
    short, long = (count_instructions(kind, messages) for messages in lengths)
    return (long - short) / (lengths[1] - lengths[0])


def interpreter() -> str:
    """Return what the figures depend on besides our own code: the build of Python, and the engine."""
    engine = ", native engine" if ENGINE == "native" else ""
    return f"{sys.implementation.name} {sys.version}{engine}"


def load(path: Path = RECORD) -> dict[str, Figures]:
    """Return the recorded figures by interpreter."""
    records: dict[str, Figures] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return records


def save(figures: Figures, path: Path = RECORD) -> None:
    """Record the figures of this interpreter, beside those of others."""
    records = {**load(path), interpreter(): {kind: round(value) for kind, value in figures.items()}}
    path.write_text(json.dumps(records, indent=2, sort_keys=True) + "\n", "utf-8")


def judge(kind: str, measured: float, recorded: float) -> tuple[bool, str]:
    """Return whether a figure is no worse than the recorded one and the tolerance allow, and a line that says so."""
    change = measured / recorded - 1
    line = f"{kind:8} {measured:10,.0f} instructions each, recorded {recorded:10,.0f} ({change:+.1%})"
    if change > TOLERANCE:
        return False, f"{line}: dearer than the {TOLERANCE:.0%} allowed"
    if change < -TOLERANCE:
        return True, f"{line}: cheaper; record it with --record"
    return True, line


def judge_telemetry(kind: str, measured: float, without: float) -> tuple[bool, str]:
    """Return whether telemetry adds no more to a message than the limit, and a line that says so."""
    ratio = measured / without
    line = f"{kind:8} {measured:10,.0f} instructions each with telemetry, {ratio:.3f} times as many"
    return ratio <= TELEMETRY_LIMIT, line if ratio <= TELEMETRY_LIMIT else f"{line}: over {TELEMETRY_LIMIT}"
