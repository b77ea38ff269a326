from __future__ import annotations

import logging

import pytest

from emmett.channels import Kind, Namespace, Position, Publication, data_only
from emmett.channels import catch_up as module
from emmett.channels.catch_up import CatchUp
from emmett.channels.feed import Feed
from emmett.channels.parcel import Parcel
from emmett.channels.sink import Batch
from emmett.channels.stats import Counters
from emmett.rare_log import RareLog

ROOM = Namespace("room", history=10)


def at(offset: int, epoch: str = "e") -> Position:
    return Position(epoch, offset)


def message(offset: int, epoch: str = "e") -> Publication:
    return Publication("room:1", f"{epoch}{offset}", Kind.MESSAGE, at(offset, epoch))


def gap(offset: int, epoch: str = "e") -> Publication:
    return Publication("room:1", "", Kind.GAP, at(offset, epoch))


class PatientFeed(Feed):
    """A feed that a test can make behave like a socket."""

    def hold(self, parcel: Parcel) -> None:
        pass


class Bench:
    """A subscriber that is catching up."""

    def __init__(self, start: int, last: int | None = None) -> None:
        self.feed = PatientFeed(Counters(), lambda receiver: None, RareLog(logging.getLogger("emmett.channels")))
        self.batches: list[Batch] = []
        self.catch_up = CatchUp(self.feed, "room:1", ROOM, at(start), None if last is None else at(last))

    def finish(self, publications: list[Publication], top: Position, is_complete: bool) -> None:
        """Deliver a history of one page."""
        self.catch_up.add_page(publications, top, is_complete)
        self.catch_up.finish(top)

    async def read(self) -> list[Publication]:
        self.feed.finish()
        found = []
        try:
            while True:
                found.append(await self.feed.next())
        except StopAsyncIteration:
            return found


async def test_history_comes_first_then_live_publications_without_duplicates() -> None:
    bench = Bench(start=3)
    bench.catch_up.add([message(4), message(5)], False)
    bench.finish([message(2), message(3), message(4)], at(4), True)
    bench.catch_up.add([message(5), message(6)], False)
    assert await bench.read() == [message(number) for number in range(2, 7)]
    assert bench.catch_up.is_level_with(at(6))
    assert not bench.catch_up.is_level_with(at(5))
    assert not bench.catch_up.is_level_with(at(9, "f"))


async def test_a_history_that_is_ahead_of_the_stream() -> None:
    bench = Bench(start=3)
    bench.finish([message(4), message(5)], at(5), True)
    bench.catch_up.add([message(4), message(5), Publication("room:1", "{}", Kind.JOIN), message(6)], False)
    assert [each.data for each in await bench.read()] == ["e4", "e5", "{}", "e6"]


async def test_a_history_that_is_older_than_the_stream_is_not_enough() -> None:
    bench = Bench(start=5)
    assert not bench.catch_up.is_past(at(4))
    assert bench.catch_up.is_past(at(5))
    assert bench.catch_up.is_past(at(1, "f"))


async def test_missed_publications_come_before_later_ones() -> None:
    bench = Bench(start=9)
    bench.finish([message(7), message(8), message(9)], at(9), False)
    assert await bench.read() == [gap(6), message(7), message(8), message(9)]
    assert not bench.catch_up.is_complete
    empty = Bench(start=9)
    empty.finish([], at(9), False)
    assert await empty.read() == [gap(9)]


async def test_a_socket_without_gaps_is_not_closed_for_a_gap_in_what_it_asked_for() -> None:
    bench = Bench(start=0)
    bench.feed.encode = data_only
    bench.feed.take = bench.batches.append  # type: ignore[assignment]
    bench.finish([message(7)], at(7), False)
    assert [batch.messages for batch in bench.batches] == [["e7"]]


async def test_the_epoch_may_change_while_the_history_is_read() -> None:
    """The stream is still in the old epoch, the history already in the new one, without the requested publications."""
    bench = Bench(start=3)
    bench.catch_up.add([message(4), gap(0, "f"), message(1, "f")], False)
    bench.finish([message(1, "f"), message(2, "f")], at(2, "f"), False)
    bench.catch_up.add([message(2, "f"), message(3, "f")], False)
    assert await bench.read() == [gap(0, "f"), message(1, "f"), message(2, "f"), message(3, "f")]


async def test_the_epoch_may_change_after_the_history_was_read() -> None:
    bench = Bench(start=3)
    bench.catch_up.add([message(4), gap(0, "f"), message(1, "f")], False)
    bench.finish([message(4)], at(4), True)
    assert await bench.read() == [message(4), gap(0, "f"), message(1, "f")]


async def test_with_too_many_live_publications_the_history_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    bench = Bench(start=0)
    bench.catch_up.add([message(1), message(2), message(3)], False)
    assert not bench.catch_up.is_past(at(2))
    bench.catch_up.again(at(3))
    assert not bench.catch_up.is_past(at(2))
    assert bench.catch_up.is_past(at(3))
    bench.finish([message(1), message(2), message(3)], at(3), True)
    assert await bench.read() == [message(1), message(2), message(3)]


async def test_a_hole_between_two_pages_is_a_gap() -> None:
    bench = Bench(start=9)
    bench.catch_up.add([message(10)], False)
    bench.catch_up.add_page([message(2), message(3)], at(9), True)
    assert bench.catch_up.last is None
    # Trimmed while the socket was taking the first page.
    bench.catch_up.add_page([message(6), message(7)], at(9), False)
    bench.catch_up.add_page([message(8), message(9)], at(9), True)
    bench.catch_up.finish(at(9))
    assert await bench.read() == [
        *(message(2), message(3), gap(5)),
        *(message(number) for number in range(6, 11)),
    ]
    assert bench.catch_up.read == 6
    assert not bench.catch_up.is_complete


async def test_a_hole_between_the_history_and_live_publications_is_a_gap() -> None:
    bench = Bench(start=6)
    bench.catch_up.add([message(7), message(8)], False)
    bench.catch_up.add_page([message(3)], at(3), True)
    bench.catch_up.finish(at(3), is_complete=False)
    assert await bench.read() == [message(3), gap(6), message(7), message(8)]
    assert not bench.catch_up.is_complete
