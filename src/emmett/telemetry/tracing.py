"""Spans of requests, websockets, publications and deliveries, following OpenTelemetry's semantic conventions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from ..datastructures import Headers
from ..observers import (
    Delivered,
    Observer,
    Published,
    Publishing,
    RequestEnded,
    RequestStarted,
    SlowConsumer,
    WebsocketEnded,
    WebsocketOpened,
    WebsocketStarted,
)

# The most links of a delivery: publications of one turn of the event loop are delivered together.
MAX_LINKS = 128
SYSTEM: dict[str, str | int] = {"messaging.system": "emmett"}


class Tracing(Observer):
    """Makes the spans.

    The span of a request or a websocket is current in its handler, so spans that the handler makes are its children.

    Arguments:
        tracer: makes the spans.
        patterns: returns the path pattern of each route by its name.
    """

    def __init__(self, tracer: Tracer, patterns: Callable[[], Mapping[str, str]]) -> None:
        self._tracer = tracer
        self._patterns = patterns
        self._known: Mapping[str, str] | None = None
        # The open spans, by the key of their events.
        self._spans: dict[object, Span] = {}

    def request_started(self, event: RequestStarted) -> None:
        attributes = {"http.request.method": event.method, "network.protocol.version": event.http_version}
        self._start(event, event.method, attributes)

    def request_ended(self, event: RequestEnded) -> None:
        span = self._spans.pop(event.key, None)
        if span is None:
            return
        if event.status is not None:
            span.set_attribute("http.response.status_code", event.status)
        if event.error is not None:
            _fail(span, event.error)
        elif event.status is not None and event.status >= 500:
            span.set_attribute("error.type", str(event.status))
            span.set_status(Status(StatusCode.ERROR))
        elif not event.complete:
            span.add_event("client left")
        span.end()

    def websocket_started(self, event: WebsocketStarted) -> None:
        self._start(event, "WEBSOCKET", {"http.request.method": "GET"})

    def websocket_opened(self, event: WebsocketOpened) -> None:
        span = self._spans.get(event.key)
        if span is not None:
            span.set_attribute("emmett.connection", event.number)
            span.add_event("accept", {"subprotocol": event.subprotocol} if event.subprotocol else None)

    def websocket_ended(self, event: WebsocketEnded) -> None:
        span = self._spans.pop(event.key, None)
        if span is None:
            span = self._refused(event)
        if event.status is not None:
            span.set_attribute("http.response.status_code", event.status)
        if event.code is not None:
            span.add_event("close", {"code": event.code, "reason": event.reason})
            span.set_attribute("emmett.websocket.close_code", event.code)
            span.set_attribute("emmett.websocket.messages_received", event.received)
            span.set_attribute("emmett.websocket.messages_sent", event.sent)
        if event.error is not None:
            _fail(span, event.error)
        span.end()

    def slow_consumer(self, event: SlowConsumer) -> None:
        span = self._spans.get(event.key)
        if span is not None:
            span.add_event("drop", {"reason": event.reason})

    def publishing(self, event: Publishing) -> None:
        attributes = SYSTEM | {
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": event.channel,
            "messaging.message.body.size": event.size,
        }
        span = self._tracer.start_span("publish", kind=SpanKind.PRODUCER, attributes=attributes)
        self._spans[event.key] = span
        propagate.inject(event.carrier, trace.set_span_in_context(span))

    def published(self, event: Published) -> None:
        span = self._spans.pop(event.key, None)
        if span is not None:
            if event.error is not None:
                _fail(span, event.error)
            span.end()

    def delivered(self, event: Delivered) -> None:
        links = _links(event.carriers)
        if not links:
            return
        end = time.time_ns()
        attributes = SYSTEM | {
            "messaging.operation.name": "deliver",
            "messaging.operation.type": "process",
            "messaging.destination.name": event.channel,
            "messaging.batch.message_count": event.publications,
            "emmett.channel.subscribers": event.subscribers,
        }
        start = end - int(event.seconds * 1e9)
        # A root span: the current context is that of whatever the loop ran before.
        span = self._tracer.start_span(
            "deliver", context.Context(), SpanKind.CONSUMER, attributes=attributes, links=links, start_time=start
        )
        span.end(end)

    def _start(self, event: RequestStarted | WebsocketStarted, word: str, attributes: dict[str, Any]) -> None:
        route = self._route(event.route)
        attributes |= {"url.path": event.path, "url.scheme": event.scheme, "server.address": _host(event.headers)}
        if route is not None:
            attributes |= {"http.route": route, "code.function.name": event.route}
        if event.client is not None:
            attributes |= {"client.address": event.client[0], "client.port": event.client[1]}
        parent = propagate.extract(event.headers, context.Context())
        name = word if route is None else f"{word} {route}"
        span = self._tracer.start_span(name, parent, SpanKind.SERVER, attributes=attributes)
        self._spans[event.key] = span
        # Never detached, because the context ends with the handler.
        context.attach(trace.set_span_in_context(span, parent))

    def _refused(self, event: WebsocketEnded) -> Span:
        """Start the span of a handshake that never reached a handler."""
        route = self._route(event.route)
        attributes = {"http.request.method": "GET", "url.path": event.path} | ({"http.route": route} if route else {})
        return self._tracer.start_span(
            f"WEBSOCKET {route}" if route else "WEBSOCKET",
            context.Context(),
            SpanKind.SERVER,
            attributes=attributes,
            start_time=time.time_ns() - int(event.seconds * 1e9),
        )

    def _route(self, name: str | None) -> str | None:
        if name is None:
            return None
        if self._known is None or name not in self._known:
            self._known = self._patterns()
        return self._known.get(name, name)


def _links(carriers: Sequence[Mapping[str, str]]) -> list[Link]:
    """Return links to the publications that were sampled."""
    links: list[Link] = []
    for carrier in carriers[:MAX_LINKS]:
        sender = trace.get_current_span(propagate.extract(carrier, context.Context())).get_span_context()
        if sender.is_valid and sender.trace_flags.sampled:
            links.append(Link(sender))
    return links


def _fail(span: Span, error: BaseException) -> None:
    span.record_exception(error)
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(Status(StatusCode.ERROR, str(error)))


def _host(headers: Headers) -> str:
    return headers.get("host", "")
