"""What figures of channels were taken on, for the terminal and for a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from benchmarks.machine import describe_load, describe_machine
from benchmarks.placement import Placement


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
    """Return them in sentences."""
    machine = found["machine"]
    lines = [
        f"Made: {found['made']}; commit `{machine['commit']}`",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['system']}, {machine['python']}",
        f"Rounds: {found['rounds']}; a measurement: {found['seconds']:g} s. {found['placement']}",
    ]
    if found["load"]:
        lines.append(f"Processes that wanted to run, on average over the minute before: {found['load'][0]}")
    return lines
