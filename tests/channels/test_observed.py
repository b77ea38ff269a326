"""Observers of publications: before and after publishing, after delivery, and the data that they attach."""

from __future__ import annotations

from typing import Any

import pytest

from emmett import App, Channels
from emmett.channels.envelope import MAX_CARRIER, pack
from emmett.channels.namespaces import Namespace
from emmett.channels.observed import ObservedStream, make_stream, publish_observed
from emmett.channels.publication import CarriedPublication, Position
from emmett.channels.stats import Counters
from emmett.channels.stream import ChannelStream
from emmett.observers import Delivered, Observer, Observers, Published, Publishing


class Recorder(Observer):
    def __init__(self) -> None:
        self.events: list[Any] = []

    def publishing(self, event: Publishing) -> None:
        self.events.append(event)
        event.carrier["traceparent"] = "00-1-2-01"

    def published(self, event: Published) -> None:
        self.events.append(event)

    def delivered(self, event: Delivered) -> None:
        self.events.append(event)


async def test_observers_see_a_publication_from_the_publisher_to_its_subscribers() -> None:
    recorder, app = Recorder(), App(__name__)
    app.observers.add(recorder)
    channels = Channels(app, "memory")
    async with app.test_client_async(), channels.subscribe("room") as feed, channels.subscribe("room") as other:
        await channels.publish("room", "hello")
        publication = await anext(feed)
        await anext(other)
    before, after, delivered = recorder.events
    assert (before.channel, before.size, before.key is after.key) == ("room", 5, True)
    assert (after.size, after.error, after.seconds >= 0) == (5, None, True)
    assert publication == ("room", "hello", publication.kind, None, None)
    assert isinstance(publication, CarriedPublication)
    assert publication.carrier == {"traceparent": "00-1-2-01"}
    assert (delivered.channel, delivered.publications, delivered.subscribers) == ("room", 1, 2)
    assert delivered.carriers == [{"traceparent": "00-1-2-01"}]
    assert delivered.seconds >= 0


async def test_the_history_keeps_data_attached_by_observers() -> None:
    app = App(__name__)
    app.observers.add(Recorder())
    channels = Channels(app, "memory")
    channels.namespace("", history=10)
    async with app.test_client_async():
        await channels.publish("room", "hello")
        (publication,) = (await channels.history("room")).publications
    assert isinstance(publication, CarriedPublication)
    assert (publication.data, publication.carrier) == ("hello", {"traceparent": "00-1-2-01"})


async def test_observers_see_a_failed_publication() -> None:
    recorder = Recorder()
    failure = ConnectionError("away")

    async def publish(payload: bytes) -> Position | None:
        raise failure

    with pytest.raises(ConnectionError):
        await publish_observed(publish, "room", pack("x"), Counters(observers=Observers([recorder])))
    assert recorder.events[1].error is failure


async def test_too_much_attached_data_is_refused() -> None:
    class Chatty(Observer):
        def publishing(self, event: Publishing) -> None:
            event.carrier["baggage"] = "x" * MAX_CARRIER

    async def publish(payload: bytes) -> Position | None:
        raise AssertionError("it must not be published")

    with pytest.raises(ValueError, match="observers added 8206 bytes to a publication; the limit is 8192"):
        await publish_observed(publish, "room", pack("x"), Counters(observers=Observers([Chatty()])))


async def test_without_observers_nothing_is_added() -> None:
    namespace = Namespace("room")
    assert type(make_stream("room", namespace, Counters())) is ChannelStream
    watched = Counters(observers=Observers([Recorder()]))
    assert type(make_stream("room", namespace, watched)) is ObservedStream
