"""Delta subscribers join, leave, stall and are excluded in any order, and each can read everything that it gets."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from emmett.centrifuge.codec import JSON
from emmett.centrifuge.delta_subscriber import DeltaSubscriber
from emmett.centrifuge.push_kinds import PushKinds
from emmett.channels import Channels, stream
from emmett.channels.receiver import Receiver
from tests.centrifuge.fossil_reader import apply_delta
from tests.channels.kit import MemorySink, running, topics, turns, until

TEXT = "a text of some length that stays the same, and a number: "


class Reader:
    """A delta subscriber."""

    def __init__(self, channels: Channels, kinds: PushKinds, name: str, is_compact: bool) -> None:
        self.sink = MemorySink()
        self.name = name
        shared = kinds.take_delta(JSON, "room:1", is_compact)
        self.subscriber = DeltaSubscriber(self.sink, shared, channels.running().hub, None)
        self.subscriber.id = name

    async def enter(self, channels: Channels) -> None:
        await self.sink.accept()
        await channels.running().hub.enter(self.subscriber, ["room:1"], {})
        self.subscriber.open()

    def expected(self, published: list[str]) -> list[int]:
        """Return the publications that it should get.

        Arguments:
            published: who was excluded from each publication.
        """
        start = self.subscriber.start
        assert start is not None
        return [number for number in range(start.offset, len(published)) if published[number] != self.name]

    def check(self, expected: list[int]) -> int:
        """Read everything it got; return the number of deltas."""
        last, deltas, seen = b"", 0, list[int]()
        for message in self.sink.messages:
            pub: dict[str, Any] = json.loads(message)["push"]["pub"]
            content = pub["data"].encode()
            if pub.get("delta"):
                deltas += 1
                content = apply_delta(last, content)
            last = content
            seen.append(int(json.loads(content).removeprefix(TEXT)))
        assert seen == expected
        return deltas


@pytest.mark.parametrize("seed", range(4))
async def test_every_subscriber_can_read_what_it_gets_in_any_order(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # One turn for every ten subscribers, so that everything else happens in between.
    monkeypatch.setattr(stream, "STRETCH", 10)
    chance, kinds, readers = random.Random(seed), PushKinds([JSON]), dict[str, Reader]()
    gone, published = list[Reader](), list[str]()

    def find(id: str, name: str) -> Receiver | None:
        return readers[id].subscriber if id in readers else None

    async with running(history=1000, queue_messages=1000) as channels:
        channels.running().hub.identities.finders.append(find)
        for number in range(200):
            step = chance.random()
            if len(readers) < 20 or (step < 0.1 and len(readers) < 40):
                name = str(number)
                reader = Reader(channels, kinds, name, chance.random() < 0.5)
                await reader.enter(channels)
                readers[name] = reader
            elif step < 0.15:
                reader = readers.pop(chance.choice(list(readers)))
                channels.running().hub.leave(reader.subscriber)
                gone.append(reader)
            elif step < 0.25:
                sink = readers[chance.choice(list(readers))].sink
                sink.is_stalled = not sink.is_stalled
                if not sink.is_stalled:
                    sink.resume()
            excluded = chance.choice(list(readers)) if chance.random() < 0.3 else "nobody"
            published.append(excluded)
            await channels.publish("room:1", json.dumps(f"{TEXT}{number}"), exclude=excluded)
            await turns(chance.choice([0, 0, 1, 3, 12]))
        for reader in readers.values():
            reader.sink.is_stalled = False
            reader.sink.resume()
        await until(lambda: not topics(channels)["room:1"].stream.is_busy)
        await turns()
        assert sum(reader.check(reader.expected(published)) for reader in readers.values()) > 100
        for reader in gone:
            # It may have left before it received the last of them.
            reader.check(reader.expected(published)[: len(reader.sink.messages)])
        for reader in readers.values():
            channels.running().hub.leave(reader.subscriber)
        await asyncio.sleep(0)
