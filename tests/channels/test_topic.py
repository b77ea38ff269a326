from __future__ import annotations

import pytest

from emmett.channels import Kind, Namespace, Position, Publication
from emmett.channels import topic as module
from emmett.channels.brokers.port import Entry, History
from emmett.channels.envelope import carry, pack
from emmett.channels.stats import Counters
from emmett.channels.stream import ChannelStream
from emmett.channels.topic import MAX_ATTEMPTS, Topic, read_entry


def entry(offset: int | None, epoch: str = "e") -> Entry:
    return Entry(pack(f"{epoch}{offset}"), None if offset is None else Position(epoch, offset))


def history(*offsets: int, epoch: str = "e", top: int | None = None, complete: bool = True) -> History:
    last = top if top is not None else offsets[-1]
    return History([entry(offset, epoch) for offset in offsets], Position(epoch, last), complete)


class Bench:
    """A topic that records what it passes on, and how often it asks for healing."""

    def __init__(self, name: str = "room:1", size: int = 10, top: int = 0) -> None:
        self.asked = 0
        self.counters = Counters()
        self.topic = Topic(name, Namespace("room", history=size), self.counters, self._heal, lambda _: None)
        self.passed: list[str] = []
        self.publications: list[Publication] = []
        self.topic.stream.add = self._add  # type: ignore[method-assign]
        self.topic.listen()
        if self.topic.has_history:
            self.topic.begin(Position("e", top))

    def _heal(self, topic: Topic) -> None:
        self.asked += 1

    def _add(self, publication: Publication, is_extra: bool = False) -> None:
        self.publications.append(publication)
        is_gap = publication.kind is Kind.GAP
        self.passed.append(f"gap {publication.position}" if is_gap else str(publication.data))

    def hear(self, *entries: Entry, channel: str = "room:1") -> None:
        for each in entries:
            assert self.topic.hear(channel, each)


@pytest.fixture(autouse=True)
def _open_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    class OpenStream(ChannelStream):
        """A topic whose methods can be replaced."""

    monkeypatch.setattr(module, "make_stream", OpenStream)


async def test_consecutive_publications_are_passed_on_and_duplicates_are_not() -> None:
    bench = Bench(top=2)
    bench.hear(entry(2), entry(3), entry(3), entry(None), entry(4), entry(1))
    assert (bench.passed, bench.asked) == (["e3", "eNone", "e4"], 0)
    assert bench.topic.position == Position("e", 4)


async def test_missing_publications_are_inserted_in_order() -> None:
    bench = Bench()
    bench.hear(entry(1), entry(4), entry(None), entry(5))
    assert (bench.passed, bench.asked, bench.topic.is_healing) == (["e1"], 1, True)
    bench.topic.heal_with(history(2, 3, 4))
    assert bench.passed == ["e1", "e2", "e3", "e4", "eNone", "e5"]
    assert (bench.counters.healed, bench.counters.gaps) == (1, 0)
    assert not bench.topic.is_healing


async def test_publications_no_longer_in_the_history_are_reported_as_a_gap() -> None:
    bench = Bench()
    bench.hear(entry(1), entry(9))
    bench.topic.heal_with(history(7, 8, 9, complete=False))
    assert bench.passed == ["e1", "gap e:6", "e7", "e8", "e9"]
    nothing = Bench()
    nothing.hear(entry(1), entry(9))
    nothing.topic.heal_with(history(top=9, complete=False))
    nothing.hear(entry(10))
    assert nothing.passed == ["e1", "gap e:9", "e10"]


async def test_another_epoch_is_reported_as_a_gap() -> None:
    bench = Bench()
    bench.hear(entry(1), entry(2, "f"))
    assert bench.asked == 1
    bench.topic.heal_with(history(1, 2, 3, epoch="f", complete=False))
    bench.hear(entry(3, "f"), entry(4, "f"))
    assert bench.passed == ["e1", "gap f:0", "f1", "f2", "f3", "f4"]


async def test_a_history_with_a_hole_is_reported_as_a_gap() -> None:
    bench = Bench()
    bench.hear(entry(5))
    bench.topic.heal_with(history(1, 4, 5))
    assert bench.passed == ["e1", "gap e:3", "e4", "e5"]


