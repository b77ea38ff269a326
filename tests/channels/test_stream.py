from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett.channels import Kind, Namespace, Position, Publication, as_json, data_only
from emmett.channels import stream as module
from emmett.channels.catch_up import CatchUp
from emmett.channels.encoding import Encode
from emmett.channels.parcel import Parcel
from emmett.channels.receiver import Receiver
from emmett.channels.stats import Counters
from emmett.channels.stream import STRETCH, ChannelStream
from tests.channels.kit import turns, until

ROOM = Namespace("room", history=10)


class Recording(Receiver):
    def __init__(self, encode: Encode | None = None) -> None:
        super().__init__(encode, Counters(), lambda receiver: None)
        self.got: list[Any] = []
        self.take = self._take

    def _take(self, content: Any) -> bool:
        self.got.append(content)
        return True

    def hold(self, parcel: Parcel) -> None:
        raise AssertionError

    @property
    def data(self) -> list[list[object]]:
        """Return the data of each parcel."""
        return [[each.data for each, _ in parcel.items] for parcel in self.got]


def make() -> ChannelStream:
    return ChannelStream("room:1", ROOM, Counters())


def message(offset: int, channel: str = "room:1") -> Publication:
    return Publication(channel, str(offset), Kind.MESSAGE, Position("e", offset))


async def test_publications_of_one_turn_are_one_batch_that_is_encoded_once() -> None:
    stream = make()
    encoded: list[Publication] = []

    def encode(publication: Publication) -> str:
        encoded.append(publication)
        return as_json(publication)

    receivers = [Recording(encode), Recording(encode), Recording(data_only), Recording(None)]
    for receiver in receivers:
        stream.join(receiver)
    for number in range(1, 33):
        stream.add(message(number))
    assert not any(receiver.got for receiver in receivers)
    await until(lambda: not stream.is_busy)
    assert [len(receiver.got) for receiver in receivers] == [1, 1, 1, 1]
    assert receivers[0].got[0] is receivers[1].got[0]
    assert len(encoded) == 32
    assert receivers[2].got[0].messages == [str(number) for number in range(1, 33)]
    assert stream.done == Position("e", 32)
    assert len(stream) == 4


async def test_ten_thousand_subscribers_are_served_in_stretches_and_in_order() -> None:
    stream = make()
    receivers = [Recording() for _ in range(10_000)]
    for receiver in receivers:
        stream.join(receiver)
    stream.add(message(1))
    served: list[int] = []
    while not receivers[-1].got:
        await asyncio.sleep(0)
        served.append(sum(bool(receiver.got) for receiver in receivers))
        # More publications arrive while the first one is being delivered.
        stream.add(message(len(served) + 1))
    assert max(after - before for before, after in zip([0, *served], served, strict=False)) <= STRETCH
    assert all(len(receiver.got) <= 1 for receiver in receivers)
    await until(lambda: not stream.is_busy)
    expected = [["1"], [str(number + 1) for number in range(1, len(served) + 1)]]
    assert all(receiver.data == expected for receiver in receivers)


async def test_a_leaving_subscriber_gets_nothing_more_and_a_new_one_gets_the_next() -> None:
    stream = make()
    receivers = [Recording() for _ in range(STRETCH * 2)]
    for receiver in receivers:
        stream.join(receiver)
    stream.add(message(1))
    await until(lambda: receivers[0].got)
    stream.leave(receivers[-1])
    receivers[-1].left()
    late = Recording()
    stream.join(late)
    stream.add(message(2))
    await until(lambda: not stream.is_busy)
    assert receivers[-1].got == []
    assert late.data == [["2"]]
    assert receivers[-2].data == [["1"], ["2"]]


async def test_a_subscriber_that_has_caught_up_becomes_live() -> None:
    stream = make()
    receiver = Recording()
    stream.join_catching_up(receiver, CatchUp(receiver, "room:1", ROOM, Position("e", 1), Position("e", 2)))
    for number in range(1, 4):
        stream.add(message(number))
        await until(lambda: not stream.is_busy)
    assert receiver.data == [["3"]]
    assert (stream.catching_up, stream.receivers()) == ({}, [receiver])
    stream.leave(receiver)
    assert (len(stream), stream.groups) == (0, {})


async def test_a_channel_may_be_excepted_from_a_pattern() -> None:
    stream = ChannelStream("room:*", ROOM, Counters())
    both, only = Recording(), Recording()
    stream.join(both)
    stream.join(only)
    stream.make_exception("room:1", both)
    stream.add(message(1))
    stream.add(message(2, "room:2"))
    await until(lambda: not stream.is_busy)
    assert (both.data, only.data) == ([["2"]], [["1", "2"]])
    stream.leave(both)
    assert stream._excepted == {}


@pytest.mark.parametrize("bound", ["MAX_PENDING", "MAX_PENDING_SIZE"])
async def test_publications_beyond_the_limit_are_a_gap(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, bound, 3)
    stream = make()
    receiver = Recording()
    stream.join(receiver)
    for number in range(1, 6):
        stream.add(message(number))
    await until(lambda: not stream.is_busy)
    gap, last = (publication for publication, _ in receiver.got[0].items)
    assert (gap.kind, gap.position) == (Kind.GAP, Position("e", 4))
    assert last == message(5)


async def test_stop_drops_pending_publications() -> None:
    stream = make()
    receiver = Recording()
    stream.join(receiver)
    stream.add(message(1))
    stream.stop()
    await turns()
    assert receiver.got == []
    assert not stream.is_busy
