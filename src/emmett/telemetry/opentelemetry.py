"""`OpenTelemetry`: traces and measurements of an application through OpenTelemetry's API.

It needs only the package `opentelemetry-api`. Without a configured SDK, that API discards everything.
"""

from __future__ import annotations

from opentelemetry import metrics, trace

from .host import MeasuredApplication, path_patterns
from .measuring import Measuring
from .meter_sink import MeterSink
from .sampling import Sampler
from .tracing import Tracing

NAME = "emmett"


class OpenTelemetry:
    """Reports the activity of an application to OpenTelemetry.

    Each request, websocket, publication and delivery has a span, and the context of a publication is passed through
    the channels.

    Arguments:
        app: the application.
        tracer_provider: makes the tracer; None for the global one.
        meter_provider: makes the meter; None for the global one.
        traces: whether to make spans.
        measurements: whether to measure.
        bytes: whether to count the bytes of websockets, which costs a call for each read and write.
    """

    def __init__(
        self,
        app: MeasuredApplication,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        traces: bool = True,
        measurements: bool = True,
        bytes: bool = False,
    ) -> None:
        if traces:
            tracer = trace.get_tracer(NAME, tracer_provider=tracer_provider)
            app.observers.add(Tracing(tracer, lambda: path_patterns(app)))
        if measurements:
            meter = metrics.get_meter(NAME, meter_provider=meter_provider)
            measuring = Measuring(MeterSink(meter), lambda: path_patterns(app), bytes)
            app.observers.add(measuring)
            Sampler(app, measuring)
