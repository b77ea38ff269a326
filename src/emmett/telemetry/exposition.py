"""The text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

from .gathering import Gathered, Layout, Slices
from .instruments import Instrument
from .sink import Labels

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Series that are written, or whose text is prepared, in one slice.
SERIES = 100


class Exposition:
    """Writes measurements as text, and remembers all of it but the numbers."""

    def __init__(self) -> None:
        self._layout: Layout | None = None
        # The text of each series, with a place for each number; where these start and end.
        self._rows: list[tuple[str, int, int]] = []

    def prepare(self, layout: Layout) -> Slices[None]:
        """Prepare the text of the series."""
        if layout is self._layout:
            return
        rows: list[tuple[str, int, int]] = []
        before: Instrument | None = None
        for number, ((instrument, labels), start, end) in enumerate(layout.places, 1):
            text = _series_text(instrument, labels)
            if instrument is not before:
                text = _family_text(instrument) + text
                before = instrument
            rows.append((text, start, end))
            if not number % SERIES:
                yield
        self._layout, self._rows = layout, rows

    def write(self, gathered: Gathered) -> Slices[str]:
        """Return measurements as text."""
        yield from self.prepare(gathered.layout)
        numbers, rows, parts = gathered.numbers, self._rows, []
        for first in range(0, len(rows), SERIES):
            parts.append(
                "".join([_fill(text, numbers[start:end]) for text, start, end in rows[first : first + SERIES]])
            )
            yield
        return "".join(parts)


def _fill(text: str, numbers: Sequence[float]) -> str:
    if len(numbers) == 1:
        return text % numbers[0]
    counts = tuple(itertools.accumulate(numbers[1:]))
    return text % (*counts, numbers[0], counts[-1])


def _family_text(instrument: Instrument) -> str:
    name = instrument.family
    return f"# HELP {name} {instrument.text}\n# TYPE {name} {instrument.kind}\n".replace("%", "%%")


# Some 1,300 bytes each for a histogram.
@functools.lru_cache(maxsize=8_192)
def _series_text(instrument: Instrument, labels: Labels) -> str:
    """Return the lines of a series, with a place for each number; for a histogram its buckets, its sum, its count."""
    name = instrument.family
    text = ",".join(
        f'{label.replace(".", "_")}="{_escape(value)}"' for label, value in zip(instrument.labels, labels, strict=True)
    )
    # The signs of a label are not those of a place.
    text = text.replace("%", "%%")
    braces = f"{{{text}}}" if text else ""
    if instrument.kind != "histogram":
        return f"{name}{braces} %r\n"
    before = f"{text}," if text else ""
    buckets = [f'{name}_bucket{{{before}le="{bound}"}} %r\n' for bound in [*map(repr, instrument.buckets), "+Inf"]]
    return "".join([*buckets, f"{name}_sum{braces} %r\n{name}_count{braces} %r\n"])


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
