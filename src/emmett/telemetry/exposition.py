"""The text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from __future__ import annotations

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
    lines.extend(
        f'{name}_bucket{{{start}le="{bound!r}"}} {count!r}'
        for bound, count in zip(instrument.buckets, counts, strict=False)
    )
    lines.append(f'{name}_bucket{{{start}le="+Inf"}} {counts[-1]!r}')
    braces = f"{{{labels}}}" if labels else ""
    lines.append(f"{name}_sum{braces} {numbers[0]!r}\n{name}_count{braces} {counts[-1]!r}")


def _write_labels(instrument: Instrument, labels: Labels) -> str:
    return ",".join(
        f'{name.replace(".", "_")}="{_escape(value)}"' for name, value in zip(instrument.labels, labels, strict=True)
    )


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
