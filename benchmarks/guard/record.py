"""What a message cost when it was last recorded, and how far from that it may be."""

from __future__ import annotations

import json
import sys
from pathlib import Path

RECORD = Path(__file__).with_name("record.json")
# More than two runs ever differ (0.1 %), less than any change that matters.
TOLERANCE = 0.02

Figures = dict[str, float]


def interpreter() -> str:
    """Return what the figures depend on beside our own code: another build of Python takes other instructions."""
    return f"{sys.implementation.name} {sys.version}"


def load(path: Path = RECORD) -> dict[str, Figures]:
    """Return the recorded figures by interpreter."""
    records: dict[str, Figures] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return records


def save(figures: Figures, path: Path = RECORD) -> None:
    """Record the figures of this interpreter, beside those of others."""
    records = {**load(path), interpreter(): {kind: round(value) for kind, value in figures.items()}}
    path.write_text(json.dumps(records, indent=2, sort_keys=True) + "\n", "utf-8")


def judge(kind: str, measured: float, recorded: float) -> tuple[bool, str]:
    """Compare a figure with the recorded one.

    Returns:
        Whether it is no worse than the tolerance allows, and a line that says so.
    """
    change = measured / recorded - 1
    line = f"{kind:8} {measured:10,.0f} instructions a message, recorded {recorded:10,.0f} ({change:+.1%})"
    if change > TOLERANCE:
        return False, f"{line}: dearer than the {TOLERANCE:.0%} allowed"
    if change < -TOLERANCE:
        return True, f"{line}: cheaper; record it with --record"
    return True, line
