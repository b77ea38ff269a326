"""What a delivery does with each receiver; feeds and outlets have tests of their own."""

from __future__ import annotations

from typing import Any

from emmett.channels import Namespace, Publication, data_only
from emmett.channels.encoding import Encode
from emmett.channels.parcel import Parcel
from emmett.channels.receiver import Receiver, deliver
from emmett.channels.sink import Batch
from emmett.channels.stats import Counters

ROOM = Namespace("room")


class Recording(Receiver):
    def __init__(self, encode: Encode | None, answer: bool | Exception) -> None:
        super().__init__(encode, Counters(), lambda receiver: None)
        self.got: list[Any] = []
        self.answer = answer
        self.take = self._take

    def _take(self, content: Any) -> bool:
        self.got.append(content)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def hold(self, parcel: Parcel) -> None:
        self.got.append(("hold", parcel))

    def fail(self, error: Exception) -> None:
        self.got.append(("fail", error))

    def cut(self) -> None:
        self.got.append("cut")


def test_all_receivers_get_the_same_batch_even_if_one_fails() -> None:
    parcel = Parcel(ROOM, [Publication("room:1", "a")], data_only, False)
    error = ValueError()
    receivers = [Recording(data_only, answer) for answer in (True, False, error, True)]
    counters = Counters()
    deliver(parcel, receivers, counters)
    batch = parcel.batch
    assert isinstance(batch, Batch)
    assert [each.got for each in receivers] == [[batch], [batch, ("hold", parcel)], [batch, ("fail", error)], [batch]]
    assert counters.delivered == 4


def test_a_feed_gets_the_parcel_and_empty_parcels_are_not_delivered() -> None:
    parcel = Parcel(ROOM, [Publication("room:1", "a")], None, False)
    feed = Recording(None, True)
    deliver(parcel, [feed], Counters())
    assert feed.got == [parcel]
    socket = Recording(data_only, True)
    deliver(Parcel(ROOM, [], data_only, False), [socket], Counters())
    assert socket.got == []


def test_a_receiver_that_has_left_gets_nothing() -> None:
    receiver = Recording(data_only, True)
    receiver.left()
    receiver.receive(ROOM, [Publication("room:1", "a")], False)
    deliver(Parcel(ROOM, [Publication("room:1", "a")], data_only, False), [receiver], Counters())
    assert receiver.got == []
