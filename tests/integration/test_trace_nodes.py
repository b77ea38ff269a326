"""The context of a trace crosses from one node to another, with Valkey and NATS between them."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from emmett import App, Channels
from emmett.observers import Delivered, Observer
from emmett.telemetry.opentelemetry import OpenTelemetry
from tests.telemetry.test_opentelemetry import exporting

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Deliveries(Observer):
    """Records when publications were delivered, which is after the subscribers have them."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Delivered] = asyncio.Queue()

    def delivered(self, event: Delivered) -> None:
        self.events.put_nowait(event)


class Node:
    """A node whose spans are kept, with one route that publishes."""

    def __init__(self, broker: str, history: int) -> None:
        self.app = App(__name__)
        self.channels = Channels(self.app, broker)
        self.channels.namespace("room", history=history)
        provider: TracerProvider
        provider, self._exporter = exporting()
        OpenTelemetry(self.app, tracer_provider=provider, measurements=False)
        # After the observer that creates the spans.
        self.deliveries = Deliveries()
        self.app.observers.add(self.deliveries)

        @self.app.route("/publish", methods="post")
        async def publish() -> str:
            await self.channels.publish("room:tea", "hello")
            return ""

    def span(self, name: str) -> ReadableSpan:
        exporter = self._exporter
        assert isinstance(exporter, InMemorySpanExporter)
        (found,) = (span for span in exporter.get_finished_spans() if span.name == name)
        return found


@pytest.mark.parametrize("history", [0, 10])
async def test_a_delivery_links_to_the_publication_of_another_node(broker: str, history: int) -> None:
    here, there = Node(broker, history), Node(broker, history)
    async with (
        here.app.test_client_async() as client,
        there.app.test_client_async(),
        there.channels.subscribe("room:tea") as feed,
    ):
        await client.post("/publish", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
        publication = await anext(feed)
        await there.deliveries.events.get()
    assert publication.data == "hello"
    publish, deliver = here.span("publish"), there.span("deliver")
    assert publish.context is not None
    # The trace is that of the client whose request caused the publication.
    assert f"{publish.context.trace_id:032x}" == TRACE
    (link,) = deliver.links
    assert (link.context.trace_id, link.context.span_id) == (publish.context.trace_id, publish.context.span_id)
    assert link.context.is_remote
