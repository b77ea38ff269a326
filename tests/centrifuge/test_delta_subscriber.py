from __future__ import annotations

import json

from emmett.centrifuge.codec import JSON
from emmett.centrifuge.delta_subscriber import DeltaSubscriber
from emmett.centrifuge.deltas import DeltaChain, DeltaEncoder, FirstEncoder
from tests.channels.kit import MemorySink, running, topics, turns, until


async def test_it_joins_the_others_once_it_has_the_same_publications() -> None:
    text = '"a text of some length that stays the same, and a number: %d"'
    async with running() as channels:
        hub, sink = channels.running().hub, MemorySink()
        await sink.accept()
        shared = DeltaEncoder(DeltaChain(JSON), lambda push: None)
        subscriber = DeltaSubscriber(sink, shared, hub, None)
        subscriber.id = "c"
        hub.identities.finders.append(lambda id, name: subscriber if id == "c" else None)
        await hub.enter(subscriber, ["room:1"], {})
        subscriber.open()
        stream = topics(channels)["room:1"].stream
        assert isinstance(subscriber.encode, FirstEncoder)
        await channels.publish("room:1", text % 1)
        await until(lambda: subscriber.encode is shared)
        assert list(stream.groups) == [shared]
        await channels.publish("room:1", text % 2, exclude="c")
        await until(lambda: isinstance(subscriber.encode, FirstEncoder))
        assert list(stream.groups) == [subscriber.encode]
        # What it alone gets does not count.
        await channels.publish("room:1", text % 3)
        await channels.publish("room:1", text % 4, exclude="c")
        await until(lambda: len(sink.messages) == 2)
        await turns()
        assert isinstance(subscriber.encode, FirstEncoder)
        await channels.publish("room:1", text % 5)
        await until(lambda: subscriber.encode is shared)
        await channels.publish("room:1", text % 6)
        await until(lambda: len(sink.messages) == 4)
        pubs = [json.loads(message)["push"]["pub"] for message in sink.messages]
        assert [(pub["offset"], "delta" in pub) for pub in pubs] == [(1, False), (3, False), (5, True), (6, True)]
        hub.leave(subscriber)
