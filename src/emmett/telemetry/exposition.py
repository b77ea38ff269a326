"""The text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from __future__ import annotations

import functools
import itertools

from .gathering import Numbers, Totals
from .instruments import Instrument
from .sink import Labels

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def write_text(totals: Totals) -> str:
    """Return measurements as text."""
    families: dict[Instrument, list[tuple[Labels, Numbers]]] = {}
    for (instrument, labels), numbers in totals.items():
        families.setdefault(instrument, []).append((labels, numbers))
    lines: list[str] = []
    for instrument, series in sorted(families.items()):
        name = instrument.family
        lines.append(f"# HELP {name} {instrument.text}\n# TYPE {name} {instrument.kind}")
        for labels, numbers in sorted(series):
            text = _write_labels(instrument, labels)
            if instrument.kind == "histogram":
                _write_histogram(lines, instrument, text, numbers)
            else:
                lines.append(f"{name}{{{text}}} {numbers[0]!r}" if text else f"{name} {numbers[0]!r}")
    lines.append("")
    return "\n".join(lines)


def _write_histogram(lines: list[str], instrument: Instrument, labels: str, numbers: Numbers) -> None:
    name, start = instrument.family, f"{labels}," if labels else ""
    counts = list(itertools.accumulate(numbers[1:]))
    # The text of all buckets in one step: most lines of a scrape are buckets.
    lines.append(_bucket_lines(instrument, start) % tuple(counts))
    braces = f"{{{labels}}}" if labels else ""
    lines.append(f"{name}_sum{braces} {numbers[0]!r}\n{name}_count{braces} {counts[-1]!r}")


@functools.lru_cache(maxsize=65_536)
def _write_labels(instrument: Instrument, labels: Labels) -> str:
    return ",".join(
        f'{name.replace(".", "_")}="{_escape(value)}"' for name, value in zip(instrument.labels, labels, strict=True)
    )


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


# Some 1,300 bytes each.
@functools.lru_cache(maxsize=8_192)
def _bucket_lines(instrument: Instrument, labels: str) -> str:
    """Return the lines of all buckets of a series, with a place for each number."""
    bounds = [*map(repr, instrument.buckets), "+Inf"]
    escaped = labels.replace("%", "%%")
    return "\n".join(f'{instrument.family}_bucket{{{escaped}le="{bound}"}} %r' for bound in bounds)
