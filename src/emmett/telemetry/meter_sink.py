"""Measurements as instruments of OpenTelemetry."""

from __future__ import annotations

from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter

from .instruments import INSTRUMENTS, Instrument
from .sink import Labels


class MeterSink:
    """Passes measurements to a meter.

    Arguments:
        meter: makes the instruments.
    """

    def __init__(self, meter: Meter) -> None:
        self._counters: dict[Instrument, Counter | UpDownCounter] = {}
        self._histograms: dict[Instrument, Histogram] = {}
        for each in INSTRUMENTS:
            if each.kind == "histogram":
                self._histograms[each] = meter.create_histogram(
                    each.name, each.unit, each.text, explicit_bucket_boundaries_advisory=each.buckets
                )
            elif each.kind == "gauge":
                self._counters[each] = meter.create_up_down_counter(each.name, each.unit, each.text)
            else:
                self._counters[each] = meter.create_counter(each.name, each.unit, each.text)

    def add(self, instrument: Instrument, labels: Labels, amount: float) -> None:
        """See `MeasurementSink.add`."""
        self._counters[instrument].add(amount, _attributes(instrument, labels))

    def record(self, instrument: Instrument, labels: Labels, value: float) -> None:
        """See `MeasurementSink.record`."""
        self._histograms[instrument].record(value, _attributes(instrument, labels))


def _attributes(instrument: Instrument, labels: Labels) -> dict[str, str | int]:
    """Return labels as attributes, without empty ones. A status is a number, as the semantic conventions require."""
    pairs = zip(instrument.labels, labels, strict=True)
    return {name: int(value) if name.endswith("status_code") else value for name, value in pairs if value}