async def test_a_lagging_history_is_read_a_few_times_before_the_gap_is_reported() -> None:
    bench = Bench()
    bench.hear(entry(3))
    for _ in range(MAX_ATTEMPTS):
        assert bench.topic.is_healing
        bench.topic.heal_with(history(top=0))
    assert (bench.passed, bench.asked) == (["gap e:2", "e3"], MAX_ATTEMPTS)
    assert not bench.topic.is_healing


async def test_after_repeated_failures_of_reading_the_gap_is_reported() -> None:
    bench = Bench()
    bench.hear(entry(3), entry(4))
    assert [bench.topic.fail() for _ in range(MAX_ATTEMPTS)] == [True] * (MAX_ATTEMPTS - 1) + [False]
    assert bench.passed == ["gap e:2", "e3", "e4"]


async def test_publications_do_not_wait_if_none_is_known_to_be_missing() -> None:
    bench = Bench()
    bench.topic.hold()
    assert bench.topic.fail()
    bench.hear(entry(1))
    assert bench.passed == ["e1"]


async def test_before_listening_nothing_counts_and_before_beginning_everything_is_held() -> None:
    bench = Bench()
    topic = Topic("room:1", Namespace("room", history=10), Counters(), bench._heal, lambda _: None)
    topic.stream.add = bench._add  # type: ignore[method-assign]
    topic.hear("room:1", entry(1))
    topic.listen()
    topic.hear("room:1", entry(2))
    topic.hear("room:1", entry(3))
    topic.begin(Position("e", 2))
    assert bench.passed == ["e3"]
    assert topic.is_level_with(Position("e", 3))
    assert not topic.is_level_with(Position("e", 4))
    assert not topic.is_level_with(Position("f", 1))


async def test_the_history_is_read_again_if_too_much_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_HELD", 2)
    bench = Bench()
    bench.topic.is_healing = True
    bench.topic.hold()
    bench.hear(*(entry(number) for number in range(1, 6)))
    bench.topic.heal_with(history(1, 2))
    # 1 to 4 were dropped; 5 shows that they are missing.
    assert (bench.passed, bench.asked) == (["e1", "e2"], 1)
    bench.topic.heal_with(history(3, 4, 5))
    assert bench.passed == ["e1", "e2", "e3", "e4", "e5"]


async def test_hostile_bytes_are_rejected_and_leave_no_gap() -> None:
    bench = Bench()
    assert not bench.topic.hear("room:1", Entry(b"\x80\x04cposix\nsystem\n", Position("e", 1)))
    bench.hear(entry(2))
    assert (bench.passed, bench.asked) == (["e2"], 0)
    for payload in (b"", b"t\xff", b"j[]", b"l", b"x"):
        assert read_entry("room:1", Entry(payload, None)) is None
    bench.topic.is_healing = True
    bench.topic.hold()
    bench.topic.heal_with(History([Entry(b"x", Position("e", 3))], Position("e", 3), True))
    assert bench.counters.rejected == 1


async def test_a_pattern_reports_gaps_of_the_channels_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PLACES", 2)
    bench = Bench("room:*")
    bench.hear(entry(5), entry(5), entry(6), entry(9), channel="room:1")
    bench.hear(entry(1), channel="room:2")
    assert bench.passed == ["e5", "e6", "gap e:8", "e9", "e1"]
    assert bench.publications[2].channel == "room:1"
    bench.hear(entry(1), channel="room:3")
    bench.hear(entry(20), channel="room:1")
    assert len(bench.topic._places) == 2
    assert bench.passed[-2:] == ["e1", "e20"]


async def test_without_history_a_possible_loss_is_reported() -> None:
    bench = Bench(size=0)
    bench.topic.miss()
    bench.hear(entry(None))
    assert bench.passed == ["gap None", "eNone"]


def test_nested_carriers_are_rejected() -> None:
    assert read_entry("room", Entry(carry(b"tx", {"a": "b"}), None)) == ("room", "x", Kind.MESSAGE, None, None)
    assert read_entry("room", Entry(carry(carry(b"tx", {"a": "b"}), {"a": "b"}), None)) is None
    assert read_entry("room", Entry(carry(b"?", {"a": "b"}), None)) is None
