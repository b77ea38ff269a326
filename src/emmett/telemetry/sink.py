"""The port between measuring and the store of measurements."""

from __future__ import annotations

from typing import Protocol

from .instruments import Instrument

Labels = tuple[str, ...]


class MeasurementSink(Protocol):
    """Keeps measurements."""

    def add(self, instrument: Instrument, labels: Labels, amount: float) -> None:
        """Change a counter or a gauge.

        Arguments:
            labels: the values of the labels, in the order of the instrument.
            amount: the difference; never negative for a counter.
        """

    def record(self, instrument: Instrument, labels: Labels, value: float) -> None:
        """Add a value to a histogram."""
