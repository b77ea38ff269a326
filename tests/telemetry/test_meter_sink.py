from __future__ import annotations

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from emmett.telemetry.instruments import CONNECTIONS, INSTRUMENTS, MESSAGES, REQUESTS
from emmett.telemetry.meter_sink import MeterSink
from tests.telemetry.test_opentelemetry import points


def test_each_kind_of_instrument_is_recorded() -> None:
    reader = InMemoryMetricReader()
    sink = MeterSink(MeterProvider([reader]).get_meter("emmett"))
    sink.add(MESSAGES, ("/echo", "sent"), 3)
    sink.add(CONNECTIONS, ("/echo", "open"), 2)
    sink.add(CONNECTIONS, ("/echo", "open"), -1)
    sink.record(REQUESTS, ("GET", "", "404"), 0.02)
    found = points(reader)
    (messages,), (connections,) = found[MESSAGES.name], found[CONNECTIONS.name]
    assert (messages.value, messages.attributes) == (3, {"http.route": "/echo", "direction": "sent"})
    assert connections.value == 1
    (requests,) = found[REQUESTS.name]
    assert requests.attributes == {"http.request.method": "GET", "http.response.status_code": 404}
    assert requests.bucket_counts[:4] == (0, 0, 1, 0)


def test_every_instrument_is_made() -> None:
    reader = InMemoryMetricReader()
    sink = MeterSink(MeterProvider([reader]).get_meter("emmett"))
    for instrument in INSTRUMENTS:
        labels = tuple("200" for _ in instrument.labels)
        (sink.record if instrument.kind == "histogram" else sink.add)(instrument, labels, 1)
    assert set(points(reader)) == {instrument.name for instrument in INSTRUMENTS}
