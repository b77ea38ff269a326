from __future__ import annotations

from typing import Any

import pytest

from emmett.centrifuge.recovery import FAILED, newest_missed, read_missed
from emmett.channels import Position, Publication
from emmett.channels.brokers.port import Entry, History, Limits

LIMITS = Limits(100, 60)
TOP = Position("e", 10)


class Log:
    """A history with some offsets, read in pages."""

    def __init__(self, *offsets: int, page: int = 3, top: Position = TOP) -> None:
        self.offsets = offsets
        self.size = page
        self.top = top
        self.reads: list[Any] = []

    async def page(self, channel: str, since: Position, limits: Limits, is_first: bool) -> History:
        self.reads.append((since.offset, is_first))
        found = [each for each in self.offsets if each > since.offset][: self.size]
        is_complete = not self.offsets or self.offsets[0] <= since.offset + 1
        return History([Entry(b"t%d" % each, Position("e", each)) for each in found], self.top, is_complete)


async def missed(log: Log, since: Position, most: int = 100, top: Position = TOP) -> Any:
    found = await read_missed(log, "room", LIMITS, since, top, most)
    return found.recovered, [each.position.offset for each in found.publications if each.position is not None]


@pytest.mark.parametrize("epoch", ["e", ""])
async def test_everything_after_the_position_is_read_page_by_page(epoch: str) -> None:
    log = Log(*range(1, 13))
    assert await missed(log, Position(epoch, 4)) == (True, [5, 6, 7, 8, 9, 10])
    assert log.reads == [(4, True), (7, False)]


async def test_publications_delivered_live_are_not_read() -> None:
    assert await missed(Log(*range(1, 20), page=50), Position("e", 9)) == (True, [10])


async def test_nothing_is_read_if_nothing_was_missed() -> None:
    log = Log(*range(1, 11))
    assert await missed(log, TOP) == (True, [])
    assert log.reads == []


@pytest.mark.parametrize(
    ("log", "since"),
    [
        (Log(*range(1, 11)), Position("other", 4)),
        (Log(*range(1, 11)), Position("e", 11)),
        (Log(*range(6, 11)), Position("e", 4)),
        (Log(5, 6, 8, 9, 10), Position("e", 4)),
        (Log(*range(1, 11), top=Position("new", 3)), Position("e", 4)),
    ],
    ids=["another epoch", "the future", "trimmed", "a hole", "a new life meanwhile"],
)
async def test_an_incomplete_history_is_not_recovered_in_part(log: Log, since: Position) -> None:
    assert await missed(log, since) == FAILED


async def test_too_many_publications_are_not_recovered() -> None:
    log = Log(*range(1, 11))
    assert await missed(log, Position("e", 0), most=9) == FAILED
    assert log.reads == []


async def test_a_lagging_replica_is_read_again_but_not_forever() -> None:
    log = Log()
    assert await missed(log, Position("e", 4)) == FAILED
    assert len(log.reads) == 3


def test_the_newest_publication_is_sent_only_if_it_is_new() -> None:
    newest = Publication("price", "7", position=TOP)
    assert newest_missed(newest, Position("e", 4), TOP) == (True, [newest])
    assert newest_missed(newest, Position("old", 10), TOP) == (True, [newest])
    assert newest_missed(newest, TOP, TOP) == (True, [])
    assert newest_missed(None, Position("e", 4), TOP) == FAILED
