"""Traces and measurements as OpenTelemetry's own SDK sees them."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from emmett import App
from emmett.telemetry.opentelemetry import OpenTelemetry


def exporting() -> tuple[TracerProvider, InMemorySpanExporter]:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


def points(reader: InMemoryMetricReader) -> dict[str, list[Any]]:
    """Return the data points by the name of their metric."""
    data = reader.get_metrics_data()
    assert data is not None
    return {
        metric.name: list(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


async def test_traces_and_measurements_are_exported() -> None:
    app, reader = App(__name__), InMemoryMetricReader()
    tracers, spans = exporting()
    OpenTelemetry(app, tracer_provider=tracers, meter_provider=MeterProvider([reader]))

    @app.route("/hello/<str:name>")
    async def hello(name: str) -> str:
        return name

    async with app.test_client_async() as client:
        await client.get("/hello/ada")
    assert [span.name for span in spans.get_finished_spans()] == ["GET /hello/<str:name>"]
    (point,) = points(reader)["http.server.request.duration"]
    assert point.attributes == {
        "http.request.method": "GET",
        "http.route": "/hello/<str:name>",
        "http.response.status_code": 200,
    }
    assert point.count == 1
    assert point.explicit_bounds[0] == 0.005


async def test_without_an_sdk_nothing_happens() -> None:
    app = App(__name__)
    OpenTelemetry(app)
    async with app.test_client_async() as client:
        assert (await client.get("/nowhere")).status == 404


async def test_traces_or_measurements_can_be_switched_off() -> None:
    for kept in ("traces", "measurements"):
        app = App(__name__)
        other = {"traces": "measurements", "measurements": "traces"}[kept]
        OpenTelemetry(app, **{other: False})  # type: ignore[arg-type]
        assert len(list(app.observers)) == 1
