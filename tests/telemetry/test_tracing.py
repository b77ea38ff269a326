"""The spans, as OpenTelemetry's SDK exports them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from emmett import App, Channels, WebsocketClosed, abort, websocket
from emmett.observers import Delivered, Published, Publishing, SlowConsumer
from emmett.telemetry.opentelemetry import OpenTelemetry
from emmett.telemetry.tracing import Tracing
from tests.telemetry.test_opentelemetry import exporting

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Traced:
    """An application whose spans are kept."""

    def __init__(self) -> None:
        self.app = App(__name__)
        provider, self._exporter = exporting()
        self.tracer = provider.get_tracer("application")
        OpenTelemetry(self.app, tracer_provider=provider, measurements=False)

    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()


@pytest.fixture
def traced() -> Traced:
    traced = Traced()

    @traced.app.route("/hello/<str:name>")
    async def hello(name: str) -> str:
        with traced.tracer.start_as_current_span("query"):
            return name

    @traced.app.route("/broken")
    async def broken() -> str:
        raise LookupError("a mistake")

    @traced.app.route("/unavailable")
    async def unavailable() -> str:
        abort(503)

    @traced.app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            with traced.tracer.start_as_current_span("message"):
                await websocket.send(message)

    @traced.app.websocket("/broken")
    async def broken_socket() -> None:
        await websocket.accept()
        raise LookupError("a mistake")

    return traced


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_request_joins_the_trace_of_its_client(traced: Traced) -> None:
    async with traced.app.test_client_async() as client:
        await client.get("/hello/ada", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    query, span = traced.spans()
    assert (span.name, span.kind) == ("GET /hello/<str:name>", SpanKind.SERVER)
    assert span.context is not None
    assert span.parent is not None
    assert trace.format_trace_id(span.context.trace_id) == TRACE
    assert trace.format_span_id(span.parent.span_id) == SPAN
    assert query.parent is not None
    assert query.parent.span_id == span.context.span_id
    found = attributes(span)
    assert found["http.route"] == "/hello/<str:name>"
    assert (found["http.request.method"], found["http.response.status_code"]) == ("GET", 200)
    assert (found["url.path"], found["url.scheme"]) == ("/hello/ada", "http")
    assert span.status.status_code is StatusCode.UNSET


async def test_requests_on_one_connection_have_nothing_in_common(traced: Traced) -> None:
    async with traced.app.test_client_async() as client:
        for _ in range(2):
            await client.get("/hello/ada")
    first, second = (span for span in traced.spans() if span.name.startswith("GET"))
    assert first.context is not None
    assert second.context is not None
    assert first.parent is None
    assert second.parent is None
    assert first.context.trace_id != second.context.trace_id


@pytest.mark.parametrize(
    ("path", "name", "status", "error"),
    [
        ("/broken", "GET /broken", 500, "LookupError"),
        ("/unavailable", "GET /unavailable", 503, "503"),
        ("/nowhere", "GET", 404, None),
    ],
)
async def test_spans_show_how_requests_end(
    traced: Traced, path: str, name: str, status: int, error: str | None
) -> None:
    async with traced.app.test_client_async() as client:
        await client.get(path)
    (span,) = traced.spans()
    assert span.name == name
    assert attributes(span)["http.response.status_code"] == status
    assert attributes(span).get("error.type") == error
    assert (span.status.status_code is StatusCode.ERROR) is (error is not None)
    assert [event.name for event in span.events] == (["exception"] if error == "LookupError" else [])


async def test_a_websocket_is_one_span(traced: Traced) -> None:
    async with traced.app.test_client_async() as client, client.websocket("/echo") as peer:
        for _ in range(3):
            await peer.send("x")
            await peer.receive()
        await peer.close(4001, "bye")
    *messages, span = traced.spans()
    assert span.name == "WEBSOCKET /echo"
    assert span.context is not None
    assert {each.parent.span_id for each in messages if each.parent} == {span.context.span_id}
    assert [event.name for event in span.events] == ["accept", "close"]
    assert dict(span.events[1].attributes or {}) == {"code": 4001, "reason": "bye"}
    found = attributes(span)
    assert (found["emmett.websocket.messages_received"], found["emmett.websocket.messages_sent"]) == (3, 3)
    assert (found["http.response.status_code"], span.status.status_code) == (101, StatusCode.UNSET)


async def test_the_span_of_a_failed_websocket_has_the_error(traced: Traced) -> None:
    async with traced.app.test_client_async() as client, client.websocket("/broken") as peer:
        with pytest.raises(WebsocketClosed):
            await peer.receive()
    (span,) = traced.spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "a mistake")
    assert attributes(span)["error.type"] == "LookupError"


async def test_a_handshake_that_reaches_no_handler_has_a_span(traced: Traced) -> None:
    async with traced.app.test_client_async() as client:
        with pytest.raises(Exception, match="404"):
            async with client.websocket("/nowhere"):
                pass
    (span,) = traced.spans()
    assert (span.name, attributes(span)["http.response.status_code"]) == ("WEBSOCKET", 404)


async def test_a_drop_is_an_event() -> None:
    provider, exporter = exporting()
    tracing = Tracing(provider.get_tracer("emmett"), dict)
    tracing.publishing(Publishing("key", "room", 1, {}))
    tracing.slow_consumer(SlowConsumer("websocket", None, None, None, "it does not read", "key"))
    tracing.slow_consumer(SlowConsumer("subscriber", None, None, "room", "it does not keep up"))
    tracing.published(Published("key", "room", 1, 0.1, ConnectionError("away")))
    tracing.published(Published("key", "room", 1, 0.1, None))
    (span,) = exporter.get_finished_spans()
    assert [event.name for event in span.events] == ["drop", "exception"]
    assert span.status.status_code is StatusCode.ERROR


async def test_a_delivery_links_to_its_publication(traced: Traced) -> None:
    channels = Channels(traced.app, "memory")
    async with traced.app.test_client_async(), channels.subscribe("room") as feed:
        with traced.tracer.start_as_current_span("order"):
            await channels.publish("room", "x")
        await anext(feed)
    publish, order, deliver = sorted(traced.spans(), key=lambda span: ("publish", "order", "deliver").index(span.name))
    assert (publish.kind, deliver.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert publish.parent is not None
    assert publish.context is not None
    assert order.context is not None
    assert publish.parent.span_id == order.context.span_id
    assert [link.context.span_id for link in deliver.links] == [publish.context.span_id]
    assert deliver.parent is None
    assert attributes(deliver)["emmett.channel.subscribers"] == 1
    assert attributes(publish)["messaging.destination.name"] == "room"


@pytest.mark.parametrize("carrier", [{}, {"traceparent": "nonsense"}, {"traceparent": f"00-{TRACE}-{SPAN}-00"}])
def test_a_delivery_without_a_sampled_publication_has_no_span(carrier: dict[str, str]) -> None:
    provider, exporter = exporting()
    assert isinstance(exporter, InMemorySpanExporter)
    tracing = Tracing(provider.get_tracer("emmett"), dict)
    tracing.delivered(Delivered("room", 1, 1, 0.1, [carrier]))
    assert not exporter.get_finished_spans()
